//! `stylegan man`: the help texts as pages for `man`.

use crate::destination;
use crate::exit::{Ending, Outcome};
use crate::shell::quote;
use crate::status::say;
use anyhow::Context;
use clap_mangen::Man;
use std::path::{Path, PathBuf};

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
    let mut registry = registry.disable_help_subcommand(true);
    registry.build();
    write(registry, &folder).with_context(|| format!("cannot write manual pages to {}", folder.display()))?;
    say(&format!("manual pages in {}; `man {}` shows one", folder.display(), quote(folder.join("stylegan-train.1"))));
    Ok(Ending::Done)
}

/// Writes the page of a verb and of those below it.
fn write(verb: clap::Command, folder: &Path) -> std::io::Result<()> {
    for below in verb.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below.clone(), folder)?;
    }
    let (page, mut text) = (Man::new(verb), vec![]);
    page.render(&mut text)?;
    std::fs::write(folder.join(page.get_filename()), with_examples(&String::from_utf8_lossy(&text)))
}

/// A page that breaks no words, and keeps the lines of its examples: they can be pasted.
fn with_examples(page: &str) -> String {
    let (mut text, mut fills) = (String::with_capacity(page.len()), true);
    for line in page.lines() {
        let is_example = line.starts_with("  ") || line.starts_with("Example: ");
        if is_example == fills {
            fills = !is_example;
            text.push_str(if fills { ".fi\n" } else { ".nf\n" });
        }
        text.push_str(line);
        text.push('\n');
        if line.starts_with(".TH ") {
            text.push_str(".nh\n");
        }
    }
    text
}
