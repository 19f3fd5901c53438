//! What the parser has to say: help, and errors in what was typed.

use crate::invocation::as_typed;
use crate::options::Options;
use crate::status::{on_terminal, print, say};
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};

/// Prints what the parser has to say, a help text or an error, and ends.
pub(crate) fn explain(error: &clap::Error) -> ! {
    let text = error.render();
    let mut text = if on_terminal() { text.ansi().to_string() } else { text.to_string() };
    if let Some(tip) = data_tip(error).or_else(|| ranks_tip(error)) {
        text = format!("{}\n\n{tip}\n", text.trim_end());
    }
    let text = as_typed(text.trim_end());
    if error.use_stderr() {
        say(&text);
    } else {
        // Whoever reads it may have had enough.
        let _ = print(&format!("{text}\n"));
    }
    std::process::exit(error.exit_code());
}

/// A word to those who left out `data` before one of its verbs.
fn data_tip(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let registry = Options::command();
    let data = registry.find_subcommand("data")?;
    data.find_subcommand(word).map(|verb| format!("  tip: `stylegan data {}` exists", verb.get_name()))
}

/// A word to those who ask this process to be several.
fn ranks_tip(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return None };
    (typed == "--ranks").then(|| {
        "  tip: several processes are started from outside, for `train` and `eval`: `mpirun -n 2 --bind-to none stylegan train …` \
         with a stylegan that was built with --features mpi, or `cargo xtask train --ranks 2 …` in its sources, which builds \
         it so; torchrun and --features nccl for GPUs (docs/distributed.md)"
            .to_owned()
    })
}
