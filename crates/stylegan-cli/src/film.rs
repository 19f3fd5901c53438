//! Films: through ffmpeg where that is needed, animated GIF and PNG on our own.

use crate::destination;
use crate::exit::wrong;
use crate::gif::Gif;
use crate::numbers::count;
use crate::signals;
use crate::status::say;
use crate::writer::{Text, Writer, is_own};
use anyhow::Context;
use image::RgbImage;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stylegan_core::Unfinished;
use stylegan_core::picture::add_text;

/// Films of smaller pictures are enlarged to about so many pixels.
const SIDE: usize = 256;

/// Frames of a film in a second if nobody says.
pub(crate) const FPS: u32 = 30;

/// How many times frames of `[h, w]` pixels are enlarged if nobody says.
pub(crate) fn usual_zoom([h, w]: [usize; 2]) -> u32 {
    (SIDE / h.max(w)).max(1) as u32
}

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
            _ if destination::is_folder(out) => Ok(Format::Frames),
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
    frames: usize,
    /// What files of single frames say of them.
    text: Text,
    sink: Sink,
    /// The file; frames have none.
    unfinished: Option<Unfinished>,
}

enum Sink {
    Frames(Writer),
    // Without a buffer: both encoders lose a buffer's last part unsaid where the disk is full.
    Apng(Box<png::Writer<File>>),
    Gif(Box<Gif<File>>),
    Ffmpeg(Ffmpeg),
}

impl Film {
    /// A film of `frames` frames of `[h, w]` pixels; PNG and GIF files hold `text` about it.
    pub(crate) fn create(
        out: &Path,
        format: Format,
        [h, w]: [u32; 2],
        fps: u32,
        frames: usize,
        text: Text,
    ) -> anyhow::Result<Self> {
        match format {
            Format::Frames => destination::folder(out, &[])?,
            _ => destination::file(out, &[])?,
        }
        let cannot = || format!("cannot write {}", out.display());
        let unfinished = match format {
            Format::Frames => None,
            _ => {
                stylegan_core::sweep(out.parent().filter(|folder| folder.is_dir()).unwrap_or(Path::new(".")));
                Some(Unfinished::file(out).with_context(cannot)?)
            }
        };
        let file = || -> anyhow::Result<File> {
            let unfinished = unfinished.as_ref().context("frames are files of their own")?;
            unfinished.writer().with_context(cannot)
        };
        let sink = match format {
            Format::Frames => Sink::Frames(Writer::new()?),
            Format::Apng => {
                let mut encoder = png::Encoder::new(file()?, w, h);
                encoder.set_color(png::ColorType::Rgb);
                encoder.set_depth(png::BitDepth::Eight);
                encoder.set_animated(u32::try_from(frames)?, 0)?;
                encoder.set_frame_delay(1, u16::try_from(fps)?)?;
                add_text(&mut encoder, &text)?;
                Sink::Apng(Box::new(encoder.write_header()?))
            }
            Format::Gif => Sink::Gif(Box::new(Gif::new(file()?, [h, w], fps, &text)?)),
            Format::Ffmpeg => {
                let path = unfinished.as_ref().map_or(out, Unfinished::path);
                Sink::Ffmpeg(Ffmpeg::start([h, w], fps, muxer(out), path)?)
            }
        };
        Ok(Film { out: out.to_path_buf(), unfinished, frames: 0, text, sink })
    }

    /// Adds one frame.
    pub(crate) fn push(&mut self, frame: RgbImage) -> anyhow::Result<()> {
        let cannot = || format!("cannot write {}", self.out.display());
        match &mut self.sink {
            Sink::Frames(writer) => {
                let number = ("stylegan:frame", self.frames.to_string());
                let text = self.text.iter().cloned().chain([number]).collect();
                writer.png(self.out.join(frame_name(self.frames)), frame, text)?;
            }
            Sink::Apng(writer) => writer.write_image_data(frame.as_raw()).with_context(cannot)?,
            Sink::Gif(gif) => gif.push(&frame).with_context(cannot)?,
            Sink::Ffmpeg(ffmpeg) => {
                let pipe = ffmpeg.pipe.as_mut().context("ffmpeg takes no input")?;
                pipe.write_all(frame.as_raw()).context("ffmpeg stopped early; its message is above")?;
            }
        }
        self.frames += 1;
        Ok(())
    }

    /// The frames that it has so far.
    pub(crate) fn shown(&self) -> usize {
        if let Sink::Gif(gif) = &self.sink { gif.shown() } else { self.frames }
    }

    /// Writes what is left and gives the film its name.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let cannot = || format!("cannot write {}", self.out.display());
        match self.sink {
            Sink::Frames(writer) => {
                writer.finish()?;
                return remove_older(&self.out, self.frames);
            }
            Sink::Apng(writer) => writer.finish().with_context(cannot)?,
            Sink::Gif(gif) => drop(gif.finish().with_context(cannot)?),
            Sink::Ffmpeg(mut ffmpeg) => {
                drop(ffmpeg.pipe.take());
                let status = ffmpeg.wait()?;
                if !status.success() {
                    anyhow::bail!("ffmpeg could not write the film ({status}); its message is above");
                }
            }
        }
        let done = self.unfinished.map_or(Ok(()), Unfinished::finish);
        done.with_context(cannot)
    }
}

/// Removes the frames of a longer film that was in the folder before.
fn remove_older(folder: &Path, frames: usize) -> anyhow::Result<()> {
    let mut removed = 0u64;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("frame")?.strip_suffix(".png")?.parse().ok());
        let older = number.is_some_and(|number| number >= frames && name == *frame_name(number));
        if older && is_own(&folder.join(&name)) {
            std::fs::remove_file(folder.join(&name))?;
            removed += 1;
        }
    }
    if removed > 0 {
        say(&format!("{} of an older walk removed", count(removed, "frame")));
    }
    Ok(())
}

/// The file of one frame.
pub(crate) fn frame_name(number: usize) -> String {
    format!("frame{number:06}.png")
}

/// What ffmpeg calls the format of a file's ending; the temporary name has another.
fn muxer(out: &Path) -> String {
    let ending = out.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    if ending == "mkv" { "matroska".into() } else { ending }
}

/// A running ffmpeg. It ends with the film, whichever way that is.
struct Ffmpeg {
    child: Arc<Mutex<Child>>,
    pipe: Option<ChildStdin>,
}

impl Ffmpeg {
    /// Starts it on raw RGB frames of `[h, w]` pixels from its standard input.
    fn start([h, w]: [u32; 2], fps: u32, muxer: String, out: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new("ffmpeg")
            .args(["-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"])
            .args(["-video_size", &format!("{w}x{h}"), "-framerate", &fps.to_string(), "-i", "-"])
            // Players want even sizes and 4:2:0 colours.
            .args(["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-an"])
            .args(["-f", &muxer])
            .arg(out)
            .stdin(Stdio::piped())
            .spawn()
            .context("ffmpeg does not start")?;
        let pipe = child.stdin.take();
        let child = Arc::new(Mutex::new(child));
        // Left alone it would make the unfinished file anew after that is removed.
        let own = Arc::clone(&child);
        signals::before_end(move || kill(&own));
        Ok(Ffmpeg { child, pipe })
    }

    fn wait(&self) -> std::io::Result<ExitStatus> {
        loop {
            // Not locked all the while: a signal may want to end it.
            if let Some(status) = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        kill(&self.child);
    }
}

/// Kills it, if it still runs.
fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = child.kill().and_then(|()| child.wait());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_choose_the_format() -> anyhow::Result<()> {
        assert_eq!(Format::of(Path::new("a/walk"))?, Format::Frames);
        assert_eq!(Format::of(Path::new("walk.gif/"))?, Format::Frames);
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
            let text = vec![("stylegan:walk", "1,2".to_owned())];
            let mut film = Film::create(&path, Format::of(&path)?, [6, 4], 10, colours.len(), text)?;
            for colour in colours {
                film.push(RgbImage::from_pixel(4, 6, image::Rgb(colour)))?;
            }
            film.finish()?;
            let said = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            assert!(said.contains("stylegan:walk") && said.contains("1,2"), "{name} says nothing of itself");
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
