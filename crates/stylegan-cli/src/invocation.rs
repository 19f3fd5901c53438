//! What the reader types for `stylegan`, so that hints name commands that they have.

use crate::options::Options;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};
use std::borrow::Cow;
use std::sync::OnceLock;

/// Set by `cargo xtask` to what was typed before the verb.
const VARIABLE: &str = "STYLEGAN_INVOKED_AS";

/// What stands before the verb, where that is not `stylegan`.
#[allow(clippy::disallowed_methods, reason = "the command reads the environment")]
fn typed() -> Option<&'static str> {
    static TYPED: OnceLock<Option<String>> = OnceLock::new();
    TYPED.get_or_init(|| std::env::var(VARIABLE).ok().filter(|typed| !typed.is_empty())).as_deref()
}

/// A message with its commands as the reader types them.
pub(crate) fn as_typed(text: &str) -> Cow<'_, str> {
    typed().map_or(Cow::Borrowed(text), |typed| Cow::Owned(replace(text, typed)))
}

/// Prints what the parser has to say, a help text or an error, and ends.
pub(crate) fn explain(error: &clap::Error) -> ! {
    let text = error.render();
    let mut text = if crate::status::on_terminal() { text.ansi().to_string() } else { text.to_string() };
    if let Some(tip) = tip(error) {
        text = format!("{}\n\n{tip}\n", text.trim_end());
    }
    let text = as_typed(text.trim_end());
    if error.use_stderr() {
        crate::status::say(&text);
    } else {
        // Whoever reads it may have had enough.
        let _ = crate::status::print(&format!("{text}\n"));
    }
    std::process::exit(error.exit_code());
}

/// A word to those who left out `data` before one of its verbs.
fn tip(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let registry = Options::command();
    let data = registry.find_subcommand("data")?;
    data.find_subcommand(word).map(|verb| format!("  tip: `stylegan data {}` exists", verb.get_name()))
}

/// `stylegan VERB` becomes `typed VERB`, for every verb there is.
fn replace(text: &str, typed: &str) -> String {
    const PROGRAM: &str = "stylegan ";
    let registry = Options::command();
    let is_verb = |rest: &str| {
        let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        registry.get_subcommands().any(|verb| verb.get_name() == word) || rest.starts_with("VERB")
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PROGRAM) {
        let (before, from) = rest.split_at(at);
        let after = &from[PROGRAM.len()..];
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || "/\\-_.".contains(c));
        out.push_str(before);
        out.push_str(if begins && is_verb(after) { typed } else { "stylegan" });
        out.push(' ');
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_replaced_and_nothing_else() {
        for (text, expected) in [
            ("go on with: stylegan train --out a", "go on with: cargo xtask train --out a"),
            ("`stylegan data build X`, or (stylegan eval)", "`cargo xtask data build X`, or (cargo xtask eval)"),
            ("runs/stylegan train", "runs/stylegan train"),
            ("this is a bug of stylegan, report it", "this is a bug of stylegan, report it"),
            ("a stylegan trained by others", "a stylegan trained by others"),
        ] {
            assert_eq!(replace(text, "cargo xtask"), expected);
        }
    }
}
