//! The pictures that are inverted, as a network would make them.

use super::encoder_run::EncoderRun;
use crate::data::pictures::bytes;
use crate::exit::wrong;
use crate::network::check_exists;
use crate::pictures::not_built_in;
use crate::status::say;
use candle_core::{DType, Device, Tensor};
use image::DynamicImage;
use std::fmt::{Display, Formatter};
use std::path::Path;
use std::sync::Arc;
use stylegan_core::picture::to_image;
use stylegan_core::printable;
use stylegan_train::data::resize::{Crop, Filter, bilinear, middle, resize, resize_map};
use stylegan_train::data::{Files, LabelMap, Severity};

/// Where a picture is.
#[derive(Clone)]
pub(super) struct Place {
    /// The file or set that was named.
    typed: String,
    files: Arc<Files>,
    /// Its name in there.
    name: String,
    /// Whether it was named itself.
    alone: bool,
}

/// How pictures of other sizes are resized for an encoder: as those that it was trained on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As data sets are built.
    Built,
    /// As torchvision resizes Pillow's pictures, which the programs of released encoders do.
    Torchvision,
}

impl Reading {
    /// Of the encoder of a run, or of a released one.
    pub(super) fn of(run: Option<&EncoderRun>) -> Self {
        if run.is_some() { Self::Built } else { Self::Torchvision }
    }

    /// A picture, cropped around its centre and resized to `[h, w]` pixels, as an image `[1, c, h, w]` f32 in [-1, 1].
    pub(super) fn image(self, picture: DynamicImage, size: [usize; 2], c: usize) -> anyhow::Result<Tensor> {
        if self == Self::Built {
            return fitted(picture, size, c);
        }
        let from = [picture.height() as usize, picture.width() as usize];
        let (pixels, from) = middle(&bytes(picture, c), c, from, size);
        Ok(to_image(&bilinear(&pixels, c, from, size), size, c)?)
    }
}

/// A picture of the network's size.
pub(super) struct Target {
    /// `[1, c, h, w]` in [-1, 1].
    pub(super) image: Tensor,
    /// `[h, w]` in pixels before it was cropped and resized.
    pub(super) from: [usize; 2],
}

/// Whether `path` is a folder or ZIP file of pictures, not one of them.
pub(super) fn is_set(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}

/// The pictures that `path` means: itself, or those of a folder or ZIP file.
pub(super) fn places(path: &Path) -> anyhow::Result<Vec<Place>> {
    not_built_in(path)?;
    check_exists(path)?;
    let set = is_set(path);
    let files = Arc::new(if set { Files::open(path)? } else { Files::of_one(path)? });
    let typed = path.display().to_string();
    if let Some(found) = files.findings().iter().find(|finding| finding.problem.severity() != Severity::Harmless) {
        say(&format!("note: {}", printable(&format!("{typed}/{}: {}", found.file, found.problem))));
    }
    let place = |name: &String| Place { typed: typed.clone(), files: files.clone(), name: name.clone(), alone: !set };
    Ok(files.names().iter().map(place).collect())
}

impl Place {
    /// Its name in the set that it is of.
    pub(super) fn name_in_set(&self) -> &str {
        &self.name
    }

    /// What its results are called by: its name without ending, folders with `-` behind them.
    pub(super) fn name(&self) -> String {
        let name = self.name.strip_prefix(self.files.common_folder()).unwrap_or(&self.name);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        stem.replace('/', "-")
    }

    /// The picture upright, cropped around its centre and resized to `[h, w]` pixels of `c` channels: made smaller as a
    /// data set is built.
    pub(super) fn target(&self, size: [usize; 2], c: usize, dtype: DType) -> anyhow::Result<Target> {
        let made = self.files.with_picture(&self.name, |picture| {
            let from = [picture.pixels.height() as usize, picture.pixels.width() as usize];
            (from, fitted(picture.pixels, size, c))
        });
        match made {
            Ok((from, image)) => Ok(Target { image: image?.to_dtype(dtype)?, from }),
            Err(problem) => wrong!("{self}: {problem}; {}", problem.remedy()),
        }
    }

    /// The picture upright, as an encoder is shown it: `[1, c, h, w]` f32 in [-1, 1].
    pub(super) fn shown(&self, reading: Reading, size: [usize; 2], c: usize) -> anyhow::Result<Tensor> {
        match self.files.with_picture(&self.name, |picture| reading.image(picture.pixels, size, c)) {
            Ok(image) => image,
            Err(problem) => wrong!("{self}: {problem}; {}", problem.remedy()),
        }
    }

    /// The file as a mask of `[h, w]` pixels, cropped as the picture is that it belongs to: `[1, 1, h, w]` f32, 0 where any
    /// part of a pixel is white, which hides it, and 1 elsewhere.
    pub(super) fn kept(&self, size: [usize; 2]) -> anyhow::Result<Target> {
        let made = self.files.with_picture(&self.name, |picture| {
            let from = [picture.pixels.height() as usize, picture.pixels.width() as usize];
            let white: Vec<u8> =
                bytes(picture.pixels, 1).into_iter().map(|grey| if grey > 127 { u8::MAX } else { 0 }).collect();
            (from, resize(&white, 1, from, size, filter(from, size), Crop::Center))
        });
        let (from, white) = match made {
            Ok((from, white)) => (from, white?),
            Err(problem) => wrong!("--mask: {self}: {problem}; {}", problem.remedy()),
        };
        let kept: Vec<f32> = white.into_iter().map(|white| if white == 0 { 1. } else { 0. }).collect();
        Ok(Target { image: Tensor::from_vec(kept, (1, 1, size[0], size[1]), &Device::Cpu)?, from })
    }

    /// The file as a label map: the class of each pixel, cropped as pictures are and at `[h, w]` pixels by nearest
    /// neighbours.
    pub(super) fn map(&self, size: [usize; 2]) -> anyhow::Result<Vec<u8>> {
        let (map, [h, w]) = (self.stored_map()?, size);
        if map.size[0] * w == map.size[1] * h {
            return Ok(map.resized(size).classes);
        }
        Ok(resize_map(&map.classes, map.size, size, Crop::Center)?)
    }

    /// The file as a label map, as it is stored.
    pub(super) fn stored_map(&self) -> anyhow::Result<LabelMap> {
        let map = self.files.read(&self.name).and_then(|bytes| LabelMap::decode(&bytes, self.files.class_table()));
        match map {
            Ok(map) => Ok(map),
            Err(problem) => wrong!("{self}: the encoder looks at label maps: {problem}; {}", problem.remedy()),
        }
    }
}

/// A picture, cropped around its centre and resized to `[h, w]` pixels, as an image `[1, c, h, w]` f32 in [-1, 1].
pub(crate) fn fitted(picture: DynamicImage, size: [usize; 2], c: usize) -> anyhow::Result<Tensor> {
    let from = [picture.height() as usize, picture.width() as usize];
    let pixels = resize(&bytes(picture, c), c, from, size, filter(from, size), Crop::Center)?;
    Ok(to_image(&pixels, size, c)?)
}

/// What resizes a picture of `from` (`[h, w]` in pixels) to the shape of `to`: the filter of data sets, which would show the
/// pixels of a smaller one as blocks.
fn filter(from: [usize; 2], to: [usize; 2]) -> Filter {
    if from[0] < to[0] || from[1] < to[1] { Filter::Bilinear } else { Filter::Box }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let typed = printable(&self.typed);
        if self.alone { typed.fmt(f) } else { write!(f, "{typed}/{}", printable(&self.name)) }
    }
}
