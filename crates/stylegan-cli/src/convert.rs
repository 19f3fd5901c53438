//! `stylegan convert`: released weights of other programs to one safetensors file, and back to their
//! names.

use crate::assumed::assumed;
use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::network::{check_exists, checkpoint};
use crate::paint::facts::FactArgs;
use crate::shell::quote;
use crate::status::{Progress, print, say};
use candle_core::{DType, Tensor};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Kind, prefix, save};
use stylegan_core::export::{Naming, state_dict};
use stylegan_core::import::{CONFIG_KEY, Imported, networks};
use stylegan_core::{NetworkConfig, printable, resize};
use stylegan_train::data::ClassTable;

/// Convert released weights of other programs
///
/// Reads the official pickles of progressive GAN, StyleGAN and StyleGAN2 (TensorFlow), of StyleGAN2-ADA
/// and of the StyleGAN2 networks of the StyleGAN3 repository (PyTorch), rosinality's checkpoints of
/// StyleGAN and StyleGAN2, SPADE's generator, discriminator and encoder, pix2pixHD's global generator,
/// and pixel2style2pixel's encoder with its generator; also a network alone, and state dictionaries of
/// these names as torch files or safetensors. Of the feature networks of metrics every tensor is kept
/// under its name. Nothing in the file is executed. The same file always gives the same bytes.
///
/// Examples:
///   stylegan convert stylegan2-ffhq.pkl ffhq.safetensors --licence "Nvidia Source Code License-NC"
///   stylegan convert karras2019stylegan-ffhq-1024x1024.pkl ffhq1.safetensors --network all
///   stylegan convert latest_net_G.pth roads.safetensors --size 512x256 --depth more --edges
///   stylegan convert ffhq.safetensors rosinality.safetensors --to rosinality
///   stylegan convert runs/faces-256 begin.safetensors --network all --resize-net 512
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The foreign file, a checkpoint of this program, or the folder of a run: then its newest checkpoint.
    #[arg(value_name = "SRC")]
    source: PathBuf,

    /// The safetensors file to write.
    #[arg(value_name = "DST.safetensors")]
    destination: PathBuf,

    /// Licence of the weights, kept in the file; most released weights are non-commercial.
    ///
    /// Example: --licence "CC BY-NC 4.0"
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,

    /// Names of the classes of labels or label maps, from a classes.json as sets have it, kept in the file.
    ///
    /// Example: --classes data/ade20k/classes.json
    #[arg(long, value_name = "FILE.json")]
    classes: Option<PathBuf>,

    /// Which networks to keep: the averaged generator, the generator, the discriminator, the encoder, or
    /// all [default: G_ema, or the only one]
    #[arg(long, value_name = "NAME", value_enum)]
    network: Option<Which>,

    /// Writes the state dictionary of another program instead, complete for its load_state_dict:
    /// the names of stylegan2-ada-pytorch (nvlabs) or of stylegan2-pytorch (rosinality).
    #[arg(long, value_name = "PROGRAM", value_enum)]
    to: Option<To>,

    /// Makes the networks ready for pictures whose longer side has N pixels: layers that fit are kept, the others
    /// begin at random, for `stylegan train --from`.
    ///
    /// Example: --network all --resize-net 512
    #[arg(long, value_name = "N")]
    resize_net: Option<usize>,

    #[command(flatten)]
    facts: FactArgs,

    /// Stores numbers in 16 bits: half the size, and pictures that differ by less than a screen
    /// shows. They are widened again when the network is loaded.
    #[arg(long)]
    f16: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    #[value(name = "G_ema")]
    GEma,
    #[value(name = "G")]
    G,
    #[value(name = "D")]
    D,
    #[value(name = "E")]
    E,
    #[value(name = "all")]
    All,
}

impl Which {
    fn prefix(self) -> Option<&'static str> {
        match self {
            Which::GEma => Some(prefix::G_EMA),
            Which::G => Some(prefix::G),
            Which::D => Some(prefix::D),
            Which::E => Some(prefix::E),
            Which::All => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    Nvlabs,
    Rosinality,
}

pub(crate) fn run(args: Args) -> Outcome {
    let path = checkpoint(&args.source)?;
    let source = path.to_string_lossy();
    let destination = args.destination.display();
    destination::file(&args.destination, &[&path])?;
    if args.destination.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
        wrong!(
            "{destination}: a safetensors file is written here; ONNX models are written by `stylegan export --network {} \
             --onnx {}`",
            quote(&args.source),
            quote(&args.destination)
        );
    }
    destination::ends_in(&args.destination, "safetensors", "a safetensors file")?;
    if args.licence.as_ref().is_some_and(|licence| licence.trim().is_empty()) {
        wrong!("--licence: it is empty; name the licence, or leave it out to keep what the file says");
    }
    let progress = Progress::of_unknown_length("converting");
    let mut file = networks(&path)?;
    match (args.network, file.metadata.networks.is_empty()) {
        (None, false) if file.metadata.networks.len() == 1 => {}
        (which, false) => choose(&mut file, which.unwrap_or(Which::GEma), &source)?,
        (None, true) => {}
        (Some(_), true) => {
            wrong!("{source} holds weights that are kept as they are, no network; leave --network out")
        }
    }
    if let Some(facts) = args.facts.facts()
        && let Err(error) = file.tell(&facts)
    {
        wrong!("{source}: {error}; see --size, --edges, --depth and --dont-care");
    }
    if let Some(assumed) = file.metadata.networks.values().find_map(|config| assumed(&file.metadata, config)) {
        say(&printable(&format!("note: {source}: {assumed}")).to_string());
    }
    if let Some(side) = args.resize_net {
        resize_networks(&mut file, side, &source)?;
    }
    if let Some(to) = args.to {
        rename(&mut file, to, &source)?;
    }
    if args.f16 {
        for (name, tensor) in &mut file.tensors {
            *tensor = halved(name, tensor)?;
        }
    }
    if args.licence.is_some() {
        file.metadata.licence = args.licence;
    }
    if let Some(classes) = &args.classes {
        file.metadata.set_classes(&class_names(classes, &file, &source)?);
    }
    save(&args.destination, &file.metadata, &file.tensors)?;
    drop(progress);
    let mut what: Vec<&str> = file.metadata.networks.keys().map(String::as_str).collect();
    what.extend(file.metadata.extra.get("content").map(String::as_str).filter(|_| what.is_empty()));
    let what = if what.is_empty() { "all tensors".to_string() } else { what.join(", ") };
    print(&format!("{}\n", printable(&format!("{destination}: {what} of {source}"))))?;
    print(&format!("{} tensors from a {}; nothing in it was executed\n", file.tensors.len(), file.origin))?;
    Ok(Ending::Done)
}

/// The names of a class table, if one of the networks has as many classes, or one more for pixels without one.
fn class_names(path: &Path, file: &Imported, source: &str) -> anyhow::Result<Vec<String>> {
    check_exists(path)?;
    let names = match ClassTable::open(path) {
        Ok(table) => table.names(),
        Err(problem) => wrong!("--classes {}: {problem}; {}", path.display(), problem.remedy()),
    };
    let classes = file.metadata.networks.values().map(|network| match network {
        NetworkConfig::Generator(config) => config.map().map_or(config.c_dim(), |map| map.classes),
        _ => 0,
    });
    let classes = classes.max().unwrap_or_default();
    if classes != names.len() && classes != names.len() + 1 {
        wrong!("--classes {}: names {} classes, and {source} has {classes}", path.display(), names.len());
    }
    Ok(names)
}

/// Drops all but the chosen network.
fn choose(file: &mut Imported, which: Which, source: &str) -> anyhow::Result<()> {
    let Some(prefix) = which.prefix() else { return Ok(()) };
    let networks = &mut file.metadata.networks;
    if !networks.contains_key(prefix) {
        let names: Vec<&str> = networks.keys().map(String::as_str).collect();
        wrong!("{source} has no network {prefix}, only {}; choose one with --network", names.join(", "));
    }
    networks.retain(|name, _| name == prefix);
    file.tensors.retain(|(name, _)| name.split('.').next() == Some(prefix));
    Ok(())
}

/// Brings all networks to pictures of another size, and says what was kept.
fn resize_networks(file: &mut Imported, side: usize, source: &str) -> anyhow::Result<()> {
    if file.metadata.networks.is_empty() {
        wrong!("{source} holds weights that are kept as they are, no network; leave --resize-net out");
    }
    let mut tensors = vec![];
    for (prefix, config) in file.metadata.networks.clone() {
        let resized = match resize(&config, &file.network(&prefix), side) {
            Ok(resized) => resized,
            Err(error) => wrong!("--resize-net {side}: {prefix} of {source}: {error}"),
        };
        say(&format!("{prefix}: {} of {} tensors are kept", resized.kept, resized.tensors.len()));
        file.metadata.networks.insert(prefix.clone(), resized.config);
        tensors.extend(resized.tensors.into_iter().map(|(name, tensor)| (format!("{prefix}.{name}"), tensor)));
    }
    file.tensors = tensors;
    // Networks of another size begin to grow anew.
    file.metadata.set_lod(0.);
    Ok(())
}

/// Gives the tensors the names of another program. A single network's names have no prefix.
fn rename(file: &mut Imported, to: To, source: &str) -> anyhow::Result<()> {
    let networks = std::mem::take(&mut file.metadata.networks);
    if networks.is_empty() {
        wrong!("{source} holds weights under their original names already; leave --to out");
    }
    let alone = networks.len() == 1;
    let (naming, program) = match to {
        To::Nvlabs => (Naming::Nvlabs, "stylegan2-ada-pytorch"),
        To::Rosinality => (Naming::Rosinality, "rosinality's stylegan2-pytorch"),
    };
    let mut renamed = Vec::new();
    for (prefix, config) in networks {
        let own = file.network(&prefix);
        let theirs = match naming {
            Naming::Nvlabs => prefix.clone(),
            Naming::Rosinality => prefix.to_lowercase(),
        };
        for (name, tensor) in state_dict(&config, &own, naming)? {
            renamed.push((if alone { name } else { format!("{theirs}.{name}") }, tensor));
        }
        file.metadata.extra.insert(format!("{CONFIG_KEY}{prefix}"), serde_json::to_string(&config)?);
    }
    file.tensors = renamed;
    file.metadata.kind = Kind::Weights;
    file.metadata.extra.insert("content".into(), format!("state dictionary for {program}"));
    Ok(())
}

/// Floating-point numbers in 16 bits; others as they are.
fn halved(name: &str, tensor: &Tensor) -> anyhow::Result<Tensor> {
    if !matches!(tensor.dtype(), DType::F32 | DType::F64) {
        return Ok(tensor.clone());
    }
    let largest = if tensor.elem_count() == 0 {
        0.
    } else {
        tensor.to_dtype(DType::F64)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?
    };
    if largest > 65504. {
        wrong!("{name} holds numbers up to {largest:.0}, more than 16 bits do (65504); leave --f16 out");
    }
    Ok(tensor.to_dtype(DType::F16)?)
}
