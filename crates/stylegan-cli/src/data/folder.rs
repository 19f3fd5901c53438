//! A set from any folder or ZIP of pictures: cropped, resized, converted to 8-bit RGB.

use super::write::{Entry, grey_png, rgb_png};
use crate::exit::wrong;
use image::{DynamicImage, GrayImage, RgbImage};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use stylegan_train::data::resample::{Crop, Filter, resize, resize_map};
use stylegan_train::data::{Files, Finding, Labels, Problem};

/// Makes the pictures of a set out of the pictures of another.
pub(crate) struct Pictures {
    files: Files,
    size: [usize; 2],
    filter: Filter,
    crop: Crop,
    /// Names of the classes if they are folders, sorted.
    folders: Vec<String>,
    /// Pictures that cannot be used, by name.
    unusable: BTreeMap<String, Problem>,
}

impl Pictures {
    /// Lists the pictures at `path`.
    pub(crate) fn open(
        path: &Path,
        size: [usize; 2],
        filter: Filter,
        crop: Crop,
        label_from_folders: bool,
    ) -> anyhow::Result<Self> {
        let files = Files::open(path)?;
        let mut folders = BTreeSet::new();
        if label_from_folders {
            for name in files.names() {
                match name.split_once('/') {
                    Some((folder, _)) => folders.insert(folder.to_string()),
                    None => wrong!(
                        "{}/{name} lies in no folder; --label-from-folders wants every picture in the folder of its class",
                        path.display()
                    ),
                };
            }
        }
        let mut unusable = BTreeMap::new();
        for Finding { file, problem } in files.findings() {
            match problem {
                // Classes are folders: what the label file says does not matter.
                Problem::LabelFile(_) | Problem::LabelMissing | Problem::LabelMixed { .. } if label_from_folders => {}
                Problem::LabelFile(_) => wrong!("{}/{file}: {problem}; {}", path.display(), problem.remedy()),
                Problem::LabelWithoutPicture => {}
                _ => drop(unusable.insert(file.clone(), problem.clone())),
            }
        }
        Ok(Self { files, size, filter, crop, folders: folders.into_iter().collect(), unusable })
    }

    /// Number of pictures.
    pub(crate) fn len(&self) -> u64 {
        self.files.names().len() as u64
    }

    /// Files that are no pictures of the set and never were asked for: other formats, bad names.
    pub(crate) fn others(&self) -> impl Iterator<Item = Finding> {
        let others = self.unusable.iter().filter(|(file, _)| self.files.names().binary_search(file).is_err());
        others.map(|(file, problem)| Finding { file: file.clone(), problem: problem.clone() })
    }

    /// The names of the classes: of folders, or those that the source gives.
    pub(crate) fn classes(&self) -> &[String] {
        match self.files.labels() {
            Labels::Classes { names, .. } if self.folders.is_empty() => names,
            _ => &self.folders,
        }
    }

    /// The content hash of the source.
    pub(crate) fn hash(&self) -> anyhow::Result<String> {
        Ok(self.files.hash()?)
    }

    /// The label of a picture: from its folder, or what the source says.
    pub(crate) fn label(&self, number: u64) -> Option<serde_json::Value> {
        let name = self.files.names().get(number as usize)?;
        if self.folders.is_empty() {
            return self.files.labels().value(number as usize);
        }
        let folder = name.split_once('/').map(|(folder, _)| folder.to_string())?;
        self.folders.binary_search(&folder).ok().map(Into::into)
    }

    /// Makes one picture. One that is as it should be already is copied byte by byte.
    pub(crate) fn make(&self, number: u64) -> anyhow::Result<Result<Entry, Finding>> {
        let name = &self.files.names()[number as usize];
        let finding = |problem: Problem| Finding { file: name.clone(), problem };
        if let Some(problem) = self.unusable.get(name) {
            return Ok(Err(finding(problem.clone())));
        }
        let bytes = match self.files.read(name) {
            Ok(bytes) => bytes,
            Err(problem) => return Ok(Err(finding(problem))),
        };
        let (picture, turned) = match stylegan_train::data::any_picture(&bytes) {
            Ok(picture) => picture,
            Err(problem) => return Ok(Err(finding(problem))),
        };
        let size = [picture.height() as usize, picture.width() as usize];
        let as_it_is = !turned && size == self.size && matches!(picture, DynamicImage::ImageRgb8(_));
        let (bytes, extension) = if as_it_is {
            let extension = name.rsplit_once('.').map_or("png", |(_, extension)| extension).to_ascii_lowercase();
            (bytes, extension)
        } else {
            (rgb_png(&resize(&over_white(&picture), self.size, self.filter, self.crop)?)?, "png".to_string())
        };
        let map = match self.files.map(name, size) {
            None => None,
            Some(Err(problem)) => return Ok(Err(finding(problem))),
            Some(Ok(map)) => {
                let map = resize_map(&map, size, self.size, self.crop)?;
                GrayImage::from_raw(self.size[1] as u32, self.size[0] as u32, map)
            }
        };
        let map = map.map(|map| grey_png(&map)).transpose()?;
        Ok(Ok(Entry { picture: bytes, extension, map, label: self.label(number), attributes: vec![name.clone()] }))
    }
}

/// Any picture as 8-bit RGB, what is transparent laid over white.
fn over_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8))
    })
}
