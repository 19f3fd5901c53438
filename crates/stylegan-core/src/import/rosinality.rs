//! Checkpoints of rosinality's StyleGAN2 (`stylegan2-pytorch`, `.pt`) and StyleGAN
//! (`style-based-gan-pytorch`, `.model`).

use super::filters::check_filter;
use super::layouts::{self, Row};
use super::parts::Parts;
use super::{Found, ImportError, ImportedNetwork};
use crate::checkpoint::{infer_generator, prefix};
use crate::latent::StreamKey;
use crate::layers::Pyramid;
use crate::stylegan1::{StyleGan1Config, StyleGan1Mapping};
use crate::stylegan2::{StyleGan2DiscriminatorConfig, StyleGan2Generator};
use crate::{Condition, DiscriminatorConfig, GeneratorConfig, NetworkConfig, Params, Result as CoreResult};
use candle_core::{DType, Device, Tensor};
use std::collections::{BTreeMap, HashMap};

type Tensors = HashMap<String, Tensor>;
type Network = (NetworkConfig, Vec<(String, Tensor)>);

/// Latents whose styles are averaged where the file has no average style; as many as the original
/// code takes.
const MEAN_OF: u64 = 4096;
/// How many of them are mapped at once.
const MEAN_CHUNK: usize = 256;
/// No released network has wider latents or styles; bounds what a small file may ask for.
const MAX_WIDTH: usize = 4096;
/// What is said of a StyleGAN discriminator.
const DISCRIMINATOR: &str = "not built here, for it is of another design than StyleGAN's (its RGB layers are linear, \
                             its gains and minibatch groups differ); --network all keeps its tensors";
/// What is said of noise maps that were not in the file.
const NOISE: &str = "drawn with seed 0, as the file keeps no noise";
/// No released network has more resolutions; bounds what names alone may ask for.
const MAX_LEVELS: usize = 9;

/// What tells the networks apart.
const STYLEGAN2: &str = "convs.0.conv.weight";
const STYLEGAN2_DISCRIMINATOR: &str = "convs.1.conv1.0.weight";
const STYLEGAN1: &str = "generator.progression.0.conv1.input";
/// Where a network that was saved alone may be.
const ALONE: [Option<&str>; 2] = [None, Some("state_dict")];

/// The networks of a rosinality checkpoint, `None` if the file is something else.
pub(super) fn networks(file: &dyn Parts) -> Result<Option<Found>, ImportError> {
    match stylegan2(file)? {
        None => stylegan1(file),
        found => Ok(found),
    }
}

/// `{g, d, g_ema, …}`, or a generator or discriminator alone.
fn stylegan2(file: &dyn Parts) -> Result<Option<Found>, ImportError> {
    let mut found = Found { origin: "rosinality StyleGAN2 checkpoint (PyTorch)", ..Found::default() };
    let generators = [(prefix::G, "g"), (prefix::G_EMA, "g_ema")].map(|(prefix, part)| (prefix, Some(part)));
    let mut places: Vec<_> = generators.into_iter().filter(|(_, part)| file.holds(*part, STYLEGAN2)).collect();
    if places.is_empty() {
        places.extend(ALONE.iter().find(|part| file.holds(**part, STYLEGAN2)).map(|part| (prefix::G_EMA, *part)));
    }
    let discriminator = [Some("d")].iter().chain(&ALONE).find(|part| file.holds(**part, STYLEGAN2_DISCRIMINATOR));
    if let Some(&part) = discriminator {
        let network = stylegan2_discriminator(&file.tensors(part)?.into_iter().collect());
        found.networks.push(named(prefix::D, network)?);
    }
    for (prefix, part) in places {
        let mut tensors: Tensors = file.tensors(part)?.into_iter().collect();
        if let Some(mean) = file.tensor("latent_avg")? {
            tensors.insert("latent_avg".into(), mean);
        }
        let network = stylegan2_generator(tensors, &mut found.extra);
        found.networks.push(named(prefix, network)?);
    }
    Ok((!found.networks.is_empty()).then_some(found))
}

/// `{generator, discriminator, g_running, …}`, or a generator alone.
fn stylegan1(file: &dyn Parts) -> Result<Option<Found>, ImportError> {
    let mut found = Found { origin: "rosinality StyleGAN checkpoint (PyTorch)", ..Found::default() };
    let generators =
        [(prefix::G, "generator"), (prefix::G_EMA, "g_running")].map(|(prefix, part)| (prefix, Some(part)));
    let mut places: Vec<_> = generators.into_iter().filter(|(_, part)| file.holds(*part, STYLEGAN1)).collect();
    if places.is_empty() {
        places.extend(ALONE.iter().find(|part| file.holds(**part, STYLEGAN1)).map(|part| (prefix::G_EMA, *part)));
    }
    if places.is_empty() {
        return Ok(None);
    }
    for (prefix, part) in places {
        let network = stylegan1_generator(&file.tensors(part)?.into_iter().collect(), &mut found.extra);
        found.networks.push(named(prefix, network)?);
    }
    found.tensors = file.tensors(Some("discriminator"))?;
    if !found.tensors.is_empty() {
        found.tensors.iter_mut().for_each(|(name, _)| name.insert_str(0, "discriminator."));
        found.extra.insert("discriminator".into(), DISCRIMINATOR.into());
    }
    Ok(Some(found))
}

fn named(prefix: &str, network: CoreResult<Network>) -> Result<ImportedNetwork, ImportError> {
    let (config, tensors) = network.map_err(|error| ImportError(format!("network {prefix}: {error}")))?;
    Ok(ImportedNetwork { prefix: prefix.into(), config, tensors })
}

/// How many of the numbered names there are.
fn count(tensors: &Tensors, name: impl Fn(usize) -> String) -> usize {
    (0..).take_while(|&i| tensors.contains_key(&name(i))).count()
}

fn renamed(rows: &[Row], tensors: &Tensors) -> CoreResult<Vec<(String, Tensor)>> {
    layouts::convert(rows, |name| tensors.get(name)?.to_dtype(DType::F32).ok())
}

fn inferred(tensors: &[(String, Tensor)]) -> CoreResult<GeneratorConfig> {
    infer_generator(&|name| tensors.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor.dims()))
}

fn bad<T>(problem: impl Into<String>) -> CoreResult<T> {
    Err(crate::Error::Argument(problem.into()))
}

fn checked_levels(levels: usize) -> CoreResult<usize> {
    if !(2..=MAX_LEVELS).contains(&levels) {
        return bad(format!("it has {levels} resolutions, where 2 to {MAX_LEVELS} are known; the file is damaged"));
    }
    Ok(levels)
}

fn check_filters(tensors: &Tensors, names: &[String], gain: f64) -> CoreResult<()> {
    names.iter().try_for_each(|name| tensors.get(name).map_or(Ok(()), |filter| check_filter(name, filter, gain)))
}

/// A StyleGAN2 generator of the names of its module, with `latent_avg` where that is known.
pub(super) fn stylegan2_generator(mut tensors: Tensors, extra: &mut BTreeMap<String, String>) -> CoreResult<Network> {
    let levels = checked_levels(1 + count(&tensors, |k| format!("to_rgbs.{k}.conv.weight")))?;
    check_filters(&tensors, &layouts::rosinality::stylegan2_generator_filters(levels), 4.)?;
    let layers = count(&tensors, |i| format!("style.{}.weight", i + 1));
    // The first versions of the program kept no noise, its first release among them.
    if !tensors.keys().any(|name| name.starts_with("noises.")) {
        for layer in 0..2 * levels - 1 {
            let map = noise_map(layer, Pyramid::resolution(layer.div_ceil(2)))?;
            tensors.insert(format!("noises.noise_{layer}"), map.unsqueeze(0)?.unsqueeze(0)?);
        }
        extra.insert("noise_const".into(), NOISE.into());
    }
    let mut ours = renamed(&layouts::rosinality::stylegan2_generator(levels, layers), &tensors)?;
    let GeneratorConfig::StyleGan2(config) = inferred(&ours)? else {
        return bad("its layers are not those of StyleGAN2");
    };
    let w_avg = match tensors.get("latent_avg") {
        Some(mean) => mean.to_dtype(DType::F32)?.flatten_all()?,
        None => {
            extra.insert("w_avg".into(), format!("mean style of {MEAN_OF} latents, as the file keeps none"));
            mean_style(&ours, config.w_dim, config.z_dim, |params, z| {
                let mapping = StyleGan2Generator::mapping_of(&config, params.frozen().pp("mapping"))?;
                mapping.forward(Some(z), Condition::None)
            })?
        }
    };
    ours.push(("mapping.w_avg".into(), w_avg));
    Ok((NetworkConfig::Generator(GeneratorConfig::StyleGan2(config)), ours))
}

fn stylegan2_discriminator(tensors: &Tensors) -> CoreResult<Network> {
    let levels = checked_levels(1 + count(tensors, |k| format!("convs.{}.conv1.0.weight", k + 1)))?;
    check_filters(tensors, &layouts::rosinality::stylegan2_discriminator_filters(levels), 1.)?;
    let ours = renamed(&layouts::rosinality::stylegan2_discriminator(levels), tensors)?;
    let side = |name: &str, axis: usize| {
        let tensor = ours.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor.dims());
        tensor.and_then(|dims| dims.get(axis)).copied().unwrap_or(0)
    };
    let width = |level: usize| match level {
        0 => side("b4.conv.weight", 0),
        _ => side(&format!("b{}.conv0.weight", Pyramid::resolution(level)), 0),
    };
    let top = Pyramid::resolution(levels - 1);
    let config = StyleGan2DiscriminatorConfig {
        img_size: [top; 2],
        img_channels: side(&format!("b{top}.fromrgb.weight"), 1),
        mbstd_channels: side("b4.conv.weight", 1).saturating_sub(width(0)),
        ..StyleGan2DiscriminatorConfig::default()
    };
    let config = config.with_widths((0..levels).map(width).collect());
    Ok((NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan2(config)), ours))
}

/// The names are those of the original, its gains become ours: it multiplies every equalised layer
/// by sqrt(2), where we do so only before a leaky ReLU; equalises the noise strengths as well;
/// divides fused kernels by four; and starts scales of styles at 1, which we add to them.
fn stylegan1_generator(tensors: &Tensors, extra: &mut BTreeMap<String, String>) -> CoreResult<Network> {
    let total = count(tensors, |i| format!("generator.progression.{i}.conv2.conv.weight_orig"));
    let levels = checked_levels(trained_levels(tensors, total)?)?;
    if levels < total {
        let size = Pyramid::resolution(levels - 1);
        extra.insert("resolution".into(), format!("trained up to {size}x{size}; untrained blocks are left out"));
    }
    let layers = count(tensors, |i| format!("style.{}.linear.weight_orig", 2 * i + 1));
    let fused = |level| tensors.contains_key(&format!("generator.progression.{level}.conv1.0.weight"));
    let rows = layouts::rosinality::stylegan1_generator(levels, layers, fused);
    let mut ours = renamed(&rows, tensors)?;
    for (name, tensor) in &mut ours {
        let (layer, part) = name.rsplit_once('.').unwrap_or_default();
        if part == "weight" && (layer.ends_with(".style") || layer.ends_with(".torgb")) {
            *tensor = (&*tensor * 2f64.sqrt())?;
        } else if part == "bias" && layer.ends_with(".style") {
            let c = tensor.dim(0)? / 2;
            let scale = (tensor.narrow(0, 0, c)? - 1.)?;
            *tensor = Tensor::cat(&[scale, tensor.narrow(0, c, c)?], 0)?;
        } else if part == "noise_strength" {
            *tensor = (&*tensor * (2. / tensor.dim(0)? as f64).sqrt())?;
        } else if let ("weight", Some(level)) = (part, (1..levels).find(|&l| layer == conv0(l)))
            && fused(level)
        {
            *tensor = (&*tensor * 0.25)?;
        }
    }
    let zeros = |c: usize| Tensor::zeros(c, DType::F32, &Device::Cpu);
    let width = ours.first().map_or(Ok(0), |(_, constant)| constant.dim(1))?;
    if width > MAX_WIDTH {
        return bad(format!("its constant has {width} channels, where {MAX_WIDTH} is the most; the file is damaged"));
    }
    ours.push(("synthesis.b4.conv0.bias".into(), zeros(width)?));
    // The original draws new noise for every picture; a fixed map per resolution stands for it.
    extra.insert("noise_const".into(), NOISE.into());
    for level in 0..levels {
        let r = Pyramid::resolution(level);
        let map = noise_map(level, r)?;
        for half in 0..2 {
            ours.push((format!("synthesis.b{r}.conv{half}.noise_const"), map.clone()));
        }
    }
    let GeneratorConfig::StyleGan1(inferred) = inferred(&ours)? else {
        return bad("its layers are not those of StyleGAN");
    };
    let config =
        StyleGan1Config { mapping_lr: 1., norm_eps: 1e-5, bias_before_blur: true, share_noise: true, ..inferred };
    extra.insert("w_avg".into(), format!("mean style of {MEAN_OF} latents, as the file keeps none"));
    let w_avg = mean_style(&ours, config.w_dim, config.z_dim, |params, z| {
        StyleGan1Mapping::new(&config, params.frozen().pp("mapping"))?.forward(z, Condition::None)
    })?;
    ours.push(("mapping.w_avg".into(), w_avg));
    Ok((NetworkConfig::Generator(GeneratorConfig::StyleGan1(config)), ours))
}

/// The fixed map `[side, side]` that stands for noise of which the file keeps none.
fn noise_map(index: usize, side: usize) -> CoreResult<Tensor> {
    let key = StreamKey::new(0, "noise maps", 0);
    Ok(key.normal_rows(&[index as u64], 0, &[side, side], DType::F32, &Device::Cpu)?.squeeze(0)?)
}

fn conv0(level: usize) -> String {
    format!("synthesis.b{}.conv0", Pyramid::resolution(level))
}

/// The original builds all blocks up to 1024x1024 and trains those it has grown to; the others keep
/// their first values, in which the noise strengths and the bias of the convolution are exactly 0.
fn trained_levels(tensors: &Tensors, total: usize) -> CoreResult<usize> {
    let zero = |name: String| -> CoreResult<bool> {
        let Some(tensor) = tensors.get(&name) else { return Ok(false) };
        Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?.iter().all(|&x| x == 0.))
    };
    let mut levels = total;
    while levels > 2 {
        let block = format!("generator.progression.{}", levels - 1);
        let untouched = zero(format!("{block}.noise1.weight_orig"))?
            && zero(format!("{block}.noise2.weight_orig"))?
            && zero(format!("{block}.conv2.conv.bias"))?;
        if !untouched {
            break;
        }
        levels -= 1;
    }
    Ok(levels)
}

/// The mean style of [`MEAN_OF`] fixed latents, in f64, so that in f32 it is nearly always the same on every machine.
fn mean_style(
    tensors: &[(String, Tensor)],
    w_dim: usize,
    z_dim: usize,
    mapping: impl Fn(&Params, &Tensor) -> CoreResult<Tensor>,
) -> CoreResult<Tensor> {
    let wide = tensors.iter().filter(|(name, _)| name.starts_with("mapping."));
    let mut wide =
        wide.map(|(name, tensor)| Ok((name.clone(), tensor.to_dtype(DType::F64)?))).collect::<CoreResult<Vec<_>>>()?;
    let widest = wide.iter().flat_map(|(_, tensor)| tensor.dims()).max().copied().unwrap_or(0).max(w_dim);
    if widest > MAX_WIDTH {
        return bad(format!(
            "its mapping network is {widest} wide, where {MAX_WIDTH} is the most; the file is damaged"
        ));
    }
    wide.push(("mapping.w_avg".into(), Tensor::zeros(w_dim, DType::F64, &Device::Cpu)?));
    let params = Params::from_tensors(wide)?;
    let key = StreamKey::new(0, "mean style", 0);
    let indices: Vec<u64> = (0..MEAN_OF).collect();
    let mut sum = Tensor::zeros(w_dim, DType::F64, &Device::Cpu)?;
    for chunk in indices.chunks(MEAN_CHUNK) {
        let z = key.normal_rows(chunk, 0, &[z_dim], DType::F64, &Device::Cpu)?;
        sum = (sum + mapping(&params, &z)?.sum(0)?)?;
    }
    Ok((sum / MEAN_OF as f64)?.to_dtype(DType::F32)?)
}
