//! Writing a set: a folder or a ZIP that appears whole or not at all.

use crate::destination::{self, users};
use crate::signals;
use anyhow::Context;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, GrayImage, ImageEncoder, RgbImage};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use stylegan_core::Unfinished;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// One picture of a set with all that is known of it.
pub(crate) struct Sample {
    /// The picture.
    pub(crate) picture: RgbImage,
    /// Its label map: class numbers.
    pub(crate) map: Option<GrayImage>,
    /// Its class.
    pub(crate) class: Option<u32>,
    /// Values for the columns of `attributes.csv`.
    pub(crate) attributes: Vec<String>,
}

impl Sample {
    /// The sample as the files of a set.
    pub(crate) fn encode(self) -> anyhow::Result<Entry> {
        let size = |(w, h): (u32, u32)| [h as usize, w as usize];
        let map = |map: &GrayImage| png(map, size(map.dimensions()), 1);
        Ok(Entry {
            picture: png(&self.picture, size(self.picture.dimensions()), 3)?,
            extension: "png".to_string(),
            map: self.map.as_ref().map(map).transpose()?,
            instances: None,
            label: self.class.map(Into::into),
            attributes: self.attributes,
        })
    }
}

/// One picture of a set as files.
pub(crate) struct Entry {
    /// The bytes of the picture file.
    pub(crate) picture: Vec<u8>,
    /// How its name ends.
    pub(crate) extension: String,
    /// The bytes of the label map, a PNG file.
    pub(crate) map: Option<Vec<u8>>,
    /// The bytes of the instance map, a PNG file.
    pub(crate) instances: Option<Vec<u8>>,
    /// Its label: a class number or a list of numbers.
    pub(crate) label: Option<serde_json::Value>,
    /// Values for the columns of `attributes.csv`.
    pub(crate) attributes: Vec<String>,
}

/// How a set is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A folder of files.
    Folder,
    /// One ZIP file, its pictures stored as they are.
    Zip,
}

/// A set that is being written beside its final place.
pub(crate) struct SetWriter {
    target: PathBuf,
    unfinished: Unfinished,
    kind: Kind,
}

enum Kind {
    Folder,
    /// Not dropped unless it is finished: it would try to finish itself then, and say on stderr that it cannot.
    Zip(ManuallyDrop<Box<ZipWriter<BufWriter<File>>>>),
}

impl SetWriter {
    /// Starts a set that will be at `target`.
    pub(crate) fn create(target: &Path, format: Format) -> anyhow::Result<Self> {
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            destination::make(parent)?;
        }
        stylegan_core::sweep(parent.unwrap_or(Path::new(".")));
        let failed = || format!("cannot create {}", target.display());
        let (unfinished, kind) = match format {
            Format::Folder => (Unfinished::folder(target).map_err(users).with_context(failed)?, Kind::Folder),
            Format::Zip => {
                let unfinished = Unfinished::file(target).map_err(users).with_context(failed)?;
                let file = unfinished.writer().with_context(failed)?;
                (unfinished, Kind::Zip(ManuallyDrop::new(Box::new(ZipWriter::new(BufWriter::new(file))))))
            }
        };
        Ok(Self { target: target.to_path_buf(), unfinished, kind })
    }

    /// Adds a file by its name inside the set.
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let written = match &mut self.kind {
            Kind::Folder => {
                // A signal would remove the folder while this makes it anew.
                let _whole = signals::hold();
                let path = self.unfinished.path().join(name);
                let parent = path.parent().map_or(Ok(()), std::fs::create_dir_all);
                parent.and_then(|()| std::fs::write(&path, bytes))
            }
            Kind::Zip(zip) => {
                // Pictures are compressed already; the time of the entry is fixed, so that the same
                // set is the same bytes.
                let text = name.ends_with(".json") || name.ends_with(".csv");
                let method = if text { CompressionMethod::Deflated } else { CompressionMethod::Stored };
                let options = SimpleFileOptions::default()
                    .compression_method(method)
                    .last_modified_time(zip::DateTime::default())
                    .unix_permissions(0o644);
                zip.start_file(name, options).map_err(std::io::Error::from).and_then(|()| zip.write_all(bytes))
            }
        };
        written.with_context(|| format!("cannot write {name} of {}", self.target.display()))
    }

    /// Puts the set in its place.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let failed = format!("cannot write {}", self.target.display());
        if let Kind::Zip(zip) = self.kind {
            let file = ManuallyDrop::into_inner(zip)
                .finish()
                .and_then(|file| file.into_inner().map_err(|e| e.into_error().into()));
            file.map_err(std::io::Error::from).with_context(|| failed.clone())?;
        }
        self.unfinished.finish().context(failed)
    }
}

/// The bytes of an instance map of `[h, w]` pixels as PNG, grey of 16 bits.
pub(crate) fn deep_png(values: &[u16], [h, w]: [usize; 2]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive);
    let native: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    encoder.write_image(&native, w as u32, h as u32, ExtendedColorType::L16)?;
    Ok(bytes)
}

/// The bytes of a picture of `[h, w]` pixels with 1, 3 or 4 interleaved channels as PNG.
pub(crate) fn png(pixels: &[u8], [h, w]: [usize; 2], channels: usize) -> anyhow::Result<Vec<u8>> {
    let color = match channels {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => ExtendedColorType::Rgba8,
    };
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive);
    encoder.write_image(pixels, w as u32, h as u32, color)?;
    Ok(bytes)
}
