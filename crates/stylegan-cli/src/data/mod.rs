//! `stylegan data`: makes, checks and describes sets of pictures.

mod attributes;
mod avatars;
mod build;
pub(crate) mod built_in;
pub(crate) mod classes;
mod combinations;
mod contact_sheet;
mod doctor;
pub(crate) mod earth;
mod label;
mod make;
pub(crate) mod pictures;
pub(crate) mod recipe;
mod sample;
mod show;
pub(crate) mod size;
mod sketches;
mod style;
mod turn;
mod write;

use crate::exit::Outcome;

/// Make, check and describe data sets
///
/// A set is a folder or a ZIP of PNG, JPEG or WebP pictures of one size, with labels in
/// dataset.json and label maps under labels/ if there are any.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Build(build::Args),
    Doctor(doctor::Args),
    Show(show::Args),
}

/// Runs `stylegan data …`.
pub(crate) fn run(args: Args) -> Outcome {
    match args.command {
        Command::Build(args) => build::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Show(args) => show::run(args),
    }
}
