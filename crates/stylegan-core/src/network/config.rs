//! Which network: the configurations of all architectures under one tag.

use super::spec::MapSpec;
use crate::pggan::{PgganConfig, PgganDiscriminator, PgganDiscriminatorConfig, PgganGenerator};
use crate::pix2pixhd::{Pix2PixHdConfig, Pix2PixHdGenerator};
use crate::psp::PspConfig;
use crate::segmenter::SegmenterConfig;
use crate::spade::{
    MultiscaleDiscriminator, MultiscaleDiscriminatorConfig, SpadeConfig, SpadeEncoderConfig, SpadeGenerator,
};
use crate::stylegan1::{StyleGan1Config, StyleGan1Discriminator, StyleGan1DiscriminatorConfig, StyleGan1Generator};
use crate::stylegan2::{StyleGan2Config, StyleGan2Discriminator, StyleGan2DiscriminatorConfig, StyleGan2Generator};
use crate::{Discriminator, Generator, Result};
use candle_nn::VarBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A generator's architecture (`architecture = "stylegan1" | "stylegan2" | "pggan" | "spade" | "pix2pixhd"`) and
/// configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "architecture", rename_all = "lowercase")]
pub enum GeneratorConfig {
    /// StyleGAN, configurations B to F of its Table 1.
    StyleGan1(StyleGan1Config),
    /// StyleGAN2 and StyleGAN2-ADA.
    StyleGan2(StyleGan2Config),
    /// Progressive GAN, configuration A.
    Pggan(PgganConfig),
    /// SPADE / GauGAN, which paints maps.
    Spade(SpadeConfig),
    /// pix2pixHD and the variants that SPADE is compared with, which paint maps.
    Pix2PixHd(Pix2PixHdConfig),
}

/// A discriminator's architecture (`architecture = "stylegan1" | "stylegan2" | "pggan" | "multiscale-patch"`) and
/// configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "architecture", rename_all = "lowercase")]
pub enum DiscriminatorConfig {
    /// StyleGAN.
    StyleGan1(StyleGan1DiscriminatorConfig),
    /// StyleGAN2 and StyleGAN2-ADA.
    StyleGan2(StyleGan2DiscriminatorConfig),
    /// Progressive GAN.
    Pggan(PgganDiscriminatorConfig),
    /// That of pix2pixHD and SPADE, which judges maps and pictures together.
    #[serde(rename = "multiscale-patch")]
    MultiscalePatch(MultiscaleDiscriminatorConfig),
}

/// An encoder's architecture (`architecture = "spade" | "psp"`) and configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "architecture", rename_all = "lowercase")]
pub enum EncoderConfig {
    /// The image encoder of SPADE.
    Spade(SpadeEncoderConfig),
    /// pSp and its kin, which find the styles of pictures.
    Psp(PspConfig),
}

/// A network of a checkpoint: its role, architecture and full configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "network", rename_all = "lowercase")]
pub enum NetworkConfig {
    /// Under the keys `G` and `G_ema`.
    Generator(GeneratorConfig),
    /// Under the key `D`.
    Discriminator(DiscriminatorConfig),
    /// Under the key `E`.
    Encoder(EncoderConfig),
    /// Under the key `S`.
    Segmenter(SegmenterConfig),
}

/// The fields that all architectures share.
macro_rules! shared_fields {
    ($config:ident: $($variant:ident($c:ident) => $c_dim:expr),*) => {
        impl $config {
            /// Height and width of pictures, in pixels.
            pub fn img_size(&self) -> [usize; 2] {
                match self { $(Self::$variant(config) => config.img_size,)* }
            }

            /// Channels of pictures.
            pub fn img_channels(&self) -> usize {
                match self { $(Self::$variant(config) => config.img_channels,)* }
            }

            /// Width of the label, 0 for none.
            pub fn c_dim(&self) -> usize {
                match self { $(Self::$variant($c) => $c_dim,)* }
            }

            /// Checks that the fields describe a network.
            ///
            /// # Errors
            /// [`Error::Config`](crate::Error::Config) naming the field.
            pub fn validate(&self) -> Result<()> {
                match self { $(Self::$variant(config) => config.validate(),)* }
            }
        }
    };
}
shared_fields!(GeneratorConfig: StyleGan1(c) => c.c_dim, StyleGan2(c) => c.c_dim, Pggan(c) => c.c_dim, Spade(_c) => 0, Pix2PixHd(_c) => 0);
shared_fields!(DiscriminatorConfig: StyleGan1(c) => c.c_dim, StyleGan2(c) => c.c_dim, Pggan(c) => c.c_dim, MultiscalePatch(_c) => 0);

impl GeneratorConfig {
    /// What the architecture is called in text.
    pub fn title(&self) -> &'static str {
        match self {
            Self::StyleGan1(_) => "StyleGAN",
            Self::StyleGan2(_) => "StyleGAN2",
            Self::Pggan(_) => "Progressive GAN",
            Self::Spade(_) => "SPADE",
            Self::Pix2PixHd(_) => "pix2pixHD",
        }
    }

    /// What the maps that it paints say; `None` for networks that take none.
    pub fn map(&self) -> Option<MapSpec> {
        match self {
            Self::Spade(config) => Some(MapSpec { classes: config.classes, edges: config.edges }),
            Self::Pix2PixHd(config) => Some(MapSpec { classes: config.classes, edges: config.edges }),
            Self::StyleGan1(_) | Self::StyleGan2(_) | Self::Pggan(_) => None,
        }
    }
}

impl DiscriminatorConfig {
    /// Samples per group of the minibatch standard deviation, 0 without that layer.
    pub fn mbstd_group(&self) -> usize {
        match self {
            Self::StyleGan1(config) => config.mbstd_group,
            Self::StyleGan2(config) => config.mbstd_group,
            Self::Pggan(config) => config.mbstd_group,
            Self::MultiscalePatch(_) => 0,
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
        GeneratorConfig::Spade(config) => Box::new(SpadeGenerator::new(config, vb)?),
        GeneratorConfig::Pix2PixHd(config) => Box::new(Pix2PixHdGenerator::new(config, vb)?),
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
        DiscriminatorConfig::MultiscalePatch(config) => Box::new(MultiscaleDiscriminator::new(config, vb)?),
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
