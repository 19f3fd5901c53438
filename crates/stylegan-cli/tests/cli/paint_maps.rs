//! Which maps `stylegan paint` paints, by which class table, and which pictures they are of.

use crate::bench::Bench;
use crate::paint::{config, save_painter};
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};

const PAINT: &str = "paint --network plain.safetensors";

/// A bench with a painter of 32x32 pixels and 4 classes.
fn bench() -> Bench {
    let bench = Bench::new();
    save_painter(&bench.path("plain.safetensors"), config(), &[]);
    bench
}

fn put(bench: &Bench, name: &str, picture: impl Into<DynamicImage>) {
    let path = bench.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.into().save(path).unwrap();
}

/// A map of two classes of these values.
fn map(values: [u8; 2]) -> GrayImage {
    GrayImage::from_fn(32, 32, |x, _| Luma([values[usize::from(x > 15)]]))
}

/// The table of a set counts wherever in its maps one begins, as it does when the set is trained on.
#[test]
fn the_table_of_a_set_counts_for_each_of_its_maps() {
    let bench = bench();
    put(&bench, "plain.png", map([0, 1]));
    bench.ok(&format!("{PAINT} --map plain.png --out expected.png"));
    let expected = bench.pixels("expected.png");
    put(&bench, "q/labels/x/y/m.png", map([70, 90]));
    let table = |first: u8, second: u8| {
        format!(r#"{{"classes": [{{"name": "a", "value": {first}}}, {{"name": "b", "value": {second}}}]}}"#)
    };
    std::fs::write(bench.path("q/classes.json"), table(70, 90)).unwrap();
    let agree = || {
        for place in ["q/labels", "q/labels/x", "q/labels/x/y", "q/labels/x/y/m.png", "q/labels/x/../x/y/m.png"] {
            bench.ok(&format!("{PAINT} --map {place} --out out.png"));
            assert_eq!(bench.pixels("out.png"), expected, "{place}");
        }
        let mut inside = bench.command("paint --network ../../../plain.safetensors --map y --out ../../../out.png");
        assert!(inside.current_dir(bench.path("q/labels/x")).output().unwrap().status.success());
        assert_eq!(bench.pixels("out.png"), expected);
    };
    agree();
    // One among the maps stands behind that of the set, and serves where the set has none.
    std::fs::write(bench.path("q/labels/classes.json"), table(90, 70)).unwrap();
    agree();
    std::fs::remove_file(bench.path("q/classes.json")).unwrap();
    std::fs::rename(bench.path("q/labels/classes.json"), bench.path("q/labels/x/classes.json")).unwrap();
    bench.ok(&format!("{PAINT} --map q/labels/x/y --out out.png"));
    assert_ne!(bench.pixels("out.png"), expected);
    std::fs::write(bench.path("q/labels/x/classes.json"), table(70, 90)).unwrap();
    bench.ok(&format!("{PAINT} --map q/labels/x/y --out out.png"));
    assert_eq!(bench.pixels("out.png"), expected);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", bench.path("q/classes.json")).unwrap();
        bench.one_sentence(&format!("{PAINT} --map q/labels --out out.png"), &["q/classes.json", "cannot be read"]);
    }
}

/// Maps in folders are painted into such folders, and what is no map is counted.
#[test]
fn folders_are_painted_as_deep_as_they_go() {
    let bench = bench();
    for (name, values) in [("m/top.png", [0, 1]), ("m/a/same.png", [1, 2]), ("m/b/c/same.PNG", [2, 3])] {
        put(&bench, name, map(values));
    }
    for name in ["m/notes.txt", "m/b/readme", "m/.hidden"] {
        std::fs::write(bench.path(name), "x").unwrap();
    }
    let ran = bench.run(&format!("{PAINT} --map m --out out"));
    assert!(ran.code == 0 && ran.stderr.contains("3 pictures in out"), "{}", ran.stderr);
    assert!(ran.stderr.contains("note: m: 2 other files not looked at"), "{}", ran.stderr);
    for (out, alone) in [("top.png", "top.png"), ("a/same.png", "a/same.png"), ("b/c/same.png", "b/c/same.PNG")] {
        bench.ok(&format!("{PAINT} --map m/{alone} --out alone.png"));
        assert_eq!(bench.pixels("alone.png"), bench.pixels(&format!("out/{out}")), "{out}");
    }
    // Of two pictures of one name the one in folders as the map's is its truth.
    let truth = |name: &str, level: u8| put(&bench, name, RgbImage::from_pixel(32, 32, Rgb([level; 3])));
    truth("set/top.png", 10);
    truth("set/a/same.png", 20);
    truth("set/b/c/same.png", 30);
    bench.ok(&format!("{PAINT} --map m --truth set --zoom 1 --no-captions --out sheet.png"));
    let (sheet, truths) = (bench.pixels("sheet.png"), [20, 30, 10]);
    for (row, level) in truths.into_iter().enumerate() {
        assert_eq!(sheet.get_pixel(34 + 5, row as u32 * 34 + 5), &Rgb([level; 3]), "{row}");
    }
    let unclear = format!("{PAINT} --map m/a/same.png --truth set --out x.png");
    bench.one_sentence(&unclear, &["2 pictures are called same", "in folders as the map m/a/same.png"]);
    // The pictures of a set are no maps.
    put(&bench, "set/labels/a/same.png", map([0, 1]));
    bench.one_sentence(&format!("{PAINT} --map set --out x"), &["set is a data set; its maps lie in set/labels"]);
    std::fs::create_dir(bench.path("empty")).unwrap();
    bench.one_sentence(&format!("{PAINT} --map empty --out x"), &["empty: this folder holds no maps"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("..", bench.path("m/a/round")).unwrap();
        assert!(bench.run(&format!("{PAINT} --map m --out round")).stderr.contains("3 pictures in round"));
    }
}
