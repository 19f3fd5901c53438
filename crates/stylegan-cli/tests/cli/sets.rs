//! Sets as people have them: `data doctor`, `show`, `build` and `train` see the same in them.

use crate::bench::Bench;
use image::{DynamicImage, Rgb, RgbImage};
use std::io::Write;
use stylegan_train::data::{Dataset, Labels};
use zip::write::SimpleFileOptions;

fn save(bench: &Bench, name: &str, picture: impl Into<DynamicImage>) {
    let path = bench.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.into().save(path).unwrap();
}

fn stripes(w: u32, h: u32, n: u32) -> RgbImage {
    RgbImage::from_fn(w, h, |x, y| Rgb([(x * 13 + n * 40) as u8, (y * 11) as u8, (x * y) as u8]))
}

/// Eight pictures of 16x16 pixels.
fn eight(bench: &Bench, folder: &str) {
    (0..8).for_each(|i| save(bench, &format!("{folder}/{i:03}.png"), stripes(16, 16, i)));
}

/// The bytes of the pictures of a folder of the bench, packed below a folder, with these files besides.
fn pack(bench: &Bench, folder: &str, besides: &[(&str, &str)]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for i in 0..8 {
        zip.start_file(format!("faces/{i:03}.png"), options).unwrap();
        zip.write_all(&std::fs::read(bench.path(format!("{folder}/{i:03}.png"))).unwrap()).unwrap();
    }
    for (name, text) in besides {
        zip.start_file(*name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn names(bench: &Bench, set: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_to_string(bench.path(set).join("attributes.csv"))
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().to_string())
        .collect();
    names.sort_unstable();
    names
}

/// Labels packed together with their folder, as Finder does it: all verbs see them.
#[test]
fn labels_below_a_folder_count_for_all_verbs() {
    let bench = Bench::new();
    eight(&bench, "in");
    let labels: Vec<String> = (0..8).map(|i| format!(r#"["{i:03}.png", {}.0]"#, i % 2)).collect();
    let labels = format!("\u{feff}{{\"labels\": [{}]}}", labels.join(", "));
    let besides =
        [("faces/dataset.json", labels.as_str()), ("__MACOSX/faces/._dataset.json", "x"), ("faces/.DS_Store", "x")];
    std::fs::write(bench.path("mac.zip"), pack(&bench, "in", &besides)).unwrap();
    assert!(bench.ok("data doctor mac.zip").contains("2 classes"));
    assert!(bench.ok("data show mac.zip").contains("labels    2 classes"));
    bench.ok("data build mac.zip --size 8 --format folder --out out");
    let set = Dataset::open(bench.path("out")).unwrap();
    assert_eq!(set.labels(), Dataset::open(bench.path("mac.zip")).unwrap().labels());
    assert_eq!(set.label_dim(), 2);
    // Labels of a part of the pictures are not read, and all say so.
    save(&bench, "part/a/0.png", stripes(16, 16, 0));
    save(&bench, "part/b/1.png", stripes(16, 16, 1));
    std::fs::write(bench.path("part/a/dataset.json"), r#"{"labels": [["0.png", 1]]}"#).unwrap();
    let doctor = bench.run("data doctor part");
    assert!(doctor.stdout.contains("a/dataset.json: these labels are not read"), "{}", doctor.stdout);
    assert!(doctor.code == 2 && doctor.stderr.contains("1 problem among 2 pictures"), "{}", doctor.stderr);
    for line in ["data show part", "data build part --size 8 --out part.zip"] {
        let ran = bench.run(line);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stderr.contains("note: a/dataset.json: these labels are not read"), "{line}: {}", ran.stderr);
    }
}

#[test]
fn folders_are_classes_below_what_all_pictures_lie_in() {
    let bench = Bench::new();
    for (i, name) in ["train/cat/0", "train/cat/1", "train/dog/0"].iter().enumerate() {
        save(&bench, &format!("nested/{name}.png"), stripes(16, 16, i as u32));
    }
    let build =
        |set: &str, how: &str| bench.run(&format!("data build {set} --size 16 --format folder --out {set}-out {how}"));
    let classes = |set: &str| match Dataset::open(bench.path(format!("{set}-out"))).unwrap().labels() {
        Labels::Classes { ids, names, .. } => (ids.clone(), names.join(" ")),
        other => panic!("{other:?}"),
    };
    let ran = build("nested", "--label-from-folders");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("2 classes: cat, dog"), "{}", ran.stderr);
    assert_eq!(classes("nested"), (vec![0, 0, 1], "cat dog".to_string()));
    // A folder called labels is a class as good as any.
    save(&bench, "words/labels/0.png", stripes(16, 16, 0));
    save(&bench, "words/words/0.png", stripes(16, 16, 1));
    assert_eq!(build("words", "--label-from-folders").code, 0);
    assert_eq!(classes("words"), (vec![0, 1], "labels words".to_string()));
    // One class alone.
    save(&bench, "one/cat/0.png", stripes(16, 16, 0));
    assert_eq!(build("one", "--label-from-folders").code, 0);
    assert_eq!(classes("one"), (vec![0], "cat".to_string()));
    // Of several folders around a picture the user says which.
    for (i, name) in ["cat/a/0", "cat/b/0", "dog/a/0"].iter().enumerate() {
        save(&bench, &format!("deep/{name}.png"), stripes(16, 16, i as u32));
    }
    bench.one_sentence(
        "data build deep --size 16 --label-from-folders --out deep-out.zip",
        &["deep/cat/a/0.png lies several folders deep", "=first (there cat)", "=last (there a)"],
    );
    assert_eq!(build("deep", "--label-from-folders=first").code, 0);
    assert_eq!(classes("deep"), (vec![0, 0, 1], "cat dog".to_string()));
    std::fs::remove_dir_all(bench.path("deep-out")).unwrap();
    assert_eq!(build("deep", "--label-from-folders=last").code, 0);
    assert_eq!(classes("deep"), (vec![0, 1, 0], "a b".to_string()));
}

/// One file that cannot be read is no reason not to build the others.
#[test]
fn one_bad_file_is_left_out() {
    let bench = Bench::new();
    eight(&bench, "in");
    let mut bytes = pack(&bench, "in", &[]);
    let name = b"faces/003.png";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap() + name.len() + 60;
    bytes[at] ^= 1;
    std::fs::write(bench.path("crc.zip"), bytes).unwrap();
    let ran = bench.run("data build crc.zip --size 8 --out crc-out.zip");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("left out: faces/003.png: truncated or damaged"), "{}", ran.stderr);
    assert!(ran.stdout.contains("7 pictures of 8x8 pixels"), "{}", ran.stdout);
    assert!(bench.ok("data build crc.zip --size 8 --out crc-out.zip").contains("already there"));
    // A map that is missing, and one that is not readable.
    for i in [0, 1, 2, 4, 5, 6, 7] {
        save(&bench, &format!("in/labels/{i:03}.png"), image::GrayImage::from_pixel(16, 16, image::Luma([i as u8])));
    }
    std::fs::write(bench.path("in/labels/005.png"), "x").unwrap();
    let ran = bench.run("data build in --size 8 --out maps.zip");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("left out: 003.png: has no label map"), "{}", ran.stderr);
    assert!(ran.stderr.contains("left out: 005.png: map is not a PNG file"), "{}", ran.stderr);
    let set = Dataset::open(bench.path("maps.zip")).unwrap();
    assert_eq!((set.len(), set.map(6 - 1).unwrap()[0]), (6, 7));
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_are_left_out() {
    let bench = Bench::new();
    eight(&bench, "in");
    std::os::unix::fs::symlink("/nowhere.png", bench.path("in/9.png")).unwrap();
    let doctor = bench.run("data doctor in");
    assert_eq!(doctor.code, 2);
    assert!(doctor.stdout.contains("links that lead nowhere: 1;"), "{}", doctor.stdout);
    assert!(
        doctor.stdout.contains("--size 16` would take 8 of 9 files and leave out 1; --size up to 16 enlarges none"),
        "{}",
        doctor.stdout
    );
    let ran = bench.run("data build in --size 8 --out out.zip");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("left out: 1 of 9 files"), "{}", ran.stderr);
    assert!(ran.stderr.contains("left out: 9.png: a link to /nowhere.png"), "{}", ran.stderr);
    assert!(ran.stdout.contains("8 pictures"), "{}", ran.stdout);
}

#[test]
fn the_doctor_groups_what_it_finds() {
    let bench = Bench::new();
    eight(&bench, "in");
    for i in 0..6 {
        save(&bench, &format!("in/other{i}.png"), stripes(20 + i, 30, i));
    }
    let whole = std::fs::read(bench.path("in/other4.png")).unwrap();
    std::fs::write(bench.path("in/other4.png"), &whole[..whole.len() - 50]).unwrap();
    std::fs::write(bench.path("in/notes.TXT"), "x").unwrap();
    std::fs::write(bench.path("in/README"), "x").unwrap();
    let ran = bench.run("data doctor in");
    assert_eq!(ran.code, 2);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("truncated or damaged: 1; copy it again"), "{}", ran.stdout);
    assert!(lines[1].starts_with("  other4.png: truncated or damaged"), "{}", ran.stdout);
    assert!(lines[2].starts_with("of another size than most: 6; resize all"), "{}", ran.stdout);
    assert!(lines[3].starts_with("  other0.png: 20x30 pixels"), "{}", ran.stdout);
    assert_eq!(lines[6], "  … and 3 more (--all lists them)");
    assert!(ran.stdout.contains("not looked at: 1 without an ending, 1 .txt"), "{}", ran.stdout);
    let last = "`stylegan data build in --size 16` would take 13 of 14 pictures and leave out 1; --size up to 16 enlarges none";
    assert_eq!(lines[lines.len() - 1], last);
    assert!(ran.stderr.contains("7 problems among 14 pictures"), "{}", ran.stderr);
    assert!(bench.run("data doctor in --all").stdout.contains("other5.png"));
    // And so it is.
    assert!(bench.ok("data build in --size 16 --out out.zip").contains("13 pictures"));
}

#[test]
fn the_doctor_says_what_else_could_be_had() {
    let bench = Bench::new();
    for i in 0..40 {
        let side = if i == 7 { 9 } else { 30 };
        save(&bench, &format!("in/{}/{i:02}.png", if i < 30 { "cats" } else { "dogs" }), stripes(side, 30, i));
    }
    let ran = bench.run("data doctor in");
    assert!(ran.stdout.contains("--label-from-folders makes 2 classes: cats, dogs"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .trim_end()
            .ends_with("--size 16` would take all 40 pictures; --size up to 9 enlarges none, up to 30 at most 5 %"),
        "{}",
        ran.stdout
    );
    let labels: Vec<_> = (0..40).map(|i| format!("[\"cats/{i:02}.png\", {}]", [1, 4][i % 2])).collect();
    let labels = labels[..30].join(",") + "," + &labels[30..].join(",").replace("cats", "dogs");
    std::fs::write(bench.path("in/dataset.json"), format!("{{\"labels\": [{labels}]}}")).unwrap();
    let ran = bench.run("data doctor in");
    assert!(ran.stdout.contains("classes 0,2-3 have no pictures") && !ran.stdout.contains("folders"), "{}", ran.stdout);
    // `data` is left out easily.
    bench.wrong("doctor in", &["tip: `stylegan data doctor` exists"]);
    // Nobody finds out after an hour that a size cannot be trained.
    let ran = bench.run("data build in --size 17 --out odd.zip");
    assert!(ran.code == 0 && ran.stderr.contains("17x17 does not fit"), "{}", ran.stderr);
}

#[test]
fn counts_are_samples_and_can_be_balanced() {
    let bench = Bench::new();
    for i in 0..40 {
        save(&bench, &format!("in/{}/{i:02}.png", if i < 30 { "a" } else { "b" }), stripes(8, 8, i));
    }
    let build = |more: &str| {
        let ran = bench.run(&format!("data build in --size 8 --format folder {more}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    };
    build("--count 10 --out ten");
    let ten = names(&bench, "ten");
    assert_eq!(ten.len(), 10);
    assert!(ten != (0..10).map(|i| format!("a/{i:02}.png")).collect::<Vec<_>>(), "the first by name");
    build("--count 10 --out again");
    assert_eq!(names(&bench, "again"), ten);
    build("--count 10 --seed 1 --out seed");
    assert_ne!(names(&bench, "seed"), ten);
    build("--count 8 --balance --label-from-folders --out balanced");
    let Labels::Classes { ids, .. } = Dataset::open(bench.path("balanced")).unwrap().labels().clone() else { panic!() };
    assert_eq!(ids, [0, 0, 0, 0, 1, 1, 1, 1]);
    bench.one_sentence("data build in --size 8 --balance --out x.zip", &["--balance wants pictures with classes"]);
}

/// Damaged pictures are not among those that are drawn: others take their places, and classes stay balanced.
#[test]
fn what_is_drawn_can_be_used() {
    let bench = Bench::new();
    for i in 0..20 {
        save(&bench, &format!("in/{}/{i:02}.png", if i < 12 { "a" } else { "b" }), stripes(8, 8, i));
    }
    for i in (0..12).step_by(2).chain([12, 13, 14]) {
        let file = bench.path(format!("in/{}/{i:02}.png", if i < 12 { "a" } else { "b" }));
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(file, &bytes[..bytes.len() - 20]).unwrap();
    }
    let ran = bench.run("data build in --size 8 --count 11 --out all.zip");
    assert!(ran.code == 0 && ran.stdout.contains("all.zip: 11 pictures"), "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("truncated or damaged") && !ran.stderr.contains("no more"), "{}", ran.stderr);
    assert!(bench.ok("data show all.zip").contains("built as  pictures of 8x8, 11 pictures"));
    let ran = bench.run("data build in --size 8 --count 15 --out most.zip");
    assert!(ran.stderr.contains("note: 11 of the 15 asked for; there are no more that can be used"), "{}", ran.stderr);
    assert!(bench.ok("data show most.zip").contains("built as  pictures of 8x8, 11 pictures"));
    assert!(bench.ok("data build in --size 8 --count 15 --out most.zip").contains("already there"));
    let balanced = |more: &str, out: &str| {
        let ran = bench.run(&format!("data build in --size 8 --balance --label-from-folders {more} --out {out}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let Labels::Classes { ids, .. } = Dataset::open(bench.path(out)).unwrap().labels().clone() else { panic!() };
        (ids, ran.stderr)
    };
    assert_eq!(balanced("--count 6", "six.zip").0, [0, 0, 0, 1, 1, 1]);
    assert_eq!(balanced("", "balanced.zip").0, [[0; 5], [1; 5]].concat());
    // A class of nothing that can be used takes no places, and it is said.
    for i in 12..20 {
        std::fs::write(bench.path(format!("in/b/{i}.png")), "").unwrap();
    }
    let (ids, stderr) = balanced("--count 6", "one.zip");
    assert!(ids == [0; 6] && stderr.contains("note: class b has no pictures: all 8 were left out"), "{stderr}");
}

/// Classes by the numbers that they are called by come in the order of the numbers.
#[test]
fn folders_that_are_numbers_are_sorted_as_numbers() {
    let bench = Bench::new();
    for (i, class) in [0, 1, 2, 10].into_iter().enumerate() {
        save(&bench, &format!("in/{class}/{i}.png"), stripes(8, 8, i as u32));
    }
    bench.ok("data build in --size 8 --label-from-folders --format folder --out out");
    let Labels::Classes { ids, names, .. } = Dataset::open(bench.path("out")).unwrap().labels().clone() else {
        panic!()
    };
    assert_eq!((&names[..], sorted(ids)), (&["0", "1", "2", "10"].map(String::from)[..], vec![0, 1, 2, 3]));
}

fn sorted(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids
}

/// The name of its place says how a set is stored, or is refused.
#[test]
fn places_of_sets_are_what_their_names_say() {
    let bench = Bench::new();
    eight(&bench, "in");
    bench.ok("data build in --size 8 --out new/");
    assert!(bench.path("new/recipe.json").is_file());
    assert!(bench.ok("data build in --size 8 --out new").contains("already there"));
    for (line, words) in [
        ("--out set.png", "a ZIP file is written; let its name end in .zip"),
        ("--format folder --out set.zip", "a folder is written; leave .zip out"),
        ("--format zip --out new", "let its name end in .zip"),
    ] {
        bench.one_sentence(&format!("data build in --size 8 {line}"), &[words]);
    }
    std::fs::rename(bench.path("new"), bench.path("new.zip")).unwrap();
    bench.one_sentence("data build in --size 8 --format zip --out new.zip", &["new.zip is there as a folder"]);
    let ran = bench.run("data build in --size 8 --seed 3 --count 8 --out out.zip");
    assert!(ran.stderr.contains("note: --seed draws nothing here: all 8 pictures are taken"), "{}", ran.stderr);
}

#[test]
fn options_without_effect_are_refused() {
    let bench = Bench::new();
    eight(&bench, "in");
    for (line, word) in [
        ("avatars --crop none", "--crop"),
        ("earth --filter box", "--filter"),
        ("avatars --channels 1", "--channels"),
        ("avatars --balance", "--balance"),
        ("earth --label-from-folders", "--label-from-folders"),
        ("avatars --size 32x16", "squares"),
        ("in --seed 3", "--count"),
        ("in --label hair", "--label-from-folders"),
    ] {
        bench.one_sentence(&format!("data build {line} --out x.zip"), &[word]);
    }
    bench.wrong("data build in --size 8x", &["64x48"]);
    bench.wrong("data build in --channels 2", &["1 (grey), 3 (RGB) or 4"]);
}

#[test]
fn grey_transparent_and_wide_pictures_can_be_built() {
    let bench = Bench::new();
    save(&bench, "in/a.png", stripes(40, 30, 1));
    save(&bench, "in/labels/a.png", image::GrayImage::from_pixel(40, 30, image::Luma([7])));
    let mut clear = DynamicImage::from(stripes(40, 30, 2)).to_rgba8();
    clear.pixels_mut().for_each(|p| p.0[3] = 0);
    save(&bench, "in/b.png", clear);
    save(&bench, "in/labels/b.png", image::GrayImage::from_pixel(40, 30, image::Luma([9])));
    let open = |line: &str| {
        bench.ok(&format!("data build in {line}"));
        let set = Dataset::open(bench.path(line.rsplit(' ').next().unwrap())).unwrap();
        assert!(set.load(&[]).is_ok() && set.has_maps());
        set
    };
    let grey = open("--size 20x15 --channels 1 --out grey.zip");
    assert_eq!((grey.image_size(), grey.channels()), ([15, 20], 1));
    assert!(grey.pixels(1).unwrap().iter().all(|&v| v == 255), "what is transparent is white");
    let alpha = open("--size 8 --channels 4 --out alpha.zip");
    assert_eq!((alpha.image_size(), alpha.channels()), ([8, 8], 4));
    assert!(alpha.pixels(0).unwrap()[192..].iter().all(|&v| v == 255));
    assert!(alpha.pixels(1).unwrap()[192..].iter().all(|&v| v == 0));
    assert!(bench.ok("data doctor alpha.zip").contains("nothing is wrong"));
    bench.ok("data show alpha.zip");
    let wide = open("--size 16x8 --crop wide --out wide.zip");
    assert_eq!((wide.image_size(), wide.channels()), ([16, 16], 3));
    let (pixels, map) = (wide.pixels(1).unwrap(), wide.map(1).unwrap());
    assert!((0..256).all(|i| pixels[i] == if (4..12).contains(&(i / 16)) { 255 } else { 0 }));
    assert!((0..256).all(|i| map[i] == if (4..12).contains(&(i / 16)) { 9 } else { 0 }));
}

#[test]
fn nothing_is_written_into_the_set_itself() {
    let bench = Bench::new();
    eight(&bench, "in");
    let in_set = |line: &str| {
        let output = bench.command(line).current_dir(bench.path("in")).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    for line in [
        "data build . --size 8",
        "data build . --size 8 --format folder --out small",
        "data build ../in --size 8 --out a/b/c.zip",
        "data show . --out sheet.png",
        "data show . --out 000.png",
    ] {
        let (code, stderr) = in_set(line);
        assert!(code == 2 && stderr.contains("read by this command"), "{line}: {code} {stderr}");
    }
    // Without a place of its own the sheet goes beside the set, under its name.
    assert_eq!(in_set("data show .").0, 0);
    assert!(bench.path("in-sheet.png").is_file());
    assert_eq!(in_set("data build . --size 8 --out ../out.zip").0, 0);
    assert_eq!(std::fs::read_dir(bench.path("in")).unwrap().count(), 8);
    let set = std::fs::read(bench.path("out.zip")).unwrap();
    bench.one_sentence("data show out.zip --out out.zip", &["is read by this command"]);
    bench.one_sentence("data build out.zip --size 8 --out out.zip", &["is read by this command"]);
    assert_eq!(std::fs::read(bench.path("out.zip")).unwrap(), set);
}

/// Labels that are lost are said by every verb, and the doctor counts them.
#[test]
fn labels_are_not_lost_without_a_word() {
    let bench = Bench::new();
    for i in 0..4 {
        save(&bench, &format!("in/{}/{i}.png", if i < 2 { "a" } else { "b" }), stripes(16, 16, i));
    }
    let labels: Vec<String> =
        (0..4).map(|i| format!(r#"["{}/{i}.png", {}]"#, if i < 2 { "a" } else { "b" }, i % 2)).collect();
    let labels = format!("\"labels\": [{}]", labels.join(", "));
    let said = |words: &str| {
        for line in ["data show in", "data build in --size 8 --out out.zip"] {
            let ran = bench.run(line);
            assert!(ran.code == 0 && ran.stderr.contains(words), "{line}: {}", ran.stderr);
        }
        std::fs::remove_file(bench.path("out.zip")).unwrap();
        let doctor = bench.run("data doctor in");
        assert!(doctor.code == 2 && doctor.stdout.contains(words), "{}", doctor.stdout);
        assert!(doctor.stderr.contains("1 problem among 4 pictures"), "{}", doctor.stderr);
    };
    for name in ["Dataset.json", "labels.json"] {
        std::fs::write(bench.path(format!("in/{name}")), format!("{{{labels}}}")).unwrap();
        said(&format!("{name}: is not read under this name"));
        std::fs::remove_file(bench.path(format!("in/{name}"))).unwrap();
    }
    std::fs::write(bench.path("in/dataset.json"), format!("{{{labels}, \"classes\": \"abc\"}}")).unwrap();
    said("dataset.json: its key `classes` is no list of names");
    // Folders as classes replace them, which is said; without labels there is nothing to say.
    let by_folders = "data build in --size 8 --label-from-folders --out out.zip";
    let note = "the labels in dataset.json are left out";
    assert!(bench.run(by_folders).stderr.contains(note));
    for file in ["in/dataset.json", "out.zip"] {
        std::fs::remove_file(bench.path(file)).unwrap();
    }
    let ran = bench.run(by_folders);
    assert!(ran.code == 0 && !ran.stderr.contains(note), "{}", ran.stderr);
}

/// What `build` says at its end, and of sizes that it does not build.
#[test]
fn counts_and_sizes_are_those_that_can_be_had() {
    let bench = Bench::new();
    eight(&bench, "in");
    save(&bench, "in/dot.png", stripes(1, 1, 0));
    std::fs::write(bench.path("in/bad.png"), "x").unwrap();
    std::fs::write(bench.path("in/nothing.png"), "").unwrap();
    std::fs::write(bench.path("in/more.zip"), "x").unwrap();
    let doctor = bench.run("data doctor in").stdout;
    let end = "--size 16` would take 9 of 11 pictures and leave out 2; --size up to 16 enlarges one";
    assert!(doctor.trim_end().ends_with(end), "{doctor}");
    assert!(doctor.contains("empty files: 1; copy it again") && doctor.contains("more.zip: an archive"), "{doctor}");
    let ran = bench.run("data build in --size 16 --count 1000 --out out.zip");
    assert!(ran.code == 0 && ran.stdout.contains("out.zip: 9 pictures of 16x16 pixels"), "{}", ran.stdout);
    for words in [
        "left out: 2 of 11 files",
        "left out: nothing.png: is empty (0 bytes)",
        "note: enlarged: 1 picture of fewer than 16 pixels",
        "note: 9 of the 1000 asked for",
        "note: more.zip: an archive inside of the set, which is not opened; unpack it",
    ] {
        assert!(ran.stderr.contains(words), "expected {words:?} in {}", ran.stderr);
    }
    // A single picture, too small for every size.
    save(&bench, "dot/a.png", stripes(1, 1, 0));
    let doctor = bench.ok("data doctor dot");
    assert!(
        doctor.trim_end().ends_with("--size 4` would take the one picture; every --size enlarges some"),
        "{doctor}"
    );
    assert!(bench.ok("data build dot --size 4 --out dot.zip").contains("dot.zip: 1 picture of 4x4 pixels"));
    // Where nothing can be used it is the source that is named.
    std::fs::create_dir(bench.path("bad")).unwrap();
    std::fs::write(bench.path("bad/a.png"), "x").unwrap();
    let ran = bench.run("data build bad --size 8 --out none.zip");
    assert!(ran.code == 2 && ran.stderr.contains("error: bad: none of the pictures can be used"), "{}", ran.stderr);
    assert!(!bench.path("none.zip").exists());
    std::fs::create_dir(bench.path("packed")).unwrap();
    std::fs::write(bench.path("packed/more.zip"), "x").unwrap();
    for verb in ["doctor", "show", "build"] {
        bench.one_sentence(&format!("data {verb} packed"), &["packed: holds 1 .zip and no PNG", "unpack it"]);
    }
}

/// The folders that a set is packed in are no classes, to any verb; a name that is nearly that of a built-in set is one.
#[test]
fn advice_is_what_helps() {
    let bench = Bench::new();
    bench.ok("data build avatars --size 16 --count 4 --out av.zip");
    let cond = ["was built without labels", "`stylegan data build avatars --label hair`"];
    bench.one_sentence("train --data av.zip --cond --out run", &cond);
    bench.ok("data build av.zip --size 8 --format folder --out small");
    bench.one_sentence("train --data small --cond --out run", &["was built without labels", "dataset.json"]);
    std::fs::remove_file(bench.path("small/recipe.json")).unwrap();
    bench.one_sentence("train --data small --cond --out run", &["has no labels; they belong in its dataset.json"]);
    bench.one_sentence(
        "data build small --size 16 --label-from-folders --out x.zip",
        &["the folder 00000 is how the set was packed, no class"],
    );
    std::fs::create_dir(bench.path("small/00001")).unwrap();
    std::fs::rename(bench.path("small/00000/img00000003.png"), bench.path("small/00001/img00001000.png")).unwrap();
    std::fs::remove_dir_all(bench.path("small/labels")).unwrap();
    assert!(!bench.ok("data doctor small").contains("--label-from-folders"));
    for i in 0..2 {
        save(&bench, &format!("pets/{}/{i}.png", ["cats", "dogs"][i]), stripes(16, 16, i as u32));
    }
    let words = ["dataset.json", "--label-from-folders` takes the names of folders"];
    bench.one_sentence("train --data pets --cond --out run", &words);
    let meant = ["cannot read", "avatar: it does not exist; did you mean the built-in set avatars?"];
    for line in [
        "data build avatar --out x.zip",
        "data show avatar",
        "data doctor avatar",
        "train --data avatar --out run",
        "train --config avatars-32 --data avatar --out run",
    ] {
        bench.one_sentence(line, &meant);
    }
    bench.one_sentence("data build nowhere --out x.zip", &["nowhere: it does not exist; check its name"]);
}

/// Beside a set where nothing can be written there is no sheet, but the description.
#[test]
fn what_a_set_is_does_not_depend_on_the_sheet() {
    let bench = Bench::new();
    eight(&bench, "in");
    std::fs::create_dir(bench.path("in-sheet.png")).unwrap();
    let ran = bench.run("data show in");
    assert!(ran.code == 0 && ran.stdout.contains(Dataset::open(bench.path("in")).unwrap().hash().unwrap()));
    assert!(ran.stderr.contains("note: no sheet: ") && ran.stderr.contains("--out names a place"), "{}", ran.stderr);
    assert!(!ran.stdout.contains("sheet"), "{}", ran.stdout);
    bench.one_sentence("data show in --out in-sheet.png", &["in-sheet.png is a folder"]);
}

/// Names out of sets cannot steer the terminal.
#[cfg(unix)]
#[test]
fn names_are_shown_without_their_control_characters() {
    let bench = Bench::new();
    eight(&bench, "in");
    std::fs::write(bench.path("in/a\u{1b}]0;owned\u{7}\n.png"), "x").unwrap();
    for line in ["data doctor in", "data build in --size 8 --out out.zip", "data show in"] {
        let ran = bench.run(line);
        let text = ran.stdout + &ran.stderr;
        assert!(text.contains(r"a\u{1b}]0;owned\u{7}\n.png: not a PNG"), "{line}: {text}");
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{line}: {text:?}");
    }
}

#[test]
fn a_folder_with_the_name_of_a_built_in_set_is_told_apart() {
    let bench = Bench::new();
    eight(&bench, "earth");
    let ran = bench.run("data build earth --size 8 --count 2 --out built-in.zip");
    assert!(ran.code == 0 && ran.stderr.contains("note: earth is the built-in set"), "{}", ran.stderr);
    assert!(ran.stderr.contains("./earth"), "{}", ran.stderr);
    // The name alone is the built-in set to verbs that read folders alone as well: they say how to come to either.
    for verb in ["doctor", "show"] {
        let words =
            ["earth is a built-in set", "`stylegan data build earth --size 64` makes", "in this folder is ./earth"];
        bench.one_sentence(&format!("data {verb} earth"), &words);
        let avatars = format!("data {verb} avatars");
        bench.one_sentence(&avatars, &["avatars is a built-in set", "data/avatars-64.zip, to be named here"]);
        assert!(!bench.run(&avatars).stderr.contains("./avatars"));
        assert_eq!(bench.run(&format!("data {verb} ./earth")).code, 0);
    }
    stylegan_core::doc::save_tiny_network(&bench.path("tiny.safetensors")).unwrap();
    for line in [
        "classifier --data earth --out c.safetensors",
        "segmenter --data earth --out s.safetensors",
        "eval --images earth ./earth",
        "invert --network tiny.safetensors --steps 1 earth",
    ] {
        bench.one_sentence(line, &["earth is a built-in set", "in this folder is ./earth"]);
    }
    let doctor = bench.ok("data doctor ./earth");
    assert!(doctor.contains("`stylegan data build ./earth --size 16`"), "{doctor}");
    // Parts of it have names of their own.
    for part in ["earth-train", "earth-held"] {
        bench.ok(&format!("data build {part} --size 8 --count 2"));
        assert_eq!(Dataset::open(bench.path(format!("data/{part}-8-2.zip"))).unwrap().len(), 2, "{part}");
    }
    bench.one_sentence("data build earth-held --size 256", &["earth-held has crops of 8 to 128 pixels, not 256"]);
    let ran = bench.run("data build ./earth --size 8 --out folder.zip");
    assert!(ran.code == 0 && ran.stderr.is_empty(), "{}", ran.stderr);
    assert_eq!(Dataset::open(bench.path("folder.zip")).unwrap().len(), 8);
}

/// Maps in colour with a table of classes, and instance maps: the doctor counts, the sheet names, and what is built holds
/// all of it in the plainest form.
#[test]
fn maps_of_a_table_go_through_all_verbs() {
    let bench = Bench::new();
    for i in 0..3u32 {
        save(&bench, &format!("in/images/{i}.png"), stripes(16, 16, i));
        let colour = |x: u32| if x < 8 { Rgb([0, 0, 255]) } else { Rgb([0, 128, 0]) };
        save(&bench, &format!("in/labels/{i}.png"), RgbImage::from_fn(16, 16, |x, _| colour(x)));
        let thing = |x: u32, y: u32| image::Luma([(300 * (x / 4) + y / 4) as u16]);
        let things = image::ImageBuffer::from_fn(16, 16, thing);
        save(&bench, &format!("in/instances/{i}.png"), DynamicImage::ImageLuma16(things));
    }
    let ran = bench.run("data doctor in");
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("label maps in colour without a table of classes: 3;"), "{}", ran.stdout);
    let table = r##"{"classes": [{"name": "wood", "color": "#008000", "value": 4}, {"name": "snow", "color": "#ffffff"},
        {"name": "sea", "color": "#0000ff"}]}"##;
    std::fs::write(bench.path("in/classes.json"), table).unwrap();
    let said = bench.ok("data doctor in");
    assert!(said.contains("no labels, label maps, instance maps\n"), "{said}");
    assert!(said.contains("label maps of classes 0 to 2, 3 in classes.json; in no map: 1 (snow)\n"), "{said}");
    assert!(bench.ok("data show in").contains("one per picture, 3 named in classes.json, and instance maps"));
    bench.ok("data build in --size 8 --format folder --out out");
    let set = Dataset::open(bench.path("out")).unwrap();
    assert_eq!(set.map(0).unwrap()[..8], [2, 2, 2, 2, 0, 0, 0, 0]);
    assert_eq!(set.class_table().unwrap().names(), ["wood", "snow", "sea"]);
    assert_eq!(set.class_table().unwrap().classes()[1].value, 1);
    let things = set.instances(2).unwrap().ids;
    assert_eq!((things[0], things[0] == things[1], things[0] == things[2]), (0, true, false));
    assert_eq!(things.iter().collect::<std::collections::HashSet<_>>().len(), 16);
    assert!(bench.ok("data build in --size 8 --format folder --out out").contains("already there"));
    std::fs::write(bench.path("in/classes.json"), "[]").unwrap();
    bench.one_sentence("data build in --size 8 --out x.zip", &["in/classes.json: not a class table"]);
    bench.one_sentence("data show in", &["in/classes.json: not a class table"]);
}

/// A picture for which there is no memory is left out by name; the others are built.
#[cfg(target_os = "linux")]
#[test]
fn a_picture_without_memory_is_left_out() {
    let bench = Bench::new();
    save(&bench, "in/large.png", image::GrayImage::from_pixel(16384, 16384, image::Luma([200])));
    save(&bench, "in/small.png", stripes(16, 16, 0));
    // Of the 1.3 GB of the large one, in its own and in other colours, a process of 1 GB has none.
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -v 1000000 && exec \"$@\"", "sh"]);
    let command = bench.command("data build in --size 16 --out out.zip --threads 1");
    limited.arg(command.get_program()).args(command.get_args()).current_dir(bench.path("."));
    let output = limited.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let left_out = "left out: large.png: 16384x16384 pixels, for which the system has no 1280 MiB of memory left";
    assert!(said.contains(left_out), "{said}");
    assert_eq!(Dataset::open(bench.path("out.zip")).unwrap().len(), 1);
}

/// What says something of all pictures is not left out as a picture is: without it another set would be built.
#[test]
fn no_set_is_built_without_its_labels_classes_and_maps() {
    let bench = Bench::new();
    eight(&bench, "in");
    let refused = |set: &str, said: &str| {
        bench.one_sentence(&format!("data build {set} --size 8 --out out.zip"), &[said]);
        assert!(!bench.path("out.zip").exists());
        let doctor = bench.run(&format!("data doctor {set}")).stdout;
        assert!(doctor.contains("would refuse the set until its labels, class table and maps can be read"), "{doctor}");
        assert!(doctor.contains(said.split_once('/').unwrap().1), "{doctor}");
    };
    for name in ["dataset.json", "classes.json"] {
        let text = r#"{"labels": [["000.png", 1]], "classes": ["sea"]}"#;
        let name = format!("faces/{name}");
        let mut torn = pack(&bench, "in", &[(&name, text)]);
        let at = torn.windows(text.len()).position(|window| window == text.as_bytes()).unwrap();
        torn[at + 20] ^= 1;
        std::fs::write(bench.path("torn.zip"), torn).unwrap();
        refused("torn.zip", &format!("torn.zip/{name}: truncated or damaged"));
        let line = "data build torn.zip --size 8 --label-from-folders --out folders.zip";
        // Folders as classes replace labels, and no class table.
        assert_eq!(bench.run(line).code, if name.contains("dataset") { 0 } else { 2 });
    }
    #[cfg(unix)]
    for name in ["dataset.json", "classes.json", "labels", "instances"] {
        std::os::unix::fs::symlink("nowhere", bench.path("in").join(name)).unwrap();
        refused("in", &format!("in/{name}: a link to nowhere"));
        std::fs::remove_file(bench.path("in").join(name)).unwrap();
    }
    // All maps in files that are not read; one of them alone is left out.
    (0..8).for_each(|i| save(&bench, &format!("in/labels/{i:03}.jpg"), stripes(16, 16, i)));
    refused("in", "in/labels/000.jpg: a map in a .jpg file, and maps must be PNG files");
    for i in 1..8 {
        std::fs::remove_file(bench.path(format!("in/labels/{i:03}.jpg"))).unwrap();
        save(&bench, &format!("in/labels/{i:03}.PNG"), image::GrayImage::from_pixel(16, 16, image::Luma([i as u8])));
    }
    let doctor = bench.run("data doctor in").stdout;
    assert!(doctor.contains("would take 7 of 9 files and leave out 2;"), "{doctor}");
    let ran = bench.run("data build in --size 8 --out out.zip");
    assert!(ran.code == 0 && ran.stderr.contains("left out: 2 of 9 files"), "{}", ran.stderr);
    assert_eq!(Dataset::open(bench.path("out.zip")).unwrap().map(0).unwrap(), [1; 64]);
}

/// The doctor counts what never became a picture as well, as the builder does.
#[test]
fn the_doctor_counts_files_as_the_builder_does() {
    let bench = Bench::new();
    eight(&bench, "in");
    std::fs::write(bench.path("in/x.gif"), "GIF89a").unwrap();
    let doctor = bench.run("data doctor in").stdout;
    assert!(doctor.contains("would take 8 of 9 files and leave out 1;"), "{doctor}");
    let ran = bench.run("data build in --size 8 --out out.zip");
    assert!(ran.stderr.contains("left out: 1 of 9 files"), "{}", ran.stderr);
    // Of a table that is not read nothing is said about colours.
    (0..8).for_each(|i| save(&bench, &format!("in/labels/{i:03}.png"), stripes(16, 16, i)));
    std::fs::write(bench.path("in/classes.json"), "{").unwrap();
    let doctor = bench.run("data doctor in").stdout;
    assert!(doctor.contains("class tables that cannot be read") && !doctor.contains("in colour"), "{doctor}");
    std::fs::remove_file(bench.path("in/classes.json")).unwrap();
    assert!(bench.run("data doctor in").stdout.contains("label maps in colour without a table of classes: 8"));
}

/// Classes without pictures take one line, however many they are.
#[test]
fn classes_without_pictures_are_shown_together() {
    let bench = Bench::new();
    eight(&bench, "in");
    let labels: Vec<String> = (0..8).map(|i| format!("[\"{i:03}.png\", {}]", [0, 3, 65535][i % 3])).collect();
    std::fs::write(bench.path("in/dataset.json"), format!("{{\"labels\": [{}]}}", labels.join(","))).unwrap();
    let shown = bench.ok("data show in --out sheet.png");
    assert!(shown.contains("65536 classes") && shown.contains("65535 "), "{shown}");
    assert!(shown.contains("classes 1-2,4-65534 have no pictures"), "{shown}");
    assert!(shown.lines().count() < 20, "{shown}");
}

/// A set that was built before counts while it is whole.
#[test]
fn a_set_that_lost_pictures_is_not_already_there() {
    let bench = Bench::new();
    eight(&bench, "in");
    let folder = "data build in --size 8 --format folder --out out";
    bench.ok(folder);
    assert!(bench.ok(folder).contains("already there"));
    std::fs::remove_file(bench.path("out/00000/img00000003.png")).unwrap();
    bench.one_sentence(folder, &["out was built by the same settings, of 8 pictures, and has 7 now; remove it"]);
    let zip = "data build in --size 8 --out out.zip";
    bench.ok(zip);
    let whole = std::fs::read(bench.path("out.zip")).unwrap();
    std::fs::write(bench.path("out.zip"), &whole[..whole.len() / 2]).unwrap();
    bench.one_sentence(zip, &["out.zip exists and is a truncated or damaged ZIP file; remove it"]);
}

/// JPEG files by their rarer endings are pictures too.
#[test]
fn jpeg_has_four_endings() {
    let bench = Bench::new();
    save(&bench, "in/a.jpg", stripes(16, 16, 0));
    for name in ["b.jpeg", "c.jfif", "d.JPE"] {
        std::fs::copy(bench.path("in/a.jpg"), bench.path("in").join(name)).unwrap();
    }
    assert!(bench.ok("data doctor in").contains("4 pictures, nothing is wrong"));
    assert!(bench.ok("data build in --size 16 --out out.zip").contains("4 pictures"));
    assert_eq!(Dataset::open(bench.path("out.zip")).unwrap().len(), 4);
}
