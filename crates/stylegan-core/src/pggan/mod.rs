//! Progressive GAN: "Progressive Growing of GANs for Improved Quality, Stability, and Variation",
//! Karras, Aila, Laine and Lehtinen, ICLR 2018, <https://arxiv.org/abs/1710.10196>.

mod config;
mod discriminator;
mod generator;

pub use config::{PgganConfig, PgganDiscriminatorConfig};
pub use discriminator::PgganDiscriminator;
pub use generator::PgganGenerator;
