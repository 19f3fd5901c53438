//! A convolution with what comes before and behind it.

use crate::Result;
use crate::layers::{Conv, ConvOptions, Mode, NormKind, SemanticMap, UpConv};
use crate::spade::{ConditionedNorm, NormOptions};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use stylegan_kernels::{Activation, reflect_pad2d};

/// A convolution of mirrored pixels or one that changes the resolution, its normalisation and ReLU.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    kind: Kind,
    norm: ConditionedNorm,
    slope: f64,
}

#[derive(Debug, Clone)]
enum Kind {
    /// This many pixels are mirrored on each side.
    Mirrored(Conv, usize),
    Down(Conv),
    Up(UpConv),
}

/// What the layers of a network have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerOptions {
    pub norm: NormOptions,
    pub spectral: bool,
    pub init: crate::layers::WeightInit,
}

impl LayerOptions {
    /// A bias stands where no normalisation takes the mean away.
    fn conv(&self, inputs: usize, outputs: usize, kernel: usize) -> ConvOptions {
        let bias = self.norm.kind == NormKind::None;
        ConvOptions { bias, spectral: self.spectral, init: self.init, ..ConvOptions::same(inputs, outputs, kernel) }
    }

    fn layer(&self, kind: Kind, outputs: usize, slope: f64, vb: VarBuilder) -> Result<Layer> {
        Ok(Layer { kind, norm: ConditionedNorm::new(self.norm, outputs, vb.pp("norm"))?, slope })
    }

    /// `conv` and `norm` of `vb`: a convolution of `kernel` x `kernel` that keeps the size. `act` says whether ReLU
    /// follows.
    pub(crate) fn mirrored(
        &self,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        act: bool,
        vb: VarBuilder,
    ) -> Result<Layer> {
        let options = ConvOptions { padding: 0, ..self.conv(inputs, outputs, kernel) };
        let kind = Kind::Mirrored(Conv::new(options, vb.pp("conv"))?, kernel / 2);
        self.layer(kind, outputs, if act { 0. } else { 1. }, vb)
    }

    /// A convolution of 3x3 that halves the resolution and doubles the channels, and ReLU.
    pub(crate) fn down(&self, inputs: usize, vb: VarBuilder) -> Result<Layer> {
        let options = ConvOptions { stride: 2, ..self.conv(inputs, inputs * 2, 3) };
        self.layer(Kind::Down(Conv::new(options, vb.pp("conv"))?), inputs * 2, 0., vb)
    }

    /// A transposed convolution of 3x3 that doubles the resolution and halves the channels, to `outputs`, and ReLU.
    pub(crate) fn up(&self, outputs: usize, vb: VarBuilder) -> Result<Layer> {
        let kind = Kind::Up(UpConv::new(self.conv(outputs * 2, outputs, 3), vb.pp("conv"))?);
        self.layer(kind, outputs, 0., vb)
    }
}

impl Layer {
    /// `x` `[n, inputs, h, w]` to `[n, outputs, …]`. `joined` says whether the map is joined to `x`, in front
    /// of it.
    pub(crate) fn forward(&self, x: &Tensor, map: &SemanticMap, joined: bool, mode: Mode) -> Result<Tensor> {
        let y = match &self.kind {
            Kind::Mirrored(conv, padding) if joined => {
                let (_, _, h, w) = x.dims4()?;
                let map = map.resize([h, w])?.reflect(*padding)?;
                conv.forward_joined(&map, &reflect_pad2d(x, *padding)?, Activation::Linear)?
            }
            Kind::Mirrored(conv, padding) => conv.forward(&reflect_pad2d(x, *padding)?, Activation::Linear)?,
            Kind::Down(conv) => conv.forward(x, Activation::Linear)?,
            Kind::Up(conv) => conv.forward(x, Activation::Linear)?,
        };
        self.normalise(&y, map, mode)
    }

    /// The layer's result for the map alone.
    pub(crate) fn forward_map(&self, map: &SemanticMap, mode: Mode) -> Result<Tensor> {
        let y = match &self.kind {
            Kind::Mirrored(conv, padding) => conv.forward_map(&map.reflect(*padding)?, Activation::Linear)?,
            Kind::Down(conv) => conv.forward_map(map, Activation::Linear)?,
            Kind::Up(_) => crate::error::bad_argument!("maps are not upsampled by a convolution"),
        };
        self.normalise(&y, map, mode)
    }

    fn normalise(&self, y: &Tensor, map: &SemanticMap, mode: Mode) -> Result<Tensor> {
        let (_, _, h, w) = y.dims4()?;
        self.norm.forward(y, &map.resize([h, w])?, mode, self.slope)
    }
}
