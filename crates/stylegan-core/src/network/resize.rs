//! Networks for pictures of another size, with the layers that they have in common.

use super::{DiscriminatorConfig, GeneratorConfig, NetworkConfig, build_discriminator, build_generator};
use crate::{Error, Params, Result};
use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;

/// A network of another size.
#[derive(Debug, Clone)]
pub struct Resized {
    /// Its configuration: the old one with another `img_size`.
    pub config: NetworkConfig,
    /// All of its tensors by their names inside it, f32.
    pub tensors: Vec<(String, Tensor)>,
    /// How many of them are the old network's; the rest is initialised.
    pub kept: usize,
}

/// Makes a style-based generator, a Progressive GAN's, or a discriminator of theirs ready for pictures whose longer
/// side has `side` pixels: layers that fit, by name and shape, are kept, the others begin as those of a new network
/// (so a larger generator's pictures are wrong until it has trained).
///
/// # Errors
/// When the network is of another kind, lists its channels one by one, or cannot be that large.
pub fn resize(config: &NetworkConfig, tensors: &HashMap<String, Tensor>, side: usize) -> Result<Resized> {
    let params = Params::new(0, DType::F32, &Device::Cpu);
    let config = match config {
        NetworkConfig::Generator(generator) => {
            let (mut generator, size) = (generator.clone(), resized(generator.img_size(), side)?);
            match &mut generator {
                GeneratorConfig::StyleGan1(config) => config.img_size = size,
                GeneratorConfig::StyleGan2(config) if config.channels.is_none() => config.img_size = size,
                GeneratorConfig::Pggan(config) => config.img_size = size,
                GeneratorConfig::StyleGan2(_) => return Err(listed()),
                GeneratorConfig::Spade(_) | GeneratorConfig::Pix2PixHd(_) => {
                    return Err(unsuitable("a generator that paints label maps"));
                }
            }
            build_generator(&generator, params.trainable())?;
            NetworkConfig::Generator(generator)
        }
        NetworkConfig::Discriminator(discriminator) => {
            let (mut discriminator, size) = (discriminator.clone(), resized(discriminator.img_size(), side)?);
            match &mut discriminator {
                DiscriminatorConfig::StyleGan1(config) => config.img_size = size,
                DiscriminatorConfig::StyleGan2(config) if config.channels.is_none() => config.img_size = size,
                DiscriminatorConfig::Pggan(config) => config.img_size = size,
                DiscriminatorConfig::StyleGan2(_) => return Err(listed()),
                DiscriminatorConfig::MultiscalePatch(_) => {
                    return Err(unsuitable("a discriminator of maps and pictures"));
                }
            }
            build_discriminator(&discriminator, params.trainable())?;
            NetworkConfig::Discriminator(discriminator)
        }
        NetworkConfig::Encoder(_) => return Err(unsuitable("an encoder")),
        NetworkConfig::Segmenter(_) => return Err(unsuitable("a segmenter")),
    };
    let mut kept = 0;
    let tensors = params.vars().into_iter().map(|(name, new)| {
        let old = tensors.get(&name).filter(|old| old.dims() == new.dims());
        kept += usize::from(old.is_some());
        let tensor = old.map_or_else(|| Ok(new.as_detached_tensor()), |old| old.to_dtype(DType::F32))?;
        Ok((name, tensor))
    });
    let tensors = tensors.collect::<Result<_>>()?;
    Ok(Resized { config, tensors, kept })
}

/// `[h, w]` with `side` pixels on the longer side.
fn resized([h, w]: [usize; 2], side: usize) -> Result<[usize; 2]> {
    let longer = h.max(w).max(1);
    let scaled = |length: usize| Some(length.checked_mul(side)?).filter(|pixels| pixels.is_multiple_of(longer));
    match (scaled(h), scaled(w)) {
        (Some(h), Some(w)) => Ok([h / longer, w / longer]),
        _ => Err(Error::Argument(format!("pictures of {w}x{h} pixels cannot be resized to {side} pixels evenly"))),
    }
}

fn unsuitable(what: &str) -> Error {
    Error::Argument(format!("{what} cannot be resized; StyleGAN's, StyleGAN2's and Progressive GAN's networks can"))
}

fn listed() -> Error {
    Error::Argument(
        "the channels of this network are listed for each resolution, so those of others are unknown".into(),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Condition, NoiseMode, SynthesisOptions, broadcast_ws};

    fn config(text: &str) -> NetworkConfig {
        serde_json::from_str(text).unwrap()
    }

    fn tensors(config: &NetworkConfig) -> HashMap<String, Tensor> {
        let params = Params::new(7, DType::F32, &Device::Cpu);
        match config {
            NetworkConfig::Generator(config) => drop(build_generator(config, params.trainable()).unwrap()),
            NetworkConfig::Discriminator(config) => drop(build_discriminator(config, params.trainable()).unwrap()),
            NetworkConfig::Encoder(_) | NetworkConfig::Segmenter(_) => unreachable!(),
        }
        params.vars().into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect()
    }

    const GENERATOR: &str = r#"{"network": "generator", "architecture": "stylegan2", "img_size": [8, 16],
        "z_dim": 4, "w_dim": 4, "mapping_layers": 1, "channel_base": 64, "channel_max": 8}"#;

    /// There and back, all that was in the smaller network is as before.
    #[test]
    fn layers_in_common_are_kept() {
        let small = config(GENERATOR);
        let before = tensors(&small);
        let large = resize(&small, &before, 64).unwrap();
        let NetworkConfig::Generator(generator) = &large.config else { unreachable!() };
        assert_eq!((generator.img_size(), large.kept), ([32, 64], before.len()));
        let by_name: HashMap<_, _> = large.tensors.into_iter().collect();
        assert!(by_name.len() > before.len());
        let back = resize(&large.config, &by_name, 16).unwrap();
        assert_eq!((&back.config, back.kept), (&small, before.len()));
        for (name, tensor) in back.tensors {
            let [new, old] = [&tensor, &before[&name]].map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap());
            assert_eq!(new, old, "{name}");
        }
        // It is a whole network.
        let params = Params::from_tensors(by_name).unwrap();
        let network = build_generator(generator, params.frozen()).unwrap();
        let z = Tensor::ones((1, 4), DType::F32, &Device::Cpu).unwrap();
        let ws = broadcast_ws(&network.mapping(&z, Condition::None).unwrap(), network.spec().num_ws).unwrap();
        let options = SynthesisOptions { noise: NoiseMode::None, ..SynthesisOptions::default() };
        assert_eq!(network.synthesis(&ws, &options).unwrap().dims(), [1, 3, 32, 64]);
    }

    /// A discriminator's `fromrgb` is at its largest resolution, so that is new in both directions.
    #[test]
    fn a_discriminator_begins_anew_at_its_images() {
        let small = config(
            r#"{"network": "discriminator", "architecture": "stylegan2", "img_size": [16, 16], "channel_base": 64,
                "channel_max": 32}"#,
        );
        let before = tensors(&small);
        let large = resize(&small, &before, 32).unwrap();
        let from_rgb = before.keys().filter(|name| name.contains("fromrgb")).count();
        assert!(from_rgb > 0 && large.kept == before.len() - from_rgb, "{} of {}", large.kept, before.len());
    }

    #[test]
    fn what_cannot_be_resized_is_refused() {
        let generator = config(GENERATOR);
        let of = |side| resize(&generator, &HashMap::new(), side).unwrap_err().to_string();
        assert!(of(15).contains("16x8 pixels cannot be resized to 15 pixels evenly"), "{}", of(15));
        let listed = config(&GENERATOR.replace("\"channel_base\"", "\"channels\": [8, 8, 8], \"channel_base\""));
        let error = resize(&listed, &HashMap::new(), 32).unwrap_err().to_string();
        assert!(error.contains("listed for each resolution"), "{error}");
    }
}
