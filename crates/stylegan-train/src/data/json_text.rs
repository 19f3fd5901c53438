//! JSON files as text, whichever of its encodings they are in.

use std::borrow::Cow;

/// The text of a JSON file in UTF-8, UTF-16 or UTF-32, with or without a byte order mark; or why it is none.
pub(super) fn of(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let utf16 = |from: usize, unit: fn([u8; 2]) -> u16| {
        let (units, rest) = bytes[from..].as_chunks();
        let text: Result<String, _> = char::decode_utf16(units.iter().map(|pair| unit(*pair))).collect();
        text.ok().filter(|_| rest.is_empty()).map(Cow::Owned).ok_or("its UTF-16 is damaged".to_owned())
    };
    let utf32 = |from: usize, unit: fn([u8; 4]) -> u32| {
        let (units, rest) = bytes[from..].as_chunks();
        let text: Option<String> = units.iter().map(|four| char::from_u32(unit(*four))).collect();
        text.filter(|_| rest.is_empty()).map(Cow::Owned).ok_or("its UTF-32 is damaged".to_owned())
    };
    // JSON begins with two characters of ASCII, so that zeros show what is wide (RFC 4627, section 3).
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => utf32(4, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, ..] => utf32(4, u32::from_be_bytes),
        [0xff, 0xfe, ..] => utf16(2, u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(2, u16::from_be_bytes),
        [1..=u8::MAX, 0, 0, 0, ..] => utf32(0, u32::from_le_bytes),
        [0, 0, 0, 1..=u8::MAX, ..] => utf32(0, u32::from_be_bytes),
        [1..=u8::MAX, 0, ..] => utf16(0, u16::from_le_bytes),
        [0, 1..=u8::MAX, ..] => utf16(0, u16::from_be_bytes),
        _ => {
            let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
            text.map(Cow::Borrowed).map_err(|error| format!("it is neither UTF-8 nor UTF-16 or UTF-32 ({error})"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_encodings_give_the_same_text() {
        let text = "\n {\"größe\": \"😀\"}";
        let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let utf32 = |unit: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| unit(c.into())).collect::<Vec<u8>>();
        let mark = |mark: &[u8], text: Vec<u8>| [mark, &text].concat();
        for bytes in [
            text.into(),
            mark(b"\xef\xbb\xbf", text.into()),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            mark(b"\xff\xfe", utf16(u16::to_le_bytes)),
            mark(b"\xfe\xff", utf16(u16::to_be_bytes)),
            utf32(u32::to_le_bytes),
            utf32(u32::to_be_bytes),
            mark(b"\xff\xfe\0\0", utf32(u32::to_le_bytes)),
            mark(b"\0\0\xfe\xff", utf32(u32::to_be_bytes)),
        ] {
            assert_eq!(of(&bytes).as_deref(), Ok(text), "{bytes:?}");
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for (bytes, why) in [
            (&b"{\0\0"[..], "its UTF-16 is damaged"),
            (b"{\0\x00\xd8", "its UTF-16 is damaged"),
            (b"{\0\0\0\0\0\x11\0", "its UTF-32 is damaged"),
            (b"{\xff}", "it is neither UTF-8 nor UTF-16 or UTF-32"),
        ] {
            assert!(of(bytes).is_err_and(|error| error.starts_with(why)), "{bytes:?}");
        }
    }
}
