//! What the reader types for `stylegan`, so that hints name commands that they have.

use std::borrow::Cow;
use std::sync::OnceLock;

/// Set by `cargo xtask` to what was typed before the verb.
const VARIABLE: &str = "STYLEGAN_INVOKED_AS";

/// The verbs; [`Options`](crate::options::Options) has their arguments.
pub(crate) const VERBS: [&str; 21] = [
    "train",
    "plan",
    "generate",
    "paint",
    "mix",
    "interpolate",
    "invert",
    "directions",
    "edit",
    "figures",
    "studio",
    "eval",
    "classifier",
    "segmenter",
    "convert",
    "export",
    "inspect",
    "models",
    "data",
    "completions",
    "man",
];

/// What stands before the verb, where that is not `stylegan`.
#[allow(clippy::disallowed_methods, reason = "the command reads the environment")]
fn typed() -> Option<&'static str> {
    static TYPED: OnceLock<Option<String>> = OnceLock::new();
    TYPED.get_or_init(|| std::env::var(VARIABLE).ok().filter(|typed| !typed.is_empty())).as_deref()
}

/// What the reader types before a verb.
pub(crate) fn program() -> &'static str {
    typed().unwrap_or("stylegan")
}

/// A message with its commands as the reader types them.
pub(crate) fn as_typed(text: &str) -> Cow<'_, str> {
    typed().map_or(Cow::Borrowed(text), |typed| Cow::Owned(replace(text, typed)))
}

/// `stylegan VERB` becomes `typed VERB`, for every verb there is.
fn replace(text: &str, typed: &str) -> String {
    const PROGRAM: &str = "stylegan ";
    let is_verb = |rest: &str| {
        let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        VERBS.contains(&word) || rest.starts_with("VERB")
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
