//! What of pictures is hidden (`--mask`): the white pixels of other files.

use super::targets::{Place, Target, is_set, places};
use crate::exit::wrong;
use crate::status::say;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The masks of the pictures of a call.
pub(super) struct Masks {
    typed: PathBuf,
    /// That of all pictures, if a file was named.
    one: Option<Place>,
    /// Those of a folder or ZIP file, by name.
    named: HashMap<String, Place>,
}

impl Masks {
    /// The masks that `path` means: one for all pictures, or those of a folder or ZIP file under the pictures' names.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        let (typed, found) = (path.to_owned(), places(path)?);
        if is_set(path) {
            let named = found.into_iter().map(|place| (place.name(), place)).collect();
            return Ok(Self { typed, one: None, named });
        }
        Ok(Self { typed, one: found.into_iter().next(), named: HashMap::new() })
    }

    /// That of a picture.
    pub(super) fn of_picture(&self, picture: &Place) -> anyhow::Result<Place> {
        let name = picture.name();
        match self.one.as_ref().or_else(|| self.named.get(&name)) {
            Some(place) => Ok(place.clone()),
            None => wrong!(
                "--mask {}: there is no mask {name}, which says what of {picture} is hidden",
                self.typed.display()
            ),
        }
    }
}

/// Refuses a mask of another size than its picture's `from`, and one that hides all of it at one of `sizes`, `[h, w]` in
/// pixels, of those that look at the picture; says a word on one that hides nothing.
pub(super) fn check(mask: &Place, picture: &Place, from: [usize; 2], sizes: &[[usize; 2]]) -> anyhow::Result<()> {
    let mut hides = false;
    for &size in sizes {
        let Target { image, from: [h, w] } = mask.kept(size)?;
        if [h, w] != from {
            let [height, width] = from;
            wrong!(
                "--mask: {mask} has {w}x{h} pixels and the picture {picture} has {width}x{height}; make the mask as large as \
                 the picture, white where that is hidden"
            );
        }
        let kept = image.sum_all()?.to_scalar::<f32>()?;
        if kept == 0. {
            let [h, w] = size;
            wrong!(
                "--mask: {mask} hides all of {picture} at {w}x{h} pixels, where a pixel is hidden if any part of it is white; \
                 make black what is to be seen, and white what is hidden"
            );
        }
        hides |= kept < image.elem_count() as f32;
    }
    if !hides {
        say(&format!("note: --mask: {mask} hides nothing of {picture}; white is what hides"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use image::{GrayImage, Luma};

    /// Every second pixel is seen at the network's size, and none at half of it, an encoder's.
    #[test]
    fn masks_leave_something_to_all_that_look() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mask.png");
        GrayImage::from_fn(64, 64, |x, y| Luma([if (x + y) % 2 == 0 { 255 } else { 0 }])).save(&file).unwrap();
        let mask = places(&file).unwrap().remove(0);
        let checked = |sizes: &[[usize; 2]]| check(&mask, &mask, [64, 64], sizes).map_err(|error| error.to_string());
        assert_eq!(checked(&[[64, 64]]), Ok(()));
        assert!(checked(&[[64, 64], [32, 32]]).unwrap_err().contains("at 32x32 pixels"));
    }
}
