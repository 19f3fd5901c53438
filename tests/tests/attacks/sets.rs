//! Training sets in ZIP archives. The tests of `stylegan-train` know more; these are the worst.

use crate::{Attack, attack, zip};
use image::{ImageFormat, RgbImage};
use std::io::Cursor;
use std::path::Path;
use stylegan_train::data::{Dataset, Files, doctor};

pub(crate) fn attacks() -> Vec<Attack> {
    let picture = picture();
    let labelled = |labels: &str| zip(&[("1.png", &picture), ("dataset.json", labels.as_bytes())], false);
    let deep = format!("{{\"labels\":{}", "[".repeat(100_000));
    let mut vast = picture.clone();
    vast[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    vec![
        attack("set-palette-cut.zip", zip(&[("1.png", &palette_cut())], false), &["1.png", "gave up"]),
        attack("set-leads-out.zip", zip(&[("../1.png", &picture)], false), &["leads out of the set"]),
        attack("set-bomb.zip", zip(&[("1.png", &vec![0; 100 << 20])], true), &["1.png"]),
        attack("set-vast-picture.zip", zip(&[("1.png", &vast)], false), &["1.png"]),
        attack("set-empty.zip", zip(&[], false), &["set-empty.zip"]),
        attack("set-cut.zip", &zip(&[("1.png", &picture)], false)[..40], &["truncated"]),
        attack("set-labels-nested.zip", labelled(&deep), &["dataset.json"]),
        attack("set-labels-of-others.zip", labelled(r#"{"labels":[["9.png",1]]}"#), &["dataset.json"]),
        attack("set-labels-gigantic.zip", labelled(r#"{"labels":[["1.png",4000000000]]}"#), &["dataset.json"]),
        attack("set-labels-missing.zip", mostly_unlabelled(&picture), &["00001.png", "has no label"]),
        attack("set-labels-bomb.zip", labels_bomb(&picture), &["dataset.json", "65536 numbers"]),
        attack("set-classes-bomb.zip", classes_bomb(&picture), &["classes.json", "1 MiB"]),
        attack("set-vast-map.zip", vast_map(&picture), &["labels/1.png", "16384x16384 pixels for pictures of 8x8"]),
        attack("set-overlaps.zip", overlaps(&picture), &["share bytes"]),
        attack("set-quotes-itself.zip", quotes_itself(&picture), &["share bytes"]),
        attack("set-many-bombs.zip", many_bombs(&picture), &["in all"]),
        attack("set-labels-of-zeros.zip", labels_of_zeros(&picture), &["dataset.json"]),
        attack("set-labels-negative.zip", labelled(r#"{"labels":[["1.png",-1]]}"#), &["dataset.json"]),
    ]
}

/// The error of a set that cannot be opened, hashed, or read to its end as an evaluation reads it. The doctor must
/// find something as well; all of it counts towards the limits.
pub(crate) fn open(path: &Path) -> String {
    let hashed = Files::open(path).and_then(|files| files.hash());
    let report = doctor::examine(path, None, || ());
    if report.is_ok_and(|report| report.findings.is_empty()) {
        return String::new();
    }
    let evaluated = Dataset::open(path).and_then(|set| {
        let order: Vec<usize> = (0..set.len()).collect();
        set.batches(&order).try_for_each(|batch| batch.map(drop))?;
        order.iter().filter(|_| set.has_maps()).try_for_each(|&i| set.map(i).map(drop))
    });
    let error = evaluated.err().or(hashed.err());
    error.map(|error| error.to_string()).unwrap_or_default()
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

/// Thirty million numbers in a class table, packed into 60 kB; as a tree of values a gigabyte.
fn classes_bomb(picture: &[u8]) -> Vec<u8> {
    let table = format!(r#"{{"classes":["a"],"dont_care":[9{}]}}"#, ",9".repeat(30_000_000));
    zip(&[("1.png", picture), ("labels/1.png", &map(8)), ("classes.json", table.as_bytes())], true)
}

/// A map of which the head alone is there, and which is no map of its picture.
fn vast_map(picture: &[u8]) -> Vec<u8> {
    zip(&[("1.png", picture), ("labels/1.png", &map(16384))], false)
}

/// The head of a grey PNG of this side, and the first bytes of its pixels.
fn map(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_chunk(png::chunk::IDAT, &[0x78, 0x9c]).unwrap();
    bytes
}

/// A picture with a megabyte of zeros behind it.
fn padded(picture: &[u8]) -> Vec<u8> {
    [picture, &vec![0; 1 << 20]].concat()
}

/// Twenty thousand entries of the index that all point to one packed picture: 20 GB out of one megabyte.
fn overlaps(picture: &[u8]) -> Vec<u8> {
    let one = zip(&[("00000.png", &padded(picture))], true);
    let (directory, end) = (one.len() - 22 - 46 - 9, one.len() - 22);
    let mut bytes = one[..directory].to_vec();
    let entries = 20_000u16;
    for i in 0..entries {
        bytes.extend(&one[directory..directory + 46]);
        bytes.extend(format!("{i:05}.png").bytes());
    }
    let mut last = one[end..].to_vec();
    last[8..10].copy_from_slice(&entries.to_le_bytes());
    last[10..12].copy_from_slice(&entries.to_le_bytes());
    last[12..16].copy_from_slice(&(u32::from(entries) * 55).to_le_bytes());
    bytes.extend(last);
    bytes
}

/// An archive whose second entry lies, head and all, inside of the bytes of its first.
fn quotes_itself(picture: &[u8]) -> Vec<u8> {
    let inner = zip(&[("2.png", picture)], false);
    let mut outer = zip(&[("1.png", &inner), ("2.png", picture)], false);
    // The place of the second entry, in its record of the index.
    let second = outer.len() - 22 - 51;
    let inside = (30u32 + 5).to_le_bytes();
    outer[second + 42..second + 46].copy_from_slice(&inside);
    outer
}

/// Four hundred pictures of a megabyte of zeros each, packed into a kilobyte each.
fn many_bombs(picture: &[u8]) -> Vec<u8> {
    let names: Vec<String> = (0..400).map(|i| format!("{i:03}.png")).collect();
    let picture = padded(picture);
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), picture.as_slice())).collect();
    zip(&entries, true)
}

/// Ten million numbers beside the labels, as a tree of values more than 300 MB; the other file makes the archive so
/// large that it is unpacked.
fn labels_of_zeros(picture: &[u8]) -> Vec<u8> {
    let labels = format!(r#"{{"labels":[["1.png",-1]],"other":[0{}]}}"#, ",0".repeat(10_000_000));
    let mut noise = 1u64;
    let mut next = || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    };
    let ballast: Vec<u8> = (0..5 << 20).map(|_| next()).collect();
    zip(&[("1.png", picture), ("ballast.bin", &ballast), ("dataset.json", labels.as_bytes())], true)
}
