//! The synthesis network: styles to pictures.

use super::StyleGan1Config;
use crate::layers::{
    EqualizedConv, EqualizedLinear, LinearOptions, NoiseInput, Pyramid, Resample, ResamplingConv, Style, blur_filter,
    channels, expect_rows, lerp, row,
};
use crate::{Result, SynthesisOptions};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use std::f64::consts::SQRT_2;
use stylegan_kernels::{self as kernels, Activation, Filter};

/// The synthesis network g (StyleGAN, section 2 and Figure 1 b).
#[derive(Debug, Clone)]
pub struct StyleGan1Synthesis {
    pyramid: Pyramid,
    num_ws: usize,
    w_dim: usize,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
struct Block {
    input: Input,
    conv0: Epilogue,
    conv: EqualizedConv,
    conv1: Epilogue,
    torgb: EqualizedConv,
}

/// What the first half of a block works on.
#[derive(Debug, Clone)]
enum Input {
    /// The learned constant `[1, c, h, w]`.
    Const(Tensor),
    /// A layer fed with the style (traditional generators).
    Style(EqualizedLinear),
    /// The block before, upsampled.
    Previous {
        conv: ResamplingConv,
        /// Whether the bias comes before the filter (and not in the epilogue).
        biased: bool,
        filter: Option<Filter>,
    },
}

impl StyleGan1Synthesis {
    /// The blocks `b{r}` of `vb`.
    ///
    /// # Errors
    /// When a parameter is missing or of another shape.
    pub fn new(config: &StyleGan1Config, vb: VarBuilder) -> Result<Self> {
        let pyramid = Pyramid::new(config.img_size)?;
        let blocks = (0..pyramid.levels())
            .map(|level| Block::new(config, &pyramid, level, vb.pp(format!("b{}", Pyramid::resolution(level)))))
            .collect::<Result<_>>()?;
        let num_ws = if config.use_styles { 2 * pyramid.levels() } else { 1 };
        Ok(Self { pyramid, num_ws, w_dim: config.w_dim, blocks })
    }

    /// The sizes of the blocks.
    pub fn pyramid(&self) -> &Pyramid {
        &self.pyramid
    }

    /// Style rows: two per resolution, or one for a generator without styles.
    pub fn num_ws(&self) -> usize {
        self.num_ws
    }

    /// Style rows `[n, num_ws, w_dim]` to pictures. Blocks above the resolution in use, and their
    /// parameters, take no part.
    ///
    /// # Errors
    /// When shapes do not fit, or `lod` is out of range.
    pub fn forward(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        expect_rows("style rows", ws, &[self.num_ws, self.w_dim])?;
        if let Some(offsets) = options.offsets {
            offsets.check(self.num_ws)?;
        }
        let (top, fade) = self.pyramid.at_lod(options.lod)?;
        let mut x = self.blocks[0].forward(None, ws, 0, options)?;
        let mut below = None;
        for level in 1..=top {
            if level == top && fade > 0. {
                below = Some(kernels::upsample_nearest2x(&self.blocks[level - 1].torgb.forward(&x)?)?);
            }
            x = self.blocks[level].forward(Some(&x), ws, level, options)?;
        }
        let mut img = self.blocks[top].torgb.forward(&x)?;
        if let Some(below) = below {
            img = lerp(&img, &below, fade)?;
        }
        if !options.native_size {
            for _ in top + 1..self.blocks.len() {
                img = kernels::upsample_nearest2x(&img)?;
            }
        }
        Ok(img)
    }
}

impl Block {
    fn new(config: &StyleGan1Config, pyramid: &Pyramid, level: usize, vb: VarBuilder) -> Result<Self> {
        let width = |level| channels(config.channel_base, config.channel_max, Pyramid::resolution(level));
        let (c, size) = (width(level), pyramid.size(level));
        let (input, bias) = if level > 0 {
            let fused = config.fused_scale.fuses(size);
            let conv = ResamplingConv::new(width(level - 1), c, Resample::Up, fused, SQRT_2, vb.pp("conv0"))?;
            let biased = config.bias_before_blur;
            let bias = if biased { conv.bias().zeros_like()? } else { conv.bias().clone() };
            (Input::Previous { conv, biased, filter: blur_filter(&config.blur_filter) }, bias)
        } else {
            let input = if config.const_input {
                Input::Const(vb.get_with_hints((1, c, size[0], size[1]), "const", Init::Const(1.))?)
            } else {
                // As if the dense layer were a convolution over the base.
                let area = size[0] * size[1];
                let options = LinearOptions { gain: SQRT_2 / (area as f64).sqrt(), lr: 1., bias: None };
                Input::Style(EqualizedLinear::new(config.w_dim, c * area, options, vb.pp("fc"))?)
            };
            (input, vb.get_with_hints(c, "conv0.bias", Init::Const(0.))?)
        };
        let conv = EqualizedConv::new(c, c, 3, SQRT_2, vb.pp("conv1"))?;
        Ok(Self {
            input,
            conv0: Epilogue::new(config, 2 * level, size, bias, vb.pp("conv0"))?,
            conv1: Epilogue::new(config, 2 * level + 1, size, conv.bias.clone(), vb.pp("conv1"))?,
            conv,
            torgb: EqualizedConv::new(c, config.img_channels, 1, 1., vb.pp("torgb"))?,
        })
    }

    fn forward(&self, x: Option<&Tensor>, ws: &Tensor, level: usize, options: &SynthesisOptions) -> Result<Tensor> {
        let n = ws.dim(0)?;
        let finished = match (&self.input, x) {
            (Input::Previous { conv, biased, filter }, Some(x)) => {
                let x = conv.convolve(x)?;
                let x = if *biased { conv.conv().activate(&x, Activation::Linear)? } else { x };
                self.conv0.finish(n, options, |epilogue| match filter {
                    Some(filter) => kernels::filter_layer(&x, filter, epilogue),
                    None => epilogue.apply(&x),
                })?
            }
            (Input::Style(layer), _) => {
                let c = self.conv.weight.dim(0)?;
                let [h, w] = self.conv0.size;
                let x = layer.forward(&row(ws, 0)?)?.reshape((n, c, h, w))?;
                self.conv0.finish(n, options, |epilogue| epilogue.apply(&x))?
            }
            (Input::Const(input), _) => {
                let (_, c, h, w) = input.dims4()?;
                let x = input.broadcast_as((n, c, h, w))?.contiguous()?;
                self.conv0.finish(n, options, |epilogue| epilogue.apply(&x))?
            }
            (Input::Previous { .. }, None) => return Err(crate::Error::Argument("a block lacks its input".into())),
        };
        let x = self.conv0.style(finished, ws, 2 * level, options)?;
        let EqualizedConv { weight, gain, .. } = &self.conv;
        let finished = self.conv1.finish(n, options, |epilogue| kernels::conv_layer(&x, weight, 1, *gain, epilogue))?;
        drop(x);
        self.conv1.style(finished, ws, 2 * level + 1, options)
    }
}

/// What follows each convolution: noise, bias, leaky ReLU, pixel norm, style.
#[derive(Debug, Clone)]
struct Epilogue {
    noise: Option<NoiseInput>,
    bias: Tensor,
    pixel_norm: bool,
    style: Option<Style>,
    size: [usize; 2],
}

impl Epilogue {
    fn new(config: &StyleGan1Config, layer: usize, size: [usize; 2], bias: Tensor, vb: VarBuilder) -> Result<Self> {
        let c = bias.elem_count();
        let lane = if config.share_noise { layer & !1 } else { layer };
        let noise = config.use_noise.then(|| NoiseInput::new(&[c], layer, size, vb.clone())).transpose()?;
        let noise = noise.map(|noise| noise.sharing(lane));
        let style = || Style::new(config.w_dim, c, config.norm_eps, vb.pp("style"));
        let style = config.use_styles.then(style).transpose()?;
        Ok(Self { noise, bias, pixel_norm: config.pixel_norm, style, size })
    }

    /// Noise, bias and leaky ReLU, which `layer` applies to its result.
    fn finish(
        &self,
        n: usize,
        options: &SynthesisOptions,
        layer: impl FnOnce(kernels::Epilogue) -> candle_core::Result<Tensor>,
    ) -> Result<Tensor> {
        let map = match &self.noise {
            Some(noise) => noise.map(n, options)?.map(|map| (map, &noise.strength)),
            None => None,
        };
        let noise = map.as_ref().map(|(map, strength)| (map, *strength));
        Ok(layer(kernels::Epilogue { noise, bias: &self.bias, act: Activation::Lrelu.into() })?)
    }

    /// Pixel norm and style.
    fn style(&self, mut x: Tensor, ws: &Tensor, layer: usize, options: &SynthesisOptions) -> Result<Tensor> {
        if self.pixel_norm {
            x = kernels::pixel_norm(&x, 1e-8)?;
        }
        match &self.style {
            Some(style) => style.apply(&x, &options.moved(layer, style.affine(&row(ws, layer)?)?)?),
            None => Ok(x),
        }
    }
}
