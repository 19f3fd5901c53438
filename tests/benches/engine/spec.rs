//! What is measured, as data that our worker and every peer understand alike.

use serde::{Deserialize, Serialize};
use stylegan_core::Precision;

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Spec {
    /// A convolution of square pictures, `channels` in and out.
    Conv { pass: Pass, shape: Shape, batch: usize, channels: usize, size: usize },
    /// The filter `[1, 3, 3, 1]` in both directions.
    Filter { resample: Resample, batch: usize, channels: usize, size: usize },
    /// Augmentation of images of three channels by the paper's pipe `bgc` with probability 0.6, and with
    /// `gradient` the images' gradient as well.
    Augment { gradient: bool, batch: usize, size: usize },
    /// Pictures from styles, fixed noise. Peers take their own f32 whatever our `products` are.
    Synthesis { network: Network, size: usize, batch: usize, channel_base: usize, products: Products },
    /// Pictures of label maps, by SPADE's generator for COCO-Stuff with `channels` at full resolution.
    Paint { size: usize, batch: usize, channels: usize },
    /// Style rows of pictures, by pSp's encoder for a generator of 1024 pixels.
    Encode { size: usize, batch: usize },
    /// One training iteration, the mean over lazy phases; see `iteration.rs`.
    Iteration { network: Network },
    /// One training iteration of SPADE; see `painter_iteration.rs`.
    PainterIteration,
    /// What real images cost in a discriminator's phase: StyleGAN2's logits and their loss's gradient, with
    /// `augmented` of images as `Augment` makes them, whose draw counts.
    Discriminate { batch: usize, size: usize, channel_base: usize, channel_max: usize, augmented: bool },
    /// A feature network of the metrics.
    Features { network: Features },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Pass {
    Forward,
    InputGradient,
    WeightGradient,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shape {
    /// 3x3, stride 1, padding 1.
    Same,
    /// 1x1.
    Pointwise,
    /// 3x3, stride 2, no padding, from an odd size.
    Strided,
    /// 3x3 transposed, stride 2, to an odd size.
    Transposed,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Resample {
    Same,
    Up,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Network {
    StyleGan1,
    StyleGan2,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Features {
    /// Inception of 2015 on 8 pictures of 299x299.
    Inception,
    /// LPIPS on VGG16, 4 pairs of 256x256.
    LpipsVgg,
}

/// The precision of our convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Products {
    F32,
    Bf16x3,
    Bf16,
}

impl Products {
    pub(crate) fn precision(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::Bf16x3 => Precision::Bf16x3,
            Self::Bf16 => Precision::Bf16,
        }
    }
}

impl Spec {
    /// The name that `--only` looks into.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Conv { pass, shape, batch, channels, size } => {
                let shape = match shape {
                    Shape::Same => "3x3",
                    Shape::Pointwise => "1x1",
                    Shape::Strided => "3x3 stride 2",
                    Shape::Transposed => "3x3 transposed stride 2",
                };
                let pass = match pass {
                    Pass::Forward => "forward",
                    Pass::InputGradient => "input gradient",
                    Pass::WeightGradient => "weight gradient",
                };
                format!("conv {shape} {pass} b{batch} {channels}@{size}")
            }
            Self::Filter { resample, batch, channels, size } => {
                let resample = match resample {
                    Resample::Same => "same",
                    Resample::Up => "up 2",
                    Resample::Down => "down 2",
                };
                format!("upfirdn2d 4x4 {resample} b{batch} {channels}@{size}")
            }
            Self::Augment { gradient, batch, size } => {
                format!("augment bgc {} b{batch} 3@{size}", if *gradient { "with gradient" } else { "forward" })
            }
            Self::Synthesis { network, size, batch, products, .. } => {
                let products = match products {
                    Products::F32 => String::new(),
                    reduced => format!(" in {}", reduced.precision()),
                };
                format!("{} synthesis {size} b{batch}{products}", network.name())
            }
            Self::Paint { size, batch, channels } => format!("spade synthesis {size} b{batch} ngf {channels}"),
            Self::Encode { size, batch } => format!("psp encoder {size} b{batch}"),
            Self::PainterIteration => "spade training iteration 64 b8 ngf 16".to_string(),
            Self::Discriminate { batch, size, channel_base, augmented, .. } => {
                let pipe = if *augmented { " bgc" } else { "" };
                format!("stylegan2 discriminator pass {size} b{batch} channels {}{pipe}", channel_base / size)
            }
            Self::Features { network: Features::Inception } => "inception 299 b8".to_string(),
            Self::Features { network: Features::LpipsVgg } => "lpips vgg16 256 b4".to_string(),
            Self::Iteration { network } => format!("{} training iteration 64 b8", network.name()),
        }
    }

    /// Whether it is for processors with tiles alone.
    pub(crate) fn needs_tiles(&self) -> bool {
        matches!(self, Self::Synthesis { products: Products::Bf16x3 | Products::Bf16, .. })
    }

    /// Whether it is a whole network at work, not one operation.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Self::Conv { .. } | Self::Filter { .. } | Self::Augment { .. } => false,
            Self::Discriminate { .. } => false,
            Self::Synthesis { .. } | Self::Paint { .. } | Self::Encode { .. } | Self::Features { .. } => true,
            Self::Iteration { .. } | Self::PainterIteration => true,
        }
    }

    /// Multiplications and additions of a convolution, counted as of the direct algorithm.
    pub(crate) fn flops(&self) -> Option<f64> {
        let Self::Conv { shape, batch, channels, size, .. } = self else { return None };
        let per_pixel = 2.0 * (batch * channels * channels * size * size) as f64;
        Some(match shape {
            Shape::Same | Shape::Transposed => 9.0 * per_pixel,
            Shape::Pointwise => per_pixel,
            Shape::Strided => 9.0 * per_pixel / 4.0,
        })
    }
}

impl Network {
    fn name(self) -> &'static str {
        match self {
            Self::StyleGan1 => "stylegan1",
            Self::StyleGan2 => "stylegan2",
        }
    }
}
