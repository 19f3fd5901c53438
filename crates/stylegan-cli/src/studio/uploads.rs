//! What pages have sent, in memory alone: pictures, styles, maps and lists of directions.
//!
//! Pictures, styles and maps are known by their contents, so that a link leads back to them as long as the studio keeps
//! them, or once they are sent again. Of each kind the last few are kept.

use super::library::name_of;
use super::moves::FOUND;
use crate::data::pictures::bytes;
use crate::exit::wrong;
use crate::picture_settings::first_not_finite;
use candle_core::{DType, Device, Tensor};
use image::{DynamicImage, RgbImage};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::directions::{Direction, Directions};
use stylegan_train::data::resize::{Crop, Filter, resize};
use stylegan_train::data::{LabelMap, Picture};
use stylegan_train::inversion::digest;

/// Pictures that are kept.
const MAX_PICTURES: usize = 16;

/// Styles that are kept.
const MAX_STYLES: usize = 16;

/// Pictures whose styles are kept.
const MAX_FOUND: usize = 32;

/// Maps that are kept: those of the last strokes, for undoing.
const MAX_MAPS: usize = 128;

/// Lists of directions that are kept.
const MAX_LISTS: usize = 16;

/// The most numbers of the styles of a picture.
const MAX_NUMBERS: usize = 1 << 20;

/// The most directions of a list.
const MAX_DIRECTIONS: usize = 1000;

/// The longest side that pictures are kept at, in pixels: no network here makes larger ones.
const MAX_KEPT_SIDE: u32 = 1024;

/// The most pixels of a picture that is decoded.
const MAX_PIXELS: u64 = 64 << 20;

/// The longest side of a map.
pub(super) const MAX_MAP_SIDE: usize = 2048;

/// All that is kept.
#[derive(Default)]
pub(super) struct Uploads {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    pictures: VecDeque<(String, Arc<RgbImage>)>,
    styles: VecDeque<(String, Arc<Tensor>)>,
    /// Style rows `[1, num_ws, w_dim]` that were found of pictures.
    found: VecDeque<(String, Arc<Tensor>)>,
    maps: VecDeque<(String, Arc<LabelMap>)>,
    lists: VecDeque<(String, Arc<Vec<Direction>>)>,
}

/// Keeps `value` as the newest, in place of one of the same name.
fn keep<T>(kept: &mut VecDeque<(String, T)>, most: usize, id: &str, value: T) {
    kept.retain(|(known, _)| known != id);
    kept.push_back((id.to_owned(), value));
    while kept.len() > most {
        kept.pop_front();
    }
}

fn find<T: Clone>(kept: &VecDeque<(String, T)>, id: &str) -> Option<T> {
    kept.iter().find(|(known, _)| known == id).map(|(_, value)| value.clone())
}

impl Uploads {
    /// With the directions of these files.
    ///
    /// # Errors
    /// A sentence on a file that holds none.
    pub(super) fn new(directions: &[PathBuf]) -> anyhow::Result<Self> {
        let uploads = Self::default();
        if directions.len() > MAX_LISTS / 2 {
            wrong!("--directions: {} files; at most {} can be opened", directions.len(), MAX_LISTS / 2);
        }
        for path in directions {
            crate::network::check_exists(path)?;
            uploads.keep_list(&uploads.free_name(&name_of(path)), Directions::load(path)?)?;
        }
        Ok(uploads)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the picture of a file; returns its id.
    ///
    /// # Errors
    /// A sentence on what is wrong with the file.
    pub(super) fn add_picture(&self, file: Vec<u8>) -> anyhow::Result<String> {
        let sides = image::ImageReader::new(std::io::Cursor::new(&file)).with_guessed_format()?.into_dimensions();
        if let Ok((w, h)) = sides
            && u64::from(w) * u64::from(h) > MAX_PIXELS
        {
            wrong!("the picture has {w}x{h} pixels, more than the {MAX_PIXELS} that the studio takes; make it smaller");
        }
        let picture = match Picture::decode(file) {
            Ok(picture) => small(picture.pixels)?,
            Err(problem) => wrong!("this picture cannot be used: {problem}; {}", problem.remedy()),
        };
        let id = id(picture.as_raw(), [picture.height() as usize, picture.width() as usize])?;
        keep(&mut self.lock().pictures, MAX_PICTURES, &id, Arc::new(picture));
        Ok(id)
    }

    /// Keeps the first styles of a file as `stylegan invert` and the room Edit write it; returns their id.
    ///
    /// # Errors
    /// A sentence on what is wrong with the file.
    pub(super) fn add_styles(&self, file: Vec<u8>) -> anyhow::Result<String> {
        let file = Checkpoint::received("styles", file)?;
        file.verify()?;
        let Some(name) = ["ws", "w"].into_iter().find(|name| file.shape(name).is_some()) else {
            anyhow::bail!("this file holds no styles (a tensor ws or w), as `stylegan invert` finds them");
        };
        let styles = file.tensor(name, &Device::Cpu)?;
        let (rows, rank) = (styles.dims().first().copied().unwrap_or(0), if name == "ws" { 3 } else { 2 });
        if styles.rank() != rank || rows == 0 || styles.elem_count() / rows > MAX_NUMBERS {
            anyhow::bail!(
                "the styles of this file are {:?}, expected w [n, w_dim] or ws [n, num_ws, w_dim]",
                styles.dims()
            );
        }
        let styles = styles.narrow(0, 0, 1)?.contiguous()?.to_dtype(DType::F32)?;
        if first_not_finite(&styles)?.is_some() {
            anyhow::bail!("the styles of this file are not finite (NaN or infinity)");
        }
        let id = digest([&styles])?[..16].to_owned();
        keep(&mut self.lock().styles, MAX_STYLES, &id, Arc::new(styles));
        Ok(id)
    }

    /// Keeps a map; returns its id.
    ///
    /// # Errors
    /// A map without pixels, or with too many.
    pub(super) fn add_map(&self, map: LabelMap) -> anyhow::Result<String> {
        let [h, w] = map.size;
        if !(1..=MAX_MAP_SIDE).contains(&h) || !(1..=MAX_MAP_SIDE).contains(&w) || map.classes.len() != h * w {
            wrong!(
                "a map of {w}x{h} with {} classes: a class for each of 1 to {MAX_MAP_SIDE} pixels a side is \
                 needed",
                map.classes.len()
            );
        }
        let id = id(&map.classes, map.size)?;
        keep(&mut self.lock().maps, MAX_MAPS, &id, Arc::new(map));
        Ok(id)
    }

    /// Keeps the directions of a file under this name.
    ///
    /// # Errors
    /// A sentence on what is wrong with the file.
    pub(super) fn add_directions(&self, name: &str, file: Vec<u8>) -> anyhow::Result<()> {
        self.keep_list(name, Directions::read(&Checkpoint::received(name, file)?)?)
    }

    /// A name that is not that of another list: with a number where it is.
    fn free_name(&self, name: &str) -> String {
        let lists = self.lists();
        let is_free = |name: &str| !FOUND.contains(&name) && lists.iter().all(|known| known != name);
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| is_free(name)).unwrap_or_default()
    }

    fn keep_list(&self, name: &str, directions: Directions) -> anyhow::Result<()> {
        if directions.list.len() > MAX_DIRECTIONS {
            wrong!("{name} holds {} directions; the studio shows {MAX_DIRECTIONS} at most", directions.list.len());
        }
        if directions.list.iter().any(|direction| direction.channel.is_some()) {
            wrong!(
                "{name} moves channels of style space, and the studio moves styles in W; use `stylegan edit` for it"
            );
        }
        keep(&mut self.lock().lists, MAX_LISTS, name, Arc::new(directions.list));
        Ok(())
    }

    /// The names of the lists of directions.
    pub(super) fn lists(&self) -> Vec<String> {
        self.lock().lists.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The picture of this id.
    ///
    /// # Errors
    /// A sentence when it is not kept.
    pub(super) fn picture(&self, id: &str) -> anyhow::Result<Arc<RgbImage>> {
        let found = find(&self.lock().pictures, id);
        found.ok_or_else(|| anyhow::anyhow!("the studio no longer keeps this picture: drop its file on the page again"))
    }

    /// The styles of this id, `[1, w_dim]` or `[1, num_ws, w_dim]`.
    ///
    /// # Errors
    /// A sentence when they are not kept.
    pub(super) fn styles(&self, id: &str) -> anyhow::Result<Arc<Tensor>> {
        let found = find(&self.lock().styles, id);
        found.ok_or_else(|| {
            anyhow::anyhow!("the studio no longer keeps these styles: drop their file on the page again")
        })
    }

    /// Keeps style rows `[1, num_ws, w_dim]` that were found of a picture in the network of this hash.
    pub(super) fn keep_found(&self, network: &str, picture: &str, rows: Tensor) {
        keep(&mut self.lock().found, MAX_FOUND, &format!("{network} {picture}"), Arc::new(rows));
    }

    /// The style rows of a picture in a network, as far as they were found.
    ///
    /// # Errors
    /// A sentence on what to do where they were not.
    pub(super) fn found(&self, network: &str, picture: &str) -> anyhow::Result<Arc<Tensor>> {
        if let Some(rows) = find(&self.lock().found, &format!("{network} {picture}")) {
            return Ok(rows);
        }
        self.picture(picture)?;
        anyhow::bail!("the styles of this picture are not known yet: press “Find its styles”")
    }

    /// The map of this id.
    ///
    /// # Errors
    /// A sentence when it is not kept.
    pub(super) fn map(&self, id: &str) -> anyhow::Result<Arc<LabelMap>> {
        let found = find(&self.lock().maps, id);
        found.ok_or_else(|| {
            anyhow::anyhow!("the studio no longer keeps this map: load its file again, or draw a new one")
        })
    }

    /// The directions of this list.
    ///
    /// # Errors
    /// A sentence when it is not kept.
    pub(super) fn list(&self, name: &str) -> anyhow::Result<Arc<Vec<Direction>>> {
        let found = find(&self.lock().lists, name);
        found.ok_or_else(|| {
            let name = stylegan_core::printable(name);
            anyhow::anyhow!("there are no directions {name} here: load their file, or start with --directions FILE")
        })
    }
}

/// The picture, over white, with no side above the longest that is kept.
fn small(picture: DynamicImage) -> anyhow::Result<RgbImage> {
    let (w, h) = (picture.width(), picture.height());
    let picture =
        RgbImage::from_raw(w, h, bytes(picture, 3)).ok_or_else(|| anyhow::anyhow!("the picture has no pixels"))?;
    let longer = picture.width().max(picture.height());
    if longer <= MAX_KEPT_SIDE {
        return Ok(picture);
    }
    let fit = |side: u32| (u64::from(side) * u64::from(MAX_KEPT_SIDE) / u64::from(longer)).max(1) as usize;
    let (from, to) = ([picture.height(), picture.width()], [fit(picture.height()), fit(picture.width())]);
    let pixels = resize(picture.as_raw(), 3, from.map(|side| side as usize), to, Filter::Box, Crop::None)?;
    let small = RgbImage::from_raw(to[1] as u32, to[0] as u32, pixels);
    small.ok_or_else(|| anyhow::anyhow!("the picture has no pixels"))
}

/// What values are known by.
fn id(values: &[u8], [h, w]: [usize; 2]) -> anyhow::Result<String> {
    let depth = values.len() / (h * w).max(1);
    let tensor = candle_core::Tensor::from_slice(values, (h, w, depth), &candle_core::Device::Cpu)?;
    Ok(digest([&tensor])?[..16].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_maps_are_kept() -> anyhow::Result<()> {
        let uploads = Uploads::default();
        let map = |class: u8| LabelMap { size: [1, 2], classes: vec![class, 1] };
        let first = uploads.add_map(map(0))?;
        assert_eq!(first, uploads.add_map(map(0))?);
        let second = uploads.add_map(map(1))?;
        assert_eq!(*uploads.map(&first)?, map(0));
        for class in 2..=129 {
            uploads.add_map(map(class))?;
        }
        assert!(uploads.map(&first).is_err() && uploads.map(&second).is_err());
        for (size, classes) in [([1, 2], vec![0]), ([0, 0], vec![]), ([1, MAX_MAP_SIDE + 1], vec![0; MAX_MAP_SIDE + 1])]
        {
            assert!(uploads.add_map(LabelMap { size, classes }).is_err(), "{size:?}");
        }
        Ok(())
    }

    /// They belong to a network's weights, whether it is open or not.
    #[test]
    fn found_styles_are_kept_by_network_and_picture() -> anyhow::Result<()> {
        let uploads = Uploads::default();
        let mut file = std::io::Cursor::new(Vec::new());
        RgbImage::new(2, 2).write_to(&mut file, image::ImageFormat::Png)?;
        let id = uploads.add_picture(file.into_inner())?;
        let problem =
            |network: &str, picture: &str| uploads.found(network, picture).err().map(|error| error.to_string());
        assert!(problem("a", &id).is_some_and(|problem| problem.contains("Find its styles")));
        uploads.keep_found("a", &id, Tensor::zeros((1, 2, 3), DType::F32, &Device::Cpu)?);
        assert_eq!(uploads.found("a", &id)?.dims(), [1, 2, 3]);
        assert!(problem("b", &id).is_some_and(|problem| problem.contains("Find its styles")));
        assert!(problem("a", "gone").is_some_and(|problem| problem.contains("drop its file")));
        Ok(())
    }

    #[test]
    fn names_of_lists_are_their_own() -> anyhow::Result<()> {
        let uploads = Uploads::default();
        for (name, kept) in [("sefa", "sefa (2)"), ("smile", "smile"), ("smile", "smile (2)"), ("pca", "pca (2)")] {
            let free = uploads.free_name(name);
            assert_eq!(free, kept);
            uploads.keep_list(&free, Directions { list: vec![], network: None })?;
        }
        Ok(())
    }

    #[test]
    fn pictures_are_kept_small() -> anyhow::Result<()> {
        let uploads = Uploads::default();
        let mut file = std::io::Cursor::new(Vec::new());
        RgbImage::from_pixel(3000, 10, image::Rgb([9, 8, 7])).write_to(&mut file, image::ImageFormat::Png)?;
        let id = uploads.add_picture(file.into_inner())?;
        assert_eq!(uploads.picture(&id)?.dimensions(), (1024, 3));
        assert!(uploads.add_picture(b"no picture".to_vec()).is_err());
        assert!(uploads.add_directions("d", vec![0; 100]).is_err() && uploads.lists().is_empty());
        Ok(())
    }
}
