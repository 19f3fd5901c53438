//! Films: through ffmpeg where that is needed, animated GIF and PNG on our own.

use crate::exit::wrong;
use crate::gif::Gif;
use crate::output::{make_folder, make_parent};
use crate::writer::{Text, Writer};
use anyhow::Context;
use image::RgbImage;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use stylegan_core::Unfinished;

/// What a film is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A folder of PNG files.
    Frames,
    /// Animated PNG.
    Apng,
    /// GIF.
    Gif,
    /// Whatever ffmpeg makes of the file's ending.
    Ffmpeg,
}

impl Format {
    /// Reads the name's ending.
    pub(crate) fn of(out: &Path) -> anyhow::Result<Self> {
        let ending = out.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            _ if out.is_dir() => Ok(Format::Frames),
            None => Ok(Format::Frames),
            Some("png" | "apng") => Ok(Format::Apng),
            Some("gif") => Ok(Format::Gif),
            Some("mp4" | "webm" | "mkv" | "mov") if has_ffmpeg() => Ok(Format::Ffmpeg),
            Some("mp4" | "webm" | "mkv" | "mov") => {
                wrong!(
                    "--out {}: ffmpeg is not installed; install it, or name a .gif or .png (animated) file",
                    out.display()
                )
            }
            Some(ending) => wrong!(
                "--out {}: .{ending} is not a film; use .mp4, .webm, .mkv, .mov, .gif, .png or a folder",
                out.display()
            ),
        }
    }
}

fn has_ffmpeg() -> bool {
    let quiet = || Stdio::null();
    Command::new("ffmpeg")
        .arg("-version")
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .status()
        .is_ok_and(|s| s.success())
}

/// A film being written. A file appears under its name when it is finished, not before.
pub(crate) struct Film {
    out: PathBuf,
    /// The file; frames have none.
    unfinished: Option<Unfinished>,
    frames: usize,
    /// What files of single frames say of them.
    text: Text,
    sink: Sink,
}

enum Sink {
    Frames(Writer),
    Apng(Box<png::Writer<BufWriter<File>>>),
    Gif(Box<Gif<BufWriter<File>>>),
    Ffmpeg(Child),
}

impl Film {
    /// A film of `frames` frames of `[h, w]` pixels; PNG files hold `text` about it.
    pub(crate) fn create(
        out: &Path,
        format: Format,
        [h, w]: [u32; 2],
        fps: u32,
        frames: usize,
        text: Text,
    ) -> anyhow::Result<Self> {
        match format {
            Format::Frames => make_folder(out)?,
            _ => make_parent(out)?,
        }
        let cannot = || format!("cannot write {}", out.display());
        let unfinished = match format {
            Format::Frames => None,
            _ => Some(Unfinished::file(out).with_context(cannot)?),
        };
        let file = || -> anyhow::Result<BufWriter<File>> {
            let unfinished = unfinished.as_ref().context("frames are files of their own")?;
            Ok(BufWriter::new(unfinished.writer().with_context(cannot)?))
        };
        let sink = match format {
            Format::Frames => Sink::Frames(Writer::new()?),
            Format::Apng => {
                let mut encoder = png::Encoder::new(file()?, w, h);
                encoder.set_color(png::ColorType::Rgb);
                encoder.set_depth(png::BitDepth::Eight);
                encoder.set_animated(u32::try_from(frames)?, 0)?;
                encoder.set_frame_delay(1, u16::try_from(fps)?)?;
                text.iter().try_for_each(|(key, value)| encoder.add_text_chunk((*key).to_owned(), value.clone()))?;
                Sink::Apng(Box::new(encoder.write_header()?))
            }
            Format::Gif => Sink::Gif(Box::new(Gif::new(file()?, [h, w], fps)?)),
            Format::Ffmpeg => {
                let path = unfinished.as_ref().map_or(out, Unfinished::path);
                Sink::Ffmpeg(ffmpeg([h, w], fps, muxer(out), path)?)
            }
        };
        Ok(Film { out: out.to_path_buf(), unfinished, frames: 0, text, sink })
    }

    /// Adds one frame.
    pub(crate) fn push(&mut self, frame: RgbImage) -> anyhow::Result<()> {
        match &mut self.sink {
            Sink::Frames(writer) => {
                writer.png(self.out.join(format!("frame{:06}.png", self.frames)), frame, self.text.clone())?
            }
            Sink::Apng(writer) => writer.write_image_data(frame.as_raw())?,
            Sink::Gif(gif) => gif.push(&frame)?,
            Sink::Ffmpeg(child) => {
                let pipe = child.stdin.as_mut().context("ffmpeg takes no input")?;
                pipe.write_all(frame.as_raw()).context("ffmpeg stopped early; its message is above")?;
            }
        }
        self.frames += 1;
        Ok(())
    }

    /// Writes what is left and gives the film its name.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self.sink {
            Sink::Frames(writer) => return writer.finish(),
            Sink::Apng(writer) => writer.finish()?,
            Sink::Gif(gif) => drop(gif),
            Sink::Ffmpeg(mut child) => {
                drop(child.stdin.take());
                let status = child.wait()?;
                if !status.success() {
                    anyhow::bail!("ffmpeg could not write the film ({status}); its message is above");
                }
            }
        }
        let done = self.unfinished.map_or(Ok(()), Unfinished::finish);
        done.with_context(|| format!("cannot write {}", self.out.display()))
    }
}

/// What ffmpeg calls the format of a file's ending; the temporary name has another.
fn muxer(out: &Path) -> String {
    let ending = out.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    if ending == "mkv" { "matroska".into() } else { ending }
}

/// Starts ffmpeg on raw RGB frames of `[h, w]` pixels from its standard input.
fn ffmpeg([h, w]: [u32; 2], fps: u32, muxer: String, out: &Path) -> anyhow::Result<Child> {
    Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"])
        .args(["-video_size", &format!("{w}x{h}"), "-framerate", &fps.to_string(), "-i", "-"])
        // Players want even sizes and 4:2:0 colours.
        .args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-an"])
        .args(["-f", &muxer])
        .arg(out)
        .stdin(Stdio::piped())
        .spawn()
        .context("ffmpeg does not start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_choose_the_format() -> anyhow::Result<()> {
        assert_eq!(Format::of(Path::new("a/walk"))?, Format::Frames);
        assert_eq!(Format::of(Path::new("walk.GIF"))?, Format::Gif);
        assert_eq!(Format::of(Path::new("walk.png"))?, Format::Apng);
        assert!(Format::of(Path::new("walk.jpg")).is_err());
        Ok(())
    }

    /// Both animated formats hold every frame, in order, with its exact (GIF: near) colours.
    #[test]
    fn animations_come_back() -> anyhow::Result<()> {
        use image::AnimationDecoder;
        use image::codecs::{gif::GifDecoder, png::PngDecoder};
        let folder = std::env::temp_dir().join(format!("stylegan-film-{}", std::process::id()));
        let colours = [[250u8, 10, 20], [10, 250, 20], [20, 10, 250]];
        for name in ["walk.png", "walk.gif"] {
            let path = folder.join(name);
            let mut film = Film::create(&path, Format::of(&path)?, [6, 4], 10, colours.len(), vec![])?;
            for colour in colours {
                film.push(RgbImage::from_pixel(4, 6, image::Rgb(colour)))?;
            }
            film.finish()?;
            let file = std::io::BufReader::new(File::open(&path)?);
            let frames = match name {
                "walk.gif" => GifDecoder::new(file)?.into_frames().collect_frames()?,
                _ => PngDecoder::new(file)?.apng()?.into_frames().collect_frames()?,
            };
            assert_eq!(frames.len(), colours.len(), "{name}");
            for (frame, colour) in frames.iter().zip(colours) {
                let pixel = frame.buffer().get_pixel(2, 3).0;
                let near = pixel.iter().zip(colour).all(|(&a, b)| a.abs_diff(b) <= 8);
                assert!(near, "{name}: {pixel:?} for {colour:?}");
            }
            assert_eq!(std::fs::read_dir(&folder)?.count(), 1, "{name}: a temporary file was left");
            std::fs::remove_file(&path)?;
        }
        Ok(std::fs::remove_dir_all(&folder)?)
    }
}
