//! Configuration of the StyleGAN2 generator and discriminator.

use crate::layers::{self, MAX_WIDTH, Pyramid, check_label, check_positive};
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the resolutions of a network are joined (StyleGAN2, section 4.1 and figure 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    /// A plain stack of convolutions with one RGB layer, at full size.
    Orig,
    /// RGB layers at every resolution: summed through upsampling in the generator, fed through
    /// downsampling in the discriminator.
    Skip,
    /// Residual blocks with one RGB layer, at full size.
    Resnet,
}

/// Configuration of the StyleGAN2 and StyleGAN2-ADA generator. The defaults are configuration F of
/// StyleGAN2 (Table 1), with the label embedding of StyleGAN2-ADA.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StyleGan2Config {
    /// Height and width of pictures in pixels; FFHQ 1024x1024. Both are one power of two times a
    /// small base (4x4, 3x4, …).
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Width of the latent code z, 512.
    pub z_dim: usize,
    /// Width of the label, 0 for none.
    pub c_dim: usize,
    /// Width of the style code w, 512.
    pub w_dim: usize,
    /// Fully connected layers of the mapping network, 8.
    pub mapping_layers: usize,
    /// Width of the mapping network's hidden layers (`layer_features`); `None` means `w_dim`.
    pub mapping_width: Option<usize>,
    /// Width of the embedded label (`embed_features`); `None` means `w_dim`.
    pub embed_width: Option<usize>,
    /// Learning rate of the mapping network relative to the rest, 0.01 (`lr_multiplier`).
    pub mapping_lr: f64,
    /// How the resolutions are joined, `skip` (`architecture` in the official code).
    pub topology: Topology,
    /// Channels at resolution `r` are `channel_base / r`, at most `channel_max`; 32768 (16384 in
    /// StyleGAN2-ADA's models of 256x256 pixels).
    pub channel_base: usize,
    /// Upper bound of channels, 512.
    pub channel_max: usize,
    /// Channels of each block from the smallest up, for networks whose channels follow no base;
    /// `None` means `channel_base` and `channel_max`.
    pub channels: Option<Vec<usize>>,
    /// Bound on the magnitude of activations: none in StyleGAN2, 256 in StyleGAN2-ADA.
    pub conv_clamp: Option<f64>,
    /// Resolutions, from the top, that the official code runs in half precision. It belongs to a
    /// converted network's identity; the CPU computes all of them in f32.
    pub num_fp16_res: usize,
}

impl Default for StyleGan2Config {
    fn default() -> Self {
        Self {
            img_size: [1024, 1024],
            img_channels: 3,
            z_dim: 512,
            c_dim: 0,
            w_dim: 512,
            mapping_layers: 8,
            mapping_width: None,
            embed_width: None,
            mapping_lr: 0.01,
            topology: Topology::Skip,
            channel_base: 32768,
            channel_max: 512,
            channels: None,
            conv_clamp: None,
            num_fp16_res: 0,
        }
    }
}

impl StyleGan2Config {
    /// Checks that the fields describe a network.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        check_channels(self.channels.as_deref(), Pyramid::new(self.img_size)?.levels())?;
        check_positive(&[
            ("img_channels", self.img_channels),
            ("z_dim", self.z_dim),
            ("w_dim", self.w_dim),
            ("mapping_layers", self.mapping_layers),
            ("mapping_width", self.mapping_width.unwrap_or(1)),
            ("embed_width", self.embed_width.unwrap_or(1)),
            ("channel_base", self.channel_base),
            ("channel_max", self.channel_max),
        ])?;
        check_label(self.c_dim)?;
        if !(self.mapping_lr > 0. && self.mapping_lr.is_finite()) {
            return Err(Error::Config(format!("mapping_lr must be above 0, found {}", self.mapping_lr)));
        }
        check_clamp(self.conv_clamp)
    }

    /// Channels of the block at `level`, 0 for the smallest.
    pub(crate) fn width(&self, level: usize) -> usize {
        width(self.channels.as_deref(), self.channel_base, self.channel_max, level)
    }

    /// With these channels of each block, from the smallest up.
    pub(crate) fn with_widths(self, widths: Vec<usize>) -> Self {
        let (channel_base, channel_max, channels) = described(widths);
        Self { channel_base, channel_max, channels, ..self }
    }
}

/// Configuration of the StyleGAN2 and StyleGAN2-ADA discriminator. The defaults are configuration F
/// of StyleGAN2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StyleGan2DiscriminatorConfig {
    /// Height and width of pictures in pixels, as in [`StyleGan2Config`].
    pub img_size: [usize; 2],
    /// Channels of pictures, 3 for RGB.
    pub img_channels: usize,
    /// Width of the label, 0 for none: the logit is the product of features and mapped label
    /// (StyleGAN2-ADA, appendix A).
    pub c_dim: usize,
    /// Width of the mapped label (`cmap_dim`); `None` means the channels of the smallest block.
    pub cmap_width: Option<usize>,
    /// Fully connected layers of the label's mapping network, 8.
    pub mapping_layers: usize,
    /// How the resolutions are joined, `resnet` (`architecture` in the official code).
    pub topology: Topology,
    /// Channels at resolution `r` are `channel_base / r`, at most `channel_max`; 32768.
    pub channel_base: usize,
    /// Upper bound of channels, 512.
    pub channel_max: usize,
    /// Channels of each block from the smallest up, for networks whose channels follow no base;
    /// `None` means `channel_base` and `channel_max`.
    pub channels: Option<Vec<usize>>,
    /// Bound on the magnitude of activations, as in [`StyleGan2Config`].
    pub conv_clamp: Option<f64>,
    /// As in [`StyleGan2Config`].
    pub num_fp16_res: usize,
    /// Samples per group of the minibatch standard deviation, 4; a group larger than the batch is
    /// the whole batch, 0 leaves the layer out.
    pub mbstd_group: usize,
    /// Features of the minibatch standard deviation, 1.
    pub mbstd_channels: usize,
}

impl Default for StyleGan2DiscriminatorConfig {
    fn default() -> Self {
        Self {
            img_size: [1024, 1024],
            img_channels: 3,
            c_dim: 0,
            cmap_width: None,
            mapping_layers: 8,
            topology: Topology::Resnet,
            channel_base: 32768,
            channel_max: 512,
            channels: None,
            conv_clamp: None,
            num_fp16_res: 0,
            mbstd_group: 4,
            mbstd_channels: 1,
        }
    }
}

impl StyleGan2DiscriminatorConfig {
    /// Checks that the fields describe a network.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub fn validate(&self) -> Result<()> {
        check_channels(self.channels.as_deref(), Pyramid::new(self.img_size)?.levels())?;
        check_positive(&[
            ("img_channels", self.img_channels),
            ("cmap_width", self.cmap_width.unwrap_or(1)),
            ("mapping_layers", self.mapping_layers),
            ("channel_base", self.channel_base),
            ("channel_max", self.channel_max),
            ("mbstd_channels", self.mbstd_channels),
        ])?;
        check_label(self.c_dim)?;
        check_clamp(self.conv_clamp)
    }

    /// Channels of the block at `level`, 0 for the smallest.
    pub(crate) fn width(&self, level: usize) -> usize {
        width(self.channels.as_deref(), self.channel_base, self.channel_max, level)
    }

    /// With these channels of each block, from the smallest up.
    pub(crate) fn with_widths(self, widths: Vec<usize>) -> Self {
        let (channel_base, channel_max, channels) = described(widths);
        Self { channel_base, channel_max, channels, ..self }
    }
}

/// The base and bound that give these widths; the widths as well where none do.
fn described(widths: Vec<usize>) -> (usize, usize, Option<Vec<usize>>) {
    let (base, max) = layers::channel_rule(&widths);
    (base, max, (!layers::follows_rule(&widths, base, max)).then_some(widths))
}

fn width(channels: Option<&[usize]>, base: usize, max: usize, level: usize) -> usize {
    match channels.and_then(|channels| channels.get(level)) {
        Some(&width) => width,
        None => layers::channels(base, max, Pyramid::resolution(level)),
    }
}

fn check_channels(channels: Option<&[usize]>, levels: usize) -> Result<()> {
    match channels {
        Some(channels) if channels.len() != levels || channels.iter().any(|width| !(1..=MAX_WIDTH).contains(width)) => {
            Err(Error::Config(format!(
                "channels must name {levels} widths from 1 to {MAX_WIDTH}, one for each block, found {channels:?}"
            )))
        }
        _ => Ok(()),
    }
}

fn check_clamp(clamp: Option<f64>) -> Result<()> {
    match clamp {
        Some(bound) if !(bound > 0. && bound.is_finite()) => {
            Err(Error::Config(format!("conv_clamp must be above 0, found {bound}; leave it out for no clamp")))
        }
        _ => Ok(()),
    }
}
