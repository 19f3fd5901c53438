//! GIF films at a speed that browsers keep.

use crate::exit::wrong;
use crate::writer::Text;
use anyhow::Context;
use color_quant::NeuQuant;
use gif::{Encoder, Extension, Frame, Repeat};
use image::RgbImage;
use std::io::Write;

/// GIF counts time in hundredths of a second, and browsers show a frame of less than two of them for
/// ten: no film runs faster than this many frames a second.
pub(crate) const MAX_FPS: u32 = 50;

/// A GIF being written, frame by frame.
pub(crate) struct Gif<W: Write> {
    encoder: Encoder<W>,
    fps: u32,
    frames: u32,
    shown: usize,
}

impl<W: Write> Gif<W> {
    /// A film of `[h, w]` pixels that starts again when it is over; `text` about it is the file's comment, a line for each
    /// keyword.
    pub(crate) fn new(file: W, [h, w]: [u32; 2], fps: u32, text: &Text) -> anyhow::Result<Self> {
        let (Ok(w), Ok(h)) = (u16::try_from(w), u16::try_from(h)) else {
            wrong!(
                "a GIF is at most {} pixels wide and high, this one would be {w}x{h}; take a smaller --zoom",
                u16::MAX
            )
        };
        let mut encoder = Encoder::new(file, w, h, &[])?;
        encoder.set_repeat(Repeat::Infinite)?;
        if !text.is_empty() {
            let lines: Vec<_> = text.iter().map(|(keyword, value)| format!("{keyword}: {value}")).collect();
            encoder.write_raw_extension(Extension::Comment.into(), &[lines.join("\n").as_bytes()])?;
        }
        Ok(Gif { encoder, fps, frames: 0, shown: 0 })
    }

    /// Adds the next frame, if it is one that is shown.
    pub(crate) fn push(&mut self, picture: &RgbImage) -> anyhow::Result<()> {
        let delay = delay(self.frames, self.fps);
        self.frames += 1;
        let Some(delay) = delay else { return Ok(()) };
        self.shown += 1;
        let (w, h) = (picture.width() as u16, picture.height() as u16);
        let (palette, pixels) = in_256_colours(picture);
        let frame = Frame { delay, ..Frame::from_palette_pixels(w, h, pixels, palette, None) };
        self.encoder.write_frame(&frame).context("the GIF cannot be written")
    }

    /// The frames that it has: of those that were added some may not be shown.
    pub(crate) fn shown(&self) -> usize {
        self.shown
    }

    /// Ends the film; returns where it was written to.
    pub(crate) fn finish(self) -> anyhow::Result<W> {
        self.encoder.into_inner().context("the GIF cannot be written")
    }
}

/// How long frame `i` of a film at `fps` is shown, in hundredths of a second; `None` for one that is left
/// out. Frames end at the hundredth next to their time, so that the film as a whole keeps its speed; above
/// [`MAX_FPS`] each shown frame is one of that rate.
fn delay(i: u32, fps: u32) -> Option<u16> {
    let (i, fps, max) = (u64::from(i), u64::from(fps), u64::from(MAX_FPS));
    if fps > max {
        // Frame floor(k * fps / max) is the k-th that is shown.
        let k = (i * max).div_ceil(fps);
        return (k * fps / max == i).then_some((100 / max) as u16);
    }
    let end = |i: u64| (i * 100 + fps / 2) / fps;
    Some((end(i + 1) - end(i)) as u16)
}

/// The palette that suits a picture, as RGB, and its pixels as places there.
fn in_256_colours(picture: &RgbImage) -> (Vec<u8>, Vec<u8>) {
    let rgba: Vec<u8> = picture.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2], 255]).collect();
    let colours = NeuQuant::new(10, 256, &rgba);
    let pixels = rgba.chunks_exact(4).map(|p| colours.index_of(p) as u8).collect();
    (colours.color_map_rgb(), pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full: the encoder writes the end of the film when it is dropped, too.
    #[test]
    fn what_cannot_be_written_is_an_error() -> anyhow::Result<()> {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        for room in [40, 400] {
            let mut film = Gif::new(Full(room), [8, 8], 10, &vec![])?;
            let failed =
                (0..9).map(|i| film.push(&RgbImage::from_pixel(8, 8, image::Rgb([i * 20; 3])))).find(Result::is_err);
            assert!(
                failed.is_some_and(|failed| failed.is_err_and(|error| error.to_string().contains("cannot be written")))
            );
        }
        Ok(())
    }

    /// At no rate is a frame shorter than browsers allow, and the film runs at its rate, or at 50 with its
    /// own length.
    #[test]
    fn delays_keep_the_speed() {
        for fps in 1..=100 {
            let frames = fps * 10;
            let delays: Vec<u16> = (0..frames).filter_map(|i| delay(i, fps)).collect();
            assert!(delays.iter().all(|&delay| delay >= 2), "{fps}: {delays:?}");
            let seconds = delays.iter().map(|&delay| f64::from(delay)).sum::<f64>() / 100.0;
            assert!((seconds - 10.0).abs() <= 0.021, "{fps}: {seconds}");
            assert_eq!(delays.len() as u32, frames.min(500), "{fps}");
            // No frame is longer than its neighbours by more than the format's unit.
            let (least, most) = (delays.iter().min(), delays.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1), "{fps}: {delays:?}");
        }
        assert_eq!((0..6).filter_map(|i| delay(i, 30)).collect::<Vec<_>>(), [3, 4, 3, 3, 4, 3]);
        assert_eq!((0..7).map(|i| delay(i, 60)).filter(Option::is_none).count(), 1);
    }
}
