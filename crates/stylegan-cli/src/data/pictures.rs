//! A set out of a folder or ZIP of pictures: cropped, resized, converted to 8 bits.

use super::classes::Classes;
use super::sketches;
use super::write::{Entry, deep_png, png};
use crate::exit::wrong;
use image::{DynamicImage, RgbaImage};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use stylegan_train::data::resize::{Crop, Filter, onto_square, resize, resize_map};
use stylegan_train::data::{ClassTable, Files, Finding, Labels, Part, Picture, Problem, Severity};

/// What becomes of each picture.
pub(crate) struct Recast {
    /// `[h, w]` in pixels, before bars.
    pub(crate) size: [usize; 2],
    /// 1 (grey), 3 (RGB) or 4 (RGB with alpha).
    pub(crate) channels: usize,
    /// How it is resized.
    pub(crate) filter: Filter,
    /// What of it is kept.
    pub(crate) crop: Crop,
    /// Whether it is laid onto a black square.
    pub(crate) bars: bool,
    /// Whether its map is a sketch of what becomes of it, in place of maps that the source has.
    pub(crate) sketches: bool,
}

/// Makes the pictures of a set out of the pictures of another.
pub(crate) struct Pictures {
    files: Files,
    recast: Recast,
    /// Classes by folders, if they were asked for.
    folders: Option<Classes>,
    /// Files that cannot be used as far as is known, by name.
    unusable: Mutex<BTreeMap<String, Problem>>,
    /// Pictures that were enlarged so far.
    enlarged: AtomicU64,
}

/// What a set says of the pixels of one picture.
struct Maps {
    /// The class of each.
    classes: Option<Vec<u8>>,
    /// The instance of each, numbered anew.
    instances: Option<Vec<u16>>,
}

impl Pictures {
    /// The pictures of `files`, a set that messages call `place`.
    pub(crate) fn new(files: Files, recast: Recast, folders: Option<Classes>, place: &Path) -> anyhow::Result<Self> {
        let mut unusable = BTreeMap::new();
        for finding in files.findings() {
            let Finding { file, problem } = finding;
            match problem {
                // Classes are folders: what the label file says does not matter.
                Problem::LabelFile(_)
                | Problem::LabelMissing
                | Problem::LabelTwice
                | Problem::LabelMixed { .. }
                | Problem::LabelClass(_)
                | Problem::LabelKind(_)
                    if folders.is_some() => {}
                _ if problem.severity() == Severity::Harmless => {}
                _ => match files.broken_part(finding) {
                    Some(Part::Labels) if folders.is_some() => {}
                    Some(Part::Maps) if recast.sketches => {}
                    // Without it this would be another set.
                    Some(_) => wrong!("{}/{file}: {problem}; {}", place.display(), problem.remedy()),
                    None => drop(unusable.insert(file.clone(), problem.clone())),
                },
            }
        }
        Ok(Self { files, recast, folders, unusable: unusable.into(), enlarged: AtomicU64::new(0) })
    }

    /// Number of pictures, whether they can be used or not.
    pub(crate) fn len(&self) -> usize {
        self.files.names().len()
    }

    /// Pictures that nothing speaks against yet.
    pub(crate) fn candidates(&self) -> Vec<usize> {
        let (names, unusable) = (self.files.names(), self.unusable());
        (0..names.len()).filter(|&i| !unusable.contains_key(&names[i])).collect()
    }

    /// Files that cannot be used: as names, labels and the index show, and as was seen when pictures were looked at or made.
    pub(crate) fn left_out(&self) -> Vec<Finding> {
        let finding = |(file, problem): (&String, &Problem)| Finding { file: file.clone(), problem: problem.clone() };
        self.unusable().iter().map(finding).collect()
    }

    fn unusable(&self) -> MutexGuard<'_, BTreeMap<String, Problem>> {
        self.unusable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a picture among what cannot be used.
    fn leave_out(&self, picture: usize, problem: Problem) -> Finding {
        let file = self.files.names()[picture].clone();
        self.unusable().insert(file.clone(), problem.clone());
        Finding { file, problem }
    }

    /// Whether a picture can be made; one that cannot is left out from now on. It and its maps are decoded for that.
    pub(crate) fn can_be_made(&self, picture: usize) -> bool {
        let size = |picture: Picture| [picture.pixels.height() as usize, picture.pixels.width() as usize];
        let decoded = self.files.with_picture(&self.files.names()[picture], size);
        let fault = decoded.and_then(|size| self.maps(picture, size)).err();
        fault.map(|problem| self.leave_out(picture, problem)).is_none()
    }

    /// What the user may have meant otherwise.
    pub(crate) fn notes(&self) -> impl Iterator<Item = &Finding> {
        self.files.findings().iter().filter(|finding| finding.problem.severity() == Severity::Harmless)
    }

    /// The names of the classes: of folders, or those that the source gives.
    pub(crate) fn class_names(&self) -> &[String] {
        match (&self.folders, self.files.labels()) {
            (Some(folders), _) => &folders.names,
            (None, Labels::Classes { names, .. }) => names,
            (None, _) => &[],
        }
    }

    /// What the values of the label maps that are made mean, if the source says so.
    pub(crate) fn class_table(&self) -> Option<serde_json::Value> {
        match self.recast.sketches {
            true => Some(sketches::class_table()),
            false => self.files.class_table().map(ClassTable::of_numbers),
        }
    }

    /// The class of a picture, if it has one.
    pub(crate) fn class(&self, picture: usize) -> Option<u32> {
        match &self.folders {
            Some(folders) => folders.ids.get(picture).copied(),
            None => self.files.labels().class(picture),
        }
    }

    /// How many of the pictures that were made are enlarged.
    pub(crate) fn enlarged(&self) -> u64 {
        self.enlarged.load(Ordering::Relaxed)
    }

    /// The content hash of the source.
    pub(crate) fn hash(&self) -> String {
        self.files.hash_of_readable()
    }

    /// Makes one picture. One that is as it should be already is copied byte by byte.
    pub(crate) fn make(&self, picture: usize) -> anyhow::Result<Result<Entry, Finding>> {
        let name = &self.files.names()[picture];
        let made = self.files.with_picture(name, |decoded| {
            let size = [decoded.pixels.height() as usize, decoded.pixels.width() as usize];
            self.recast(name, decoded).map(|made| (size, made))
        });
        let (size, (file, extension)) = match made {
            Ok(made) => made?,
            Err(problem) => return Ok(Err(self.leave_out(picture, problem))),
        };
        let Maps { classes: map, instances } = match self.maps(picture, size) {
            Ok(maps) => maps,
            Err(problem) => return Ok(Err(self.leave_out(picture, problem))),
        };
        let map = match map {
            None if self.recast.sketches => Some(sketch_of(&file)?),
            None => None,
            Some(map) => {
                let (map, size) = self.recast_map(&map, size)?;
                Some(png(&map, size, 1)?)
            }
        };
        let instances = instances.map(|numbers| self.recast_instances(&numbers, size)).transpose()?;
        let label = match self.folders {
            Some(_) => self.class(picture).map(Into::into),
            None => self.files.labels().value(picture),
        };
        Ok(Ok(Entry { picture: file, extension, map, instances, label, attributes: vec![name.clone()] }))
    }

    /// The label map and the instances of a picture of `size` (`[h, w]`), as far as the set has them and they become part of
    /// what is made.
    fn maps(&self, picture: usize, size: [usize; 2]) -> Result<Maps, Problem> {
        let map = if self.recast.sketches { None } else { self.files.map(picture, size) };
        let instances = self
            .files
            .instances(picture, size)
            .transpose()?
            .map(|map| renumbered(&map.ids).ok_or_else(|| Problem::MapKind("of more than 65536 instances".into())));
        Ok(Maps { classes: map.transpose()?, instances: instances.transpose()? })
    }

    /// The picture as a file, and how its name ends.
    fn recast(&self, name: &str, picture: Picture) -> anyhow::Result<(Vec<u8>, String)> {
        let Recast { size, channels, filter, crop, bars, .. } = self.recast;
        let Picture { file, pixels, turned } = picture;
        let from = [pixels.height() as usize, pixels.width() as usize];
        let alike = match &pixels {
            DynamicImage::ImageLuma8(_) => 1,
            DynamicImage::ImageRgb8(_) => 3,
            DynamicImage::ImageRgba8(_) => 4,
            _ => 0,
        };
        let square = size[0] == size[1];
        if !turned && from == size && alike == channels && (square || !bars) {
            let extension = name.rsplit_once('.').map_or("png", |(_, extension)| extension).to_ascii_lowercase();
            return Ok((file, extension));
        }
        drop(file);
        if from[0] < size[0] || from[1] < size[1] {
            self.enlarged.fetch_add(1, Ordering::Relaxed);
        }
        let resized = resize(&bytes(pixels, channels), channels, from, size, filter, crop)?;
        let (pixels, size) = if bars && !square {
            let black: &[u8] = if channels == 4 { &[0, 0, 0, 255] } else { &[0, 0, 0][..channels] };
            (onto_square(&resized, size, black), [size[0].max(size[1]); 2])
        } else {
            (resized, size)
        };
        Ok((png(&pixels, size, channels)?, "png".to_string()))
    }

    /// A map and its `[h, w]` in pixels, beside [`Pictures::recast`]; bars are of class 0.
    fn recast_map(&self, map: &[u8], from: [usize; 2]) -> anyhow::Result<(Vec<u8>, [usize; 2])> {
        let Recast { size, crop, bars, .. } = self.recast;
        let map = resize_map(map, from, size, crop)?;
        if bars && size[0] != size[1] {
            return Ok((onto_square(&map, size, &[0]), [size[0].max(size[1]); 2]));
        }
        Ok((map, size))
    }

    /// The instance map as a file. Each half of its numbers goes the way of a label map.
    fn recast_instances(&self, numbers: &[u16], from: [usize; 2]) -> anyhow::Result<Vec<u8>> {
        let half = |half: fn([u8; 2]) -> u8| -> Vec<u8> { numbers.iter().map(|n| half(n.to_be_bytes())).collect() };
        let (high, size) = self.recast_map(&half(|[high, _]| high), from)?;
        let (low, _) = self.recast_map(&half(|[_, low]| low), from)?;
        let numbers: Vec<u16> = high.into_iter().zip(low).map(|(high, low)| u16::from_be_bytes([high, low])).collect();
        deep_png(&numbers, size)
    }
}

/// The label map of a picture's file that is a sketch of it, as a file.
fn sketch_of(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let picture = image::load_from_memory(file)?;
    let size = [picture.height() as usize, picture.width() as usize];
    png(&sketches::levels(&bytes(picture, 3), size), size, 1)
}

/// Instances numbered in the order in which they come; `None` if there are more than 65536.
fn renumbered(ids: &[u32]) -> Option<Vec<u16>> {
    let mut known = HashMap::new();
    ids.iter()
        .map(|id| {
            let next = known.len();
            u16::try_from(*known.entry(*id).or_insert(next)).ok()
        })
        .collect()
}

/// Any picture in `channels` channels of 8 bits; without alpha, what is transparent is laid over white.
pub(crate) fn bytes(picture: DynamicImage, channels: usize) -> Vec<u8> {
    let opaque = match picture.color().has_alpha() && channels < 4 {
        true => over_white(picture.into_rgba8()),
        false => picture,
    };
    match channels {
        1 => opaque.into_luma8().into_raw(),
        3 => opaque.into_rgb8().into_raw(),
        _ => opaque.into_rgba8().into_raw(),
    }
}

fn over_white(picture: RgbaImage) -> DynamicImage {
    let rgb = image::RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8))
    });
    rgb.into()
}
