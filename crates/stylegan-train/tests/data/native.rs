//! The native format: a folder and a ZIP of the same files are the same set.

use crate::pictures::*;
use candle_core::Tensor;
use image::ImageFormat;
use stylegan_train::data::{Dataset, Labels, SampleRequest};
use zip::CompressionMethod::{Deflated, Stored};

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn folder_and_zip_are_the_same_set() {
    let place = Place::new();
    let files: Files = mapped().into_iter().chain(labelled().pop()).collect();
    let folder = Dataset::open(place.folder("set", &files)).unwrap();
    assert_eq!((folder.len(), folder.image_size(), folder.channels(), folder.label_dim()), (4, [6, 8], 3, 3));
    // The order of the entries and their compression do not matter.
    let reversed: Files = files.iter().rev().cloned().collect();
    for (name, files, method) in [("a.zip", &files, Stored), ("b.zip", &reversed, Deflated)] {
        let zip = Dataset::open(place.zip(name, files, method)).unwrap();
        assert_eq!(zip.hash().unwrap(), folder.hash().unwrap());
        assert_eq!(zip.names(), folder.names());
        assert_eq!(zip.labels(), folder.labels());
        for i in 0..4 {
            assert_eq!(zip.pixels(i).unwrap(), folder.pixels(i).unwrap());
            assert_eq!(zip.map(i).unwrap(), folder.map(i).unwrap());
        }
    }
}

#[test]
fn pictures_become_numbers_from_minus_one_to_one() {
    let place = Place::new();
    let set = Dataset::open(place.folder("set", &good())).unwrap();
    let images = set.load(&plain(&[2, 0])).unwrap().images;
    assert_eq!(images.dims(), [2, 3, 6, 8]);
    let source = rgb(8, 6, 2);
    let expected: Vec<f32> = (0..3)
        .flat_map(|c| source.pixels().map(move |p| f32::from(p.0[c]) / 127.5 - 1.0).collect::<Vec<_>>())
        .collect();
    assert_eq!(values(&images.get(0).unwrap()), expected);
    let ends = png(image::RgbImage::from_pixel(2, 2, image::Rgb([0, 255, 0])));
    let set = Dataset::open(place.folder("ends", &vec![("a.png".into(), ends)])).unwrap();
    assert_eq!(values(&set.load(&plain(&[0])).unwrap().images)[3..6], [-1.0, 1.0, 1.0]);
}

#[test]
fn mirrored_pictures_and_maps_are_flipped_left_to_right() {
    let place = Place::new();
    let set = Dataset::open(place.folder("set", &mapped())).unwrap();
    let requests = [SampleRequest { mirror: true, ..SampleRequest::whole(1) }, SampleRequest::whole(1)];
    let images = set.load(&requests).unwrap().images;
    let flip = |row: &[f32]| row.iter().rev().copied().collect::<Vec<_>>();
    let (mirrored, plain) = (values(&images.get(0).unwrap()), values(&images.get(1).unwrap()));
    assert_ne!(mirrored, plain);
    assert_eq!(mirrored.chunks(8).flat_map(flip).collect::<Vec<_>>(), plain);
    let maps = set.load_maps(&requests).unwrap();
    assert_eq!(maps.dims(), [2, 6, 8]);
    let maps = maps.flatten_all().unwrap().to_vec1::<u8>().unwrap();
    let flipped: Vec<u8> = maps[..48].chunks(8).flat_map(|row| row.iter().rev().copied()).collect();
    assert_eq!(flipped, maps[48..]);
    assert_eq!(maps[48..], *map(8, 6, 1).into_raw());
}

#[test]
fn classes_become_one_hot_rows() {
    let place = Place::new();
    let set = Dataset::open(place.folder("set", &labelled())).unwrap();
    let labels = set.load(&plain(&[0, 1, 2])).unwrap().labels.unwrap();
    assert_eq!(labels.to_vec2::<f32>().unwrap(), [[0., 0., 1.], [1., 0., 0.], [0., 1., 0.]]);
    assert_eq!(set.labels().class(3), Some(2));
}

#[test]
fn vectors_are_kept() {
    let place = Place::new();
    let files = with(good(), "dataset.json", labels(&["[0.5, -1]", "[0, 2]", "[1, 1]", "[3.25, 4]"]));
    let set = Dataset::open(place.folder("set", &files)).unwrap();
    let labels = set.load(&plain(&[3, 0])).unwrap().labels.unwrap();
    assert_eq!(labels.to_vec2::<f32>().unwrap(), [[3.25, 4.], [0.5, -1.]]);
    assert_eq!(set.label_dim(), 2);
}

#[test]
fn null_labels_mean_none_and_windows_paths_are_understood() {
    let place = Place::new();
    let set = Dataset::open(place.folder("null", &with(good(), "dataset.json", r#"{"labels": null}"#))).unwrap();
    assert_eq!((set.label_dim(), set.labels()), (0, &Labels::None));
    assert!(set.load(&plain(&[0])).unwrap().labels.is_none());
    let json = String::from_utf8(labels(&["0", "1", "2", "3"])).unwrap().replace('/', "\\\\");
    let set = Dataset::open(place.folder("windows", &with(good(), "dataset.json", json))).unwrap();
    assert_eq!(set.labels().class(3), Some(3));
}

#[test]
fn the_hash_follows_content_alone() {
    let place = Place::new();
    let hash =
        |name: &str, files: Files| Dataset::open(place.folder(name, &files)).unwrap().hash().unwrap().to_string();
    let base = hash("base", labelled());
    assert_eq!(base.len(), 64);
    let pretty: serde_json::Value = serde_json::from_slice(&labels(&["2", "0", "1", "2"])).unwrap();
    let pretty = with(labelled(), "dataset.json", serde_json::to_string_pretty(&pretty).unwrap());
    assert_eq!(hash("pretty", pretty), base);
    let litter = with(with(labelled(), "attributes.csv", "a,b"), ".DS_Store", "x");
    assert_eq!(hash("litter", with(litter, "__MACOSX/00/._img0.png", "x")), base);
    let others = [
        with(labelled(), "00/img0.png", png(rgb(8, 6, 99))),
        with(labelled(), "dataset.json", labels(&["2", "0", "2", "1"])),
        with(labelled(), "dataset.json", labels(&["[2]", "[0]", "[1]", "[2]"])),
        with(good(), "09.png", png(rgb(8, 6, 9))),
        good(),
        mapped(),
    ];
    let mut hashes: Vec<String> = others.into_iter().enumerate().map(|(i, f)| hash(&format!("o{i}"), f)).collect();
    hashes.push(base);
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 7);
    let mut renamed = good();
    renamed[0].0 = "00/other.png".to_string();
    assert!(!hashes.contains(&hash("renamed", renamed)));
}

#[test]
fn the_hash_of_a_known_set_never_changes() {
    // Checkpoints record it. Computed apart from this program from the definition in `hash.rs`:
    // one picture `a.png` with the bytes below, no labels, no maps.
    let place = Place::new();
    let one = RGB_1X1.to_vec();
    let set = Dataset::open(place.folder("set", &vec![("a.png".to_string(), one)])).unwrap();
    assert_eq!(set.hash().unwrap(), HASH_1X1);
}

/// A PNG of one red pixel.
const RGB_1X1: [u8; 69] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00, 0x0c, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xf8, 0xcf, 0xc0, 0x00, 0x00, 0x03, 0x01, 0x01, 0x00, 0xf7, 0x03, 0x41, 0x43,
    0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
const HASH_1X1: &str = "96856e02165e654ca829686b2cc2a2864354a1e971a73f7e4f5b8bd43ccf79d6";

#[test]
fn jpeg_webp_and_grey_sets_are_read() {
    let place = Place::new();
    let mixed = vec![
        ("a.jpg".to_string(), encode(rgb(8, 6, 0), ImageFormat::Jpeg)),
        ("b.JPEG".to_string(), encode(rgb(8, 6, 1), ImageFormat::Jpeg)),
        ("c.webp".to_string(), encode(rgb(8, 6, 2), ImageFormat::WebP)),
        // Known by its contents, not by its name.
        ("d.png".to_string(), encode(rgb(8, 6, 3), ImageFormat::WebP)),
    ];
    let set = Dataset::open(place.folder("mixed", &mixed)).unwrap();
    assert_eq!(set.load(&plain(&[0, 1, 2, 3])).unwrap().images.dims(), [4, 3, 6, 8]);
    // WebP is written without loss.
    let green: Vec<u8> = rgb(8, 6, 2).pixels().map(|p| p.0[1]).collect();
    assert_eq!(set.pixels(2).unwrap()[48..96], green);
    let grey = vec![("a.png".to_string(), png(map(8, 6, 0))), ("b.png".to_string(), png(map(8, 6, 1)))];
    let set = Dataset::open(place.folder("grey", &grey)).unwrap();
    assert_eq!(set.load(&plain(&[0, 1])).unwrap().images.dims(), [2, 1, 6, 8]);
}
