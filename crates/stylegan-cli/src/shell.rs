//! Commands as they are shown: what the user copies into a shell must reach the program again.

/// An argument as a shell reads it: as it is, or in quotes where it has a space or a sign with a meaning.
pub(crate) fn quote(argument: impl AsRef<std::ffi::OsStr>) -> String {
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
            let script = format!("printf %s {}", quote(argument));
            let output = std::process::Command::new("sh").args(["-c", &script]).output()?;
            assert_eq!(String::from_utf8_lossy(&output.stdout), argument);
        }
        assert_eq!((quote("runs/a-1.zip"), quote("a b")), ("runs/a-1.zip".into(), "'a b'".into()));
        Ok(())
    }
}
