//! SPADE / GauGAN: "Semantic Image Synthesis with Spatially-Adaptive Normalization", Park, Liu, Wang
//! and Zhu, CVPR 2019, <https://arxiv.org/abs/1903.07291>.
//!
//! Module paths are the names of the official code: `head_0.norm_0.mlp_shared.0.weight`,
//! `up_0.conv_s.weight_orig`, `discriminator_0.model1.0.0.weight_u`, `fc_mu.weight`.

mod block;
mod conditioning;
mod config;
mod discriminator;
mod discriminator_config;
mod encoder;
mod encoder_config;
mod generator;
mod norm;

pub use conditioning::Conditioning;
pub(crate) use conditioning::{ConditionedNorm, NormOptions};
pub(crate) use config::check_kernel;
pub use config::{Depth, SpadeConfig};
pub use discriminator::MultiscaleDiscriminator;
pub use discriminator_config::MultiscaleDiscriminatorConfig;
pub use encoder::{GaussianCode, SpadeEncoder};
pub use encoder_config::SpadeEncoderConfig;
pub use generator::SpadeGenerator;
