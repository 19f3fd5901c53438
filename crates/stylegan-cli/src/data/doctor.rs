//! `stylegan data doctor`: everything that is wrong with a set.

use crate::exit::{Ending, Outcome, wrong};
use crate::status::{Progress, print};
use std::path::PathBuf;
use stylegan_train::data::{Files, doctor};

/// List every bad file of a data set, with the remedy
///
/// All pictures, labels and label maps are read. Exit code 2 if anything is wrong.
///
/// Example:
///   stylegan data doctor photos/
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Folder or ZIP of pictures.
    #[arg(value_name = "SET")]
    set: PathBuf,
}

/// Runs `stylegan data doctor`.
pub(crate) fn run(args: Args) -> Outcome {
    let pictures = Files::open(&args.set)?.names().len();
    let progress = Progress::new("examining", pictures);
    let report = doctor::examine(&args.set, || progress.advance(1))?;
    drop(progress);
    for finding in &report.findings {
        print(&format!("{finding}\n"))?;
    }
    match report.findings.len() {
        0 => {
            print(&format!("{}: {} pictures, nothing is wrong\n", args.set.display(), report.pictures))?;
            Ok(Ending::Done)
        }
        1 => wrong!("{}: 1 problem among {} pictures", args.set.display(), report.pictures),
        n => wrong!("{}: {n} problems among {} pictures", args.set.display(), report.pictures),
    }
}
