//! Batch normalisation (Ioffe and Szegedy 2015).

use super::mode::Mode;
use crate::Result;
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::{Activation, Statistics, bias_act, modulate::channel_scale, standardize};

/// What is added to variances before the root is taken.
pub(crate) const EPS: f64 = 1e-5;
/// How far running statistics move to those of a batch.
const MOMENTUM: f64 = 0.1;

/// The running statistics of a normalisation: the buffers `running_mean` and `running_var` `[channels]`.
/// In training mode the whole batch is one set of numbers, as under the original's synchronised
/// batch normalisation; the running variance moves towards the unbiased one.
#[derive(Debug, Clone)]
pub(crate) struct RunningStatistics {
    mean: Tensor,
    var: Tensor,
    name: String,
}

impl RunningStatistics {
    pub(crate) fn new(channels: usize, vb: &VarBuilder) -> Result<Self> {
        Ok(Self {
            mean: vb.get_with_hints(channels, "running_mean", Init::Const(0.))?,
            var: vb.get_with_hints(channels, "running_var", Init::Const(1.))?,
            name: vb.prefix(),
        })
    }

    /// What `x` `[n, channels, h, w]` is to be normalised by.
    pub(crate) fn of(&self, x: &Tensor, mode: Mode) -> Result<Statistics> {
        let Mode::Train(updates) = mode else {
            return Ok(Statistics::fixed(&self.mean, &self.var)?);
        };
        let statistics = Statistics::batch(x)?;
        let (dtype, device) = (self.mean.dtype(), self.mean.device());
        let new = [
            ("running_mean", &self.mean, statistics.mean(dtype, device)?),
            ("running_var", &self.var, statistics.unbiased_variance(dtype, device)?),
        ];
        for (part, old, batch) in new {
            let name = if self.name.is_empty() { part.to_owned() } else { format!("{}.{part}", self.name) };
            updates.note(name, ((old * (1. - MOMENTUM))? + (batch * MOMENTUM)?)?);
        }
        Ok(statistics)
    }
}

/// Batch normalisation with a learned scale `weight` and shift `bias` of each channel.
#[derive(Debug, Clone)]
pub(crate) struct BatchNorm {
    statistics: RunningStatistics,
    weight: Tensor,
    bias: Tensor,
}

impl BatchNorm {
    /// `weight`, `bias`, `running_mean` and `running_var` `[channels]` of `vb`.
    pub(crate) fn new(channels: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            statistics: RunningStatistics::new(channels, &vb)?,
            weight: vb.get_with_hints(channels, "weight", Init::Const(1.))?,
            bias: vb.get_with_hints(channels, "bias", Init::Const(0.))?,
        })
    }

    /// The factor and the summand `[channels]` that running statistics come to, for what can fold them in.
    pub(crate) fn affine(&self) -> Result<(Tensor, Tensor)> {
        let RunningStatistics { mean, var, .. } = &self.statistics;
        let scale = (&self.weight / (var + EPS)?.sqrt()?)?;
        let shift = (&self.bias - (mean * &scale)?)?;
        Ok((scale, shift))
    }

    /// `x` `[n, channels, h, w]`, normalised, scaled, shifted, activated.
    pub(crate) fn forward(&self, x: &Tensor, mode: Mode, act: Activation) -> Result<Tensor> {
        let hat = standardize(x, &self.statistics.of(x, mode)?, EPS)?;
        let scale = self.weight.unsqueeze(0)?.broadcast_as((x.dim(0)?, x.dim(1)?))?;
        Ok(bias_act(&channel_scale(&hat, &scale)?, Some(&self.bias), act.into())?)
    }
}
