//! Label maps as pictures, each class in a colour of its own.

use image::{Rgb, RgbImage};
use stylegan_train::data::{ClassTable, class_colour};

/// The classes of a map, row by row, as a picture of `[h, w]` pixels: in the colours of the table where it gives
/// them.
pub(crate) fn map_picture(classes: &[u8], [h, w]: [usize; 2], table: Option<&ClassTable>) -> RgbImage {
    RgbImage::from_fn(w as u32, h as u32, |x, y| Rgb(class_colour(classes[y as usize * w + x as usize], table)))
}

/// Two pictures of the same height beside one another.
pub(crate) fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let mut both = RgbImage::new(left.width() + right.width(), left.height());
    image::imageops::replace(&mut both, left, 0, 0);
    image::imageops::replace(&mut both, right, left.width().into(), 0);
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_choose_colours() -> anyhow::Result<()> {
        let table = ClassTable::parse(br#"{"classes": ["a", {"name": "b", "color": [1, 2, 3]}]}"#);
        let table = table.map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let picture = map_picture(&[0, 1, 255], [1, 3], Some(&table));
        assert_eq!(picture.into_raw(), [class_colour(0, None), [1, 2, 3], [128; 3]].concat());
        Ok(())
    }
}
