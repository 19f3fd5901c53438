//! StyleGAN: "A Style-Based Generator Architecture for Generative Adversarial Networks", Karras,
//! Laine and Aila, CVPR 2019, <https://arxiv.org/abs/1812.04948>.

mod config;
mod discriminator;
mod generator;
mod mapping;
mod synthesis;

pub use config::{StyleGan1Config, StyleGan1DiscriminatorConfig};
pub use discriminator::StyleGan1Discriminator;
pub use generator::StyleGan1Generator;
pub use mapping::StyleGan1Mapping;
pub use synthesis::StyleGan1Synthesis;
