//! How a map reaches the layers of a generator.

use super::norm::SpadeNorm;
use crate::Result;
use crate::layers::{Mode, Norm, NormKind, SemanticMap};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_kernels::Activation;

/// How a map reaches the layers of a generator (Park et al. 2019, section 4.3 and table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Conditioning {
    /// Through the scales and shifts of spatially adaptive normalisations.
    Spade,
    /// Joined to what enters the layers ("w/ Concat"); normalisations are plain.
    Concat,
    /// Through the first layer alone.
    Input,
}

/// What a [`ConditionedNorm`] is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NormOptions {
    pub conditioning: Conditioning,
    pub kind: NormKind,
    /// Channels of the map.
    pub map_channels: usize,
    /// Channels between the two convolutions of SPADE.
    pub hidden: usize,
    /// Side of their kernels.
    pub kernel: usize,
}

/// The normalisation of a layer, with or without a map.
#[derive(Debug, Clone)]
pub(crate) enum ConditionedNorm {
    Spade(Box<SpadeNorm>),
    Plain(Norm),
}

impl ConditionedNorm {
    pub(crate) fn new(options: NormOptions, channels: usize, vb: VarBuilder) -> Result<Self> {
        let NormOptions { conditioning, kind, map_channels, hidden, kernel } = options;
        Ok(match conditioning {
            Conditioning::Spade => {
                Self::Spade(SpadeNorm::new(kind, channels, map_channels, hidden, kernel, vb)?.into())
            }
            Conditioning::Concat | Conditioning::Input => Self::Plain(Norm::new(kind, channels, vb)?),
        })
    }

    /// `x` `[n, channels, h, w]` with maps of its size, then leaky ReLU of this slope (1 for none, 0 for ReLU).
    pub(crate) fn forward(&self, x: &Tensor, map: &SemanticMap, mode: Mode, slope: f64) -> Result<Tensor> {
        match self {
            Self::Spade(norm) => norm.forward(x, map, mode, slope),
            Self::Plain(norm) => norm.forward(x, mode, Activation::Leaky(slope)),
        }
    }
}
