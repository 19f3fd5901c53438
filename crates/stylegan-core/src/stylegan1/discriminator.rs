//! The discriminator: pictures to logits.

use super::StyleGan1DiscriminatorConfig;
use crate::layers::{
    EqualizedConv, EqualizedLinear, LinearOptions, Pyramid, Resample, ResamplingConv, blur, blur_filter, channels,
    lerp, picture_at_lod,
};
use crate::{Condition, ConditionSpec, Discriminator, DiscriminatorOutput, DiscriminatorSpec, Result};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use std::f64::consts::SQRT_2;
use stylegan_kernels::{self as kernels, Filter};

/// The StyleGAN discriminator: that of PGGAN with a low-pass filter before each downsampling.
#[derive(Debug, Clone)]
pub struct StyleGan1Discriminator {
    config: StyleGan1DiscriminatorConfig,
    spec: DiscriminatorSpec,
    pyramid: Pyramid,
    filter: Option<Filter>,
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

impl StyleGan1Discriminator {
    /// The blocks `b{r}` of `vb`: `b{r}.fromrgb`, `b{r}.conv0`, `b{r}.conv1`, and `b4.fromrgb`,
    /// `b4.conv`, `b4.fc`, `b4.out`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &StyleGan1DiscriminatorConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let pyramid = Pyramid::new(config.img_size)?;
        let width = |resolution| channels(config.channel_base, config.channel_max, resolution);
        let (mut fromrgb, mut blocks) = (Vec::new(), Vec::new());
        for level in 0..pyramid.levels() {
            let r = Pyramid::resolution(level);
            let vb = vb.pp(format!("b{r}"));
            fromrgb.push(EqualizedConv::new(config.img_channels, width(r), 1, SQRT_2, vb.pp("fromrgb"))?);
            if level > 0 {
                let fused = config.fused_scale.fuses(pyramid.size(level));
                blocks.push(Block {
                    conv0: EqualizedConv::new(width(r), width(r), 3, SQRT_2, vb.pp("conv0"))?,
                    conv1: ResamplingConv::new(width(r), width(r / 2), Resample::Down, fused, SQRT_2, vb.pp("conv1"))?,
                });
            }
        }
        let vb = vb.pp("b4");
        let [h, w] = pyramid.size(0);
        let extra = if config.mbstd_group > 0 { config.mbstd_channels } else { 0 };
        let hidden = LinearOptions { gain: SQRT_2, ..LinearOptions::default() };
        Ok(Self {
            config: config.clone(),
            spec: DiscriminatorSpec {
                img_size: config.img_size,
                img_channels: config.img_channels,
                condition: ConditionSpec::label(config.c_dim),
                max_lod: pyramid.max_lod(),
            },
            pyramid,
            filter: blur_filter(&config.blur_filter),
            fromrgb,
            blocks,
            conv: EqualizedConv::new(width(4) + extra, width(4), 3, SQRT_2, vb.pp("conv"))?,
            fc: EqualizedLinear::new(width(4) * h * w, width(2), hidden, vb.pp("fc"))?,
            out: EqualizedLinear::new(width(2), config.c_dim.max(1), LinearOptions::default(), vb.pp("out"))?,
        })
    }

    /// Pictures at full size `[n, img_channels, h, w]` to all their scores `[n, max(c_dim, 1)]`, one per
    /// class: what a classifier of this architecture answers.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn scores(&self, img: &Tensor) -> Result<Tensor> {
        self.scores_at(img, 0.)
    }

    fn scores_at(&self, img: &Tensor, lod: f64) -> Result<Tensor> {
        let (top, fade) = self.pyramid.at_lod(lod)?;
        let mut img = picture_at_lod(img, self.config.img_channels, &self.pyramid, top)?;
        let mut x = self.fromrgb[top].forward_lrelu(&img)?;
        for level in (1..=top).rev() {
            x = self.blocks[level - 1].forward(&x, self.filter.as_ref())?;
            if level == top && fade > 0. {
                img = kernels::avg_pool2x(&img)?;
                x = lerp(&x, &self.fromrgb[level - 1].forward_lrelu(&img)?, fade)?;
            }
        }
        if self.config.mbstd_group > 0 {
            x = kernels::minibatch_stddev(&x, self.config.mbstd_group, self.config.mbstd_channels)?;
        }
        let x = self.conv.forward_lrelu(&x)?.flatten_from(1)?;
        self.out.forward(&self.fc.forward_lrelu(&x)?)
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &StyleGan1DiscriminatorConfig {
        &self.config
    }
}

impl Block {
    fn forward(&self, x: &Tensor, filter: Option<&Filter>) -> Result<Tensor> {
        let x = blur(self.conv0.forward_lrelu(x)?, filter)?;
        self.conv1.activate(&self.conv1.convolve(&x)?)
    }
}

impl Discriminator for StyleGan1Discriminator {
    fn spec(&self) -> &DiscriminatorSpec {
        &self.spec
    }

    fn forward(&self, img: &Tensor, condition: Condition, lod: f64) -> Result<DiscriminatorOutput> {
        let labels = condition.labels(img.dim(0)?, self.config.c_dim)?;
        let scores = self.scores_at(img, lod)?;
        Ok(DiscriminatorOutput::one(match labels {
            Some(labels) => (scores * labels)?.sum_keepdim(1)?,
            None => scores,
        }))
    }
}
