//! Pictures are encoded and written in the background while the next ones are computed.

use anyhow::Context;
use candle_core::Tensor;
use image::{ImageBuffer, PixelWithColorType};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use stylegan_core::Model;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// Files that may wait to be written; more would only hold memory.
const WAITING: usize = 8;

/// The keyword of the program that made a picture, and its name.
const SOFTWARE: &str = "Software";
const PROGRAM: &str = "stylegan-rs";

/// What a file says of its picture: keywords and values.
pub(crate) type Text = Vec<(&'static str, String)>;

/// The program, as every picture's file names it.
pub(crate) fn software() -> (&'static str, String) {
    (SOFTWARE, format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")))
}

/// Whether a picture's file says that this program made it.
pub(crate) fn is_own(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let Ok(reader) = png::Decoder::new(BufReader::new(file)).read_info() else { return false };
    let mut text = reader.info().uncompressed_latin1_text.iter();
    text.any(|said| said.keyword == SOFTWARE && said.text.starts_with(PROGRAM))
}

/// That a picture is none of the world.
pub(crate) fn disclaimer() -> (&'static str, String) {
    ("Disclaimer", "synthetic: made by a neural network".to_owned())
}

/// What a picture's file says of the network that made it: that one did, which it is, its licence, and what it
/// computed on and in, if not on the CPU in f32.
pub(crate) fn made_by(model: &Model) -> Text {
    let mut text = vec![software(), disclaimer()];
    text.extend(model.content_hash().map(|hash| ("stylegan:network", hash.to_owned())));
    let licence = model.metadata().and_then(|metadata| metadata.licence.clone());
    text.extend(licence.map(|licence| ("stylegan:licence", licence)));
    let precision = model.generator().precision().reduced();
    let device = (!model.params().device().is_cpu()).then(|| ("stylegan:device", "cuda".to_owned()));
    text.extend(device);
    text.extend(precision.map(|precision| ("stylegan:precision", precision.to_string())));
    text
}

/// Writes images `[n, c, h, w]`, batch after batch, as the tensor `images` of a safetensors file, which appears whole
/// or not at all.
pub(crate) fn write_images(path: &Path, batches: &[Tensor]) -> anyhow::Result<()> {
    let tensors = [("images", Tensor::cat(batches, 0)?)];
    Ok(stylegan_core::write_file(path, &safetensors::serialize(tensors, None)?)?)
}

/// Writes PNG files in the background.
pub(crate) struct Writer {
    runtime: Runtime,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Writer {
    /// A writer with nothing to do.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let runtime =
            Builder::new_current_thread().max_blocking_threads(2).build().context("no thread for writing pictures")?;
        Ok(Writer { runtime, tasks: JoinSet::new() })
    }

    /// Writes `picture` and `text` about it to `path` soon; reports an error of an earlier file.
    pub(crate) fn png<P: PixelWithColorType<Subpixel = u8> + Send + 'static>(
        &mut self,
        path: PathBuf,
        picture: ImageBuffer<P, Vec<u8>>,
        text: Text,
    ) -> anyhow::Result<()> {
        while self.tasks.len() >= WAITING {
            self.wait_for_one()?;
        }
        let write = move || Ok(stylegan_core::picture::write_png(&path, &picture, &text)?);
        self.tasks.spawn_blocking_on(write, self.runtime.handle());
        Ok(())
    }

    /// Waits until every file is written.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        while !self.tasks.is_empty() {
            self.wait_for_one()?;
        }
        Ok(())
    }

    fn wait_for_one(&mut self) -> anyhow::Result<()> {
        match self.runtime.block_on(self.tasks.join_next()) {
            Some(result) => result.context("a picture was not written")?,
            None => Ok(()),
        }
    }
}
