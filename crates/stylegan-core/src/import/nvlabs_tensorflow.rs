//! Pickles of the official TensorFlow code: `(G, D, Gs)` of progressive GAN, StyleGAN and StyleGAN2.

use super::kwargs::Kwargs;
use super::layouts::{self, Row, tensorflow_stylegan2};
use super::tensorflow_arguments as arguments;
use super::tflib::TensorFlowNetwork;
use super::torch::TorchFile;
use super::{Found, ImportError, ImportedNetwork};
use crate::checkpoint::{LOD, prefix};
use crate::layers::FusedScale;
use crate::layers::Pyramid;
use crate::pggan::{PgganConfig, PgganDiscriminatorConfig};
use crate::stylegan1::{StyleGan1Config, StyleGan1DiscriminatorConfig};
use crate::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig, Topology};
use crate::{DiscriminatorConfig, GeneratorConfig, NetworkConfig};
use candle_core::{DType, Tensor};
use std::collections::HashMap;

/// The networks of a pickled tuple, or one alone, as the classifiers of attributes are (discriminators);
/// `None` if the file is something else.
pub(super) fn networks(file: &TorchFile<'_>) -> Result<Option<Found>, ImportError> {
    let root = file.pickle.root();
    if let Some(network) = file.tensorflow_network(root)? {
        let prefix = match function(&network) {
            "G_style" | "G_paper" | "G_main" => prefix::G_EMA,
            "D_basic" | "D_paper" | "D_stylegan" | "D_stylegan2" | "D_main" => prefix::D,
            _ => return Ok(None),
        };
        return Ok(Some(found(vec![converted(prefix, &network)?], lod(&network))));
    }
    let Some(&[g, d, gs]) = file.pickle.sequence(root) else { return Ok(None) };
    let (mut networks, mut reached) = (Vec::new(), None);
    for (prefix, id) in [(prefix::D, d), (prefix::G, g), (prefix::G_EMA, gs)] {
        let Some(network) = file.tensorflow_network(id)? else { return Ok(None) };
        networks.push(converted(prefix, &network)?);
        // That of the last, the averaged generator.
        reached = lod(&network);
    }
    Ok(Some(found(networks, reached)))
}

/// These networks, which had come to a level of detail.
fn found(networks: Vec<ImportedNetwork>, lod: Option<f64>) -> Found {
    let extra = lod.map(|lod| (LOD.to_owned(), lod.to_string())).into_iter().collect();
    Found { origin: origin(&networks), networks, extra, ..Found::default() }
}

/// The level of detail of a StyleGAN or Progressive GAN that was still growing: a variable of its synthesis.
fn lod(network: &TensorFlowNetwork) -> Option<f64> {
    if !matches!(function(network), "G_style" | "G_paper") {
        return None;
    }
    ["lod", "synthesis/lod"].iter().find_map(|name| number(network, name)).filter(|lod| *lod > 0.)
}

/// The number that a variable is.
fn number(network: &TensorFlowNetwork, name: &str) -> Option<f64> {
    let (_, variable) = network.variables.iter().find(|(own, _)| own == name)?;
    variable.to_dtype(DType::F64).ok()?.to_scalar::<f64>().ok()
}

/// What a pickle of these networks is called.
fn origin(networks: &[ImportedNetwork]) -> &'static str {
    let generator = networks.iter().find_map(|network| match &network.config {
        NetworkConfig::Generator(config) => Some(config),
        NetworkConfig::Discriminator(_) | NetworkConfig::Encoder(_) | NetworkConfig::Segmenter(_) => None,
    });
    match generator {
        Some(GeneratorConfig::Pggan(_)) => "progressive GAN pickle (TensorFlow)",
        Some(GeneratorConfig::StyleGan1(_)) => "StyleGAN pickle (TensorFlow)",
        Some(GeneratorConfig::StyleGan2(_)) => "StyleGAN2 pickle (TensorFlow)",
        _ => "discriminator pickle (TensorFlow)",
    }
}

/// The network under our names.
fn converted(prefix: &str, network: &TensorFlowNetwork) -> Result<ImportedNetwork, ImportError> {
    let (config, rows) = describe(network)?;
    let variables: HashMap<&str, &Tensor> = network.variables.iter().map(|(n, t)| (n.as_str(), t)).collect();
    let tensors = layouts::convert(&rows, |name| variables.get(name)?.to_dtype(DType::F32).ok());
    let tensors = tensors.map_err(|error| ImportError(format!("network {prefix}: {error}")))?;
    Ok(ImportedNetwork { prefix: prefix.into(), config, tensors })
}

/// The function that built the network, without its module.
fn function(network: &TensorFlowNetwork) -> &str {
    network.build_func_name.rsplit('.').next().unwrap_or_default()
}

/// What shapes tell beside the stored arguments, whose defaults live in the Python code.
struct Facts<'a> {
    network: &'a TensorFlowNetwork,
    kwargs: Kwargs<'a>,
    shapes: HashMap<&'a str, &'a [usize]>,
    levels: usize,
    resolution: usize,
}

impl<'a> Facts<'a> {
    fn new(network: &'a TensorFlowNetwork) -> Result<Self, ImportError> {
        let kwargs = Kwargs::new(&network.static_kwargs, &[]);
        let resolution = kwargs.count("resolution")?.unwrap_or(1024);
        let pyramid = Pyramid::new([resolution; 2])?;
        let shapes = network.variables.iter().map(|(name, tensor)| (name.as_str(), tensor.dims())).collect();
        Ok(Self { network, kwargs, shapes, levels: pyramid.levels(), resolution })
    }

    fn has(&self, name: &str) -> bool {
        self.shapes.contains_key(name)
    }

    fn side(&self, name: &str, axis: usize) -> Result<usize, ImportError> {
        let side = self.shapes.get(name).and_then(|shape| shape.get(axis)).copied();
        side.ok_or_else(|| ImportError(format!("TensorFlow variable `{name}` is missing or has another rank")))
    }

    /// Group and channels of a discriminator's minibatch statistics, `group` where the file says none. They are left out of
    /// groups of 1 and of none; the layer that reads them tells how many channels they are.
    fn mbstd(&self, group: usize) -> Result<(usize, usize), ImportError> {
        let layer = "4x4/Conv/weight";
        let channels = self.side(layer, 2)?.saturating_sub(self.side(layer, 3)?);
        let group = self.kwargs.count("mbstd_group_size")?.unwrap_or(group);
        Ok(if group <= 1 { (0, 1) } else { (group, channels.max(1)) })
    }

    /// Width of StyleGAN2's labels, whose embedding is `embed`.
    fn label_size(&self, embed: &str) -> Result<usize, ImportError> {
        let c_dim = self.kwargs.count("label_size")?.unwrap_or(0);
        if c_dim > 0 && !self.has(embed) {
            return Err(ImportError(format!(
                "a conditional StyleGAN2 from before StyleGAN2-ADA (`{embed}` is missing), which no release has"
            )));
        }
        Ok(c_dim)
    }

    /// How StyleGAN2 joins its resolutions: `rgb` layers at each, or shortcuts, or neither.
    fn topology(&self, component: &str, rgb: &str) -> Topology {
        if self.has(&format!("{component}4x4/{rgb}")) {
            Topology::Skip
        } else if self.has(&format!("{component}8x8/Skip/weight")) {
            Topology::Resnet
        } else {
            Topology::Orig
        }
    }

    /// Whether a StyleGAN2 is one that grew (configurations B to D): it has a layer `rgb` for every
    /// resolution, of which only the last works when it has grown up.
    fn grew(&self, component: &str, rgb: &str) -> Result<bool, ImportError> {
        if !self.has(&format!("{component}{rgb}_lod0/weight")) {
            return Ok(false);
        }
        let name = format!("{component}lod");
        match number(self.network, &name) {
            Some(lod) if lod != 0. => Err(ImportError(format!(
                "a StyleGAN2 of configuration B, C or D that is still growing (`{name}` is {lod}); grown ones are known"
            ))),
            _ => Ok(true),
        }
    }

    /// `channel_base` and `channel_max`: TensorFlow counts `fmap_base` at half the resolution.
    fn channels(&self) -> Result<(usize, usize), ImportError> {
        Ok((2 * self.kwargs.count("fmap_base")?.unwrap_or(8192), self.kwargs.count("fmap_max")?.unwrap_or(512)))
    }
}

fn describe(network: &TensorFlowNetwork) -> Result<(NetworkConfig, Vec<Row>), ImportError> {
    let facts = Facts::new(network)?;
    arguments::check(function(network), &facts.kwargs)?;
    let (channel_base, channel_max) = facts.channels()?;
    let (levels, img_size) = (facts.levels, [facts.resolution; 2]);
    let c_dim = facts.kwargs.count("label_size")?.unwrap_or(0);
    let rgb = |component: &str| facts.side(&format!("{component}ToRGB_lod0/weight"), 3);
    // Progressive GAN names its fused layers; without them it runs unfused.
    let fused = |layer: &str| match facts.has(&format!("8x8/{layer}")) {
        true => FusedScale::Always,
        false => FusedScale::Never,
    };
    Ok(match function(network) {
        "G_style" => {
            let mapping_layers = (0..).take_while(|i| facts.has(&format!("mapping/Dense{i}/weight"))).count();
            if mapping_layers == 0 || !facts.has("synthesis/4x4/Const/const") {
                return Err(ImportError(
                    "a StyleGAN without mapping layers or learned constant, which no release has".into(),
                ));
            }
            let last = format!("mapping/Dense{}/weight", mapping_layers - 1);
            let config = StyleGan1Config {
                img_size,
                img_channels: rgb("synthesis/")?,
                z_dim: facts.side("mapping/Dense0/weight", 0)? / if c_dim > 0 { 2 } else { 1 },
                c_dim,
                w_dim: facts.side(&last, 1)?,
                mapping_layers,
                mapping_width: facts.side("mapping/Dense0/weight", 1)?,
                mapping_lr: facts.kwargs.number("mapping_lrmul")?.unwrap_or(0.01),
                normalize_latents: facts.kwargs.flag("normalize_latents")?.unwrap_or(true),
                channel_base,
                channel_max,
                pixel_norm: facts.kwargs.flag("use_pixel_norm")?.unwrap_or(false),
                blur_filter: arguments::blur_filter(&facts.kwargs)?,
                fused_scale: arguments::fused_scale(&facts.kwargs)?,
                ..StyleGan1Config::default()
            };
            let fuses = |level| config.fused_scale.fuses([Pyramid::resolution(level); 2]);
            let rows = layouts::tensorflow::stylegan1_generator(levels, mapping_layers, c_dim > 0, fuses);
            (NetworkConfig::Generator(GeneratorConfig::StyleGan1(config)), rows)
        }
        "D_basic" => {
            let (mbstd_group, mbstd_channels) = facts.mbstd(4)?;
            let config = StyleGan1DiscriminatorConfig {
                img_size,
                img_channels: facts.side("FromRGB_lod0/weight", 2)?,
                c_dim,
                channel_base,
                channel_max,
                mbstd_group,
                mbstd_channels,
                blur_filter: arguments::blur_filter(&facts.kwargs)?,
                fused_scale: arguments::fused_scale(&facts.kwargs)?,
            };
            let rows = layouts::tensorflow::discriminator(levels, "Conv1_down");
            (NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan1(config)), rows)
        }
        "G_paper" => {
            let fused_scale = fused("Conv0_up/weight");
            let config = PgganConfig {
                img_size,
                img_channels: rgb("")?,
                z_dim: facts.side("4x4/Dense/weight", 0)?.saturating_sub(c_dim),
                c_dim,
                channel_base,
                channel_max,
                normalize_latents: facts.kwargs.flag("normalize_latents")?.unwrap_or(true),
                pixel_norm: facts.kwargs.flag("use_pixelnorm")?.unwrap_or(true),
                fused_scale,
            };
            let rows = layouts::tensorflow::pggan_generator(levels, fused_scale == FusedScale::Always);
            (NetworkConfig::Generator(GeneratorConfig::Pggan(config)), rows)
        }
        "D_paper" => {
            let fused_scale = fused("Conv1_down/weight");
            let config = PgganDiscriminatorConfig {
                img_size,
                img_channels: facts.side("FromRGB_lod0/weight", 2)?,
                c_dim,
                channel_base,
                channel_max,
                mbstd_group: facts.mbstd(4)?.0,
                fused_scale,
            };
            let down = if fused_scale == FusedScale::Always { "Conv1_down" } else { "Conv1" };
            let rows = layouts::tensorflow::discriminator(levels, down);
            (NetworkConfig::Discriminator(DiscriminatorConfig::Pggan(config)), rows)
        }
        // Configurations B to D have `D_stylegan`, E and F `D_stylegan2`, StyleGAN2-ADA has `D_main`.
        "G_main" => stylegan2_generator(&facts)?,
        name @ ("D_stylegan" | "D_stylegan2" | "D_main") => stylegan2_discriminator(name, &facts)?,
        other => {
            return Err(ImportError(format!(
                "a TensorFlow network built by `{other:.60}`; known are G_main with D_stylegan, D_stylegan2 or D_main \
                 (StyleGAN2), G_style and D_basic (StyleGAN), G_paper and D_paper (progressive GAN)"
            )));
        }
    })
}

fn stylegan2_generator(facts: &Facts<'_>) -> Result<(NetworkConfig, Vec<Row>), ImportError> {
    let layers = (0..).take_while(|i| facts.has(&format!("mapping/Dense{i}/weight"))).count();
    if layers == 0 || !facts.has("synthesis/4x4/Conv/mod_weight") {
        return Err(ImportError(
            "a StyleGAN2 without mapping layers or modulated convolutions, which no release has".into(),
        ));
    }
    let grew = facts.grew("synthesis/", "ToRGB")?;
    let c_dim = facts.label_size("mapping/LabelEmbed/weight")?;
    let embed = if c_dim > 0 { facts.side("mapping/LabelEmbed/weight", 1)? } else { 0 };
    let topology = facts.topology("synthesis/", "ToRGB/weight");
    let top = Pyramid::resolution(facts.levels - 1);
    let w_dim = facts.side(&format!("mapping/Dense{}/weight", layers - 1), 1)?;
    let hidden = facts.side("mapping/Dense0/weight", 1)?;
    let config = StyleGan2Config {
        img_size: [facts.resolution; 2],
        img_channels: facts
            .side(&format!("synthesis/{}/weight", tensorflow_stylegan2::rgb_layer("ToRGB", top, grew)), 3)?,
        z_dim: facts.side("mapping/Dense0/weight", 0)?.saturating_sub(embed),
        c_dim,
        w_dim,
        mapping_layers: layers,
        mapping_width: (layers > 1 && hidden != w_dim).then_some(hidden),
        embed_width: (c_dim > 0 && embed != w_dim).then_some(embed),
        mapping_lr: facts.kwargs.number("mapping_lrmul")?.unwrap_or(0.01),
        topology,
        conv_clamp: facts.kwargs.number("conv_clamp")?,
        num_fp16_res: facts.kwargs.count("num_fp16_res")?.unwrap_or(0),
        ..StyleGan2Config::default()
    };
    let width = |level| match level {
        0 => facts.side("synthesis/4x4/Conv/weight", 3),
        _ => facts.side(&format!("synthesis/{0}x{0}/Conv1/weight", Pyramid::resolution(level)), 3),
    };
    let config = config.with_widths((0..facts.levels).map(width).collect::<Result<_, _>>()?);
    let rows = tensorflow_stylegan2::generator(facts.levels, layers, c_dim > 0, topology, grew);
    Ok((NetworkConfig::Generator(GeneratorConfig::StyleGan2(config)), rows))
}

fn stylegan2_discriminator(name: &str, facts: &Facts<'_>) -> Result<(NetworkConfig, Vec<Row>), ImportError> {
    let c_dim = facts.label_size("LabelEmbed/weight")?;
    let label_layers = (0..).take_while(|i| facts.has(&format!("Mapping{i}/weight"))).count();
    let lr = facts.kwargs.number("mapping_lrmul")?.unwrap_or(0.1);
    if label_layers > 0 && lr != 0.01 {
        return Err(ImportError(format!(
            "a discriminator that maps labels with mapping_lrmul {lr}, which no release has; 0.01 is known"
        )));
    }
    let grew = facts.grew("", "FromRGB")?;
    // StyleGAN2-ADA takes the whole batch where no group size is given: any group larger than it.
    let (mbstd_group, mbstd_channels) = facts.mbstd(if name == "D_main" { 1 << 16 } else { 4 })?;
    let topology = facts.topology("", "FromRGB/weight");
    let top = Pyramid::resolution(facts.levels - 1);
    let cmap = facts.side("Output/weight", 1)?;
    let base = facts.side("4x4/Conv/weight", 3)?;
    let config = StyleGan2DiscriminatorConfig {
        img_size: [facts.resolution; 2],
        img_channels: facts.side(&format!("{}/weight", tensorflow_stylegan2::rgb_layer("FromRGB", top, grew)), 2)?,
        c_dim,
        cmap_width: (c_dim > 0 && cmap != base).then_some(cmap),
        mapping_layers: if c_dim > 0 { label_layers } else { 8 },
        topology,
        conv_clamp: facts.kwargs.number("conv_clamp")?,
        num_fp16_res: facts.kwargs.count("num_fp16_res")?.unwrap_or(0),
        mbstd_group,
        mbstd_channels,
        ..StyleGan2DiscriminatorConfig::default()
    };
    let width = |level| match level {
        0 => Ok(base),
        _ => facts.side(&format!("{0}x{0}/Conv0/weight", Pyramid::resolution(level)), 3),
    };
    let config = config.with_widths((0..facts.levels).map(width).collect::<Result<_, _>>()?);
    let rows = tensorflow_stylegan2::discriminator(facts.levels, label_layers, topology, grew);
    Ok((NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan2(config)), rows))
}
