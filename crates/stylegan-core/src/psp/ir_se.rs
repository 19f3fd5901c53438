//! The IR-SE-50 network (ArcFace, section 3.2.2, "improved residual unit", with the squeeze and excitation of Hu et
//! al. 2018): what encoders and the face network start with.

use crate::Result;
use crate::layers::{BatchNorm, Mode};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::{
    Activation, BiasAct, avg_pool2d, bias_act, conv2d, conv2d_bias_act, linear, modulate::channel_scale, prelu,
};

/// Units of each stage; the first of a stage halves the size.
pub(crate) const STAGES: [usize; 4] = [3, 4, 14, 3];
/// By how much the squeeze narrows the channels.
const SQUEEZE: usize = 16;

/// The network: `input_layer.{0, 1, 2}` and `body.{0..23}`.
#[derive(Debug, Clone)]
pub(crate) struct IrSe50 {
    stem: NormedConv,
    stem_slope: Tensor,
    units: Vec<Unit>,
}

impl IrSe50 {
    /// A network on `inputs` channels whose stages have `channels`, 2, 4 and 8 times `channels`.
    pub(crate) fn new(inputs: usize, channels: usize, vb: &VarBuilder) -> Result<Self> {
        let stem = NormedConv::new(inputs, channels, 3, 1, vb.pp("input_layer.0"), vb.pp("input_layer.1"))?;
        let stem_slope = slope(channels, vb.pp("input_layer.2"))?;
        let (mut units, mut c) = (Vec::new(), channels);
        for (stage, count) in STAGES.into_iter().enumerate() {
            for i in 0..count {
                let unit = vb.pp(format!("body.{}", units.len()));
                units.push(Unit::new(c, channels << stage, if i == 0 { 2 } else { 1 }, &unit)?);
                c = channels << stage;
            }
        }
        Ok(Self { stem, stem_slope, units })
    }

    /// The maps of the last three stages, `[n, 2c, h/4, w/4]`, `[n, 4c, h/8, w/8]` and `[n, 8c, h/16, w/16]`, where `c` are
    /// the channels of the first.
    pub(crate) fn forward(&self, x: &Tensor, mode: Mode) -> Result<[Tensor; 3]> {
        let mut x = prelu(&self.stem.forward(x, mode)?, &self.stem_slope)?;
        let mut units = self.units.iter();
        let mut stage = |count: usize| -> Result<Tensor> {
            for unit in units.by_ref().take(count) {
                x = unit.forward(&x, mode)?;
            }
            Ok(x.clone())
        };
        Ok([stage(STAGES[0] + STAGES[1])?, stage(STAGES[2])?, stage(STAGES[3])?])
    }
}

/// A convolution without bias and the batch normalisation behind it. With running statistics both are one
/// convolution.
#[derive(Debug, Clone)]
struct NormedConv {
    weight: Tensor,
    norm: BatchNorm,
    stride: usize,
}

impl NormedConv {
    fn new(i: usize, o: usize, kernel: usize, stride: usize, conv: VarBuilder, norm: VarBuilder) -> Result<Self> {
        Ok(Self { weight: conv_weight(i, o, kernel, conv)?, norm: BatchNorm::new(o, norm)?, stride })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let padding = self.weight.dim(2)? / 2;
        match mode {
            Mode::Eval => {
                let (scale, shift) = self.norm.affine()?;
                let weight = self.weight.broadcast_mul(&scale.reshape((scale.elem_count(), 1, 1, 1))?)?;
                Ok(conv2d_bias_act(x, &weight, &shift, self.stride, padding, 1., BiasAct::default())?)
            }
            Mode::Train(_) => {
                let y = conv2d(x, &self.weight, self.stride, padding, 1.)?;
                self.norm.forward(&y, mode, Activation::Linear)
            }
        }
    }
}

/// A residual unit: normalisation, two convolutions, weights of channels, and the shortcut.
#[derive(Debug, Clone)]
struct Unit {
    norm: BatchNorm,
    first: Tensor,
    slope: Tensor,
    second: NormedConv,
    /// `[c / 16, c]` and `[c, c / 16]`.
    squeeze: Tensor,
    excite: Tensor,
    /// Where the number of channels changes; else every `stride`th pixel goes on as it is.
    shortcut: Option<NormedConv>,
    stride: usize,
}

impl Unit {
    fn new(i: usize, o: usize, stride: usize, vb: &VarBuilder) -> Result<Self> {
        let layer = |number: usize| vb.pp(format!("res_layer.{number}"));
        let attention = |name: &str, i: usize, o: usize| -> Result<Tensor> {
            Ok(conv_weight(i, o, 1, layer(5).pp(name))?.reshape((o, i))?)
        };
        let narrow = (o / SQUEEZE).max(1);
        let shortcut = |part: &str| vb.pp(format!("shortcut_layer.{part}"));
        Ok(Self {
            norm: BatchNorm::new(i, layer(0))?,
            first: conv_weight(i, o, 3, layer(1))?,
            slope: slope(o, layer(2))?,
            second: NormedConv::new(o, o, 3, stride, layer(3), layer(4))?,
            squeeze: attention("fc1", o, narrow)?,
            excite: attention("fc2", narrow, o)?,
            shortcut: (i != o).then(|| NormedConv::new(i, o, 1, stride, shortcut("0"), shortcut("1"))).transpose()?,
            stride,
        })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let y = conv2d(&self.norm.forward(x, mode, Activation::Linear)?, &self.first, 1, 1, 1.)?;
        let y = self.second.forward(&prelu(&y, &self.slope)?, mode)?;
        let level = linear(&y.flatten_from(2)?.mean(2)?, &self.squeeze, None, 1., 0.)?;
        let level = linear(&bias_act(&level, None, Activation::Relu.into())?, &self.excite, None, 1., 0.)?;
        let y = channel_scale(&y, &bias_act(&level, None, Activation::Sigmoid.into())?)?;
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x, mode)?,
            None if self.stride == 1 => x.clone(),
            // Every `stride`th row and column, from the first.
            None => avg_pool2d(x, 1, self.stride, 0)?,
        };
        Ok((y + shortcut)?)
    }
}

/// `weight` `[outputs, inputs, kernel, kernel]` of `vb`, started as PyTorch starts it: uniform, a variance of a third
/// of that of He's.
pub(super) fn conv_weight(inputs: usize, outputs: usize, kernel: usize, vb: VarBuilder) -> Result<Tensor> {
    let bound = 1. / ((inputs * kernel * kernel) as f64).sqrt();
    Ok(vb.get_with_hints((outputs, inputs, kernel, kernel), "weight", Init::Uniform { lo: -bound, up: bound })?)
}

/// The slopes `weight` `[c]` of a PReLU.
fn slope(c: usize, vb: VarBuilder) -> Result<Tensor> {
    Ok(vb.get_with_hints(c, "weight", Init::Const(0.25))?)
}
