//! `stylegan man`: the help texts as pages for `man`.

use crate::destination;
use crate::exit::{Ending, Outcome};
use crate::status::say;
use anyhow::Context;
use std::path::PathBuf;

/// Write the manual pages, one for each verb
///
/// Example:
///   stylegan man ~/.local/share/man/man1      # then: man stylegan-train
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Folder for the pages, made where it is missing.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Writes the pages of a registry of verbs and options.
pub(crate) fn run(args: Args, registry: clap::Command) -> Outcome {
    let folder = args.folder;
    destination::make(&folder)?;
    clap_mangen::generate_to(registry, &folder)
        .with_context(|| format!("cannot write manual pages to {}", folder.display()))?;
    say(&format!(
        "manual pages in {}; `man {}` shows one",
        folder.display(),
        folder.join("stylegan-train.1").display()
    ));
    Ok(Ending::Done)
}
