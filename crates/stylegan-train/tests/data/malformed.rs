//! Every kind of bad file gets one sentence: which file, what is wrong, what to do.

use crate::pictures::*;
use image::{DynamicImage, ImageFormat};
use stylegan_train::data::{Dataset, Problem, doctor};

/// A set with one fault: the file that the doctor names, and words of the sentence.
type Case = (&'static str, Files, &'static str, &'static [&'static str]);

fn converted(convert: fn(DynamicImage) -> DynamicImage) -> Vec<u8> {
    png(convert(rgb(8, 6, 1).into()))
}

/// The head of a PNG that says it has `side` x `side` pixels, and nothing after it.
fn huge_png(side: u32) -> Vec<u8> {
    let mut bytes = png(rgb(8, 6, 1));
    bytes[16..20].copy_from_slice(&side.to_be_bytes());
    bytes[20..24].copy_from_slice(&side.to_be_bytes());
    let crc = crc32(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&crc);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// Faults that opening the set shows.
fn open_faults() -> Vec<Case> {
    let one = "01/img1.png";
    let gif = encode(rgb(8, 6, 1), ImageFormat::Gif);
    let json = |text: &str| with(good(), "dataset.json", text);
    vec![
        ("wrong size", with(good(), one, png(rgb(9, 6, 1))), one, &["9x6 pixels", "the set has 8x6", "--size"]),
        ("not a picture", with(good(), one, "hello"), one, &["not a PNG, JPEG or WebP picture", "save it as PNG"]),
        ("empty file", with(good(), one, ""), one, &["is empty (0 bytes)", "copy it again"]),
        ("empty labels", json(""), "dataset.json", &["empty (0 bytes)"]),
        (
            "gif in disguise",
            with(good(), one, gif.clone()),
            one,
            &["of the kind GIF", "PNG, JPEG and WebP", "save it as PNG"],
        ),
        ("gif", with(good(), "x.gif", gif), "x.gif", &[".gif pictures are not read", "save it as PNG"]),
        (
            "cut in its head",
            with(good(), one, &png(rgb(8, 6, 1))[..20]),
            one,
            &["truncated or damaged", "copy it again"],
        ),
        (
            "a decoder that breaks its lines",
            with(
                good(),
                one,
                [&[0xff, 0xd8, 0xff, 0xef, 0, 1][..], &encode(rgb(8, 6, 1), ImageFormat::Jpeg)[2..]].concat(),
            ),
            one,
            &["Jpeg: Found a marker with invalid length:1);"],
        ),
        ("huge head", with(good(), one, huge_png(20_000)), one, &["20000x20000 pixels, more than the 16384x16384"]),
        ("head beyond memory", with(good(), one, huge_png(1 << 31)), one, &["more pixels than fit into memory"]),
        ("grey", with(good(), one, converted(|p| p.to_luma8().into())), one, &["grey where the set is RGB"]),
        ("alpha", with(good(), one, converted(|p| p.to_rgba8().into())), one, &["alpha channel", "over white"]),
        ("grey with alpha", with(good(), one, converted(|p| p.to_luma_alpha8().into())), one, &["alpha channel"]),
        ("16 bits", with(good(), one, converted(|p| p.to_rgb16().into())), one, &["16 bits", "converts to 8 bits"]),
        ("no JSON", json("{"), "dataset.json", &["not a label file", "line 1"]),
        ("no labels key", json("{}"), "dataset.json", &["no key `labels`", r#"[["name.png", 3], …]"#]),
        ("labels not a list", json(r#"{"labels": 3}"#), "dataset.json", &["expected a list of [name, label]"]),
        ("labels of others by name", json(r#"{"labels": {"a": 1}}"#), "dataset.json", &["none of its names"]),
        ("entry not a pair", json(r#"{"labels": [["a.png"]]}"#), "dataset.json", &["entry 0", "[name, label]"]),
        (
            "labels of a table",
            json(r#"{"labels": [{"file": "a.png"}]}"#),
            "dataset.json",
            &["[name, label] in entry 0"],
        ),
        (
            "damaged UTF-16",
            with(good(), "dataset.json", b"\xff\xfe{\0\0\xd8{\0"),
            "dataset.json",
            &["UTF-16 is damaged"],
        ),
        (
            "Latin 1",
            with(good(), "dataset.json", b"{\"labels\": [[\"\xe4.png\", 1]]}"),
            "dataset.json",
            &["neither UTF-8"],
        ),
        ("names of others", json(r#"{"labels": [["a.png", 1]]}"#), "dataset.json", &["none of its names"]),
        ("text label", with(good(), "dataset.json", labels(&["\"cat\""; 4])), "dataset.json", &["\"cat\"", "neither"]),
        ("deep JSON", json(&"[".repeat(100_000)), "dataset.json", &["not a label file", "expected an object"]),
        ("missing label", with(good(), "dataset.json", labels(&["0"])), one, &["has no label", "label every picture"]),
        (
            "mixed labels",
            with(good(), "dataset.json", labels(&["0", "[1, 2]", "1", "1"])),
            one,
            &["label [1,2]", "kind", ", 0"],
        ),
        ("short vector", with(good(), "dataset.json", labels(&["[0, 1]", "[1]", "[1, 2]", "[1, 2]"])), one, &["[1]"]),
        (
            "negative class",
            with(good(), "dataset.json", labels(&["0", "-1", "1", "1"])),
            one,
            &["label -1", "from 0 up"],
        ),
        ("half a class", with(good(), "dataset.json", labels(&["0", "1.5", "1", "1"])), one, &["label 1.5"]),
        (
            "huge class",
            with(good(), "dataset.json", labels(&["0", "4000000000", "1", "1"])),
            one,
            &["label 4000000000 is no class number", "0 to 65535"],
        ),
        (
            "a class too many",
            with(good(), "dataset.json", labels(&["0", "65536", "1", "1"])),
            one,
            &["label 65536 is no class number", "0 to 65535"],
        ),
        (
            "numbers that are no classes",
            with(good(), "dataset.json", labels(&["0.5"; 4])),
            "dataset.json",
            &["label 0.5"],
        ),
        (
            "a label of text",
            with(good(), "dataset.json", labels(&["0", "\"cat\"", "1", "1"])),
            one,
            &["\"cat\"", "neither"],
        ),
        ("no number", with(good(), "dataset.json", labels(&["0", "null", "1", "1"])), one, &["label null", "neither"]),
        (
            "labelled twice",
            json(
                r#"{"labels": [["00/img0.png", 1], ["00/img0.png", 2], ["01/img1.png", 1],
            ["02/img2.png", 1], ["03/img3.png", 1]]}"#,
            ),
            "00/img0.png",
            &["dataset.json labels this picture twice", "keep one of its labels"],
        ),
        ("missing map", without(mapped(), "labels/01/img1.png"), one, &["has no label map", "labels/<name>.png"]),
        (
            "one map for two",
            with(mapped(), "01/img1.jpg", encode(rgb(8, 6, 1), ImageFormat::Jpeg)),
            one,
            &["occurs twice"],
        ),
    ]
}

/// Faults that show when the file is decoded.
fn load_faults() -> Vec<Case> {
    let one = "01/img1.png";
    let noise =
        image::RgbImage::from_fn(8, 6, |x, y| image::Rgb([(x * 91 + y * 57) as u8, (x * y * 37) as u8, x as u8]));
    let whole = png(noise.clone());
    let jpeg = encode(noise, ImageFormat::Jpeg);
    let mut flipped = whole.clone();
    let middle = flipped.len() - 30;
    flipped[middle] ^= 0x55;
    let map_name = "labels/01/img1.png";
    vec![
        (
            "truncated PNG",
            with(good(), one, &whole[..whole.len() - 40]),
            one,
            &["truncated or damaged", "copy it again"],
        ),
        ("truncated JPEG", with(good(), one, &jpeg[..jpeg.len() - 20]), one, &["truncated or damaged", "end marker"]),
        ("flipped bits", with(good(), one, flipped), one, &["truncated or damaged"]),
        ("map size", with(mapped(), map_name, png(map(4, 6, 1))), map_name, &["4x6", "8x6", "nearest"]),
        (
            "map in colour",
            with(mapped(), map_name, png(rgb(8, 6, 1))),
            map_name,
            &["in colour, and no classes.json", "write a classes.json"],
        ),
        (
            "map of 16 bits",
            with(mapped(), map_name, png(image::DynamicImage::from(map(8, 6, 200)).to_luma16())),
            map_name,
            &["value 257", "column 1 of row 0", "classes go up to 254"],
        ),
        ("map without a byte", with(mapped(), map_name, ""), map_name, &["is empty (0 bytes)"]),
        ("map not a PNG", with(mapped(), map_name, encode(map(8, 6, 1), ImageFormat::Jpeg)), map_name, &["not a PNG"]),
    ]
}

fn check(sentence: &str, name: &str, file: &str, words: &[&str]) {
    assert_eq!(sentence.lines().count(), 1, "{name}: {sentence}");
    for word in words.iter().chain(&[file]) {
        assert!(sentence.contains(word), "{name}: expected {word:?} in: {sentence}");
    }
    assert!(sentence.contains("; "), "{name}: no remedy in: {sentence}");
}

#[test]
fn the_doctor_names_the_file_the_fault_and_the_remedy() {
    let place = Place::new();
    for (i, (name, files, file, words)) in open_faults().into_iter().chain(load_faults()).enumerate() {
        let report = doctor::examine(place.folder(&i.to_string(), &files), None, || {}).unwrap();
        let listed: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        let finding = listed.iter().find(|finding| finding.starts_with(file));
        check(finding.unwrap_or_else(|| panic!("{name}: {listed:?}")), name, file, words);
        // One fault, one finding; a short label file leaves three pictures without a
        // label, and names of others are each listed too.
        let expected = match name {
            "missing label" => 3,
            "names of others" | "labels of others by name" => 2,
            _ => 1,
        };
        assert_eq!(listed.len(), expected, "{name}: {listed:?}");
    }
}

#[test]
fn opening_refuses_with_the_first_fault() {
    let place = Place::new();
    for (i, (name, files, file, words)) in open_faults().into_iter().enumerate() {
        let path = place.folder(&i.to_string(), &files);
        let error = Dataset::open(&path).unwrap_err();
        assert!(error.is_wrong_input(), "{name}");
        check(&error.to_string(), name, &format!("{}/{file}: ", shown(&path)), words);
    }
}

#[test]
fn loading_refuses_what_cannot_be_decoded() {
    let place = Place::new();
    for (i, (name, files, file, words)) in load_faults().into_iter().enumerate() {
        let path = place.folder(&i.to_string(), &files);
        let set = Dataset::open(&path).unwrap();
        let error = if file.starts_with("labels/") {
            set.load_maps(&plain(&[0, 1])).unwrap_err()
        } else {
            set.load(&plain(&[0, 1])).unwrap_err()
        };
        assert!(error.is_wrong_input(), "{name}");
        check(&error.to_string(), name, &format!("{}/{file}: ", shown(&path)), words);
        assert!(set.load(&plain(&[0, 2, 3])).is_ok(), "{name}: the other pictures are good");
    }
}

#[test]
fn every_fault_is_listed_at_once() {
    let place = Place::new();
    let mut files = with(mapped(), "00/img0.png", "hello");
    files = with(files, "01/img1.png", png(rgb(9, 9, 1)));
    files = with(files, "labels/02/img2.png", png(map(3, 3, 2)));
    files = with(files, "x.tiff", "");
    files = with(files, "dataset.json", labels(&["0", "1", "2", "[3]"]));
    for n in 4..9 {
        files = with(files, &format!("04/img{n}.png"), png(rgb(8, 6, n)));
    }
    let path = place.folder("set", &files);
    let report = doctor::examine(&path, None, || {}).unwrap();
    // A text file, a size and its map's, another map's size, a format, a mixed label; five pictures without
    // map and label. What is broken comes first.
    assert_eq!(report.findings.len(), 6 + 10, "{:#?}", report.findings);
    assert!(report.findings.is_sorted_by_key(|finding| (finding.problem.severity(), finding.file.clone())));
    assert!(matches!(report.findings.last().unwrap().problem, Problem::Size { .. }));
    assert_eq!((report.usable, report.sides), (0, vec![]));
    assert_eq!((report.pictures, report.size, report.channels), (9, Some([6, 8]), Some(3)));
    let sentence = Dataset::open(&path).unwrap_err().to_string();
    assert!(
        sentence.contains("00/img0.png")
            && sentence.contains("(and 8 more files have problems; `stylegan data doctor` lists all)"),
        "{sentence}"
    );
}

/// A picture of another size is still read to its end, and one that is left out of a set as well.
#[test]
fn all_faults_of_a_file_are_listed() {
    let place = Place::new();
    let large = png(rgb(40, 40, 1));
    let mut files = with(good(), "01/img1.png", &large[..large.len() - 40]);
    files =
        with(files, "02/img2.png", converted(|p| p.resize_exact(9, 9, image::imageops::Nearest).to_rgba16().into()));
    let report = doctor::examine(place.folder("set", &files), None, || {}).unwrap();
    let of = |name: &str| -> Vec<String> {
        report.findings.iter().filter(|f| f.file == name).map(|f| f.problem.to_string()).collect()
    };
    let found = of("01/img1.png");
    assert!(found.len() == 2 && found[0].contains("truncated") && found[1].contains("40x40"), "{found:?}");
    let found = of("02/img2.png");
    assert!(found.len() == 3 && found.iter().any(|f| f.contains("alpha")), "{found:?}");
    assert_eq!((report.pictures, report.usable, report.sides.first()), (4, 3, Some(&6)));
}

#[test]
fn a_label_too_many_does_no_harm_but_is_listed() {
    let place = Place::new();
    let path = place.folder("set", &with(good(), "dataset.json", labels(&["0", "1", "2", "3", "4"])));
    assert_eq!(Dataset::open(&path).unwrap().label_dim(), 4);
    let report = doctor::examine(&path, None, || {}).unwrap();
    assert_eq!(report.findings.len(), 1);
    assert!(report.findings[0].to_string().contains("04/img4.png: dataset.json labels this picture"));
}

#[test]
fn what_is_no_set_is_refused() {
    let place = Place::new();
    let cases = [
        (place.path("nowhere"), ["cannot read", "nowhere"]),
        (place.folder("empty", &Vec::new()), ["holds no PNG, JPEG or WebP pictures", "check the path"]),
        (place.file("notes.txt", b"hello"), ["neither a folder nor a ZIP file", "give a folder"]),
        (place.file("empty.zip", b""), ["is empty (0 bytes)", "copy it again"]),
        (
            place
                .folder("packed", &vec![("a.zip".into(), vec![1]), ("b.zip".into(), vec![]), ("c.TAR".into(), vec![])]),
            ["holds 1 .tar, 2 .zip and no PNG", "unpack it"],
        ),
    ];
    for (path, words) in cases {
        for error in [Dataset::open(&path).unwrap_err(), doctor::examine(&path, None, || {}).unwrap_err()] {
            let sentence = error.to_string();
            assert!(error.is_wrong_input() && sentence.lines().count() == 1, "{sentence}");
            assert!(words.iter().all(|word| sentence.contains(word)), "{sentence}");
        }
    }
}
