//! Generators of label maps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_core::GeneratorConfig;
use stylegan_core::layers::NormKind;
use stylegan_core::pix2pixhd::Pix2PixHdConfig;
use stylegan_core::spade::SpadeConfig;

/// A generator that paints label maps (`architecture = "spade" | "pix2pixhd"`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "architecture", rename_all = "lowercase")]
pub enum PainterConfig {
    /// SPADE / GauGAN.
    Spade(SpadeConfig),
    /// pix2pixHD and the variants that SPADE is compared with.
    Pix2PixHd(Pix2PixHdConfig),
}

impl Default for PainterConfig {
    /// The network for COCO-Stuff.
    fn default() -> Self {
        Self::Spade(SpadeConfig::default())
    }
}

impl PainterConfig {
    /// The configuration among those of all generators.
    pub fn network(&self) -> GeneratorConfig {
        match self {
            Self::Spade(config) => GeneratorConfig::Spade(config.clone()),
            Self::Pix2PixHd(config) => GeneratorConfig::Pix2PixHd(config.clone()),
        }
    }

    /// Classes of the map, and whether a channel of edges between instances comes with them.
    pub fn map(&self) -> (usize, bool) {
        match self {
            Self::Spade(config) => (config.classes, config.edges),
            Self::Pix2PixHd(config) => (config.classes, config.edges),
        }
    }

    /// Width of the latent, 0 where there is none.
    pub fn z_dim(&self) -> usize {
        match self {
            Self::Spade(config) => config.z_dim,
            Self::Pix2PixHd(_) => 0,
        }
    }

    /// Whether a normalisation looks at the whole batch.
    pub fn has_batch_norm(&self) -> bool {
        let (Self::Spade(SpadeConfig { norm, .. }) | Self::Pix2PixHd(Pix2PixHdConfig { norm, .. })) = self;
        *norm == NormKind::Batch
    }
}
