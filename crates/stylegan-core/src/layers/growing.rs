//! The discriminator that grows block by block, which Progressive GAN and StyleGAN share.

use super::{
    EqualizedConv, EqualizedLinear, FusedScale, LinearOptions, Pyramid, Resample, ResamplingConv, blur, channels,
    image_at_lod, lerp,
};
use crate::Result;
use candle_core::Tensor;
use candle_nn::VarBuilder;
use std::f64::consts::SQRT_2;
use stylegan_kernels::{self as kernels, Filter};

/// What a [`GrowingDiscriminator`] is built from.
#[derive(Debug, Clone)]
pub(crate) struct GrowingOptions {
    pub(crate) img_size: [usize; 2],
    pub(crate) img_channels: usize,
    pub(crate) channel_base: usize,
    pub(crate) channel_max: usize,
    pub(crate) fused_scale: FusedScale,
    /// Low-pass filter before each downsampling.
    pub(crate) filter: Option<Filter>,
    /// Where a convolution and its downsampling are apart: whether the activation stands between them (Progressive
    /// GAN) or behind both (StyleGAN).
    pub(crate) activate_before_pooling: bool,
    /// Samples per group of the minibatch standard deviation, 0 without that layer.
    pub(crate) mbstd_group: usize,
    /// Features of the minibatch standard deviation.
    pub(crate) mbstd_channels: usize,
    /// Numbers that it says of each image.
    pub(crate) outputs: usize,
}

/// Images `[n, img_channels, h, w]` to scores `[n, outputs]` (PGGAN, section 2 and Table 2).
#[derive(Debug, Clone)]
pub(crate) struct GrowingDiscriminator {
    options: GrowingOptions,
    pyramid: Pyramid,
    /// By level, from the base up.
    fromrgb: Vec<EqualizedConv>,
    /// By level, from the one above the base up.
    blocks: Vec<Block>,
    conv: EqualizedConv,
    fc: EqualizedLinear,
    out: EqualizedLinear,
}

#[derive(Debug, Clone)]
struct Block {
    conv0: EqualizedConv,
    conv1: ResamplingConv,
}

impl GrowingDiscriminator {
    /// The blocks `b{r}` of `vb`: `b{r}.fromrgb`, `b{r}.conv0`, `b{r}.conv1`, and `b4.fromrgb`,
    /// `b4.conv`, `b4.fc`, `b4.out`.
    pub(crate) fn new(options: GrowingOptions, vb: VarBuilder) -> Result<Self> {
        let pyramid = Pyramid::new(options.img_size)?;
        let width = |resolution| channels(options.channel_base, options.channel_max, resolution);
        let (mut fromrgb, mut blocks) = (Vec::new(), Vec::new());
        for level in 0..pyramid.levels() {
            let r = Pyramid::resolution(level);
            let vb = vb.pp(format!("b{r}"));
            fromrgb.push(EqualizedConv::new(options.img_channels, width(r), 1, SQRT_2, vb.pp("fromrgb"))?);
            if level > 0 {
                let fused = options.fused_scale.fuses(pyramid.size(level));
                blocks.push(Block {
                    conv0: EqualizedConv::new(width(r), width(r), 3, SQRT_2, vb.pp("conv0"))?,
                    conv1: ResamplingConv::new(width(r), width(r / 2), Resample::Down, fused, SQRT_2, vb.pp("conv1"))?,
                });
            }
        }
        let vb = vb.pp("b4");
        let [h, w] = pyramid.size(0);
        let extra = if options.mbstd_group > 0 { options.mbstd_channels } else { 0 };
        let hidden = LinearOptions { gain: SQRT_2, ..LinearOptions::default() };
        Ok(Self {
            pyramid,
            fromrgb,
            blocks,
            conv: EqualizedConv::new(width(4) + extra, width(4), 3, SQRT_2, vb.pp("conv"))?,
            fc: EqualizedLinear::new(width(4) * h * w, width(2), hidden, vb.pp("fc"))?,
            out: EqualizedLinear::new(width(2), options.outputs, LinearOptions::default(), vb.pp("out"))?,
            options,
        })
    }

    /// Images at full size or at that of `lod` to scores `[n, outputs]`.
    pub(crate) fn forward(&self, img: &Tensor, lod: f64) -> Result<Tensor> {
        self.out.forward(&self.features(img, lod)?)
    }

    /// Images at full size or at that of `lod` to what scores are made of, `[n, channels]`.
    pub(crate) fn features(&self, img: &Tensor, lod: f64) -> Result<Tensor> {
        let (top, fade) = self.pyramid.at_lod(lod)?;
        let mut img = image_at_lod(img, self.options.img_channels, &self.pyramid, top)?;
        let mut x = self.fromrgb[top].forward_lrelu(&img)?;
        for level in (1..=top).rev() {
            x = self.blocks[level - 1].forward(&x, &self.options)?;
            if level == top && fade > 0. {
                img = kernels::avg_pool2x(&img)?;
                x = lerp(&x, &self.fromrgb[level - 1].forward_lrelu(&img)?, fade)?;
            }
        }
        if self.options.mbstd_group > 0 {
            x = kernels::minibatch_stddev(&x, self.options.mbstd_group, self.options.mbstd_channels)?;
        }
        let x = self.conv.forward_lrelu(&x)?.flatten_from(1)?;
        self.fc.forward_lrelu(&x)
    }
}

impl Block {
    fn forward(&self, x: &Tensor, options: &GrowingOptions) -> Result<Tensor> {
        let x = blur(self.conv0.forward_lrelu(x)?, options.filter.as_ref())?;
        if options.activate_before_pooling && !self.conv1.is_fused() {
            return Ok(kernels::avg_pool2x(&self.conv1.conv().forward_lrelu(&x)?)?);
        }
        self.conv1.activate(&self.conv1.convolve(&x)?)
    }
}
