//! `stylegan data`: sets are built once and the same, described, and examined.

use crate::bench::Bench;
use image::{DynamicImage, Rgb, RgbImage};
use std::path::Path;
use std::process::Stdio;
use stylegan_train::data::{Dataset, Labels};

fn hash(bench: &Bench, set: &str) -> String {
    Dataset::open(bench.path(set)).unwrap().hash().unwrap().to_string()
}

fn save(bench: &Bench, name: &str, picture: impl Into<DynamicImage>) {
    let path = bench.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.into().save(path).unwrap();
}

fn stripes(w: u32, h: u32) -> RgbImage {
    RgbImage::from_fn(w, h, |x, y| Rgb([(x * 13) as u8, (y * 11) as u8, (x * y) as u8]))
}

#[test]
fn the_same_settings_give_the_same_bytes() {
    let bench = Bench::new();
    bench.ok("data build avatars --size 32 --count 4 --seed 7 --out a.zip");
    bench.ok("data build avatars --size 32 --count 4 --seed 7 --out b.zip --threads 1");
    bench.ok("data build avatars --size 32 --count 4 --seed 7 --out folder --format folder");
    assert_eq!(std::fs::read(bench.path("a.zip")).unwrap(), std::fs::read(bench.path("b.zip")).unwrap());
    assert_eq!(hash(&bench, "folder"), hash(&bench, "a.zip"));
    bench.ok("data build avatars --size 32 --count 4 --seed 8 --out c.zip");
    assert_ne!(hash(&bench, "a.zip"), hash(&bench, "c.zip"));
    bench.ok("data build earth --size 32 --count 4 --seed 7 --label cover --out earth.zip");
    // The renderer's arithmetic and the PNG compressor decide these bytes too. If a new version of
    // theirs changes them, trained networks name another data set: raise the recipe's version.
    if cfg!(target_arch = "x86_64") {
        assert_eq!(hash(&bench, "a.zip"), AVATARS);
        assert_eq!(hash(&bench, "earth.zip"), EARTH);
    }
}

/// Content hashes of the sets of [`the_same_settings_give_the_same_bytes`], as first built.
const AVATARS: &str = "d38b98757a55b41cd3d726b9e1344bb941b9c5956048d85fdf7b00a5e003a43c";
const EARTH: &str = "5ef846ae40529d8231c23164b924f59b74c98726d8899c4f5e563f7825af32fd";

#[test]
fn a_set_is_built_once_and_never_overwritten() {
    let bench = Bench::new();
    let first = bench.ok("data build avatars --size 16 --count 3");
    assert!(first.contains("data/avatars-16-3.zip: 3 pictures of 16x16 pixels"), "{first}");
    let time = || std::fs::metadata(bench.path("data/avatars-16-3.zip")).unwrap().modified().unwrap();
    let built = time();
    assert!(bench.ok("data build avatars --size 16 --count 3").contains("already there"));
    assert_eq!(time(), built);
    bench.one_sentence(
        "data build avatars --size 16 --count 4 --out data/avatars-16-3.zip",
        &["built by other settings", "3 pictures", "--out"],
    );
    std::fs::write(bench.path("mine.zip"), "mine").unwrap();
    bench.one_sentence("data build avatars --size 16 --count 4 --out mine.zip", &["was not built by this command"]);
    assert_eq!(std::fs::read(bench.path("mine.zip")).unwrap(), b"mine");
    // Nothing unfinished stays behind.
    let names = std::fs::read_dir(bench.path("data")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["avatars-16-3.zip"]);
}

#[test]
fn avatars_come_with_attributes_labels_and_maps() {
    let bench = Bench::new();
    bench.ok("data build avatars --size 16 --count 40 --label beard --format folder --out set");
    let set = Dataset::open(bench.path("set")).unwrap();
    assert_eq!((set.len(), set.image_size(), set.channels(), set.has_maps()), (40, [16, 16], 3, true));
    let table = std::fs::read_to_string(bench.path("set/attributes.csv")).unwrap();
    let mut rows = table.lines();
    let columns = "file,hair,rearHair,beard,eyes,eyebrows,mouth,clothes,skinColor,hairColor,clothesColor,background";
    assert_eq!(rows.next(), Some(columns));
    let beards = ["none", "chin", "chinMoustache", "fullBeard", "longBeard", "moustacheTwirl"];
    for (i, row) in rows.enumerate() {
        let values: Vec<&str> = row.split(',').collect();
        assert_eq!(values[0], set.names()[i]);
        assert_eq!(set.labels().class(i).map(|class| beards[class as usize]), Some(values[3]));
    }
    bench.one_sentence("data build avatars --label age", &["no attribute \"age\"", "hair, rearHair, beard"]);
    // With values there are two classes.
    let said = bench.ok("data build avatars --size 16 --count 40 --label beard=none,hair=bun+spiky");
    assert!(said.contains("avatars-16-40-beard-none-hair-bun-spiky.zip"), "{said}");
    let two = Dataset::open(bench.path("data/avatars-16-40-beard-none-hair-bun-spiky.zip")).unwrap();
    for (i, row) in table.lines().skip(1).enumerate() {
        let values: Vec<&str> = row.split(',').collect();
        let is_one = values[3] == "none" && ["bun", "spiky"].contains(&values[1]);
        assert_eq!(two.labels().class(i), Some(is_one.into()), "{row}");
    }
    bench.one_sentence("data build avatars --label beard=red", &["--label beard=red", "no beard red", "longBeard"]);
    bench.one_sentence("data build avatars --label beard=", &["--label beard=", "no attribute with its values"]);
}

/// Built-in sets name the classes of their maps, which no map is read by: a set from before they did is the same set.
#[test]
fn built_in_sets_name_their_classes() {
    let bench = Bench::new();
    for (name, first, count) in [("avatars", "background", 10), ("earth", "water", 17)] {
        bench.ok(&format!("data build {name} --size 16 --count 4 --format folder --out {name}-set"));
        let set = Dataset::open(bench.path(format!("{name}-set"))).unwrap();
        let names = set.class_table().unwrap().names();
        assert_eq!((&names[0][..], names.len()), (first, count));
        assert!(set.class_table().unwrap().classes().iter().all(|class| class.colour.is_some()));
        let named = hash(&bench, &format!("{name}-set"));
        assert!(bench.ok(&format!("data doctor {name}-set")).contains("nothing is wrong"));
        bench.ok(&format!("data build {name}-set --size 8 --format folder --out {name}-small"));
        std::fs::remove_file(bench.path(format!("{name}-set/classes.json"))).unwrap();
        assert_eq!(hash(&bench, &format!("{name}-set")), named);
        let small = Dataset::open(bench.path(format!("{name}-small"))).unwrap();
        assert_eq!(small.class_table().unwrap().names(), names);
    }
}

/// Maps of sketches are what encoders of sketches are shown, in eight levels.
#[test]
fn maps_can_be_sketches() {
    let bench = Bench::new();
    let said = bench.ok("data build avatars --size 32 --count 3 --sketches");
    assert!(said.contains("data/avatars-32-3-sketches.zip"), "{said}");
    let set = Dataset::open(bench.path("data/avatars-32-3-sketches.zip")).unwrap();
    let names = set.class_table().unwrap().names();
    assert_eq!((names.len(), &names[0][..], &names[7][..]), (8, "line", "paper"));
    let check = |folder: &str| {
        let set = Dataset::open(bench.path(folder)).unwrap();
        for i in 0..set.len() {
            let rgb = bench.pixels(&format!("{folder}/{}", set.names()[i]));
            let (w, h) = rgb.dimensions();
            let planes: Vec<u8> = (0..3).flat_map(|c| rgb.pixels().map(move |pixel| pixel.0[c])).collect();
            let drawn = stylegan_train::recipe::encoder::sketch(&planes, [h as usize, w as usize]);
            let expected: Vec<u8> = drawn.into_iter().map(|value| value / 32).collect();
            assert_eq!(set.map(i).unwrap(), expected);
            assert!(expected.iter().any(|level| *level < 6) && expected.contains(&7), "lines on paper");
        }
    };
    bench.ok("data build avatars --size 32 --count 3 --sketches --format folder --out drawn");
    check("drawn");
    // In place of the maps that a set has, and of another size than its pictures had.
    bench.ok("data build avatars --size 32 --count 3 --format folder --out parts");
    bench.ok("data build parts --size 16 --sketches --format folder --out small");
    check("small");
    assert!(bench.ok("data show small").contains("sketches of 8 levels as maps"));
    bench.one_sentence("data build parts --size 16 --format folder --out small", &["other settings"]);
    bench.ok("data doctor drawn --config spade/avatars-64-sketch");
}

/// The doctor compares maps with the classes that networks know.
#[test]
fn the_doctor_knows_what_networks_read() {
    let bench = Bench::new();
    bench.ok("data build avatars --size 16 --count 6 --format folder --out set");
    let said = bench.ok("data doctor set --config spade/avatars-64");
    assert!(said.contains("networks of generator.classes = 10 know all classes of the maps"), "{said}");
    assert!(bench.ok("data doctor set --classes 10").contains("--classes = 10"));
    let ran = bench.run("data doctor set --classes 5");
    assert!(ran.code == 2 && ran.stdout.contains("classes that the networks do not know: 6;"), "{}", ran.stdout);
    assert!(ran.stdout.contains("and the networks know 0 to 4"), "{}", ran.stdout);
    // The pictures can be used all the same.
    assert!(ran.stdout.contains("would take all 6 pictures"), "{}", ran.stdout);
    // Classes that no map has are told of those alone that the networks know, in ranges where they have no names.
    let path = bench.path("set/labels/00000/img00000000.png");
    let map = std::fs::read(&path).unwrap();
    let mut stray = image::load_from_memory(&map).unwrap().to_luma8();
    stray.put_pixel(0, 0, image::Luma([200]));
    stray.save(&path).unwrap();
    let table = bench.path("set/classes.json");
    std::fs::rename(&table, bench.path("classes.json")).unwrap();
    for (options, lacking) in [("", "10-199"), (" --classes 12", "10-11")] {
        let said = bench.run(&format!("data doctor set{options}")).stdout;
        let line = format!("label maps of classes 0 to 200; in no map: {lacking}\n");
        assert!(said.contains(&line), "{line} in {said}");
    }
    std::fs::write(&path, map).unwrap();
    std::fs::rename(bench.path("classes.json"), table).unwrap();
    let ran = bench.run("data doctor set --config psp/celebamask-256-seg");
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    bench.one_sentence("data doctor set --config avatars-32", &["--config avatars-32", "read no label maps"]);
    std::fs::remove_dir_all(bench.path("set/labels")).unwrap();
    let ran = bench.run("data doctor set --classes 10");
    assert!(ran.code == 2 && ran.stderr.contains("no label maps"), "{}", ran.stderr);
    bench.wrong("data doctor set --classes 0", &["--classes"]);
}

/// Turned avatars have the same parts under the same names as those from the front; combinations are left out.
#[test]
fn avatars_are_turned_and_left_out() {
    let bench = Bench::new();
    let table = |set: &str| std::fs::read_to_string(bench.path(format!("{set}/attributes.csv"))).unwrap();
    bench.ok("data build avatars --size 16 --count 12 --format folder --out front");
    bench.ok("data build avatars --size 16 --count 12 --format folder --turn 25 --out side");
    let (front, side) = (table("front"), table("side"));
    assert!(side.lines().next().unwrap().ends_with(",background,turn"));
    for (front, side) in front.lines().zip(side.lines()) {
        assert_eq!(Some(front), side.rsplit_once(',').map(|(parts, _)| parts));
    }
    assert_ne!(hash(&bench, "front"), hash(&bench, "side"));
    let said = bench.ok("data build avatars --size 16 --count 3 --turn 10");
    assert!(said.contains("data/avatars-16-3-turn10.zip"), "{said}");
    let shown = bench.ok("data show data/avatars-16-3-turn10.zip");
    assert!(shown.contains("turned by up to 10 degrees"), "{shown}");
    bench.one_sentence("data build avatars --size 16 --count 12 --format folder --out side", &["other settings"]);

    bench.ok("data build avatars --size 8 --count 60 --format folder --without beard=none,hair=bun+spiky --out some");
    let whole =
        |row: &str| row.split(',').nth(3) == Some("none") && matches!(row.split(',').nth(1), Some("bun" | "spiky"));
    assert!(!table("some").lines().any(whole) && table("some").lines().any(|row| row.contains(",none,")));
    bench.one_sentence("data build avatars --without beard=red", &["--without beard=red", "no beard red", "longBeard"]);
    bench.one_sentence("data build avatars --without age=1", &["no attribute age"]);
    bench.one_sentence("data build earth --size 16 --turn 5", &["--turn is for avatars"]);
    bench.one_sentence("data build front --without beard=none", &["--without is for avatars"]);
}

#[test]
fn show_describes_and_draws() {
    let bench = Bench::new();
    bench.ok("data build earth --size 16 --count 20 --label cover --out set.zip");
    let text = bench.ok("data show set.zip --pictures 8");
    for part in [
        "20\n",
        "16x16 pixels, RGB",
        "17 classes",
        "evergreen needleleaf forest",
        "one per picture",
        &hash(&bench, "set.zip"),
        "earth of 16x16",
        "NASA",
    ] {
        assert!(text.contains(part), "expected {part:?} in\n{text}");
    }
    assert!((900..1200).contains(&bench.size("set-sheet.png").0));
    assert_eq!(bench.text("set-sheet.png", "stylegan:data").unwrap(), hash(&bench, "set.zip"));
    // Eight pictures with their maps beside them, two in a row; below them the maps' colours, four in a row.
    bench.ok("data show set.zip --pictures 8 --zoom 1 --no-captions");
    let (width, height) = bench.size("set-sheet.png");
    assert_eq!(width, 4 * 18 + 2);
    assert!(height > 4 * 18 + 2 && (height - 4 * 18 - 2) % 5 == 0, "{height}");

    // A reader that has had enough (`| head -1`) is no fault of the command, which still does its work.
    let mut child = bench.command("data show set.zip --out second.png").stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert!(bench.path("second.png").exists());
}

/// A photograph that says it stands on its head is turned, even where it has the right size.
#[test]
fn orientation_is_applied() {
    let bench = Bench::new();
    save(&bench, "in/a.jpg", RgbImage::from_fn(16, 16, |_, y| Rgb([(y * 16) as u8; 3])));
    let mut jpeg = std::fs::read(bench.path("in/a.jpg")).unwrap();
    // A directory of one entry: orientation (0x112), one number, 3.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0";
    let mut segment = vec![0xff, 0xe1];
    segment.extend((exif.len() as u16 + 2).to_be_bytes());
    segment.extend(exif);
    jpeg.splice(2..2, segment);
    std::fs::write(bench.path("in/a.jpg"), jpeg).unwrap();
    bench.ok("data build in --size 16 --format folder --out out");
    let pixels = Dataset::open(bench.path("out")).unwrap().pixels(0).unwrap();
    assert!(pixels[0] > 200 && pixels[255] < 50, "{} {}", pixels[0], pixels[255]);
}

#[test]
fn any_pictures_become_a_set() {
    let bench = Bench::new();
    save(&bench, "in/cat/wide.png", stripes(40, 20));
    save(&bench, "in/cat/exact.png", stripes(16, 16));
    save(&bench, "in/dog/deep.png", DynamicImage::from(stripes(20, 30)).to_rgb16());
    save(&bench, "in/dog/grey.jpg", DynamicImage::from(stripes(32, 32)).to_luma8());
    let mut clear = DynamicImage::from(stripes(16, 16)).to_rgba8();
    clear.pixels_mut().for_each(|p| p.0[3] = 0);
    save(&bench, "in/emu/clear.webp", clear);
    std::fs::write(bench.path("in/dog/broken.png"), "hello").unwrap();
    std::fs::write(bench.path("in/dog/notes.gif"), "hello").unwrap();
    let found = bench.run("data doctor in");
    assert_eq!(found.code, 2, "{}", found.stderr);
    assert!(found.stderr.contains("8 problems among 6 pictures"), "{}", found.stderr);
    for name in ["wide.png", "deep.png", "grey.jpg", "clear.webp", "broken.png", "notes.gif"] {
        assert!(found.stdout.contains(name), "{name} is not in {}", found.stdout);
    }

    let ran = bench.run("data build in --size 16 --label-from-folders --format folder --out out");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("left out: dog/broken.png: not a PNG"), "{}", ran.stderr);
    assert!(ran.stderr.contains("left out: dog/notes.gif: .gif"), "{}", ran.stderr);
    assert!(ran.stdout.contains("out: 5 pictures of 16x16"), "{}", ran.stdout);
    assert!(bench.ok("data doctor out").contains("5 pictures, nothing is wrong"));
    let set = Dataset::open(bench.path("out")).unwrap();
    let names = ["cat", "dog", "emu"].map(String::from).to_vec();
    assert_eq!(set.labels(), &Labels::Classes { ids: vec![0, 0, 1, 1, 2], count: 3, names });
    let file = |name: &str| std::fs::read(bench.path(Path::new("out").join(name))).unwrap();
    assert_eq!(file("00000/img00000000.png"), std::fs::read(bench.path("in/cat/exact.png")).unwrap());
    assert!(set.pixels(4).unwrap().iter().all(|&v| v == 255), "transparent pixels become white");
    let table = String::from_utf8(file("attributes.csv")).unwrap();
    assert!(table.contains("00000/img00000001.png,cat/wide.png"), "{table}");

    // The middle of the wide picture: 20x20 pixels from column 10 on, whose red is 13 * 10 there. The
    // first of 16 columns lies inside the first of 20.
    let red = set.pixels(1).unwrap()[..256].to_vec();
    assert_eq!(red[0], 130);
    bench.ok("data build in --size 16 --crop none --filter lanczos --label-from-folders --out other.zip");
    assert_ne!(Dataset::open(bench.path("other.zip")).unwrap().pixels(1).unwrap()[..256], red);
}

#[test]
fn labels_and_maps_of_a_source_stay() {
    let bench = Bench::new();
    bench.ok("data build avatars --size 32 --count 6 --label hair --out from.zip");
    bench.ok("data build from.zip --size 16 --out to.zip");
    let (from, to) = (Dataset::open(bench.path("from.zip")).unwrap(), Dataset::open(bench.path("to.zip")).unwrap());
    assert_eq!(from.labels(), to.labels());
    assert!(to.has_maps());
    assert!(to.map(0).unwrap().iter().all(|&class| class <= 9));
    bench.ok("data doctor to.zip");
}

#[test]
fn wrong_requests_get_one_sentence() {
    let bench = Bench::new();
    bench.one_sentence("data show nowhere", &["cannot read", "nowhere"]);
    bench.one_sentence("data doctor nowhere", &["cannot read"]);
    bench.one_sentence("data build nowhere --size 16", &["cannot read"]);
    bench.one_sentence("data build earth --size 1024", &["8 to 512 pixels, not 1024"]);
    bench.one_sentence("data build earth --size 32 --count 900000", &["crops of 32x32 pixels, not 900000"]);
    save(&bench, "flat/a.png", stripes(8, 8));
    bench.one_sentence("data build flat --size 8 --label-from-folders", &["flat/a.png lies in no folder"]);
    bench.one_sentence("data build flat --size 8 --label hair", &["--label-from-folders"]);
    bench.wrong("data build avatars --size 2", &["2 is not in 4..=4096"]);
}
