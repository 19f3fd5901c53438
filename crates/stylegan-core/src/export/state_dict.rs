//! Parameters under the names that other programs give them.

use crate::import::layouts::{Row, rosinality};
use crate::layers::Pyramid;
use crate::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig, Topology};
use crate::{DiscriminatorConfig, Error, GeneratorConfig, NetworkConfig, Result};
use candle_core::{Device, Tensor};
use std::collections::HashMap;
use stylegan_kernels::Filter;

/// Whose names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// NVIDIA's `stylegan2-ada-pytorch` and the StyleGAN2 networks of `stylegan3`: the same names as
    /// here, with the constant low-pass filters beside the parameters.
    Nvlabs,
    /// rosinality's `stylegan2-pytorch`. A generator's average style is `latent_avg`, which is no
    /// part of its module. That code does not clamp activations, as StyleGAN2-ADA's networks do at
    /// 256, a bound that f32 hardly meets.
    Rosinality,
}

/// The state dictionary of a StyleGAN2 network, complete for the other program's
/// `load_state_dict`; `tensors` are named without the network's prefix.
///
/// # Errors
/// When the other program has no such network, or a tensor is missing.
pub fn state_dict(
    config: &NetworkConfig,
    tensors: &HashMap<String, Tensor>,
    naming: Naming,
) -> Result<Vec<(String, Tensor)>> {
    let names = match config {
        NetworkConfig::Generator(GeneratorConfig::StyleGan2(config)) => Names::generator(config)?,
        NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan2(config)) => Names::discriminator(config)?,
        NetworkConfig::Generator(_)
        | NetworkConfig::Discriminator(_)
        | NetworkConfig::Encoder(_)
        | NetworkConfig::Segmenter(_) => {
            return Err(Error::Argument(
                "only StyleGAN2 networks are written under other programs' names; this one is of another architecture"
                    .into(),
            ));
        }
    };
    match naming {
        Naming::Nvlabs => names.nvlabs(tensors),
        Naming::Rosinality => names.rosinality(tensors),
    }
}

/// What names follow from.
struct Names {
    generator: bool,
    levels: usize,
    mapping_layers: usize,
    /// Why rosinality's code cannot build the network, if it cannot.
    only_nvlabs: Option<&'static str>,
}

impl Names {
    fn generator(config: &StyleGan2Config) -> Result<Self> {
        let only_nvlabs = match config {
            _ if config.topology != Topology::Skip => Some("it is not of the skip architecture"),
            _ if config.mapping_width.is_some() => Some("its mapping network is not as wide as the style"),
            _ if config.z_dim != config.w_dim => Some("its latent is not as wide as its style"),
            _ if config.mapping_lr != 0.01 => Some("its mapping network learns at another rate"),
            _ => Self::common(config.img_size, config.img_channels, config.c_dim),
        };
        let levels = Pyramid::new(config.img_size)?.levels();
        Ok(Self { generator: true, levels, mapping_layers: config.mapping_layers, only_nvlabs })
    }

    fn discriminator(config: &StyleGan2DiscriminatorConfig) -> Result<Self> {
        let only_nvlabs = match config {
            _ if config.topology != Topology::Resnet => Some("it is not of the resnet architecture"),
            _ if (config.mbstd_group, config.mbstd_channels) != (4, 1) => {
                Some("its minibatch standard deviation is not one feature of groups of 4")
            }
            _ => Self::common(config.img_size, config.img_channels, config.c_dim),
        };
        Ok(Self { generator: false, levels: Pyramid::new(config.img_size)?.levels(), mapping_layers: 0, only_nvlabs })
    }

    fn common(img_size: [usize; 2], img_channels: usize, c_dim: usize) -> Option<&'static str> {
        match img_size {
            _ if c_dim > 0 => Some("it takes labels"),
            _ if img_channels != 3 => Some("its pictures do not have 3 channels"),
            [h, w] if h != w || !h.is_power_of_two() => Some("its pictures are not squares of a power of two"),
            _ => None,
        }
    }

    /// Ours, and `resample_filter` in each block and in each convolution that is not modulated to
    /// RGB.
    fn nvlabs(&self, tensors: &HashMap<String, Tensor>) -> Result<Vec<(String, Tensor)>> {
        let mut named: Vec<_> = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
        let filter = filter(1.)?;
        let mut push = |name: String| named.push((format!("{name}.resample_filter"), filter.clone()));
        for name in tensors.keys() {
            let layer = name.strip_suffix(".weight").and_then(|layer| Some((layer, layer.rsplit_once('.')?.1)));
            if let Some((layer, "conv" | "conv0" | "conv1" | "skip" | "fromrgb")) = layer {
                push(layer.into());
            }
        }
        for level in 0..self.levels {
            match self.generator {
                true => push(format!("synthesis.b{}", Pyramid::resolution(level))),
                false if level > 0 => push(format!("b{}", Pyramid::resolution(level))),
                false => {}
            }
        }
        named.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(named)
    }

    fn rosinality(&self, tensors: &HashMap<String, Tensor>) -> Result<Vec<(String, Tensor)>> {
        if let Some(reason) = self.only_nvlabs {
            return Err(Error::Argument(format!("rosinality's code has no such network: {reason}")));
        }
        let get = |name: &str| {
            tensors.get(name).ok_or_else(|| Error::Argument(format!("`{name}` is missing; the file is incomplete")))
        };
        let (rows, filters, gain) = match self.generator {
            true => (
                rosinality::stylegan2_generator(self.levels, self.mapping_layers),
                rosinality::stylegan2_generator_filters(self.levels),
                4.,
            ),
            false => (
                rosinality::stylegan2_discriminator(self.levels),
                rosinality::stylegan2_discriminator_filters(self.levels),
                1.,
            ),
        };
        let rename = |(ours, theirs, change): &Row| {
            let tensor = get(ours)?;
            Ok((theirs.clone(), change.invert(tensor, tensor.dims())?))
        };
        let mut named = rows.iter().map(rename).collect::<Result<Vec<_>>>()?;
        let filter = filter(gain)?;
        named.extend(filters.into_iter().map(|name| (name, filter.clone())));
        if self.generator {
            named.push(("latent_avg".into(), get("mapping.w_avg")?.clone()));
        }
        Ok(named)
    }
}

/// `[1, 3, 3, 1]` as `[4, 4]` of this sum.
fn filter(sum: f64) -> Result<Tensor> {
    let taps: Vec<f32> = Filter::separable(&[1., 3., 3., 1.]).taps().iter().map(|tap| (sum * tap) as f32).collect();
    Ok(Tensor::from_vec(taps, (4, 4), &Device::Cpu)?)
}
