//! The pictures that maps are of: a column of a sheet.

use super::maps::{Map, refused, stem};
use super::styles::fitted;
use crate::exit::wrong;
use crate::network::check_exists;
use image::RgbImage;
use std::collections::HashMap;
use std::path::Path;
use stylegan_train::data::Files;

/// The pictures of a set that have the names of these maps, of `[h, w]` pixels, in the order of the maps.
pub(super) fn read(set: &Path, maps: &[Map], size: [usize; 2]) -> anyhow::Result<Vec<RgbImage>> {
    check_exists(set)?;
    let files = Files::open(set)?;
    let known: HashMap<String, &String> = files.names().iter().map(|name| (stem(Path::new(name)), name)).collect();
    let one = |map: &Map| {
        let Some(name) = known.get(&map.stem) else {
            wrong!(
                "--truth {}: there is no picture {}, which the map {} is of",
                set.display(),
                map.stem,
                map.file.display()
            );
        };
        match files.with_picture(name, |picture| fitted(&picture.pixels.into_rgb8(), size)) {
            Ok(picture) => picture,
            Err(problem) => Err(refused(&set.join(name), &problem)),
        }
    };
    maps.iter().map(one).collect()
}
