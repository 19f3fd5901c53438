//! Which network: the configurations of all architectures under one tag.

use crate::pggan::{PgganConfig, PgganDiscriminator, PgganDiscriminatorConfig, PgganGenerator};
use crate::stylegan1::{StyleGan1Config, StyleGan1Discriminator, StyleGan1DiscriminatorConfig, StyleGan1Generator};
use crate::stylegan2::{StyleGan2Config, StyleGan2Discriminator, StyleGan2DiscriminatorConfig, StyleGan2Generator};
use crate::{Discriminator, Generator, Result};
use candle_nn::VarBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A generator's architecture (`architecture = "stylegan1" | "stylegan2" | "pggan"`) and configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "architecture", rename_all = "lowercase")]
pub enum GeneratorConfig {
    /// StyleGAN, configurations B to F of its Table 1.
    StyleGan1(StyleGan1Config),
    /// StyleGAN2 and StyleGAN2-ADA.
    StyleGan2(StyleGan2Config),
    /// Progressive GAN, configuration A.
    Pggan(PgganConfig),
}

/// A discriminator's architecture (`architecture = "stylegan1" | "stylegan2" | "pggan"`) and configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "architecture", rename_all = "lowercase")]
pub enum DiscriminatorConfig {
    /// StyleGAN.
    StyleGan1(StyleGan1DiscriminatorConfig),
    /// StyleGAN2 and StyleGAN2-ADA.
    StyleGan2(StyleGan2DiscriminatorConfig),
    /// Progressive GAN.
    Pggan(PgganDiscriminatorConfig),
}

/// A network of a checkpoint: its role, architecture and full configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "network", rename_all = "lowercase")]
pub enum NetworkConfig {
    /// Under the keys `G` and `G_ema`.
    Generator(GeneratorConfig),
    /// Under the key `D`.
    Discriminator(DiscriminatorConfig),
}

/// The fields that all architectures share.
macro_rules! shared_fields {
    ($config:ident) => {
        impl $config {
            /// Height and width of pictures, in pixels.
            pub fn img_size(&self) -> [usize; 2] {
                match self {
                    Self::StyleGan1(config) => config.img_size,
                    Self::StyleGan2(config) => config.img_size,
                    Self::Pggan(config) => config.img_size,
                }
            }

            /// Channels of pictures.
            pub fn img_channels(&self) -> usize {
                match self {
                    Self::StyleGan1(config) => config.img_channels,
                    Self::StyleGan2(config) => config.img_channels,
                    Self::Pggan(config) => config.img_channels,
                }
            }

            /// Width of the label, 0 for none.
            pub fn c_dim(&self) -> usize {
                match self {
                    Self::StyleGan1(config) => config.c_dim,
                    Self::StyleGan2(config) => config.c_dim,
                    Self::Pggan(config) => config.c_dim,
                }
            }

            /// Checks that the fields describe a network.
            ///
            /// # Errors
            /// [`Error::Config`](crate::Error::Config) naming the field.
            pub fn validate(&self) -> Result<()> {
                match self {
                    Self::StyleGan1(config) => config.validate(),
                    Self::StyleGan2(config) => config.validate(),
                    Self::Pggan(config) => config.validate(),
                }
            }
        }
    };
}
shared_fields!(GeneratorConfig);
shared_fields!(DiscriminatorConfig);

impl DiscriminatorConfig {
    /// Samples per group of the minibatch standard deviation, 0 without that layer.
    pub fn mbstd_group(&self) -> usize {
        match self {
            Self::StyleGan1(config) => config.mbstd_group,
            Self::StyleGan2(config) => config.mbstd_group,
            Self::Pggan(config) => config.mbstd_group,
        }
    }
}

/// Builds a generator on the parameters of `vb` (of [`Params`](crate::Params), or any other source
/// with the same names).
///
/// # Errors
/// When the configuration describes no network, or a parameter is missing or of another shape.
pub fn build_generator(config: &GeneratorConfig, vb: VarBuilder) -> Result<Box<dyn Generator>> {
    Ok(match config {
        GeneratorConfig::StyleGan1(config) => Box::new(StyleGan1Generator::new(config, vb)?),
        GeneratorConfig::StyleGan2(config) => Box::new(StyleGan2Generator::new(config, vb)?),
        GeneratorConfig::Pggan(config) => Box::new(PgganGenerator::new(config, vb)?),
    })
}

/// Builds a discriminator, as [`build_generator`] does a generator.
///
/// # Errors
/// As [`build_generator`].
pub fn build_discriminator(config: &DiscriminatorConfig, vb: VarBuilder) -> Result<Box<dyn Discriminator>> {
    Ok(match config {
        DiscriminatorConfig::StyleGan1(config) => Box::new(StyleGan1Discriminator::new(config, vb)?),
        DiscriminatorConfig::StyleGan2(config) => Box::new(StyleGan2Discriminator::new(config, vb)?),
        DiscriminatorConfig::Pggan(config) => Box::new(PgganDiscriminator::new(config, vb)?),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn configs_survive_json_and_refuse_unknown_fields() {
        let config = NetworkConfig::Generator(GeneratorConfig::StyleGan1(StyleGan1Config {
            mapping_lr: 0.1,
            ..StyleGan1Config::default()
        }));
        let json = serde_json::to_string(&config).unwrap();
        assert!(json.starts_with(r#"{"network":"generator","architecture":"stylegan1","img_size":"#), "{json}");
        assert_eq!(serde_json::from_str::<NetworkConfig>(&json).unwrap(), config);
        let error = serde_json::from_str::<GeneratorConfig>(r#"{"architecture":"pggan","z_dims":3}"#).unwrap_err();
        assert!(error.to_string().contains("z_dims"), "{error}");
        let short = serde_json::from_str::<GeneratorConfig>(r#"{"architecture":"stylegan1"}"#).unwrap();
        assert_eq!(short, GeneratorConfig::StyleGan1(StyleGan1Config::default()));
    }
}
