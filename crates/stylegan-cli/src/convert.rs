//! `stylegan convert`: released weights of other programs to one safetensors file.

use crate::exit::{Ending, Outcome, wrong};
use crate::status::print;
use clap::ValueEnum;
use std::path::PathBuf;
use stylegan_core::checkpoint::save;
use stylegan_core::import::import;

/// Convert released weights of other programs
///
/// Reads the official pickles of progressive GAN, StyleGAN and StyleGAN2 (TensorFlow), of
/// StyleGAN2-ADA and of the StyleGAN2 networks of the StyleGAN3 repository (PyTorch), and
/// rosinality's checkpoints of StyleGAN and StyleGAN2. Nothing in the file is executed. The same
/// file always gives the same bytes.
///
/// Examples:
///   stylegan convert stylegan2-ffhq.pkl ffhq.safetensors --licence "CC BY-NC 4.0"
///   stylegan convert karras2019stylegan-ffhq-1024x1024.pkl ffhq1.safetensors --network all
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The foreign file.
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

    /// Which networks to keep: the averaged generator, the generator, the discriminator, or all.
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Which::GEma)]
    network: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    #[value(name = "G_ema")]
    GEma,
    #[value(name = "G")]
    G,
    #[value(name = "D")]
    D,
    #[value(name = "all")]
    All,
}

impl Which {
    fn prefix(self) -> Option<&'static str> {
        match self {
            Which::GEma => Some("G_ema"),
            Which::G => Some("G"),
            Which::D => Some("D"),
            Which::All => None,
        }
    }
}

pub(crate) fn run(args: Args) -> Outcome {
    let source = args.source.to_string_lossy();
    if source.contains("://") {
        wrong!("{source} is an address: download the file first, then give its path");
    }
    let mut imported = import(&args.source)?;
    if let Some(prefix) = args.network.prefix() {
        let names: Vec<String> = imported.metadata.networks.keys().cloned().collect();
        if !imported.metadata.networks.contains_key(prefix) {
            wrong!("{source} has no network {prefix}, only {}; choose one with --network", names.join(", "));
        }
        imported.metadata.networks.retain(|name, _| name == prefix);
        imported.tensors.retain(|(name, _)| name.split('.').next() == Some(prefix));
    }
    imported.metadata.licence = args.licence;
    save(&args.destination, &imported.metadata, &imported.tensors)?;
    let networks: Vec<&str> = imported.metadata.networks.keys().map(String::as_str).collect();
    print(&format!("{}: {} of {source}\n", args.destination.display(), networks.join(", ")))?;
    print(&format!("{} tensors from a {}; nothing in it was executed\n", imported.tensors.len(), imported.origin))?;
    Ok(Ending::Done)
}
