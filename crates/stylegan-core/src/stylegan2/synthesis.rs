//! The synthesis network: modulated convolutions with noise (StyleGAN2, section 2.2 and figure 2d).

use super::config::{StyleGan2Config, Topology};
use super::layers::{ConvLayer, NORMAL, affine, resample_filter};
use super::resample::Direction;
use crate::error::bad_argument;
use crate::layers::{EqualizedLinear, NoiseInput, Pyramid, expect_rows, row};
use crate::{Coarse, Error, Result, SynthesisOptions};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};
use stylegan_kernels::modulate::Resample;
use stylegan_kernels::{Activation, BiasAct, Epilogue, Filter, modulated_layer, upsample2d};

/// Called with the name (`b8.conv0`, `b8.torgb`, `b8.img`, `b8.x`, …) and value of each feature map.
pub type Visitor<'a> = &'a mut dyn FnMut(&str, &Tensor);

/// The synthesis network: styles to pictures (StyleGAN2, Figure 2 d).
#[derive(Debug, Clone)]
pub struct StyleGan2Synthesis {
    /// `[channels, h, w]`
    constant: Tensor,
    blocks: Vec<Block>,
    num_ws: usize,
    w_dim: usize,
}

impl StyleGan2Synthesis {
    /// Builds the network from `b4`, `b8`, … below `vb`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a tensor is missing or has another shape.
    pub fn new(config: &StyleGan2Config, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let pyramid = Pyramid::new(config.img_size)?;
        let [h, w] = pyramid.size(0);
        let constant = vb.pp("b4").get_with_hints((config.width(0), h, w), "const", NORMAL)?;
        let blocks = (0..pyramid.levels())
            .map(|level| Block::new(config, pyramid, level, vb.pp(format!("b{}", Pyramid::resolution(level)))))
            .collect::<Result<_>>()?;
        Ok(Self { constant, blocks, num_ws: 2 * pyramid.levels(), w_dim: config.w_dim })
    }

    /// Rows of W+: one for each convolution and one for the last RGB layer.
    pub fn num_ws(&self) -> usize {
        self.num_ws
    }

    /// Images `[n, img_channels, h, w]` from style rows `ws` `[n, num_ws, w_dim]`.
    ///
    /// # Errors
    /// When `ws` has another shape, `lod` is not 0, or the noise does not fit.
    pub fn forward(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        self.trace(ws, options, &mut |_, _| {})
    }

    /// [`forward`](Self::forward) that shows every feature map on the way to `visit`.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn trace(&self, ws: &Tensor, options: &SynthesisOptions, visit: Visitor) -> Result<Tensor> {
        expect_rows("style rows", ws, &[self.num_ws, self.w_dim])?;
        if options.lod != 0. {
            bad_argument!("StyleGAN2 does not grow, so its only lod is 0, found {}", options.lod)
        }
        if let Some(offsets) = options.offsets {
            // The last row is that of the last RGB layer alone.
            offsets.check(self.num_ws - 1)?;
        }
        let (c, h, w) = self.constant.dims3()?;
        let mut x = self.constant.unsqueeze(0)?.broadcast_as((ws.dim(0)?, c, h, w))?.contiguous()?;
        let mut image = None;
        let mut row = 0;
        for (level, block) in self.blocks.iter().enumerate() {
            x = block.features(x, ws, row, options, visit)?;
            row += block.convs();
            image = block.image(&x, image, ws, row, visit)?;
            if let (Some(Coarse(show)), Some(image), false) = (options.coarse, &image, level + 1 == self.blocks.len()) {
                show(image)?;
            }
        }
        image.ok_or_else(|| Error::Config("stylegan2 synthesis: the network has no RGB layer".into()))
    }
}

/// All layers at one resolution.
#[derive(Debug, Clone)]
struct Block {
    name: String,
    conv0: Option<SynthesisLayer>,
    conv1: SynthesisLayer,
    skip: Option<ConvLayer>,
    torgb: Option<ToRgb>,
    filter: Filter,
}

impl Block {
    fn new(config: &StyleGan2Config, pyramid: Pyramid, level: usize, vb: VarBuilder) -> Result<Self> {
        let (inputs, outputs) = (config.width(level.saturating_sub(1)), config.width(level));
        let is_last = level + 1 == pyramid.levels();
        let layer = |inputs, direction, index, vb| {
            SynthesisLayer::new(config, inputs, outputs, pyramid.size(level), direction, index, vb)
        };
        Ok(Self {
            name: format!("b{}", Pyramid::resolution(level)),
            conv0: (level > 0).then(|| layer(inputs, Direction::Up, 2 * level, vb.pp("conv0"))).transpose()?,
            conv1: layer(outputs, Direction::Keep, 2 * level + 1, vb.pp("conv1"))?,
            skip: (level > 0 && config.topology == Topology::Resnet)
                .then(|| ConvLayer::shortcut(inputs, outputs, Direction::Up, vb.pp("skip")))
                .transpose()?,
            torgb: (is_last || config.topology == Topology::Skip)
                .then(|| ToRgb::new(config, outputs, vb.pp("torgb")))
                .transpose()?,
            filter: resample_filter(),
        })
    }

    /// Rows of W+ that the block's convolutions use; its RGB layer reads the row after them, which
    /// is also the next block's first.
    fn convs(&self) -> usize {
        1 + usize::from(self.conv0.is_some())
    }

    fn features(
        &self,
        x: Tensor,
        ws: &Tensor,
        first: usize,
        options: &SynthesisOptions,
        visit: Visitor,
    ) -> Result<Tensor> {
        let name = &self.name;
        let residual = self.skip.as_ref().map(|skip| skip.forward(&x, FRAC_1_SQRT_2)).transpose()?;
        let mut x = x;
        let mut first = first;
        if let Some(conv0) = &self.conv0 {
            x = conv0.forward(&x, ws, first, 1., options)?;
            visit(&format!("{name}.conv0"), &x);
            first += 1;
        }
        let gain = if residual.is_some() { FRAC_1_SQRT_2 } else { 1. };
        x = self.conv1.forward(&x, ws, first, gain, options)?;
        visit(&format!("{name}.conv1"), &x);
        if let Some(residual) = residual {
            x = (residual + x)?;
        }
        visit(&format!("{name}.x"), &x);
        Ok(x)
    }

    /// The image so far: what came from below, upsampled, plus this block's RGB layer.
    fn image(
        &self,
        x: &Tensor,
        below: Option<Tensor>,
        ws: &Tensor,
        first: usize,
        visit: Visitor,
    ) -> Result<Option<Tensor>> {
        let Some(torgb) = &self.torgb else { return Ok(None) };
        let rgb = torgb.forward(x, &row(ws, first)?)?;
        visit(&format!("{}.torgb", self.name), &rgb);
        let image = match below {
            Some(below) => (upsample2d(&below, &self.filter, 1.)? + rgb)?,
            None => rgb,
        };
        visit(&format!("{}.img", self.name), &image);
        Ok(Some(image))
    }
}

/// Modulated 3x3 convolution, noise, bias and leaky ReLU.
#[derive(Debug, Clone)]
struct SynthesisLayer {
    affine: EqualizedLinear,
    weight: Tensor,
    bias: Tensor,
    noise: NoiseInput,
    direction: Direction,
    filter: Filter,
    clamp: Option<f64>,
}

impl SynthesisLayer {
    fn new(
        config: &StyleGan2Config,
        inputs: usize,
        outputs: usize,
        size: [usize; 2],
        direction: Direction,
        layer: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        Ok(Self {
            affine: affine(config.w_dim, inputs, vb.clone())?,
            weight: vb.get_with_hints((outputs, inputs, 3, 3), "weight", NORMAL)?,
            bias: vb.get_with_hints(outputs, "bias", Init::Const(0.))?,
            noise: NoiseInput::new(&[], layer, size, vb)?,
            direction,
            filter: resample_filter(),
            clamp: config.conv_clamp,
        })
    }

    /// In the style of row `number`. The result, and with it the clamp, is multiplied by `gain`.
    fn forward(&self, x: &Tensor, ws: &Tensor, number: usize, gain: f64, options: &SynthesisOptions) -> Result<Tensor> {
        let style = options.moved(number, self.affine.forward(&row(ws, number)?)?)?;
        let noise = self.noise.map(x.dim(0)?, options)?;
        let clamp = self.clamp.map(|bound| bound * gain);
        let epilogue = Epilogue {
            noise: noise.as_ref().map(|map| (map, &self.noise.strength)),
            bias: &self.bias,
            act: BiasAct { act: Activation::Lrelu, gain: SQRT_2 * gain, clamp },
        };
        Ok(modulated_layer(x, &self.weight, &style, true, &self.direction.with(3, &self.filter), epilogue)?)
    }
}

/// Modulated 1x1 convolution to image channels, without demodulation or activation.
#[derive(Debug, Clone)]
struct ToRgb {
    affine: EqualizedLinear,
    weight: Tensor,
    bias: Tensor,
    clamp: Option<f64>,
}

impl ToRgb {
    fn new(config: &StyleGan2Config, inputs: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            affine: affine(config.w_dim, inputs, vb.clone())?,
            weight: vb.get_with_hints((config.img_channels, inputs, 1, 1), "weight", NORMAL)?,
            bias: vb.get_with_hints(config.img_channels, "bias", Init::Const(0.))?,
            clamp: config.conv_clamp,
        })
    }

    fn forward(&self, x: &Tensor, w: &Tensor) -> Result<Tensor> {
        // Without demodulation the equalised scale stays; on the style it costs n*c products.
        let style = (self.affine.forward(w)? * (1. / (self.weight.dim(1)? as f64).sqrt()))?;
        let act = BiasAct { clamp: self.clamp, ..BiasAct::default() };
        let epilogue = Epilogue { noise: None, bias: &self.bias, act };
        Ok(modulated_layer(x, &self.weight, &style, false, &Resample::default(), epilogue)?)
    }
}
