//! Small sets to test with.

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use stylegan_train::data::SampleRequest;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Files by name.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// A colour picture of `w` by `h` pixels, another one for each `n`.
pub(crate) fn rgb(w: u32, h: u32, n: u32) -> RgbImage {
    RgbImage::from_fn(w, h, |x, y| Rgb([(x * 16 + n) as u8, (y * 16 + 3 * n) as u8, (x * y + 7 * n) as u8]))
}

/// A label map of `w` by `h` pixels.
pub(crate) fn map(w: u32, h: u32, n: u32) -> GrayImage {
    GrayImage::from_fn(w, h, |x, y| Luma([((x + y + n) % 5) as u8]))
}

/// A label map of 8 by 6 pixels with 4 bits each.
pub(crate) fn shallow_map() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 8, 6);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Four);
    encoder.write_header().unwrap().write_image_data(&[0x12; 24]).unwrap();
    bytes
}

/// A picture as a file.
pub(crate) fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub(crate) fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    encode(picture, ImageFormat::Png)
}

/// Four good pictures of 8x6 pixels.
pub(crate) fn good() -> Files {
    (0..4).map(|n| (format!("{n:02}/img{n}.png"), png(rgb(8, 6, n)))).collect()
}

/// [`good`] with labels: classes 2, 0, 1, 2.
pub(crate) fn labelled() -> Files {
    with(good(), "dataset.json", labels(&["2", "0", "1", "2"]))
}

/// `dataset.json` with these labels for the pictures of [`good`].
pub(crate) fn labels(labels: &[&str]) -> Vec<u8> {
    let entries: Vec<String> =
        labels.iter().enumerate().map(|(n, label)| format!(r#"["{n:02}/img{n}.png", {label}]"#)).collect();
    format!(r#"{{"labels": [{}]}}"#, entries.join(", ")).into_bytes()
}

/// [`good`] with a label map for each picture.
pub(crate) fn mapped() -> Files {
    let maps = (0..4).map(|n| (format!("labels/{n:02}/img{n}.png"), png(map(8, 6, n))));
    good().into_iter().chain(maps).collect()
}

/// `files` with one file added or replaced.
pub(crate) fn with(mut files: Files, name: &str, bytes: impl Into<Vec<u8>>) -> Files {
    files.retain(|(existing, _)| existing != name);
    files.push((name.to_string(), bytes.into()));
    files
}

/// `files` without one.
pub(crate) fn without(mut files: Files, name: &str) -> Files {
    files.retain(|(existing, _)| existing != name);
    files
}

/// A place for sets.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes `files` as a folder.
    pub(crate) fn folder(&self, name: &str, files: &Files) -> PathBuf {
        let root = self.path(name);
        std::fs::create_dir_all(&root).unwrap();
        for (file, bytes) in files {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        root
    }

    /// Writes `files` as a ZIP, in the order given.
    pub(crate) fn zip(&self, name: &str, files: &Files, method: CompressionMethod) -> PathBuf {
        self.file(name, &zip(files, method))
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// The bytes of a ZIP of `files`.
pub(crate) fn zip(files: &Files, method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (file, bytes) in files {
        zip.start_file(file.as_str(), SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Requests for pictures as they are.
pub(crate) fn plain(indices: &[usize]) -> Vec<SampleRequest> {
    indices.iter().copied().map(SampleRequest::whole).collect()
}

/// The path as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
