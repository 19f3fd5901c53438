//! Normalisations by name.

use super::batch_norm::BatchNorm;
use super::instance_norm::instance_norm;
use super::mode::Mode;
use crate::Result;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_kernels::{Activation, bias_act};

/// Which numbers a normalisation takes mean and variance of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NormKind {
    /// A channel of the whole batch; running statistics after training.
    Batch,
    /// Each plane.
    Instance,
    /// None: nothing is normalised.
    None,
}

/// A normalisation that no map steers; batch normalisation learns a scale and a shift.
#[derive(Debug, Clone)]
pub(crate) enum Norm {
    Batch(BatchNorm),
    Instance,
    None,
}

impl Norm {
    pub(crate) fn new(kind: NormKind, channels: usize, vb: VarBuilder) -> Result<Self> {
        Ok(match kind {
            NormKind::Batch => Self::Batch(BatchNorm::new(channels, vb)?),
            NormKind::Instance => Self::Instance,
            NormKind::None => Self::None,
        })
    }

    /// `x` `[n, channels, h, w]`, normalised and activated.
    pub(crate) fn forward(&self, x: &Tensor, mode: Mode, act: Activation) -> Result<Tensor> {
        match self {
            Self::Batch(norm) => norm.forward(x, mode, act),
            Self::Instance => instance_norm(x, act),
            Self::None => Ok(bias_act(x, None, act.into())?),
        }
    }
}
