//! Labels as other programs and people write them.

use crate::pictures::*;
use stylegan_train::data::{Dataset, Labels, Problem, doctor};
use zip::CompressionMethod::Stored;

fn classes(files: &Files) -> Vec<u32> {
    let place = Place::new();
    let set = Dataset::open(place.folder("set", files)).unwrap();
    let zip = Dataset::open(place.zip("set.zip", files, Stored)).unwrap();
    assert_eq!((set.labels(), set.hash().unwrap()), (zip.labels(), zip.hash().unwrap()));
    assert!(doctor::examine(place.path("set"), None, || {}).unwrap().findings.is_empty());
    let Labels::Classes { ids, .. } = set.labels() else { panic!("{:?}", set.labels()) };
    ids.clone()
}

#[test]
fn dialects_of_the_label_file() {
    let text = String::from_utf8(labels(&["2", "0", "1", "2"])).unwrap();
    let utf16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let cases: [(&str, Vec<u8>); 9] = [
        ("floats, as tables export them", labels(&["2.0", "0.0", "1e0", "2"])),
        ("a byte order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("UTF-16", [b"\xff\xfe", &utf16(u16::to_le_bytes)[..]].concat()),
        ("UTF-16, big end first", [b"\xfe\xff", &utf16(u16::to_be_bytes)[..]].concat()),
        ("UTF-16 without a mark", utf16(u16::to_le_bytes)),
        (
            "a mapping",
            br#"{"labels": {"00/img0.png": 2, "01/img1.png": 0, "02/img2.png": 1, "03/img3.png": 2}}"#.into(),
        ),
        ("a bare mapping", br#"{"00/img0.png": 2, "01/img1.png": 0, "02/img2.png": 1, "03/img3.png": 2}"#.into()),
        ("dots before names", text.replace("[\"0", "[\"./0").into()),
        ("other keys", text.replacen('{', r#"{"info": {"a": [1, {}]}, "#, 1).into()),
    ];
    for (name, json) in cases {
        assert_eq!(classes(&with(good(), "dataset.json", json)), [2, 0, 1, 2], "{name}");
    }
}

#[test]
fn labels_lie_where_all_pictures_do() {
    let inside =
        |files: Files| files.into_iter().map(|(name, bytes)| (format!("my set/{name}"), bytes)).collect::<Files>();
    assert_eq!(classes(&inside(labelled())), [2, 0, 1, 2]);
    assert_eq!(classes(&inside(inside(labelled()))), [2, 0, 1, 2]);
    // As Finder packs it.
    let mac = with(inside(labelled()), "__MACOSX/my set/._dataset.json", "x");
    let mac = with(with(mac, "my set/.DS_Store", "x"), "__MACOSX/my set/00/._img0.png", "x");
    assert_eq!(classes(&mac), [2, 0, 1, 2]);
    // Names from the root on, and the file beside the folder.
    let full = String::from_utf8(labels(&["2", "0", "1", "2"])).unwrap().replace("[\"0", "[\"my set/0");
    assert_eq!(classes(&with(inside(good()), "my set/dataset.json", full.clone())), [2, 0, 1, 2]);
    assert_eq!(classes(&with(inside(good()), "dataset.json", full)), [2, 0, 1, 2]);
}

/// A label that is given twice is told of the file that is there, whichever way its names are written.
#[test]
fn a_second_label_is_of_the_picture_itself() {
    let place = Place::new();
    let name = "my set/u\u{308}.png";
    let text = r#"{"labels": [["ü.png", 1], ["my set/ü.png", 1], ["b.png", 0]]}"#;
    let picture = || good().swap_remove(0).1;
    let files: Files = vec![(name.into(), picture()), ("my set/b.png".into(), picture())];
    let set = place.folder("set", &with(files, "my set/dataset.json", text));
    let found: Vec<_> = doctor::examine(set, None, || {}).unwrap().findings;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].file.as_str(), &found[0].problem), (name, &Problem::LabelTwice));
}

/// Labels for a part of the pictures are not lost without a word.
#[test]
fn labels_that_are_not_read_are_said() {
    let place = Place::new();
    let part = with(good(), "00/dataset.json", r#"{"labels": [["img0.png", 1]]}"#);
    let set = Dataset::open(place.folder("set", &part)).unwrap();
    assert_eq!(set.labels(), &Labels::None);
    let notes: Vec<String> = set.notes().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].starts_with("00/dataset.json: these labels are not read: there are pictures outside"),
        "{notes:?}"
    );
    let set = Dataset::open(place.folder("both", &with(labelled(), "00/dataset.json", "{}"))).unwrap();
    assert_eq!(set.label_dim(), 3);
    assert!(set.notes().next().unwrap().to_string().contains("those of dataset.json are"));
}

/// Names of classes that are not what they should be are said; the labels count all the same.
#[test]
fn names_of_classes_are_a_list_of_different_names() {
    let place = Place::new();
    let text = String::from_utf8(labels(&["2", "0", "1", "2"])).unwrap();
    let found = |i: usize, names: &str| {
        let json = text.replacen('{', &format!(r#"{{"classes": {names}, "#), 1);
        let set = Dataset::open(place.folder(&i.to_string(), &with(good(), "dataset.json", json))).unwrap();
        assert_eq!(set.label_dim(), 3);
        set.notes().map(ToString::to_string).collect::<Vec<_>>()
    };
    for (i, (names, words)) in [
        (r#""abc""#, "no list of names"),
        (r#"{"cat": [0, null]}"#, "no list of names"),
        ("[0, 1, 2]", "no list of names"),
        (r#"["a", "a", "b"]"#, "gives classes 0 and 1 the same name, a"),
        (r#"["a", " ", "b"]"#, "gives class 1 a blank name"),
        (r#"["a", "b"]"#, "names 2 of 3 classes"),
    ]
    .into_iter()
    .enumerate()
    {
        let notes = found(i, names);
        assert!(notes.len() == 1 && notes[0].contains(words) && notes[0].starts_with("dataset.json: "), "{notes:?}");
    }
    for (i, names) in
        [r#"["a", "b", "c"]"#, r#"["a", "b", "c", "of no picture"]"#, "[]", "null"].into_iter().enumerate()
    {
        assert!(found(9 + i, names).is_empty(), "{names}");
    }
}

/// macOS writes `é` as two letters into file names; the program that wrote the labels may not.
#[test]
fn accents_may_be_written_in_two_ways() {
    let accented = |one: &str, other: &str| -> Files {
        let files = vec![(format!("{one}.png"), png(rgb(8, 6, 0))), ("z.png".to_string(), png(rgb(8, 6, 1)))];
        with(files, "dataset.json", format!(r#"{{"labels": [["{other}.png", 1], ["z.png", 0]]}}"#))
    };
    let (composed, decomposed) = ("\u{e9}", "e\u{301}");
    assert_eq!(classes(&accented(composed, decomposed)), [0, 1]);
    // Sorted by letters, `e` stands before `z` and `é` behind it.
    let place = Place::new();
    let set = Dataset::open(place.folder("set", &accented(decomposed, composed))).unwrap();
    assert_eq!(set.labels().class(0), Some(1));
    // Label maps as well.
    let files = vec![(format!("{composed}.png"), png(rgb(8, 6, 0)))];
    let files = with(files, &format!("labels/{decomposed}.png"), png(map(8, 6, 0)));
    let set = Dataset::open(place.zip("maps.zip", &files, Stored)).unwrap();
    assert_eq!(set.map(0).unwrap(), map(8, 6, 0).into_raw());
}

/// Text files of another program, and classes, may lie in a folder called labels.
#[test]
fn only_pictures_named_after_pictures_are_label_maps() {
    let place = Place::new();
    let yolo: Files = (0..4)
        .flat_map(|i| {
            [(format!("images/{i}.png"), png(rgb(8, 6, i))), (format!("labels/{i}.txt"), b"0 .5 .5".to_vec())]
        })
        .collect();
    let set = Dataset::open(place.folder("yolo", &yolo)).unwrap();
    assert_eq!((set.len(), set.has_maps()), (4, false));
    let report = doctor::examine(place.path("yolo"), None, || {}).unwrap();
    assert!(report.findings.is_empty());
    assert_eq!(report.unread.get("txt"), Some(&4));
    let set: Files =
        (0..4).map(|i| (format!("{}/{i}.png", ["cats", "labels"][i % 2]), png(rgb(8, 6, i as u32)))).collect();
    let set = Dataset::open(place.folder("class", &set)).unwrap();
    assert_eq!((set.len(), set.has_maps()), (4, false));
    assert_eq!(set.notes().map(|note| &note.problem).collect::<Vec<_>>(), [&Problem::MapsOfNothing]);
    // Maps below the folder that everything lies in.
    let inside: Files = mapped().into_iter().map(|(name, bytes)| (format!("faces/{name}"), bytes)).collect();
    let set = Dataset::open(place.folder("inside", &inside)).unwrap();
    assert_eq!((set.len(), set.has_maps()), (4, true));
    assert_eq!(set.map(1).unwrap(), map(8, 6, 1).into_raw());
}

#[test]
fn a_large_label_file_takes_memory_for_its_labels_alone() {
    let place = Place::new();
    let json = format!(r#"{{"other": [0{}], "labels": [["a.png", 1]]}}"#, ",0".repeat(12_000_000));
    let files = vec![("a.png".to_string(), png(rgb(8, 6, 0))), ("dataset.json".to_string(), json.into_bytes())];
    let path = place.folder("set", &files);
    drop(files);
    let before = stylegan_kernels::memory::peak().unwrap_or_default();
    assert_eq!(Dataset::open(&path).unwrap().label_dim(), 2);
    let grown = stylegan_kernels::memory::peak().unwrap_or_default() - before;
    // The text is 24 MB; a tree of values would be 384 MB and more.
    assert!(grown < 100 << 20, "{grown}");
}

/// Lists of lists, as some programs write them by part of a set, are none of our labels; that is said in our words.
#[test]
fn labels_of_other_things_are_named() {
    let place = Place::new();
    let said = |i: usize, json: &str| {
        let path = place.folder(&i.to_string(), &with(good(), "dataset.json", json));
        Dataset::open(path).unwrap_err().to_string()
    };
    let nested = said(0, r#"{"labels": {"train": [["00/img0.png", 1]]}}"#);
    assert!(nested.contains("none of its names is the name of a picture"), "{nested}");
    let all = ["[[1, 2], 3]", "[1, {\"a\": 2}]", "[\"a\"]", "[null, 1]"];
    let text = String::from_utf8(labels(&["[1, 2]", "[true]", "[1, 2]", "[1, 2]"])).unwrap();
    for (i, other) in all.into_iter().enumerate() {
        let one = said(1 + i, &text.replace("[true]", other));
        assert!(one.contains("01/img1.png: label […] is neither a class number nor a list of numbers"), "{one}");
    }
}
