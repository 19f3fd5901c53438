//! What the parser has to say: help, and errors in what was typed.

use crate::exit;
use crate::invocation::as_typed;
use crate::options::Options;
use crate::status::{on_terminal, print, say};
use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};

/// What Rust says of numbers that are none, and what we say.
const OF_RUST: [(&str, &str); 4] = [
    ("invalid digit found in string", "expected a whole number from 0"),
    ("cannot parse integer from empty string", "expected a whole number from 0"),
    ("number too large to fit in target type", "expected a smaller number"),
    ("invalid float literal", "expected a number"),
];

/// What was typed. Where that cannot be read, or help was asked for, the process ends with it.
pub(crate) fn parse() -> Options {
    let typed = with_numbers_below_0(Options::command()).try_get_matches();
    let read = |mut typed: ArgMatches| {
        Options::from_arg_matches_mut(&mut typed).map_err(|e| e.format(&mut Options::command()))
    };
    typed.and_then(read).unwrap_or_else(|error| explain(error))
}

/// A verb, and those below it, whose values may be numbers below 0 as far as the parser goes: what is wrong with them is said
/// in the option's own words.
fn with_numbers_below_0(verb: Command) -> Command {
    let verb =
        verb.mut_args(|arg| if arg.get_action().takes_values() { arg.allow_negative_numbers(true) } else { arg });
    verb.mut_subcommands(with_numbers_below_0)
}

/// Prints what the parser has to say, a help text or an error, and ends.
fn explain(mut error: clap::Error) -> ! {
    let tip = data_tip(&error).or_else(|| ranks_tip(&error)).or_else(|| precision_tip(&error));
    if tip.is_some() {
        error.remove(ContextKind::SuggestedArg);
    }
    let text = error.render();
    let mut text = if on_terminal() { text.ansi().to_string() } else { text.to_string() };
    if let Some(tip) = tip {
        text = format!("{}\n\n{tip}\n", text.trim_end());
    }
    let text =
        OF_RUST.iter().fold(as_typed(text.trim_end()).into_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
    if error.use_stderr() {
        say(&text);
    } else {
        // Whoever reads it may have had enough, which is no error.
        if let Err(error) = print(&format!("{text}\n")) {
            say(&format!("error: {}", exit::sentence(&error)));
            std::process::exit(exit::FAILED.into());
        }
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

/// A word to those who ask a training for what other verbs take as an option.
fn precision_tip(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return None };
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else { return None };
    let usage = usage.to_string();
    let trains = ["stylegan train", "stylegan plan"].iter().any(|verb| usage.contains(verb));
    (typed == "--precision" && trains).then(|| {
        "  tip: the precision of a run stands in its configuration: --set precision.products=bf16x3, or bf16".to_owned()
    })
}
