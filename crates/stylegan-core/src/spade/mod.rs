//! SPADE / GauGAN: "Semantic Image Synthesis with Spatially-Adaptive Normalization", Park, Liu, Wang
//! and Zhu, CVPR 2019, <https://arxiv.org/abs/1903.07291>.
//!
//! Module paths are the names of the official code: `head_0.norm_0.mlp_shared.0.weight`,
//! `up_0.conv_s.weight_orig`, `discriminator_0.model1.0.0.weight_u`, `fc_mu.weight`.
//!
//! A map is painted like this, here by random weights; [`Model::load`](crate::Model::load) opens trained ones:
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use stylegan_core::layers::SemanticMap;
//! use stylegan_core::spade::SpadeConfig;
//! use stylegan_core::{Condition, GeneratorConfig, Model, Params, SynthesisOptions, build_generator};
//! use stylegan_kernels::Labels;
//!
//! let small = SpadeConfig { img_size: [32, 32], z_dim: 8, channels: 2, hidden: 4, ..SpadeConfig::default() };
//! let config = GeneratorConfig::Spade(SpadeConfig { classes: 3, edges: false, ..small });
//! let params = Params::new(0, DType::F32, &Device::Cpu);
//! build_generator(&config, params.trainable())?;
//! let model = Model::from_params(config, params)?;
//!
//! // Class 0 above class 2: a number for each pixel, [n, 1, h, w].
//! let classes: Vec<u32> = (0..32 * 32).map(|pixel| if pixel < 20 * 32 { 0 } else { 2 }).collect();
//! let map = SemanticMap::from(Labels::new(&Tensor::from_vec(classes, (1, 1, 32, 32), &Device::Cpu)?, None, 3)?);
//! let ws = model.styles(&model.latents(&[7])?, None)?; // where z_dim is 0, zeros [n, 0, 0] are
//! let options = SynthesisOptions { condition: Condition::Map(&map), ..SynthesisOptions::default() };
//! let picture = model.synthesize(&ws, &options)?; // [n, 3, h, w], for picture::save_images
//! assert_eq!(picture.dims(), [1, 3, 32, 32]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How many classes a trained network knows, and whether it reads edges between instances, is in
//! [`GeneratorConfig::map`](crate::GeneratorConfig::map).

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
