//! The progressive discriminator.

use super::PgganDiscriminatorConfig;
use crate::layers::{
    EqualizedConv, EqualizedLinear, LinearOptions, Pyramid, Resample, ResamplingConv, channels, lerp, picture_at_lod,
};
use crate::{Condition, ConditionSpec, Discriminator, DiscriminatorOutput, DiscriminatorSpec, Result};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use std::f64::consts::SQRT_2;
use stylegan_kernels as kernels;

/// The discriminator of Progressive GAN.
#[derive(Debug, Clone)]
pub struct PgganDiscriminator {
    config: PgganDiscriminatorConfig,
    spec: DiscriminatorSpec,
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

impl PgganDiscriminator {
    /// The blocks `b{r}` of `vb`, named as those of
    /// [`StyleGan1Discriminator`](crate::stylegan1::StyleGan1Discriminator).
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &PgganDiscriminatorConfig, vb: VarBuilder) -> Result<Self> {
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
                let (wide, narrow) = (width(r / 2), width(r));
                blocks.push(Block {
                    conv0: EqualizedConv::new(narrow, narrow, 3, SQRT_2, vb.pp("conv0"))?,
                    conv1: ResamplingConv::new(narrow, wide, Resample::Down, fused, SQRT_2, vb.pp("conv1"))?,
                });
            }
        }
        let vb = vb.pp("b4");
        let [h, w] = pyramid.size(0);
        let extra = usize::from(config.mbstd_group > 0);
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
            fromrgb,
            blocks,
            conv: EqualizedConv::new(width(4) + extra, width(4), 3, SQRT_2, vb.pp("conv"))?,
            fc: EqualizedLinear::new(width(4) * h * w, width(2), hidden, vb.pp("fc"))?,
            out: EqualizedLinear::new(width(2), 1 + config.c_dim, LinearOptions::default(), vb.pp("out"))?,
        })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &PgganDiscriminatorConfig {
        &self.config
    }

    /// Pictures, as [`forward`](Discriminator::forward) takes them, to `[n, 1 + c_dim]`: the logit,
    /// then the logits of the auxiliary classifier (AC-GAN).
    ///
    /// # Errors
    /// When shapes do not fit, or `lod` is out of range.
    pub fn forward_with_classes(&self, img: &Tensor, lod: f64) -> Result<Tensor> {
        let (top, fade) = self.pyramid.at_lod(lod)?;
        let mut img = picture_at_lod(img, self.config.img_channels, &self.pyramid, top)?;
        let mut x = self.fromrgb[top].forward_lrelu(&img)?;
        for level in (1..=top).rev() {
            x = self.blocks[level - 1].forward(&x)?;
            if level == top && fade > 0. {
                img = kernels::avg_pool2x(&img)?;
                x = lerp(&x, &self.fromrgb[level - 1].forward_lrelu(&img)?, fade)?;
            }
        }
        if self.config.mbstd_group > 0 {
            x = kernels::minibatch_stddev(&x, self.config.mbstd_group, 1)?;
        }
        let x = self.conv.forward_lrelu(&x)?.flatten_from(1)?;
        self.out.forward(&self.fc.forward_lrelu(&x)?)
    }
}

impl Block {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.conv0.forward_lrelu(x)?;
        if self.conv1.is_fused() {
            return self.conv1.activate(&self.conv1.convolve(&x)?);
        }
        Ok(kernels::avg_pool2x(&self.conv1.conv().forward_lrelu(&x)?)?)
    }
}

impl Discriminator for PgganDiscriminator {
    fn spec(&self) -> &DiscriminatorSpec {
        &self.spec
    }

    /// The label is not needed: this network guesses it
    /// ([`forward_with_classes`](Self::forward_with_classes)).
    fn forward(&self, img: &Tensor, condition: Condition, lod: f64) -> Result<DiscriminatorOutput> {
        condition.refuse_map()?;
        let logits = self.forward_with_classes(img, lod)?.narrow(1, 0, 1)?.contiguous()?;
        Ok(DiscriminatorOutput::one(logits))
    }
}
