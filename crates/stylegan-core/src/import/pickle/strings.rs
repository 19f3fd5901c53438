//! Python string literals.

/// Undoes the escapes of a Python string literal; bytes above 127 are Latin-1.
pub(super) fn unescape(bytes: &[u8]) -> Option<Box<str>> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            text.push(char::from(byte));
            continue;
        }
        let digits = match rest.next()? {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            escape => {
                text.push(match escape {
                    b'n' => '\n',
                    b't' => '\t',
                    b'r' => '\r',
                    b'0' => '\0',
                    other => char::from(other),
                });
                continue;
            }
        };
        let hex: Vec<u8> = rest.by_ref().take(digits).collect();
        let code = u32::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?;
        text.push(char::from_u32(code)?);
    }
    Some(text.into())
}
