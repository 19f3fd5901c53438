//! LPIPS (Zhang et al. 2018, <https://arxiv.org/abs/1801.03924>): VGG16, AlexNet and SqueezeNet 1.1
//! trunks with learned channel weights, version 0.1; and ST-LPIPS with VGG16 (Ghildyal and Liu 2022), whose pools
//! are maxima at stride 1 with a blur at stride 2 behind them.
//!
//! The weights are not in this crate: trunks come from torchvision's ImageNet networks, heads from
//! the `lpips` package. Names are those of its `state_dict`: `net.slice{s}.{i}.{weight,bias}`, where `i`
//! counts the layers of torchvision's `features`, and `lin{t}.model.1.weight`; or torchvision's own,
//! `features.{i}.{weight,bias}`, beside the package's heads.

use super::PerceptualDistance;
use super::perceptual::{between, distance, scaled, unit_taps};
use super::pool::{blur_pool, max_pool};
use super::vgg::BLOCKS;
use super::weights::{ConvRelu, Weights};
use crate::Result;
use candle_core::{Device, Tensor};

/// The trunk of an LPIPS network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trunk {
    /// VGG16, what path lengths of the StyleGAN papers use.
    Vgg16,
    /// AlexNet.
    AlexNet,
    /// SqueezeNet 1.1.
    SqueezeNet,
    /// The VGG16 of ST-LPIPS.
    ShiftTolerantVgg16,
}

impl Trunk {
    /// The trunk that LPIPS weights belong to, if they are such; heads must be there too.
    pub fn of(weights: &Weights) -> Option<Self> {
        let first = ["net.slice1.0.weight", "features.0.weight"].into_iter().find_map(|name| weights.shape(name))?;
        match (first.last(), weights.shape("lin6.model.1.weight"), weights.shape("lin4.model.1.weight")?) {
            (Some(11), ..) => Some(Trunk::AlexNet),
            (_, Some(_), _) => Some(Trunk::SqueezeNet),
            // Blurs stand between the layers and have numbers too.
            _ if weights.has("net.slice2.6.weight") => Some(Trunk::ShiftTolerantVgg16),
            (_, None, [_, 512, ..]) => Some(Trunk::Vgg16),
            _ => None,
        }
    }

    /// The metric's name: `lpips-vgg16`, `lpips-alex`, `lpips-squeeze`, `stlpips-vgg16`.
    pub fn network(self) -> &'static str {
        match self {
            Trunk::Vgg16 => "lpips-vgg16",
            Trunk::AlexNet => "lpips-alex",
            Trunk::SqueezeNet => "lpips-squeeze",
            Trunk::ShiftTolerantVgg16 => "stlpips-vgg16",
        }
    }
}

/// One step of a trunk.
#[derive(Debug, Clone)]
enum Layer {
    Conv(ConvRelu),
    /// Maximum of `size x size` pixels at stride 2; with `true` the last windows may reach over the
    /// edge.
    Pool(usize, bool),
    /// Maximum of 2x2 pixels at stride 1, blur at stride 2.
    BlurPool,
    /// Squeeze, then 1x1 and 3x3 side by side.
    Fire(ConvRelu, ConvRelu, ConvRelu),
    /// The activation here is a tap.
    Tap,
}

/// An LPIPS network.
#[derive(Debug, Clone)]
pub struct Lpips {
    layers: Vec<Layer>,
    heads: Vec<Tensor>,
    weights: String,
    network: &'static str,
    device: Device,
}

impl Lpips {
    /// The network with these weights.
    ///
    /// # Errors
    /// A tensor that is missing or has another shape than the trunk needs.
    pub fn new(trunk: Trunk, weights: &Weights, device: &Device) -> Result<Self> {
        let mut builder = Builder { weights, layers: vec![], channels: 3, taps: vec![] };
        match trunk {
            Trunk::Vgg16 => builder.vgg16(false)?,
            Trunk::ShiftTolerantVgg16 => builder.vgg16(true)?,
            Trunk::AlexNet => builder.alexnet()?,
            Trunk::SqueezeNet => builder.squeezenet()?,
        }
        let head = |(t, c): (usize, &usize)| -> Result<Tensor> {
            weights.get(&format!("lin{t}.model.1.weight"), &[1, *c, 1, 1])
        };
        let heads = builder.taps.iter().enumerate().map(head).collect::<Result<_>>()?;
        let (network, device) = (trunk.network(), device.clone());
        Ok(Self { layers: builder.layers, heads, weights: weights.hash().into(), network, device })
    }

    /// The activations that the distance compares, each `[n, c, h', w']`, of `images` `[n, 3, h, w]`.
    ///
    /// # Errors
    /// Images of another shape, or too small.
    pub fn taps(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        let (mut x, mut taps) = (scaled(images, &self.device)?, vec![]);
        for layer in &self.layers {
            match layer {
                Layer::Conv(conv) => x = conv.forward(&x)?,
                Layer::Pool(size, over) => x = max_pool(&x, *size, 2, 0, *over)?,
                Layer::BlurPool => x = blur_pool(&x, 2)?,
                Layer::Fire(squeeze, one, three) => {
                    let s = squeeze.forward(&x)?;
                    x = Tensor::cat(&[one.forward(&s)?, three.forward(&s)?], 1)?;
                }
                Layer::Tap => taps.push(x.clone()),
            }
        }
        Ok(taps)
    }
}

impl PerceptualDistance for Lpips {
    fn name(&self) -> &str {
        self.network
    }

    fn hash(&self) -> &str {
        &self.weights
    }

    fn definition(&self) -> &str {
        if self.network == Trunk::ShiftTolerantVgg16.network() {
            return "ST-LPIPS, VGG16 variant vST0.0: unit-normalised channels of five activations, weighted squared \
                    differences, spatial means, sum";
        }
        "LPIPS version 0.1: unit-normalised channels of each tap, weighted squared differences, spatial means, sum"
    }

    fn distance(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        distance(a, b, &self.heads, |pictures| self.taps(pictures))
    }

    fn activations(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        unit_taps(self.taps(images)?)
    }

    fn between(&self, a: &[Tensor], b: &[Tensor]) -> Result<Tensor> {
        between(a, b, &self.heads)
    }
}

/// Lines up the layers of a trunk.
struct Builder<'a> {
    weights: &'a Weights,
    layers: Vec<Layer>,
    channels: usize,
    /// Channels of each tap.
    taps: Vec<usize>,
}

impl Builder<'_> {
    /// A convolution to `k` channels with an `r x r` kernel; the slice is the next tap's.
    fn conv(&mut self, index: &str, k: usize, r: usize, stride: usize, padding: usize) -> Result<ConvRelu> {
        let name = match self.weights.shape("features.0.weight") {
            Some(_) => format!("features.{index}"),
            None => format!("net.slice{}.{index}", self.taps.len() + 1),
        };
        let conv = ConvRelu::new(self.weights, &name, [k, self.channels, r, r], stride, padding)?;
        self.channels = k;
        Ok(conv)
    }

    fn tap(&mut self) {
        self.layers.push(Layer::Tap);
        self.taps.push(self.channels);
    }

    /// Simonyan and Zisserman 2015, configuration D.
    fn vgg16(&mut self, shift_tolerant: bool) -> Result<()> {
        let mut index = 0;
        for (block, (k, convs)) in BLOCKS.into_iter().enumerate() {
            if block > 0 {
                self.layers.push(if shift_tolerant { Layer::BlurPool } else { Layer::Pool(2, false) });
                index += if shift_tolerant { 2 } else { 1 };
            }
            for _ in 0..convs {
                let conv = self.conv(&index.to_string(), k, 3, 1, 1)?;
                self.layers.push(Layer::Conv(conv));
                // The ReLU counts too.
                index += 2;
            }
            self.tap();
        }
        Ok(())
    }

    /// Krizhevsky 2014.
    fn alexnet(&mut self) -> Result<()> {
        let convs = [(0, 64, 11, 4, 2), (3, 192, 5, 1, 2), (6, 384, 3, 1, 1), (8, 256, 3, 1, 1), (10, 256, 3, 1, 1)];
        for (index, k, r, stride, padding) in convs {
            if index == 3 || index == 6 {
                self.layers.push(Layer::Pool(3, false));
            }
            let conv = self.conv(&index.to_string(), k, r, stride, padding)?;
            self.layers.push(Layer::Conv(conv));
            self.tap();
        }
        Ok(())
    }

    /// Iandola et al. 2016, version 1.1.
    fn squeezenet(&mut self) -> Result<()> {
        let conv = self.conv("0", 64, 3, 2, 0)?;
        self.layers.push(Layer::Conv(conv));
        self.tap();
        // The slices' fire modules (index in torchvision's features, squeezed channels); expansion is
        // fourfold on either side, and the first three slices begin with a pool.
        let slices: [&[(usize, usize)]; 6] =
            [&[(3, 16), (4, 16)], &[(6, 32), (7, 32)], &[(9, 48)], &[(10, 48)], &[(11, 64)], &[(12, 64)]];
        for (slice, fires) in slices.into_iter().enumerate() {
            if slice < 3 {
                self.layers.push(Layer::Pool(3, true));
            }
            for (index, s) in fires {
                let squeeze = self.conv(&format!("{index}.squeeze"), *s, 1, 1, 0)?;
                let one = self.conv(&format!("{index}.expand1x1"), 4 * s, 1, 1, 0)?;
                self.channels = *s;
                let three = self.conv(&format!("{index}.expand3x3"), 4 * s, 3, 1, 1)?;
                self.channels = 8 * s;
                self.layers.push(Layer::Fire(squeeze, one, three));
            }
            self.tap();
        }
        Ok(())
    }
}
