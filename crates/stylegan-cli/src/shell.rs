//! Commands as they are shown: what the user copies into a shell must reach the program again.

use std::ffi::OsStr;
use std::path::Path;

/// A path as a shell reads it, which is no option to the program either: `./-r` where it begins with a dash.
pub(crate) fn quote(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") { word(Path::new(".").join(path)) } else { word(path) }
}

/// An argument as a shell reads it: as it is, or in quotes where it has a space or a sign with a meaning.
pub(crate) fn word(argument: impl AsRef<OsStr>) -> String {
    let text = argument.as_ref().to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c) || (cfg!(windows) && c == '\\');
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into_owned()
    } else if cfg!(windows) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() -> std::io::Result<()> {
        for argument in ["runs/a", "my pictures", "it's", "$HOME", "a;b", "", "*", "größe.zip", "a\\b", "\"x\" 'y'"] {
            let script = format!("printf %s {}", word(argument));
            let output = std::process::Command::new("sh").args(["-c", &script]).output()?;
            assert_eq!(String::from_utf8_lossy(&output.stdout), argument);
        }
        assert_eq!((word("runs/a-1.zip"), word("a b")), ("runs/a-1.zip".into(), "'a b'".into()));
        Ok(())
    }

    #[test]
    fn paths_are_no_options() {
        for (path, quoted) in
            [("-r", "./-r"), ("-my runs/a", "'./-my runs/a'"), ("runs/-a", "runs/-a"), ("a b", "'a b'")]
        {
            assert_eq!(quote(path), quoted);
        }
        assert_eq!(word("--out"), "--out");
    }
}
