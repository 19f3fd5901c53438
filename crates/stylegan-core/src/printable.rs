//! Names and texts out of files, made fit for a terminal.

use std::fmt::{self, Display};
use std::path::Path;

/// `text` with its control characters, line ends and marks of direction written as escapes, so that a
/// name in a file can neither steer a terminal nor break or forge a line. Other characters, of any
/// script, stay as they are. A precision cuts and a width pads, as with any text: `{:.80}` shows the
/// first 80 characters.
///
/// ```
/// use stylegan_core::printable;
///
/// assert_eq!(printable("a\u{1b}[31m\nb").to_string(), r"a\u{1b}[31m\nb");
/// assert_eq!(printable("Grüße \"C:\\faces\"").to_string(), "Grüße \"C:\\faces\"");
/// ```
pub fn printable(text: &str) -> Printable {
    Printable(text.chars().flat_map(escaped).collect())
}

/// A path, in the same way; bytes that are no text become U+FFFD.
pub fn printable_path(path: &Path) -> Printable {
    printable(&path.to_string_lossy())
}

/// What [`printable`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printable(String);

impl Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The escape of a character that does not simply show; backslashes stay, so that to escape twice is to
/// escape once.
fn escaped(c: char) -> impl Iterator<Item = char> {
    // The accents of decomposed letters, as macOS writes names.
    let accent = ('\u{300}'..='\u{36f}').contains(&c);
    let shows = matches!(c, '\\' | '\'' | '"') || c.is_alphanumeric() || accent;
    let (own, escape) = if shows { (Some(c), None) } else { (None, Some(c.escape_debug())) };
    own.into_iter().chain(escape.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        let hostile = "a\u{1b}]0;owned\u{7}\u{9b}2J\r\u{202e}gnp.exe\0\u{7f}\u{2028}";
        let shown = printable(hostile).to_string();
        assert_eq!(shown, r"a\u{1b}]0;owned\u{7}\u{9b}2J\r\u{202e}gnp.exe\0\u{7f}\u{2028}");
        assert_eq!(printable(&shown).to_string(), shown, "twice is once");
    }

    #[test]
    fn names_of_any_script_stay() {
        for name in
            ["mapping.fc0.weight", "größe (1).png", "gro\u{308}ße", "日本語/é.png", "it's \"C:\\x\"", "{\"n\":1}", ""]
        {
            assert_eq!(printable(name).to_string(), name);
        }
    }

    #[test]
    fn precision_cuts_and_width_pads() {
        assert_eq!(format!("{:.3}|{:<4}|", printable("äbcd"), printable("x")), "äbc|x   |");
    }
}
