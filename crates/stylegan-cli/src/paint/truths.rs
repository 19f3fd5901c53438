//! The pictures that maps are of: a column of a sheet.

use super::maps::{Map, refused, stem};
use crate::exit::wrong;
use crate::network::check_exists;
use image::RgbImage;
use std::collections::HashMap;
use std::path::Path;
use stylegan_train::data::Files;
use stylegan_train::data::resize::{Crop, Filter, resize};

/// The pictures of a set that have the names of these maps, of `[h, w]` pixels, in the order of the maps.
pub(super) fn read(set: &Path, maps: &[Map], size: [usize; 2]) -> anyhow::Result<Vec<RgbImage>> {
    check_exists(set)?;
    let files = Files::open(set)?;
    let mut known: HashMap<String, Vec<&String>> = HashMap::new();
    for name in files.names() {
        known.entry(stem(Path::new(name))).or_default().push(name);
    }
    let one = |map: &Map| {
        let of_name = known.get(&map.stem).map_or(&[][..], Vec::as_slice);
        // Of several the one that lies in folders as its map does.
        let own = map.folder.join(&map.stem);
        let name = match of_name {
            [name] => name,
            [] => wrong!(
                "--truth {}: there is no picture {}, which the map {} is of",
                set.display(),
                map.stem,
                map.file.display()
            ),
            several => match several.iter().find(|name| Path::new(name).with_extension("").ends_with(&own)) {
                Some(name) if !map.folder.as_os_str().is_empty() => name,
                _ => wrong!(
                    "--truth {}: {} pictures are called {}, and none lies in folders as the map {} does",
                    set.display(),
                    several.len(),
                    map.stem,
                    map.file.display()
                ),
            },
        };
        match files.with_picture(name, |picture| fitted(&picture.pixels.into_rgb8(), size)) {
            Ok(picture) => picture,
            Err(problem) => Err(refused(&set.join(name), &problem)),
        }
    };
    maps.iter().map(one).collect()
}

/// The middle of a picture, of `[h, w]` pixels.
fn fitted(rgb: &RgbImage, size: [usize; 2]) -> anyhow::Result<RgbImage> {
    let from = [rgb.height() as usize, rgb.width() as usize];
    let pixels = resize(rgb.as_raw(), 3, from, size, Filter::Lanczos, Crop::Center)?;
    let [h, w] = size.map(|side| side as u32);
    RgbImage::from_raw(w, h, pixels).ok_or_else(|| anyhow::anyhow!("the picture has no pixels"))
}
