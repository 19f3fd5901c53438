//! `stylegan completions`: what a shell needs to complete verbs and options.

use crate::embedded::MODELS;
use crate::exit::{Ending, Outcome};
use crate::status::print;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command};
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
pub(crate) fn run(args: Args, registry: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut with_names(registry), "stylegan", &mut script);
    print(&with_files(&String::from_utf8(script)?))?;
    Ok(Ending::Done)
}

/// A verb, and those below it, with the names of networks that come with the program as all that `--network` takes.
fn with_names(verb: Command) -> Command {
    let names = PossibleValuesParser::new(MODELS.map(|model| model.name));
    // What `convert --network` takes is told already.
    let takes_names = |arg: &Arg| arg.get_long() == Some("network") && arg.get_possible_values().is_empty();
    let verb = verb.mut_args(|arg| if takes_names(&arg) { arg.value_parser(names.clone()) } else { arg });
    verb.mut_subcommands(with_names)
}

/// A script that offers files as well where it offers these names, in the words of bash, zsh and fish.
fn with_files(script: &str) -> String {
    let names = MODELS.map(|model| model.name).join(" ");
    let first = MODELS[0].name;
    [
        (format!("compgen -W \"{names}\""), format!("compgen -f -W \"{names}\"")),
        (format!("|NAME:({names})"), format!("|NAME:{{compadd {names}; _files}}")),
        (format!(" -r -f -a \"{first}"), format!(" -r -F -a \"{first}")),
    ]
    .iter()
    .fold(script.to_owned(), |script, (theirs, ours)| script.replace(theirs, ours))
}
