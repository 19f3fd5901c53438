//! Sketches of pictures as label maps (`--sketches`): pairs that painters and encoders of sketches learn from alike.

use super::write::Sample;
use image::GrayImage;
use serde_json::Value;
use stylegan_train::data::ClassTable;
use stylegan_train::recipe::encoder::sketch;

/// How many classes they have: levels from lines to paper.
const LEVELS: u8 = 8;

/// What a set is called that has them.
pub(super) const RECIPE: &str = "sketches of 8 levels as maps";

/// The class of a value of a sketch.
fn level(value: u8) -> u8 {
    value / (256 / u16::from(LEVELS)) as u8
}

/// The sketch of a picture of `[h, w]` pixels, red, green and blue beside one another: a class for each pixel.
pub(super) fn levels(rgb: &[u8], size: [usize; 2]) -> Vec<u8> {
    let plane = |channel: usize| rgb.iter().skip(channel).step_by(3).copied();
    let planes: Vec<u8> = (0..3).flat_map(plane).collect();
    sketch(&planes, size).into_iter().map(level).collect()
}

/// A sample whose map is a sketch of its picture.
pub(super) fn sketched(sample: Sample) -> Sample {
    let (w, h) = sample.picture.dimensions();
    let map = GrayImage::from_raw(w, h, levels(&sample.picture, [h as usize, w as usize]));
    Sample { map, ..sample }
}

/// The names and colours of the levels.
pub(super) fn class_table() -> Value {
    let last = LEVELS - 1;
    let name = |level: u8| match level {
        0 => "line".to_owned(),
        _ if level == last => "paper".to_owned(),
        _ => format!("grey {level} of {last}"),
    };
    let named: Vec<(String, [u8; 3])> =
        (0..LEVELS).map(|level| (name(level), [(u16::from(level) * 255 / u16::from(last)) as u8; 3])).collect();
    ClassTable::of_names(named.iter().map(|(name, colour)| (&name[..], *colour)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A white bar on black: paper beside lines, of the level that the encoder's sketch has there.
    #[test]
    fn sketches_become_levels() {
        let rgb: Vec<u8> = (0..9 * 9 * 3).map(|i| if (3..6).contains(&(i / 3 % 9)) { 255 } else { 0 }).collect();
        let map = levels(&rgb, [9, 9]);
        assert_eq!(map[4 * 9..5 * 9], [7, 2, 2, 2, 7, 2, 2, 2, 7]);
        assert_eq!([0, 31, 32, 255].map(level), [0, 0, 1, 7]);
        let table = class_table();
        assert_eq!(table["classes"][0]["name"], "line");
        assert_eq!(table["classes"][7]["color"], "#ffffff");
        assert!(RECIPE.contains(&LEVELS.to_string()) && table["classes"].as_array().map(Vec::len) == Some(8));
        let picture = image::RgbImage::from_raw(9, 9, rgb).unwrap_or_default();
        let sample = sketched(Sample { picture, map: None, class: Some(3), attributes: vec![] });
        assert_eq!((sample.map.map(GrayImage::into_raw), sample.class), (Some(map), Some(3)));
    }
}
