//! Pickles of the official PyTorch code: StyleGAN2-ADA and the StyleGAN2 networks of the
//! StyleGAN3 repository. Their names are ours.

use super::filters::without_filters;
use super::kwargs::Kwargs;
use super::torch::PersistentObject;
use super::torch::TorchFile;
use super::{ImportError, ImportedNetwork};
use crate::checkpoint::prefix;
use crate::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig, Topology};
use crate::{DiscriminatorConfig, GeneratorConfig, NetworkConfig};
use serde_json::json;

/// The networks of a pickle `{G, D, G_ema, …}`, or of one that is a network itself, `None` if the file is
/// something else.
pub(super) fn networks(file: &TorchFile<'_>) -> Result<Option<Vec<ImportedNetwork>>, ImportError> {
    let mut objects: Vec<_> = alone(file)?.into_iter().collect();
    for prefix in [prefix::D, prefix::G, prefix::G_EMA] {
        let Some(id) = file.pickle.get(file.pickle.root(), prefix) else { continue };
        let Some(object) = file.persistent(id)? else { continue };
        objects.push((prefix, object));
    }
    let nested = |object: &PersistentObject| object.init.contains_key("synthesis_kwargs");
    let generators: Vec<_> = objects.iter().filter(|(prefix, _)| *prefix != prefix::D).collect();
    let defaults = match generators.iter().all(|(_, object)| nested(object)) {
        true => Defaults { conv_clamp: None, num_fp16_res: 0 },
        false => Defaults { conv_clamp: Some(256.), num_fp16_res: 4 },
    };
    let mut networks = Vec::new();
    for (prefix, object) in objects {
        let config = match object.class_name.as_str() {
            "Generator" => NetworkConfig::Generator(GeneratorConfig::StyleGan2(generator(&object, &defaults)?)),
            "Discriminator" => {
                NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan2(discriminator(&object, &defaults)?))
            }
            other => {
                return Err(ImportError(format!(
                    "network {prefix} is of class `{other:.60}`; Generator and Discriminator of StyleGAN2 are known"
                )));
            }
        };
        let tensors = without_filters(object.tensors)?;
        networks.push(ImportedNetwork { prefix: prefix.into(), config, tensors });
    }
    Ok((!networks.is_empty()).then_some(networks))
}

/// A network that was pickled without the dictionary around it. Other networks of these class names are
/// not StyleGAN's, which show by their layers.
fn alone(file: &TorchFile<'_>) -> Result<Option<(&'static str, PersistentObject)>, ImportError> {
    let root = file.pickle.root();
    let (prefix, layers) = match file.persistent_class(root).as_deref() {
        Some("Generator") => (prefix::G_EMA, "synthesis."),
        Some("Discriminator") => (prefix::D, "b4.out."),
        _ => return Ok(None),
    };
    let object = file.persistent(root)?;
    let ours = object.filter(|object| object.tensors.iter().any(|(name, _)| name.starts_with(layers)));
    Ok(ours.map(|object| (prefix, object)))
}

/// What the two repositories take for arguments that are not given.
struct Defaults {
    conv_clamp: Option<f64>,
    num_fp16_res: usize,
}

/// Arguments of `Generator`; those of its synthesis network stand beside the others in the
/// StyleGAN3 repository and under `synthesis_kwargs` in StyleGAN2-ADA.
fn generator(object: &PersistentObject, defaults: &Defaults) -> Result<StyleGan2Config, ImportError> {
    let own = Kwargs::new(&object.init, &["synthesis_kwargs"]);
    refuse_stylegan3(object, &own)?;
    let empty = serde_json::Map::new();
    let mapping = object.init.get("mapping_kwargs").and_then(|kwargs| kwargs.as_object()).unwrap_or(&empty);
    let mapping = Kwargs::new(mapping, &[]);
    check_layers(&own)?;
    own.only("use_noise", &json!(true))?;
    mapping.only("activation", &json!("lrelu"))?;
    let resolution = required(&own, "img_resolution")?;
    Ok(StyleGan2Config {
        img_size: [resolution; 2],
        img_channels: required(&own, "img_channels")?,
        z_dim: required(&own, "z_dim")?,
        c_dim: required(&own, "c_dim")?,
        w_dim: required(&own, "w_dim")?,
        mapping_layers: mapping.count("num_layers")?.unwrap_or(8),
        mapping_width: mapping.count("layer_features")?,
        embed_width: mapping.count("embed_features")?,
        mapping_lr: mapping.number("lr_multiplier")?.unwrap_or(0.01),
        topology: topology(&own, Topology::Skip)?,
        channel_base: own.count("channel_base")?.unwrap_or(32768),
        channel_max: own.count("channel_max")?.unwrap_or(512),
        channels: None,
        conv_clamp: own.number_or("conv_clamp", defaults.conv_clamp)?,
        num_fp16_res: own.count("num_fp16_res")?.unwrap_or(defaults.num_fp16_res),
    })
}

fn discriminator(object: &PersistentObject, defaults: &Defaults) -> Result<StyleGan2DiscriminatorConfig, ImportError> {
    let own = Kwargs::new(&object.init, &["epilogue_kwargs"]);
    check_layers(&Kwargs::new(&object.init, &["block_kwargs", "epilogue_kwargs"]))?;
    let resolution = required(&own, "img_resolution")?;
    let empty = serde_json::Map::new();
    let mapping = object.init.get("mapping_kwargs").and_then(|kwargs| kwargs.as_object()).unwrap_or(&empty);
    let mapping = Kwargs::new(mapping, &[]);
    mapping.only("activation", &json!("lrelu"))?;
    mapping.only("lr_multiplier", &json!(0.01))?;
    // Without channels of statistics the layer is left out.
    let mbstd_channels = own.count("mbstd_num_channels")?.unwrap_or(1);
    // `None` is the whole batch: any group larger than it.
    let mbstd_group =
        if own.is_none("mbstd_group_size") { 1 << 16 } else { own.count("mbstd_group_size")?.unwrap_or(4) };
    Ok(StyleGan2DiscriminatorConfig {
        img_size: [resolution; 2],
        img_channels: required(&own, "img_channels")?,
        c_dim: required(&own, "c_dim")?,
        cmap_width: own.count("cmap_dim")?,
        mapping_layers: mapping.count("num_layers")?.unwrap_or(8),
        topology: topology(&own, Topology::Resnet)?,
        channel_base: own.count("channel_base")?.unwrap_or(32768),
        channel_max: own.count("channel_max")?.unwrap_or(512),
        channels: None,
        conv_clamp: own.number_or("conv_clamp", defaults.conv_clamp)?,
        num_fp16_res: own.count("num_fp16_res")?.unwrap_or(defaults.num_fp16_res),
        mbstd_group: if mbstd_channels == 0 { 0 } else { mbstd_group },
        mbstd_channels: mbstd_channels.max(1),
    })
}

/// Refuses layers of another kind than those here.
fn check_layers(kwargs: &Kwargs<'_>) -> Result<(), ImportError> {
    kwargs.only("activation", &json!("lrelu"))?;
    kwargs.only("resample_filter", &json!([1, 3, 3, 1]))
}

fn required(kwargs: &Kwargs<'_>, name: &str) -> Result<usize, ImportError> {
    kwargs.count(name)?.ok_or_else(|| ImportError(format!("network argument `{name}` is missing from the pickle")))
}

fn topology(kwargs: &Kwargs<'_>, default: Topology) -> Result<Topology, ImportError> {
    match kwargs.text("architecture") {
        None => Ok(default),
        Some("skip") => Ok(Topology::Skip),
        Some("resnet") => Ok(Topology::Resnet),
        Some("orig") => Ok(Topology::Orig),
        Some(other) => Err(ImportError(format!("network architecture `{other:.60}`; skip, resnet and orig are known"))),
    }
}

/// StyleGAN3's own generators carry the same class name; their layers do not.
fn refuse_stylegan3(object: &PersistentObject, kwargs: &Kwargs<'_>) -> Result<(), ImportError> {
    let alias_free = object.tensors.iter().any(|(name, _)| name.starts_with("synthesis.input."));
    if alias_free || kwargs.text("filter_size").is_some() {
        return Err(ImportError::alias_free());
    }
    Ok(())
}
