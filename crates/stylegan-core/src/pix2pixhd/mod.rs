//! pix2pixHD's generator: "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
//! GANs", Wang, Liu, Zhu, Tao, Kautz and Catanzaro, CVPR 2018, <https://arxiv.org/abs/1711.11585>; and the
//! variants that SPADE is measured against (Park et al. 2019, table 3). Its discriminator is
//! [`MultiscaleDiscriminator`](crate::spade::MultiscaleDiscriminator).

mod config;
mod generator;
mod layer;

pub use config::Pix2PixHdConfig;
pub use generator::Pix2PixHdGenerator;
