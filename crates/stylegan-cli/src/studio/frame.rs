//! What pages are sent: pictures as binary frames, everything else as JSON.

use super::wish::View;
use crate::invocation::as_typed;
use axum::extract::ws::Message;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use std::net::IpAddr;

/// Quality of pictures that travel over a network, as ComfyUI's previews have.
const JPEG_QUALITY: u8 = 95;

/// How the pixels of a frame are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Format {
    /// Red, green and blue of each pixel, row by row: nothing to decode on the computer itself.
    Rgb = 0,
    /// JPEG, for pages on other computers.
    Jpeg = 1,
}

impl Format {
    /// How a page at this address takes its pictures.
    pub(super) fn for_page(address: IpAddr) -> Self {
        if address.is_loopback() { Format::Rgb } else { Format::Jpeg }
    }
}

/// Which picture of which answer a frame holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The view.
    pub(super) view: View,
    /// The number of the state that it answers.
    pub(super) seq: u32,
    /// Its number among the pictures of this state.
    pub(super) cell: usize,
    /// How many these are.
    pub(super) cells: usize,
    /// Milliseconds that it took to compute.
    pub(super) milliseconds: u32,
}

/// A picture as a frame: 16 bytes (docs/studio.md has the table), then its pixels.
///
/// # Errors
/// When the picture cannot be encoded.
pub(super) fn frame(place: Place, format: Format, picture: &RgbImage) -> anyhow::Result<Message> {
    let short = |value: u64| u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes();
    let mut bytes = Vec::with_capacity(16 + picture.as_raw().len());
    bytes.extend([place.view as u8, format as u8]);
    bytes.extend(short(picture.width().into()));
    bytes.extend(short(picture.height().into()));
    bytes.extend(short(place.cell as u64));
    bytes.extend(place.seq.to_le_bytes());
    bytes.extend(short(place.cells as u64));
    bytes.extend(short(place.milliseconds.into()));
    match format {
        Format::Rgb => bytes.extend_from_slice(picture.as_raw()),
        Format::Jpeg => JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(picture)?,
    }
    Ok(Message::Binary(bytes.into()))
}

/// A sentence for the user in place of pictures; `answers` says in place of which.
pub(super) fn trouble(answers: Option<(View, u32)>, sentence: &str) -> Message {
    let (view, seq) = (answers.map(|(view, _)| view as u8), answers.map(|(_, seq)| seq));
    json(&serde_json::json!({ "type": "error", "view": view, "seq": seq, "message": as_typed(sentence) }))
}

/// A message that is no picture.
pub(super) fn json(value: &serde_json::Value) -> Message {
    Message::Text(value.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_say_what_they_hold() -> anyhow::Result<()> {
        let place = Place { view: View::Mix, seq: 0x0102_0304, cell: 5, cells: 8, milliseconds: 70_000 };
        let picture = RgbImage::from_pixel(2, 1, image::Rgb([9, 8, 7]));
        let raw = frame(place, Format::Rgb, &picture)?.into_data();
        assert_eq!(&raw[..16], &[2, 0, 2, 0, 1, 0, 5, 0, 4, 3, 2, 1, 8, 0, 255, 255]);
        assert_eq!(&raw[16..], &[9, 8, 7, 9, 8, 7]);
        let jpeg = frame(place, Format::Jpeg, &picture)?.into_data();
        assert_eq!(image::load_from_memory(&jpeg[16..])?.width(), 2);
        Ok(())
    }
}
