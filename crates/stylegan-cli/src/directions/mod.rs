//! `stylegan directions`: along which styles move so that pictures change in one respect.

mod channels;
mod classifier;
mod common;
mod ganspace;
mod labels;
mod planes;
mod sefa;

use crate::exit::Outcome;
pub(crate) use common::rgb;

/// Find directions to edit pictures along
///
/// A file of directions is safetensors: vectors [n, w_dim], n sigmas (the deviation of styles along
/// each), and their names and style rows; of directions in style space the channel as well. `stylegan
/// edit` moves styles along them; strength 1 is one sigma.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Sefa(sefa::Args),
    Ganspace(ganspace::Args),
    Labels(labels::Args),
    Classifier(classifier::Args),
    Channels(channels::Args),
}

/// Runs `stylegan directions …`.
pub(crate) fn run(args: Args) -> Outcome {
    match args.command {
        Command::Sefa(args) => sefa::run(args),
        Command::Ganspace(args) => ganspace::run(args),
        Command::Labels(args) => labels::run(args),
        Command::Classifier(args) => classifier::run(args),
        Command::Channels(args) => channels::run(args),
    }
}
