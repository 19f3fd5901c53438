//! The StyleGAN2 discriminator (StyleGAN2, section 4.1; projection of labels as in StyleGAN2-ADA,
//! section 4.2).

use super::config::{StyleGan2DiscriminatorConfig, Topology};
use super::layers::{ActivatedLinear, ConvLayer, resample_filter};
use super::mapping::{StyleGan2Mapping, StyleGan2MappingConfig};
use super::resample::Direction;
use crate::error::bad_argument;
use crate::layers::{EqualizedLinear, LinearOptions, Pyramid, expect_rows};
use crate::{Condition, ConditionSpec, Discriminator, DiscriminatorOutput, DiscriminatorSpec, Error, Result};
use candle_core::{D, Tensor};
use candle_nn::VarBuilder;
use std::f64::consts::FRAC_1_SQRT_2;
use stylegan_kernels::{Filter, downsample2d, minibatch_stddev};

/// The discriminator of StyleGAN2 and StyleGAN2-ADA.
#[derive(Debug, Clone)]
pub struct StyleGan2Discriminator {
    config: StyleGan2DiscriminatorConfig,
    spec: DiscriminatorSpec,
    blocks: Vec<Block>,
    epilogue: Epilogue,
    mapping: Option<StyleGan2Mapping>,
}

impl StyleGan2Discriminator {
    /// Builds the network from `b{resolution}`, `b4` and `mapping` below `vb`.
    ///
    /// # Errors
    /// When the configuration describes no network, or a tensor is missing or has another shape.
    pub fn new(config: &StyleGan2DiscriminatorConfig, vb: VarBuilder) -> Result<Self> {
        config.validate()?;
        let pyramid = Pyramid::new(config.img_size)?;
        let blocks = (1..pyramid.levels())
            .rev()
            .map(|level| Block::new(config, pyramid, level, vb.pp(format!("b{}", Pyramid::resolution(level)))))
            .collect::<Result<_>>()?;
        let cmap_dim = cmap_width(config);
        let mapping = StyleGan2MappingConfig {
            z_dim: 0,
            c_dim: config.c_dim,
            w_dim: cmap_dim,
            layers: config.mapping_layers,
            embed_width: cmap_dim,
            width: cmap_dim,
            lr: 0.01,
            track_w_avg: false,
        };
        Ok(Self {
            config: config.clone(),
            spec: DiscriminatorSpec {
                img_size: config.img_size,
                img_channels: config.img_channels,
                condition: ConditionSpec::label(config.c_dim),
                max_lod: 0.,
            },
            blocks,
            epilogue: Epilogue::new(config, pyramid, vb.pp("b4"))?,
            mapping: (config.c_dim > 0).then(|| StyleGan2Mapping::new(mapping, vb.pp("mapping"))).transpose()?,
        })
    }

    /// The configuration that the network was built from.
    pub fn config(&self) -> &StyleGan2DiscriminatorConfig {
        &self.config
    }
}

impl Discriminator for StyleGan2Discriminator {
    fn spec(&self) -> &DiscriminatorSpec {
        &self.spec
    }

    fn forward(&self, img: &Tensor, condition: Condition, lod: f64) -> Result<DiscriminatorOutput> {
        condition.refuse_map()?;
        let [h, w] = self.config.img_size;
        expect_rows("pictures", img, &[self.config.img_channels, h, w])?;
        if lod != 0. {
            bad_argument!("StyleGAN2 does not grow, so its only lod is 0, found {lod}")
        }
        let mut image = Some(img.clone());
        let mut x = None;
        for block in &self.blocks {
            (x, image) = block.forward(x, image)?;
        }
        let label = self.mapping.as_ref().map(|mapping| mapping.forward(None, condition)).transpose()?;
        Ok(DiscriminatorOutput::one(self.epilogue.forward(x, image, label.as_ref())?))
    }
}

/// Width of the mapped label.
fn cmap_width(config: &StyleGan2DiscriminatorConfig) -> usize {
    config.cmap_width.unwrap_or(config.width(0))
}

/// Two convolutions, the second of which halves the resolution.
#[derive(Debug, Clone)]
struct Block {
    fromrgb: Option<ConvLayer>,
    conv0: ConvLayer,
    conv1: ConvLayer,
    skip: Option<ConvLayer>,
    /// Halves the image for the next block's RGB layer.
    shrink: Option<Filter>,
}

impl Block {
    fn new(config: &StyleGan2DiscriminatorConfig, pyramid: Pyramid, level: usize, vb: VarBuilder) -> Result<Self> {
        let (inputs, outputs) = (config.width(level), config.width(level - 1));
        let clamp = config.conv_clamp;
        let reads_image = level + 1 == pyramid.levels() || config.topology == Topology::Skip;
        Ok(Self {
            fromrgb: reads_image
                .then(|| ConvLayer::new(config.img_channels, inputs, 1, Direction::Keep, clamp, vb.pp("fromrgb")))
                .transpose()?,
            conv0: ConvLayer::new(inputs, inputs, 3, Direction::Keep, clamp, vb.pp("conv0"))?,
            conv1: ConvLayer::new(inputs, outputs, 3, Direction::Down, clamp, vb.pp("conv1"))?,
            skip: (config.topology == Topology::Resnet)
                .then(|| ConvLayer::shortcut(inputs, outputs, Direction::Down, vb.pp("skip")))
                .transpose()?,
            shrink: (config.topology == Topology::Skip).then(resample_filter),
        })
    }

    fn forward(&self, x: Option<Tensor>, image: Option<Tensor>) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let x = from_image(self.fromrgb.as_ref(), x, image.as_ref())?;
        let image = match (&self.shrink, image) {
            (Some(filter), Some(image)) => Some(downsample2d(&image, filter, 1.)?),
            _ => None,
        };
        let x = match &self.skip {
            Some(skip) => {
                let residual = skip.forward(&x, FRAC_1_SQRT_2)?;
                (residual + self.conv1.forward(&self.conv0.forward(&x, 1.)?, FRAC_1_SQRT_2)?)?
            }
            None => self.conv1.forward(&self.conv0.forward(&x, 1.)?, 1.)?,
        };
        Ok((Some(x), image))
    }
}

/// What an RGB layer reads from the image, added to the features so far.
fn from_image(fromrgb: Option<&ConvLayer>, x: Option<Tensor>, image: Option<&Tensor>) -> Result<Tensor> {
    let read = match (fromrgb, image) {
        (Some(fromrgb), Some(image)) => Some(fromrgb.forward(image, 1.)?),
        _ => None,
    };
    match (x, read) {
        (Some(x), Some(read)) => Ok((x + read)?),
        (Some(x), None) | (None, Some(x)) => Ok(x),
        (None, None) => Err(Error::Config("stylegan2 discriminator: no layer reads the image".into())),
    }
}

/// The last resolution: minibatch statistics, a convolution and two fully connected layers.
#[derive(Debug, Clone)]
struct Epilogue {
    fromrgb: Option<ConvLayer>,
    conv: ConvLayer,
    fc: ActivatedLinear,
    out: EqualizedLinear,
    /// Group size and features.
    mbstd: Option<(usize, usize)>,
}

impl Epilogue {
    fn new(config: &StyleGan2DiscriminatorConfig, pyramid: Pyramid, vb: VarBuilder) -> Result<Self> {
        let channels = config.width(0);
        let [h, w] = pyramid.size(0);
        let mbstd = (config.mbstd_group > 0).then_some((config.mbstd_group, config.mbstd_channels));
        let inputs = channels + mbstd.map_or(0, |(_, features)| features);
        let outputs = if config.c_dim > 0 { cmap_width(config) } else { 1 };
        Ok(Self {
            fromrgb: (config.topology == Topology::Skip)
                .then(|| ConvLayer::new(config.img_channels, channels, 1, Direction::Keep, None, vb.pp("fromrgb")))
                .transpose()?,
            conv: ConvLayer::new(inputs, channels, 3, Direction::Keep, config.conv_clamp, vb.pp("conv"))?,
            fc: ActivatedLinear::new(channels * h * w, channels, 1., vb.pp("fc"))?,
            out: EqualizedLinear::new(channels, outputs, LinearOptions::default(), vb.pp("out"))?,
            mbstd,
        })
    }

    fn forward(&self, x: Option<Tensor>, image: Option<Tensor>, label: Option<&Tensor>) -> Result<Tensor> {
        let mut x = from_image(self.fromrgb.as_ref(), x, image.as_ref())?;
        if let Some((group, features)) = self.mbstd {
            x = minibatch_stddev(&x, group, features)?;
        }
        let x = self.conv.forward(&x, 1.)?.flatten_from(1)?;
        let x = self.out.forward(&self.fc.forward(&x)?)?;
        match label {
            Some(label) => Ok(((x * label)?.sum_keepdim(D::Minus1)? * (1. / (label.dim(1)? as f64).sqrt()))?),
            None => Ok(x),
        }
    }
}
