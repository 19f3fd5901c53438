//! Photographs that are stored lying and say so are read upright, everywhere.

use crate::pictures::*;
use image::{ImageFormat, Rgb, RgbImage};
use stylegan_train::data::{Dataset, Files as Listed, doctor};

/// What stands in front of a TIFF directory of one entry: orientation (0x112), one number.
fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
    tiff[18] = orientation;
    tiff
}

fn jpeg(picture: RgbImage, orientation: u8) -> Vec<u8> {
    let mut bytes = encode(picture, ImageFormat::Jpeg);
    let exif = [b"Exif\0\0", &exif(orientation)[..]].concat();
    let mut segment = vec![0xff, 0xe1];
    segment.extend((exif.len() as u16 + 2).to_be_bytes());
    segment.extend(exif);
    bytes.splice(2..2, segment);
    bytes
}

/// A WebP file whose orientation stands behind its pixels.
fn webp(picture: RgbImage, orientation: u8) -> Vec<u8> {
    let (w, h) = picture.dimensions();
    let plain = encode(picture, ImageFormat::WebP);
    let mut body = b"WEBPVP8X\x0a\0\0\0\x08\0\0\0".to_vec();
    body.extend(&(w - 1).to_le_bytes()[..3]);
    body.extend(&(h - 1).to_le_bytes()[..3]);
    body.extend(&plain[12..]);
    let exif = exif(orientation);
    body.extend(b"EXIF");
    body.extend((exif.len() as u32).to_le_bytes());
    body.extend(exif);
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

/// White on the left, black on the right: upright after a quarter turn it is white above black (6) or below (8).
fn halves(w: u32, h: u32) -> RgbImage {
    RgbImage::from_fn(w, h, |x, _| Rgb([if x < w / 2 { 255 } else { 0 }; 3]))
}

#[test]
fn pictures_are_read_upright() {
    let place = Place::new();
    let files = vec![
        ("a.jpg".to_string(), jpeg(halves(16, 8), 6)),
        ("b.webp".to_string(), webp(halves(16, 8), 6)),
        ("c.png".to_string(), png(RgbImage::from_fn(8, 16, |_, y| Rgb([if y < 8 { 255 } else { 0 }; 3])))),
    ];
    let path = place.folder("set", &files);
    let set = Dataset::open(&path).unwrap();
    assert_eq!((set.image_size(), set.turned()), ([16, 8], 2));
    for i in 0..3 {
        let pixels = set.pixels(i).unwrap();
        assert!(pixels[..56].iter().all(|&v| v > 240) && pixels[72..128].iter().all(|&v| v < 15), "{i}");
    }
    let report = doctor::examine(&path, None, || {}).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.turned, 2);
}

/// More than the head of the file has to be read to know how a large WebP picture is held.
#[test]
fn orientations_at_the_end_of_large_files_count() {
    let noise = RgbImage::from_fn(300, 200, |x, y| {
        let v = (y * 300 + x + 1).wrapping_mul(2_654_435_761);
        let v = (v ^ (v >> 15)).wrapping_mul(2_246_822_519);
        Rgb([v as u8, (v >> 11) as u8, (v >> 21) as u8])
    });
    let bytes = webp(noise, 8);
    assert!(bytes.len() > 100_000, "{}", bytes.len());
    let place = Place::new();
    let set = Dataset::open(place.folder("set", &vec![("a.webp".to_string(), bytes)])).unwrap();
    assert_eq!((set.image_size(), set.turned()), ([300, 200], 1));
    assert!(set.pixels(0).is_ok());
}

/// The hash of a set is that of what it holds; the same file read lying, by older versions, and upright is not
/// the same picture. Sets without orientation keep their hash (`the_hash_of_a_known_set_never_changes`).
#[test]
fn orientation_counts_for_the_hash() {
    let place = Place::new();
    let hash = |name: &str, orientation| {
        let files = vec![("a.jpg".to_string(), jpeg(halves(8, 8), orientation))];
        Listed::open(place.folder(name, &files)).unwrap().hash().unwrap()
    };
    let as_it_is = hash("one", 1);
    assert_ne!(as_it_is, hash("three", 3));
    // Computed from the definition that versions without orientation had: name, file, no label.
    use sha2::{Digest, Sha256};
    let bytes = std::fs::read(place.path("one/a.jpg")).unwrap();
    let mut expected = Sha256::new();
    expected.update(b"stylegan-rs data set 1\0\0");
    expected.update([0u64.to_le_bytes(), 1u64.to_le_bytes(), 5u64.to_le_bytes()].concat());
    expected.update(b"a.jpg");
    expected.update(Sha256::digest(bytes));
    assert_eq!(as_it_is, format!("{:x}", expected.finalize()));
}
