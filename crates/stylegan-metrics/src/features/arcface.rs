//! ArcFace (Deng et al. 2019) with the IR-SE-50 backbone: who is in a picture, as pixel2style2pixel's loss of
//! identity asks.
//!
//! Names are those of `model_ir_se50.pth`: `input_layer.{0,1,2}`, `body.{i}.res_layer.{0..5}`,
//! `body.{i}.shortcut_layer.{0,1}`, `output_layer.{0,3,4}`.

use super::weights::{Norm, Weights};
use super::{FeatureNetwork, Resize};
use crate::Result;
use candle_core::{DType, Device, Tensor};
use stylegan_kernels::{BiasAct, avg_pool2d, conv2d, conv2d_bias_act, prelu};

/// The side of the faces that are looked at.
const FACE_SIDE: usize = 112;
/// Channels and number of units of each stage; the first unit of a stage halves the size.
const STAGES: [(usize, usize); 4] = [(64, 3), (128, 4), (256, 14), (512, 3)];
/// Length of the feature vector.
const FEATURES: usize = 512;
const EPS: f64 = 1e-5;

/// The network.
#[derive(Debug, Clone)]
pub struct ArcFace {
    stem: Conv,
    stem_slope: Tensor,
    units: Vec<Unit>,
    /// Normalisation before the last layer.
    last: Affine,
    /// Weight `[512, 512 * 7 * 7]` and bias of the last layer with the normalisation behind it.
    output: (Tensor, Tensor),
    hash: String,
    device: Device,
}

/// A convolution with a batch normalisation folded into it.
#[derive(Debug, Clone)]
struct Conv {
    weight: Tensor,
    bias: Tensor,
}

/// A factor and a summand `[1, c, 1, 1]` for each channel.
#[derive(Debug, Clone)]
struct Affine {
    scale: Tensor,
    shift: Tensor,
}

/// A residual unit: normalisation, two convolutions, weights of channels, and the shortcut.
#[derive(Debug, Clone)]
struct Unit {
    norm: Affine,
    first: Tensor,
    /// Slopes of the PReLU `[1, c, 1, 1]`.
    slope: Tensor,
    second: Conv,
    /// Squeeze and excitation, `[c / 16, c]` and `[c, c / 16]`.
    attention: [Tensor; 2],
    /// Where the number of channels changes; else every `stride`th pixel goes on as it is.
    shortcut: Option<Conv>,
    stride: usize,
}

impl ArcFace {
    /// Pictures are brought to this side, of which a part is looked at.
    pub const SIDE: usize = 256;
    /// Top, left, height and width of that part.
    const FACE: [usize; 4] = [35, 32, 188, 188];

    /// The part of pictures `[n, c, h, w]` of any size where aligned photographs have the face: rows 35 to 223 and columns 32
    /// to 220 of 256.
    ///
    /// # Errors
    /// When `images` are no pictures.
    pub fn face(images: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = images.dims4()?;
        let scaled = |part: usize, side: usize| (2 * part * side + Self::SIDE) / (2 * Self::SIDE);
        let [top, left, height, width] = Self::FACE;
        let rows = images.narrow(2, scaled(top, h), scaled(height, h).max(1))?;
        Ok(rows.narrow(3, scaled(left, w), scaled(width, w).max(1))?.contiguous()?)
    }

    /// The network with these weights.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape.
    pub fn new(weights: &Weights, device: &Device) -> Result<Self> {
        let w = weights;
        let slopes = |name: &str, c: usize| w.get(name, &[c]);
        let stem = Conv::new(w, "input_layer.0.weight", "input_layer.1", [64, 3, 3, 3])?;
        let (mut units, mut c) = (Vec::new(), 64);
        for (k, count) in STAGES {
            for i in 0..count {
                let part = |part: &str| format!("body.{}.{part}", units.len());
                let shortcut = (c != k)
                    .then(|| Conv::new(w, &part("shortcut_layer.0.weight"), &part("shortcut_layer.1"), [k, c, 1, 1]));
                let attention = |name: &str, from: usize, to: usize| -> Result<Tensor> {
                    Ok(w.get(&part(&format!("res_layer.5.{name}.weight")), &[to, from, 1, 1])?.reshape((to, from))?)
                };
                let unit = Unit {
                    norm: Affine::new(w, &part("res_layer.0"), c)?,
                    first: w.get(&part("res_layer.1.weight"), &[k, c, 3, 3])?,
                    slope: slopes(&part("res_layer.2.weight"), k)?,
                    second: Conv::new(w, &part("res_layer.3.weight"), &part("res_layer.4"), [k, k, 3, 3])?,
                    attention: [attention("fc1", k, k / 16)?, attention("fc2", k / 16, k)?],
                    shortcut: shortcut.transpose()?,
                    stride: if i == 0 { 2 } else { 1 },
                };
                units.push(unit);
                c = k;
            }
        }
        let inputs = c * (FACE_SIDE / 16) * (FACE_SIDE / 16);
        let (scale, shift) = Norm::torch("output_layer.4", EPS).affine(w, FEATURES)?;
        let f64 = |name: &str, shape: &[usize]| w.get(name, shape)?.to_dtype(DType::F64).map_err(crate::Error::from);
        let weight =
            f64("output_layer.3.weight", &[FEATURES, inputs])?.broadcast_mul(&scale.reshape((FEATURES, 1))?)?;
        let bias = ((f64("output_layer.3.bias", &[FEATURES])? * scale)? + shift)?;
        Ok(Self {
            stem,
            stem_slope: slopes("input_layer.2.weight", 64)?,
            units,
            last: Affine::new(w, "output_layer.0", c)?,
            output: (weight.to_dtype(DType::F32)?, bias.to_dtype(DType::F32)?),
            hash: w.hash().into(),
            device: device.clone(),
        })
    }

    /// The vectors `[n, 512]` of unit length of faces `[n, 3, 112, 112]` in [-1, 1], as they are.
    ///
    /// # Errors
    /// Pictures of another shape.
    pub fn embed(&self, faces: &Tensor) -> Result<Tensor> {
        let x = self.stem.forward(&faces.to_device(&self.device)?, 1, 1)?;
        let mut x = prelu(&x, &self.stem_slope)?;
        for unit in &self.units {
            x = unit.forward(&x)?;
        }
        let x = self.last.forward(&x)?.flatten_from(1)?;
        let x = x.matmul(&self.output.0.t()?)?.broadcast_add(&self.output.1)?;
        Ok(x.broadcast_div(&x.sqr()?.sum_keepdim(1)?.sqrt()?)?)
    }
}

impl FeatureNetwork for ArcFace {
    fn name(&self) -> &str {
        "arcface-ir-se50"
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn definition(&self) -> &str {
        "ArcFace IR-SE-50, unit length; pictures brought to 256x256 by means of pixels, rows 35 to 223 and columns 32 to \
         220 of that to 112x112 likewise"
    }

    fn dim(&self) -> usize {
        FEATURES
    }

    fn features(&self, images: &Tensor) -> Result<Tensor> {
        let face = Self::face(&Resize::Area.apply(images, Self::SIDE, Self::SIDE)?)?;
        self.embed(&Resize::Area.apply(&face, FACE_SIDE, FACE_SIDE)?)
    }

    fn any_size(&self) -> bool {
        true
    }
}

impl Conv {
    fn new(w: &Weights, weight: &str, norm: &str, shape: [usize; 4]) -> Result<Self> {
        let (weight, bias) = Norm::torch(norm, EPS).fold(w, weight, shape)?;
        Ok(Self { weight, bias })
    }

    fn forward(&self, x: &Tensor, stride: usize, padding: usize) -> candle_core::Result<Tensor> {
        conv2d_bias_act(x, &self.weight, &self.bias, stride, padding, 1., BiasAct::default())
    }
}

impl Affine {
    fn new(w: &Weights, norm: &str, c: usize) -> Result<Self> {
        let (scale, shift) = Norm::torch(norm, EPS).affine(w, c)?;
        let wide = |x: Tensor| x.to_dtype(DType::F32)?.reshape((1, c, 1, 1));
        Ok(Self { scale: wide(scale)?, shift: wide(shift)? })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        x.broadcast_mul(&self.scale)?.broadcast_add(&self.shift)
    }
}

impl Unit {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = prelu(&conv2d(&self.norm.forward(x)?, &self.first, 1, 1, 1.)?, &self.slope)?;
        let y = self.second.forward(&y, self.stride, 1)?;
        let [squeeze, excite] = &self.attention;
        let weight = y.mean((2, 3))?.matmul(&squeeze.t()?)?.relu()?.matmul(&excite.t()?)?;
        let weight = ((weight.neg()?.exp()? + 1.)?.recip()?).unsqueeze(2)?.unsqueeze(3)?;
        let y = y.broadcast_mul(&weight)?;
        let shortcut = match &self.shortcut {
            Some(conv) => conv.forward(x, self.stride, 0)?,
            None if self.stride == 1 => x.clone(),
            // Every `stride`th row and column, from the first.
            None => avg_pool2d(x, 1, self.stride, 0)?,
        };
        y + shortcut
    }
}
