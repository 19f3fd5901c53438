//! The face recognition network ArcFace (Deng et al. 2019, <https://arxiv.org/abs/1801.07698>).

use super::head::linear;
use super::ir_se::IrSe50;
use crate::Result;
use crate::layers::{BatchNorm, Linear, Mode, expect_rows};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use stylegan_kernels::Activation;

/// Sizes of a face network. The defaults are those of `model_ir_se50.pth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceConfig {
    /// Height and width of faces, in pixels, 112; a multiple of 16.
    pub side: usize,
    /// Channels of the first stage, 64.
    pub channels: usize,
    /// Length of the vector, 512.
    pub features: usize,
}

impl Default for FaceConfig {
    fn default() -> Self {
        Self { side: 112, channels: 64, features: 512 }
    }
}

/// A network that makes vectors of faces, alike where the persons are: `input_layer`, `body` and
/// `output_layer.{0, 3, 4}`. It is run as it was trained, never trained here.
#[derive(Debug, Clone)]
pub struct FaceNetwork {
    side: usize,
    backbone: IrSe50,
    norm: BatchNorm,
    layer: Linear,
    last_norm: BatchNorm,
}

impl FaceNetwork {
    /// The network of the parameters of `vb`.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub fn new(config: FaceConfig, vb: VarBuilder) -> Result<Self> {
        let FaceConfig { side, channels, features } = config;
        let (c, layer) = (channels << 3, |number: usize| vb.pp(format!("output_layer.{number}")));
        Ok(Self {
            side,
            backbone: IrSe50::new(3, channels, &vb)?,
            norm: BatchNorm::new(c, layer(0))?,
            layer: linear(c * (side / 16) * (side / 16), features, layer(3))?,
            last_norm: BatchNorm::new(features, layer(4))?,
        })
    }

    /// Vectors `[n, features]` of unit length of faces `[n, 3, side, side]`, about in [-1, 1].
    ///
    /// # Errors
    /// Pictures of another shape.
    pub fn embed(&self, faces: &Tensor) -> Result<Tensor> {
        expect_rows("faces", faces, &[3, self.side, self.side])?;
        let [_, _, x] = self.backbone.forward(faces, Mode::Eval)?;
        let x = self.norm.forward(&x, Mode::Eval, Activation::Linear)?;
        let x = self.layer.forward(&x.flatten_from(1)?)?.unsqueeze(2)?.unsqueeze(3)?;
        let x = self.last_norm.forward(&x, Mode::Eval, Activation::Linear)?.flatten_from(1)?;
        Ok(x.broadcast_div(&x.sqr()?.sum_keepdim(1)?.sqrt()?)?)
    }
}
