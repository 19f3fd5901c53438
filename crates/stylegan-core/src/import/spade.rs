//! Checkpoints of SPADE (NVlabs/SPADE, `latest_net_{G,D,E}.pth`): state dictionaries, one network each, under
//! names that are ours too.

use super::parts::Parts;
use super::{Found, ImportError, ImportedNetwork};
use crate::checkpoint::{ASSUMED, NO_CLASS, prefix};
use crate::layers::{NormKind, WeightInit};
use crate::spade::{Conditioning, Depth, MultiscaleDiscriminatorConfig, SpadeConfig, SpadeEncoderConfig};
use crate::{DiscriminatorConfig, EncoderConfig, Error, GeneratorConfig, NetworkConfig, Result as CoreResult};
use candle_core::{DType, Tensor};
use std::collections::BTreeMap;

pub(super) type Tensors = BTreeMap<String, Tensor>;

/// What tells the networks apart.
const GENERATOR: &str = "head_0.norm_0.mlp_shared.0.weight";
const DISCRIMINATOR: &str = "discriminator_0.model0.0.weight";
const ENCODER: &str = "fc_mu.weight";
/// Channels of the pictures that discriminators are known to read.
const RGB: usize = 3;
/// No released network has more layers or scales; bounds what names alone may ask for.
const MOST: usize = 16;

/// The network of a SPADE file, `None` if it is something else.
pub(super) fn networks(file: &dyn Parts) -> Result<Option<Found>, ImportError> {
    let has = |name| file.holds(None, name);
    let encodes = has(ENCODER) && (has("layer1.0.weight_orig") || has("layer1.0.weight"));
    let (paints, judges) = (has(GENERATOR) && has("conv_img.weight"), has(DISCRIMINATOR));
    if !(paints || judges || encodes) {
        return Ok(None);
    }
    let tensors = file.tensors(None)?;
    let by_name: Tensors = tensors.iter().cloned().collect();
    let mut found = Found { origin: "SPADE state dictionary (PyTorch)", ..Found::default() };
    let (prefix, config) = if paints {
        let (config, assumed) = generator(&by_name)?;
        // Those of COCO-Stuff and ADE20K have a class for what has no label, behind the others.
        if let (classes @ (151 | 183), false) = (config.classes, assumed.contains(&"edges")) {
            found.extra.insert(NO_CLASS.to_owned(), (classes - 1).to_string());
        }
        found.extra.extend(note(&assumed));
        (prefix::G_EMA, NetworkConfig::Generator(GeneratorConfig::Spade(config)))
    } else if judges {
        let (config, assumed) = discriminator(&by_name)?;
        found.extra.extend(note(&assumed));
        (prefix::D, NetworkConfig::Discriminator(DiscriminatorConfig::MultiscalePatch(config)))
    } else {
        (prefix::E, NetworkConfig::Encoder(EncoderConfig::Spade(encoder(&by_name)?)))
    };
    found.networks.push(ImportedNetwork { prefix: prefix.into(), config, tensors: kept(tensors)? });
    Ok(Some(found))
}

/// The tensors without the counters of batch normalisations, in f32.
pub(super) fn kept(tensors: Vec<(String, Tensor)>) -> Result<Vec<(String, Tensor)>, ImportError> {
    let own = tensors.into_iter().filter(|(name, _)| !name.ends_with(".num_batches_tracked"));
    let wide = |(name, tensor): (String, Tensor)| Ok((name, tensor.to_dtype(DType::F32)?));
    Ok(own.map(wide).collect::<CoreResult<_>>()?)
}

/// The shape of a tensor of this rank.
pub(super) fn shape<const RANK: usize>(tensors: &Tensors, name: &str) -> CoreResult<[usize; RANK]> {
    match tensors.get(name).map(|tensor| <[usize; RANK]>::try_from(tensor.dims())) {
        Some(Ok(shape)) => Ok(shape),
        Some(Err(_)) => Err(Error::Argument(format!("`{name}` does not have {RANK} dimensions; the file is damaged"))),
        None => Err(Error::Argument(format!("`{name}` is missing; the file is incomplete"))),
    }
}

/// The weight of a convolution with or without spectral normalisation, and whether it has that.
pub(super) fn weight(tensors: &Tensors, module: &str) -> CoreResult<([usize; 4], bool)> {
    let spectral = format!("{module}.weight_orig");
    if tensors.contains_key(&spectral) {
        return Ok((shape(tensors, &spectral)?, true));
    }
    Ok((shape(tensors, &format!("{module}.weight"))?, false))
}

/// What the metadata say of fields that were assumed.
pub(super) fn note(assumed: &[&str]) -> Option<(String, String)> {
    (!assumed.is_empty()).then(|| (ASSUMED.to_owned(), assumed.join(", ")))
}

/// What the shapes of a generator do not tell: size, depth, classes and edges, by the channels of its map, and the
/// fields that were assumed.
fn data(map_channels: usize) -> (SpadeConfig, Vec<&'static str>) {
    let base = SpadeConfig::default();
    match map_channels {
        184 => (base, vec![]),
        151 => (SpadeConfig { classes: 151, edges: false, ..base }, vec![]),
        36 => (SpadeConfig { classes: 35, img_size: [256, 512], depth: Depth::More, ..base }, vec![]),
        classes => (SpadeConfig { classes, edges: false, ..base }, vec!["img_size", "depth", "edges"]),
    }
}

/// The configuration of a generator, and the fields of it that were assumed.
fn generator(tensors: &Tensors) -> CoreResult<(SpadeConfig, Vec<&'static str>)> {
    let ([wide, ..], spectral) = weight(tensors, "head_0.conv_0")?;
    let [img_channels, ..] = shape::<4>(tensors, "conv_img.weight")?;
    let [hidden, map_channels, kernel, _] = shape::<4>(tensors, GENERATOR)?;
    let (mut config, mut assumed) = data(map_channels);
    if tensors.keys().any(|name| name.starts_with("up_4.")) {
        (config.depth, config.img_size) = (Depth::Most, [512, 512]);
        assumed.retain(|field| *field == "edges");
        assumed.insert(0, "img_size");
    }
    config = SpadeConfig {
        img_channels,
        channels: wide / 16,
        conditioning: Conditioning::Spade,
        norm: match tensors.contains_key("head_0.norm_0.param_free_norm.running_mean") {
            true => NormKind::Batch,
            false => NormKind::Instance,
        },
        spectral,
        hidden,
        kernel,
        ..config
    };
    if tensors.get("fc.weight").is_some_and(|fc| fc.rank() == 2) {
        let [features, z_dim] = shape(tensors, "fc.weight")?;
        config.z_dim = z_dim;
        let area = features / wide.max(1);
        let [h, w] = config.start();
        if h * w != area
            && let Some(start) = start_of(area)
        {
            config.img_size = start.map(|side| side << config.doublings());
            if start[0] != start[1] && !assumed.contains(&"img_size") {
                assumed.insert(0, "img_size");
            }
        }
    }
    Ok((config, assumed))
}

/// Height and width of as many pixels, nearest to a square and no higher than wide; `None` where they are more than any
/// network starts from.
fn start_of(area: usize) -> Option<[usize; 2]> {
    let h = (1..=area.isqrt().min(64)).rev().find(|h| area.is_multiple_of(*h))?;
    (area / h <= 64).then_some([h, area / h])
}

/// The configuration of a discriminator, and the fields of it that were assumed.
fn discriminator(tensors: &Tensors) -> CoreResult<(MultiscaleDiscriminatorConfig, Vec<&'static str>)> {
    let [channels, inputs, ..] = shape::<4>(tensors, DISCRIMINATOR)?;
    let has = |start: &str| tensors.keys().any(|name| name.starts_with(start));
    let count = |start: &dyn Fn(usize) -> String| (0..=MOST).take_while(|&i| has(&start(i))).count();
    let layers = count(&|i| format!("discriminator_0.model{i}.")).saturating_sub(1);
    let spectral = layers > 1 && weight(tensors, "discriminator_0.model1.0.0")?.1;
    let (data, mut assumed) = data(inputs.saturating_sub(RGB));
    assumed.retain(|field| *field != "depth");
    let config = MultiscaleDiscriminatorConfig {
        img_size: data.img_size,
        img_channels: RGB,
        classes: data.classes,
        edges: data.edges,
        scales: count(&|i| format!("discriminator_{i}.")),
        layers,
        channels,
        spectral,
        init: WeightInit::Glorot,
    };
    Ok((config, assumed))
}

/// The configuration of an image encoder.
fn encoder(tensors: &Tensors) -> CoreResult<SpadeEncoderConfig> {
    let ([channels, img_channels, ..], spectral) = weight(tensors, "layer1.0")?;
    let [z_dim, _] = shape(tensors, ENCODER)?;
    let layers = (1..=MOST).take_while(|i| weight(tensors, &format!("layer{i}.0")).is_ok()).count();
    Ok(SpadeEncoderConfig { img_channels, resolution: 4 << layers, channels, z_dim, spectral })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_network_starts_from_has_the_shape_nearest_to_a_square() {
        for (area, start) in [(64, [8, 8]), (32, [4, 8]), (12, [3, 4]), (61, [1, 61]), (4096, [64, 64])] {
            assert_eq!(start_of(area), Some(start));
        }
        assert_eq!([0, 67, 4097].map(start_of), [None; 3]);
    }
}
