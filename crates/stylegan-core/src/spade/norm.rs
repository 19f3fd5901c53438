//! Spatially adaptive normalisation.

use crate::Result;
use crate::layers::{Conv, ConvOptions, Mode, NORM_EPS, NormKind, RunningStatistics, SemanticMap};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use stylegan_kernels::{Activation, Statistics, spade_norm};

/// A normalisation without parameters, whose result is scaled and shifted, pixel by pixel, by what two
/// convolutions make of the map (Park et al. 2019, section 3 and figure 2):
/// `x̂ (1 + gamma(map)) + beta(map)`.
#[derive(Debug, Clone)]
pub(crate) struct SpadeNorm {
    statistics: Under,
    shared: Conv,
    gamma: Conv,
    beta: Conv,
}

/// The normalisation under the maps.
#[derive(Debug, Clone)]
enum Under {
    Batch(RunningStatistics),
    Instance,
    None,
}

impl SpadeNorm {
    /// `mlp_shared.0`, `mlp_gamma` and `mlp_beta` `{weight, bias}` of `vb`, convolutions of `kernel` x `kernel`
    /// with `hidden` channels between them; `param_free_norm.{running_mean, running_var}` of batch
    /// normalisation.
    pub(crate) fn new(
        kind: NormKind,
        channels: usize,
        map_channels: usize,
        hidden: usize,
        kernel: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        Ok(Self {
            statistics: match kind {
                NormKind::Batch => Under::Batch(RunningStatistics::new(channels, &vb.pp("param_free_norm"))?),
                NormKind::Instance => Under::Instance,
                NormKind::None => Under::None,
            },
            shared: Conv::new(ConvOptions::same(map_channels, hidden, kernel), vb.pp("mlp_shared.0"))?,
            gamma: Conv::new(ConvOptions::same(hidden, channels, kernel), vb.pp("mlp_gamma"))?,
            beta: Conv::new(ConvOptions::same(hidden, channels, kernel), vb.pp("mlp_beta"))?,
        })
    }

    /// `x` `[n, channels, h, w]` with maps of its size, then leaky ReLU of this slope (1 for none).
    pub(crate) fn forward(&self, x: &Tensor, map: &SemanticMap, mode: Mode, slope: f64) -> Result<Tensor> {
        let statistics = match &self.statistics {
            Under::Batch(running) => running.of(x, mode)?,
            Under::Instance => Statistics::instances(x)?,
            Under::None => Statistics::nothing(),
        };
        let shared = self.shared.forward_map(map, Activation::Relu)?;
        let gamma = self.gamma.forward(&shared, Activation::Linear)?;
        let beta = self.beta.forward(&shared, Activation::Linear)?;
        Ok(spade_norm(x, &gamma, &beta, &statistics, NORM_EPS, slope)?)
    }
}
