//! Training sets in ZIP archives. The tests of `stylegan-train` know more; these are the worst.

use crate::{Attack, attack, zip};
use image::{ImageFormat, RgbImage};
use std::io::Cursor;
use std::path::Path;
use stylegan_train::data::{Dataset, SampleRequest};

pub(crate) fn attacks() -> Vec<Attack> {
    let picture = picture();
    let labelled = |labels: &str| zip(&[("1.png", &picture), ("dataset.json", labels.as_bytes())], false);
    let deep = format!("{{\"labels\":{}", "[".repeat(100_000));
    let mut vast = picture.clone();
    vast[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    vec![
        attack("set-palette-cut.zip", zip(&[("1.png", &palette_cut())], false), &["1.png", "gave up"]),
        attack("set-leads-out.zip", zip(&[("../1.png", &picture)], false), &["plain relative path"]),
        attack("set-bomb.zip", zip(&[("1.png", &vec![0; 100 << 20])], true), &["1.png"]),
        attack("set-vast-picture.zip", zip(&[("1.png", &vast)], false), &["1.png"]),
        attack("set-empty.zip", zip(&[], false), &["set-empty.zip"]),
        attack("set-cut.zip", &zip(&[("1.png", &picture)], false)[..40], &["truncated"]),
        attack("set-labels-nested.zip", labelled(&deep), &["dataset.json"]),
        attack("set-labels-of-others.zip", labelled(r#"{"labels":[["9.png",1]]}"#), &["dataset.json"]),
        attack("set-labels-gigantic.zip", labelled(r#"{"labels":[["1.png",4000000000]]}"#), &["dataset.json"]),
        attack("set-labels-missing.zip", mostly_unlabelled(&picture), &["00001.png", "has no label"]),
        attack("set-labels-bomb.zip", labels_bomb(&picture), &["dataset.json", "unpacks to"]),
        attack("set-labels-negative.zip", labelled(r#"{"labels":[["1.png",-1]]}"#), &["dataset.json"]),
    ]
}

/// The error of a set that cannot be opened, or whose first picture cannot be loaded.
pub(crate) fn open(path: &Path) -> String {
    let request = SampleRequest { index: 0, mirror: false };
    let loaded = Dataset::open(path).and_then(|set| set.load(&[request]));
    loaded.err().map(|error| error.to_string()).unwrap_or_default()
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::new(8, 8).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A picture whose palette is not one of whole colours, on which png 0.18.1 panics (image-png #694).
fn palette_cut() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 8, 8);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(vec![0; 7]);
    encoder.write_header().unwrap().write_image_data(&[0; 64]).unwrap();
    bytes
}

/// Ten thousand pictures, of which one has a label, of 65536 numbers: 2.6 GB, were the others to have
/// such a row as well.
fn mostly_unlabelled(picture: &[u8]) -> Vec<u8> {
    let names: Vec<String> = (0..10_000).map(|i| format!("{i:05}.png")).collect();
    let labels = format!(r#"{{"labels":[["00000.png",[0{}]]]}}"#, ",0".repeat(65535));
    let mut entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), picture)).collect();
    entries.push(("dataset.json", labels.as_bytes()));
    zip(&entries, false)
}

/// A label of twenty million numbers, packed into 40 kB.
fn labels_bomb(picture: &[u8]) -> Vec<u8> {
    let labels = format!(r#"{{"labels":[["1.png",[0{}]]]}}"#, ",0".repeat(20_000_000));
    zip(&[("1.png", picture), ("dataset.json", labels.as_bytes())], true)
}
