//! `stylegan convert`: released weights of other programs to one safetensors file, and back to their
//! names.

use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::network::check_exists;
use crate::status::{Progress, print};
use candle_core::{DType, Device, Tensor};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::{Checkpoint, Kind, prefix, save};
use stylegan_core::export::{Naming, state_dict};
use stylegan_core::import::{CONFIG_KEY, Imported, import, import_safetensors, is_foreign};
use stylegan_core::printable;

/// Convert released weights of other programs
///
/// Reads the official pickles of progressive GAN, StyleGAN and StyleGAN2 (TensorFlow), of
/// StyleGAN2-ADA and of the StyleGAN2 networks of the StyleGAN3 repository (PyTorch),
/// rosinality's checkpoints of StyleGAN and StyleGAN2, SPADE's generator, discriminator and encoder,
/// pix2pixHD's global generator, and pixel2style2pixel's encoder with its generator; also a network
/// alone, and state dictionaries of these names as torch files or safetensors. Of the feature networks
/// of metrics every tensor is kept under its name. Nothing in the file is executed. The same file always
/// gives the same bytes.
///
/// Examples:
///   stylegan convert stylegan2-ffhq.pkl ffhq.safetensors --licence "Nvidia Source Code License-NC"
///   stylegan convert karras2019stylegan-ffhq-1024x1024.pkl ffhq1.safetensors --network all
///   stylegan convert ffhq.safetensors rosinality.safetensors --to rosinality
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The foreign file, or a checkpoint of this program.
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

    /// Which networks to keep: the averaged generator, the generator, the discriminator, the encoder, or
    /// all [default: G_ema, or the only one]
    #[arg(long, value_name = "NAME", value_enum)]
    network: Option<Which>,

    /// Writes the state dictionary of another program instead, complete for its load_state_dict:
    /// the names of stylegan2-ada-pytorch (nvlabs) or of stylegan2-pytorch (rosinality).
    #[arg(long, value_name = "PROGRAM", value_enum)]
    to: Option<To>,

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
    let source = args.source.to_string_lossy();
    check_exists(&args.source)?;
    if args.source.is_dir() {
        wrong!("{source} is a folder; give the file to convert");
    }
    let destination = args.destination.display();
    if args.destination.extension().is_none_or(|extension| extension != "safetensors") {
        wrong!("{destination}: a safetensors file is written; let its name end in .safetensors");
    }
    destination::file(&args.destination, &[&args.source])?;
    let progress = Progress::of_unknown_length("converting");
    let mut file = read(&args.source)?;
    match (args.network, file.metadata.networks.is_empty()) {
        (None, false) if file.metadata.networks.len() == 1 => {}
        (which, false) => choose(&mut file, which.unwrap_or(Which::GEma), &source)?,
        (None, true) => {}
        (Some(_), true) => {
            wrong!("{source} holds weights that are kept as they are, no network; leave --network out")
        }
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
    save(&args.destination, &file.metadata, &file.tensors)?;
    drop(progress);
    let mut what: Vec<&str> = file.metadata.networks.keys().map(String::as_str).collect();
    what.extend(file.metadata.extra.get("content").map(String::as_str).filter(|_| what.is_empty()));
    let what = if what.is_empty() { "all tensors".to_string() } else { what.join(", ") };
    print(&format!("{}\n", printable(&format!("{destination}: {what} of {source}"))))?;
    print(&format!("{} tensors from a {}; nothing in it was executed\n", file.tensors.len(), file.origin))?;
    Ok(Ending::Done)
}

/// A foreign file, a state dictionary, or the networks of a checkpoint of this program.
fn read(path: &Path) -> anyhow::Result<Imported> {
    if is_foreign(path)? {
        return Ok(import(path)?);
    }
    let file = Checkpoint::open(path)?;
    file.verify()?;
    if let Some(imported) = import_safetensors(&file)? {
        return Ok(imported);
    }
    let Some(mut metadata) = file.metadata().cloned() else {
        wrong!(
            "{} does not say what networks it holds, and its tensors have neither the names of the official PyTorch \
             code (synthesis.b4.conv1.weight, …) nor rosinality's (convs.0.conv.weight, …), so there is nothing to convert",
            path.display()
        );
    };
    let ours = |name: &str| name.split_once('.').is_some_and(|(prefix, _)| metadata.networks.contains_key(prefix));
    let names = file.names().filter(|name| metadata.networks.is_empty() || ours(name));
    let tensors = names.map(|name| Ok((name.to_string(), file.tensor(name, &Device::Cpu)?)));
    let tensors = tensors.collect::<anyhow::Result<_>>()?;
    if metadata.kind == Kind::State {
        metadata.kind = Kind::Release;
    }
    Ok(Imported { origin: "stylegan-rs checkpoint", metadata, tensors })
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
