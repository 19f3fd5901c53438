//! The palette of a PNG file, where the decoder would panic on one that breaks the standard.
//!
//! png 0.18.1 slices the palette in threes without a look at its length, and takes the transparent entries for
//! no more than there are colours (image-png #694); once a release says so itself, this file can go.

use super::Problem;

/// Refuses palettes that are not made of whole colours, or have fewer colours than transparent entries.
pub(super) fn check(png: &[u8]) -> Result<(), Problem> {
    let mut rest = png.get(8..).unwrap_or_default();
    let (mut indexed, mut colours) = (false, 0);
    // Length, kind, contents, checksum. What is cut short is for the decoder to tell.
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        match &kind {
            b"IHDR" => indexed = body.get(9) == Some(&3),
            b"PLTE" if !len.is_multiple_of(3) => {
                return Err(Problem::Damaged(format!("its palette of {len} bytes is not one of whole colours")));
            }
            b"PLTE" => colours = len / 3,
            b"tRNS" if indexed && len > colours => {
                return Err(Problem::Damaged(format!("its palette has {colours} colours, {len} of them transparent")));
            }
            b"IDAT" => break,
            _ => {}
        }
        rest = body.get(len.saturating_add(4)..).unwrap_or_default();
    }
    Ok(())
}
