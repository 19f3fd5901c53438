//! The progressive generator.

use super::PgganConfig;
use crate::layers::{
    EqualizedConv, EqualizedLinear, LinearOptions, Pyramid, Resample, ResamplingConv, channels, expect_rows, lerp, row,
};
use crate::{Condition, ConditionSpec, Generator, GeneratorSpec, Result, SynthesisOptions};
use candle_core::Tensor;
use candle_nn::{Init, VarBuilder};
use std::f64::consts::SQRT_2;
use stylegan_kernels::{self as kernels, Activation};

/// The generator of Progressive GAN. Its normalised latent (with the label beside it) is its one
/// style row; it has no noise inputs and no average style.
#[derive(Debug, Clone)]
pub struct PgganGenerator {
    config: PgganConfig,
    spec: GeneratorSpec,
    pyramid: Pyramid,
    fc: EqualizedLinear,
    fc_bias: Tensor,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
struct Block {
    /// `None` in the base block.
    conv0: Option<ResamplingConv>,
    conv1: EqualizedConv,
    torgb: EqualizedConv,
}

impl PgganGenerator {
    /// `synthesis.b4.fc.{weight [C h w, z_dim + c_dim], bias [C]}` and the blocks
    /// `synthesis.b{r}.{conv0, conv1, torgb}.{weight, bias}` of `vb` (b4 has no conv0).
    ///
    /// # Errors
    /// When the configuration describes no network, or a parameter is missing or of another shape.
    pub fn new(config: &PgganConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let vb = vb.pp("synthesis");
        let pyramid = Pyramid::new(config.img_size)?;
        let width = |level| channels(config.channel_base, config.channel_max, Pyramid::resolution(level));
        let area: usize = pyramid.size(0).iter().product();
        // As if the dense layer were a convolution over the base.
        let options = LinearOptions { gain: SQRT_2 / (area as f64).sqrt(), lr: 1., bias: None };
        let fc = vb.pp("b4.fc");
        let blocks = (0..pyramid.levels())
            .map(|level| {
                let (c, vb) = (width(level), vb.pp(format!("b{}", Pyramid::resolution(level))));
                let fused = config.fused_scale.fuses(pyramid.size(level));
                let up = |below| ResamplingConv::new(below, c, Resample::Up, fused, SQRT_2, vb.pp("conv0"));
                Ok(Block {
                    conv0: (level > 0).then(|| up(width(level - 1))).transpose()?,
                    conv1: EqualizedConv::new(c, c, 3, SQRT_2, vb.pp("conv1"))?,
                    torgb: EqualizedConv::new(c, config.img_channels, 1, 1., vb.pp("torgb"))?,
                })
            })
            .collect::<Result<_>>()?;
        let spec = GeneratorSpec {
            z_dim: config.z_dim,
            w_dim: config.z_dim + config.c_dim,
            num_ws: 1,
            img_size: config.img_size,
            img_channels: config.img_channels,
            condition: ConditionSpec::label(config.c_dim),
            max_lod: pyramid.max_lod(),
            mapping: false,
        };
        Ok(Self {
            config: config.clone(),
            spec,
            pyramid,
            fc: EqualizedLinear::new(config.z_dim + config.c_dim, width(0) * area, options, fc.clone())?,
            fc_bias: fc.get_with_hints(width(0), "bias", Init::Const(0.))?,
            blocks,
        })
    }

    /// The configuration it was built with.
    pub fn config(&self) -> &PgganConfig {
        &self.config
    }

    /// Normalised latents with their labels `[n, w_dim]` to images.
    fn paint(&self, latents: &Tensor, n: usize, options: &SynthesisOptions) -> Result<Tensor> {
        let (top, fade) = self.pyramid.at_lod(options.lod)?;
        let [h, w] = self.pyramid.size(0);
        let x = self.fc.forward(latents)?.reshape((n, (), h, w))?;
        let mut x = self.normalize(kernels::bias_act(&x, Some(&self.fc_bias), Activation::Lrelu.into())?)?;
        let mut below = None;
        for (level, block) in self.blocks[..=top].iter().enumerate() {
            if let Some(conv0) = &block.conv0 {
                if level == top && fade > 0. {
                    below = Some(kernels::upsample_nearest2x(&self.blocks[level - 1].torgb.forward(&x)?)?);
                }
                x = self.normalize(conv0.activate(&conv0.convolve(&x)?)?)?;
            }
            x = self.normalize(block.conv1.forward_lrelu(&x)?)?;
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

    fn normalize(&self, x: Tensor) -> Result<Tensor> {
        if self.config.pixel_norm { Ok(kernels::pixel_norm(&x, 1e-8)?) } else { Ok(x) }
    }
}

impl Generator for PgganGenerator {
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    fn w_avg(&self) -> Option<&Tensor> {
        None
    }

    fn mapping(&self, z: &Tensor, condition: Condition) -> Result<Tensor> {
        let n = expect_rows("latents", z, &[self.config.z_dim])?;
        let mut x = z.clone();
        if let Some(c) = condition.labels(n, self.config.c_dim)? {
            x = Tensor::cat(&[&x, c], 1)?;
        }
        if self.config.normalize_latents { Ok(kernels::pixel_norm(&x, 1e-8)?) } else { Ok(x) }
    }

    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        options.condition.refuse_map()?;
        let n = expect_rows("style rows", ws, &[1, self.spec.w_dim])?;
        options.in_precision(|| self.paint(&row(ws, 0)?, n, options))
    }
}
