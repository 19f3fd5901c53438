//! Noise inputs of a synthesis layer.

use crate::error::bad_argument;
use crate::{NoiseMode, Result, SynthesisOptions};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};

/// A noise input: one map per picture, shared by all channels, scaled per channel (StyleGAN,
/// section 2).
#[derive(Debug, Clone)]
pub(crate) struct NoiseInput {
    /// Per channel `[channels]`, or one `[]`.
    pub strength: Tensor,
    map: Tensor,
    layer: usize,
    /// The lane of random maps: the layer, unless another layer's noise is shared.
    lane: u64,
    size: [usize; 2],
}

impl NoiseInput {
    /// `noise_strength` of shape `strength` (starts at 0) and `noise_const` `[h, w]` (starts as
    /// N(0, 1)) of `vb`. `layer` counts the network's layers from 0.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub(crate) fn new(strength: &[usize], layer: usize, size: [usize; 2], vb: VarBuilder) -> Result<Self> {
        let [h, w] = size;
        let map = vb.get_with_hints((h, w), "noise_const", Init::Randn { mean: 0., stdev: 1. })?;
        Ok(Self {
            strength: vb.get_with_hints(strength, "noise_strength", Init::Const(0.))?,
            map: map.reshape((1, 1, h, w))?,
            layer,
            lane: layer as u64,
            size,
        })
    }

    /// With the random maps of layer `layer`.
    pub(crate) fn sharing(self, layer: usize) -> Self {
        Self { lane: layer as u64, ..self }
    }

    /// The map for a batch of `n`: `[n or 1, 1, h, w]`, or `None` where this layer receives none.
    ///
    /// # Errors
    /// When there are fewer or more random streams than samples.
    pub(crate) fn map(&self, n: usize, options: &SynthesisOptions) -> Result<Option<Tensor>> {
        if !options.noise_layers.contains(self.layer) {
            return Ok(None);
        }
        match options.noise {
            NoiseMode::None => Ok(None),
            NoiseMode::Const => Ok(Some(self.map.clone())),
            NoiseMode::Random(keys) if keys.indices.len() != n => {
                bad_argument!("random noise has {} indices for {n} samples; give one each", keys.indices.len())
            }
            NoiseMode::Random(keys) => {
                let shape = [1, self.size[0], self.size[1]];
                let (dtype, device) = (self.map.dtype(), self.map.device());
                keys.key.normal_rows(&keys.indices, self.lane, &shape, dtype, device).map(Some)
            }
        }
    }
}
