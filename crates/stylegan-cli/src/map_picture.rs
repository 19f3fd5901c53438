//! Label maps as pictures, each class in a colour of its own.

use image::{Rgb, RgbImage};
use stylegan_train::data::{ClassTable, NO_CLASS};

/// The classes of a map, row by row, as a picture of `[h, w]` pixels: in the colours of the table where it gives
/// them.
pub(crate) fn map_picture(classes: &[u8], [h, w]: [usize; 2], table: Option<&ClassTable>) -> RgbImage {
    RgbImage::from_fn(w as u32, h as u32, |x, y| colour(classes[y as usize * w + x as usize], table))
}

/// Two pictures of the same height beside one another.
pub(crate) fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let mut both = RgbImage::new(left.width() + right.width(), left.height());
    image::imageops::replace(&mut both, left, 0, 0);
    image::imageops::replace(&mut both, right, left.width().into(), 0);
    both
}

/// The colour of a class: that of the table, or one of ours. Pixels without a class are grey; from 24 classes on
/// colours of ours come again.
pub(crate) fn colour(class: u8, table: Option<&ClassTable>) -> Rgb<u8> {
    let named = table.and_then(|table| table.classes().get(usize::from(class))?.colour);
    match named {
        Some(colour) => Rgb(colour),
        None if class == NO_CLASS => Rgb([128; 3]),
        None => Rgb(COLOURS[usize::from(class) % COLOURS.len()]),
    }
}

/// Calm colours, chosen one after the other to lie far from all before and from the grey of no class: in
/// OKLab (B. Ottosson, "A perceptual color space for image processing", 2020) of chroma up to 0.14.
#[rustfmt::skip]
const COLOURS: [[u8; 3]; 24] = [
    [91, 151, 211], [248, 208, 92], [147, 42, 51], [1, 123, 55], [253, 156, 221], [118, 66, 151],
    [158, 230, 204], [183, 145, 132], [58, 102, 109], [135, 107, 1], [135, 182, 81], [24, 167, 161],
    [178, 143, 239], [43, 213, 255], [227, 141, 61], [250, 135, 137], [230, 209, 176], [205, 209, 245],
    [42, 90, 171], [178, 80, 131], [128, 92, 85], [70, 94, 44], [86, 210, 152], [152, 124, 174],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_can_be_told_apart() {
        for a in 0..24u8 {
            for b in 0..a {
                let (a, b) = (colour(a, None), colour(b, None));
                let squares = a.0.into_iter().zip(b.0).map(|(a, b)| f64::from(a.abs_diff(b)).powi(2));
                let distance = squares.sum::<f64>().sqrt();
                assert!(distance > 50.0, "{a:?} and {b:?}");
            }
        }
        let greys = COLOURS.iter().filter(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b) < 30);
        assert_eq!(greys.count(), 0);
    }

    #[test]
    fn tables_choose_colours() -> anyhow::Result<()> {
        let table = ClassTable::parse(br#"{"classes": ["a", {"name": "b", "color": [1, 2, 3]}]}"#);
        let table = table.map_err(|problem| anyhow::anyhow!("{problem}"))?;
        let picture = map_picture(&[0, 1, 255], [1, 3], Some(&table));
        assert_eq!(picture.into_raw(), [COLOURS[0], [1, 2, 3], [128; 3]].concat());
        Ok(())
    }
}
