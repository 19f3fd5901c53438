//! `stylegan completions`: what a shell needs to complete verbs and options.

use crate::exit::{Ending, Outcome};
use crate::status::print;
use clap_complete::Shell;

/// Print the completions of verbs and options for a shell
///
/// Examples:
///   stylegan completions bash > ~/.local/share/bash-completion/completions/stylegan
///   stylegan completions zsh > ~/.zfunc/_stylegan        # with fpath+=~/.zfunc before compinit
///   stylegan completions fish > ~/.config/fish/completions/stylegan.fish
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script for a registry of verbs and options.
pub(crate) fn run(args: Args, mut registry: clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut registry, "stylegan", &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(Ending::Done)
}
