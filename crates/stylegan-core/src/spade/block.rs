//! The residual block of the SPADE generator.

use super::conditioning::{ConditionedNorm, Conditioning, NormOptions};
use crate::Result;
use crate::layers::{Conv, ConvOptions, Mode, SemanticMap};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use stylegan_kernels::Activation;
use stylegan_kernels::bias_act::LRELU_ALPHA;

/// Two convolutions, each behind a normalisation and leaky ReLU, beside a shortcut that is learned
/// where the number of channels changes (Park et al. 2019, figure 4 left and appendix A).
#[derive(Debug, Clone)]
pub(crate) struct SpadeBlock {
    norm_0: ConditionedNorm,
    conv_0: Conv,
    norm_1: ConditionedNorm,
    conv_1: Conv,
    shortcut: Option<(ConditionedNorm, Conv)>,
    /// Whether the map is joined to what the convolutions read.
    joined: bool,
}

impl SpadeBlock {
    /// `norm_0`, `conv_0`, `norm_1`, `conv_1`, `norm_s` and `conv_s` of `vb`.
    pub(crate) fn new(
        options: NormOptions,
        spectral: bool,
        inputs: usize,
        outputs: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        let middle = inputs.min(outputs);
        let joined = options.conditioning == Conditioning::Concat;
        let extra = if joined { options.map_channels } else { 0 };
        let conv = |inputs: usize, outputs, kernel, bias, name: &str| {
            let options = ConvOptions { bias, spectral, ..ConvOptions::same(inputs + extra, outputs, kernel) };
            Conv::new(options, vb.pp(name))
        };
        let norm = |channels, name: &str| ConditionedNorm::new(options, channels, vb.pp(name));
        let shortcut = (inputs != outputs)
            .then(|| Ok::<_, crate::Error>((norm(inputs, "norm_s")?, conv(inputs, outputs, 1, false, "conv_s")?)))
            .transpose()?;
        Ok(Self {
            norm_0: norm(inputs, "norm_0")?,
            conv_0: conv(inputs, middle, 3, true, "conv_0")?,
            norm_1: norm(middle, "norm_1")?,
            conv_1: conv(middle, outputs, 3, true, "conv_1")?,
            shortcut,
            joined,
        })
    }

    /// `x` `[n, inputs, h, w]` to `[n, outputs, h, w]`; the map may have any size.
    pub(crate) fn forward(&self, x: &Tensor, map: &SemanticMap, mode: Mode) -> Result<Tensor> {
        let (_, _, h, w) = x.dims4()?;
        let map = &map.resize([h, w])?;
        let shortcut = match &self.shortcut {
            Some((norm, conv)) => self.convolve(conv, &norm.forward(x, map, mode, 1.)?, map)?,
            None => x.clone(),
        };
        let y = self.convolve(&self.conv_0, &self.norm_0.forward(x, map, mode, LRELU_ALPHA)?, map)?;
        let y = self.convolve(&self.conv_1, &self.norm_1.forward(&y, map, mode, LRELU_ALPHA)?, map)?;
        Ok((shortcut + y)?)
    }

    fn convolve(&self, conv: &Conv, x: &Tensor, map: &SemanticMap) -> Result<Tensor> {
        if self.joined {
            return conv.forward_joined(map, x, Activation::Linear);
        }
        conv.forward(x, Activation::Linear)
    }
}
