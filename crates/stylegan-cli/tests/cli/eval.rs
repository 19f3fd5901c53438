//! `stylegan eval`.

use crate::bench::Bench;
use crate::train::pictures;
use image::{Rgb, RgbImage};

/// A bench with a tiny network and 80 pictures of its size.
fn bench() -> Bench {
    let bench = Bench::with_network();
    std::fs::create_dir(bench.path("pictures")).unwrap();
    for i in 0..80u32 {
        let picture = RgbImage::from_fn(16, 16, |x, y| Rgb([(x * i) as u8, (y * 16) as u8, (x * y + 9 * i) as u8]));
        picture.save(bench.path(format!("pictures/{i:02}.png"))).unwrap();
    }
    bench
}

const EVAL: &str = "eval --network tiny.safetensors --data pictures";

#[test]
fn reports_have_intervals_floors_and_protocols() {
    let bench = bench();
    let table = bench.ok(&format!("{EVAL} --metrics kid,ppl_wend --count 40 --out out/report.json"));
    assert!(table.starts_with("| metric | value |"), "{table}");
    assert_eq!(std::fs::read_to_string(bench.path("out/report.md")).unwrap(), table);
    let read = || std::fs::read_to_string(bench.path("out/report.json")).unwrap();
    let first = read();
    let report: serde_json::Value = serde_json::from_str(&first).unwrap();
    let names: Vec<_> = report.as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["kid-stlpips", "kid_floor-stlpips", "ppl_wend-stlpips"]);
    for result in report.as_array().unwrap() {
        let number = |key: &str| result[key].as_f64().unwrap();
        assert!(number("low") <= number("value") && number("value") <= number("high"), "{result}");
        assert!(result["protocol"]["id"].as_str().unwrap().starts_with("stylegan-rs."));
    }
    // The same command gives the same numbers.
    bench.ok(&format!("{EVAL} --metrics kid,ppl_wend --count 40 --out out/report.json --threads 1"));
    let again: serde_json::Value = serde_json::from_str(&read()).unwrap();
    for (a, b) in report.as_array().unwrap().iter().zip(again.as_array().unwrap()) {
        assert_eq!((&a["value"], &a["low"], &a["high"]), (&b["value"], &b["low"], &b["high"]));
    }
}

#[test]
fn two_networks_have_a_difference() {
    let bench = bench();
    std::fs::copy(bench.path("tiny.safetensors"), bench.path("twin.safetensors")).unwrap();
    let table = bench
        .ok(&format!("{EVAL} --network twin.safetensors --metrics kid,ppl_wend --count 40 --no-floor --out r.json"));
    assert!(table.starts_with("| metric | of |"), "{table}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("r.json")).unwrap()).unwrap();
    let report = report.as_array().unwrap();
    let names: Vec<_> = report.iter().map(|r| r["name"].as_str().unwrap()).collect();
    let expected = ["kid-stlpips", "kid-stlpips", "kid-stlpips_difference"];
    assert_eq!(names[..3], expected);
    assert_eq!(report[2]["subject"], "tiny.safetensors - twin.safetensors");
    // The same network twice: the pairing leaves nothing.
    for difference in [&report[2], &report[5]] {
        assert_eq!(["value", "low", "high"].map(|key| difference[key].as_f64()), [Some(0.); 3]);
    }
}

#[test]
fn folders_are_compared_without_a_network() {
    let bench = bench();
    bench.ok("eval --images pictures pictures");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("report.json")).unwrap()).unwrap();
    let value = |name: &str| report.as_array().unwrap().iter().find(|r| r["name"] == name).unwrap()["value"].as_f64();
    // A set against itself; features are f32 of length about 34.
    assert!(value("fid-stlpips").unwrap() < 1e-6, "{report}");
    assert_eq!((value("precision-stlpips"), value("recall-stlpips")), (Some(1.), Some(1.)));
    assert!(value("kid-stlpips").unwrap() < 0.);
    bench.one_sentence("eval --images pictures nowhere", &["nowhere"]);
    bench.one_sentence("eval --images pictures pictures --metrics ppl_wend", &["needs a generator"]);
    bench.one_sentence("eval --images pictures pictures --metrics is", &["knows classes", "--features FILE"]);
    bench.one_sentence(&format!("{EVAL} --metrics ls"), &["a classifier (--classifier FILE"]);
    let paired = ["needs two sets of pictures", "(--images GENERATED REAL)"];
    bench.one_sentence(&format!("{EVAL} --metrics lpips"), &paired);
    // What is offered is what can be typed.
    bench.one_sentence(
        "eval --images pictures pictures --metrics iou",
        &["miou, accuracy, lpips", "did you mean miou?"],
    );
    std::fs::create_dir(bench.path("maps")).unwrap();
    for i in 0..40u32 {
        let map = image::GrayImage::from_fn(16, 16, |x, y| image::Luma([u8::from((x + y) % 40 < i)]));
        map.save(bench.path(format!("maps/{i:02}.png"))).unwrap();
    }
    let table = bench.ok("eval --images maps maps --metrics miou,accuracy --out maps.json");
    assert!(table.contains("| miou | 1") && table.matches("pixel_accuracy").count() == 1, "{table}");
    assert!(bench.ok("eval --images maps maps --metrics accuracy --out -").contains("| miou | 1"));
    bench.one_sentence(&format!("{EVAL} --metrics miou"), &["error: --metrics miou: ", "--segmenter FILE"]);
    // Too few of them is said once, with what can help.
    std::fs::create_dir(bench.path("few")).unwrap();
    for i in 0..20 {
        std::fs::copy(bench.path(format!("pictures/{i:02}.png")), bench.path(format!("few/{i:02}.png"))).unwrap();
    }
    let ran = bench.run("eval --images pictures few --metrics fid --no-floor --out few.json");
    assert_eq!((ran.code, ran.stderr.matches("at least 40 samples").count()), (2, 1), "{}", ran.stderr);
    assert!(ran.stderr.contains("found 20; take more (a larger set, or"), "{}", ran.stderr);
    bench.wrong("eval --images pictures pictures --network tiny.safetensors", &["--network"]);
    bench.wrong("eval", &["--network", "--images"]);
    let unknown = ["error: --features tiny.safetensors: weights of", "belong to no feature network"];
    bench.one_sentence("eval --images pictures pictures --features tiny.safetensors", &unknown);
    std::fs::create_dir(bench.path("small")).unwrap();
    RgbImage::new(8, 8).save(bench.path("small/x.png")).unwrap();
    bench.one_sentence("eval --images pictures small", &["16x16 and 8x8", "--features"]);
}

/// Trains a classifier `NAME.safetensors` that tells the half of a network's pictures with the larger `level` from the
/// other, and returns how many percent it names right.
fn classifier_of(bench: &Bench, name: &str, level: fn(&RgbImage) -> i64) -> f64 {
    bench.ok(&format!("generate --network tiny.safetensors --seeds 0-119 --out {name}"));
    let mut levels: Vec<(i64, String)> = std::fs::read_dir(bench.path(name))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let found = level(&image::open(&path).unwrap().to_rgb8());
            (found, path.file_name().unwrap().to_string_lossy().into_owned())
        })
        .collect();
    levels.sort();
    let labels: Vec<String> =
        levels.iter().enumerate().map(|(i, (_, name))| format!("[\"{name}\", {}]", u8::from(i >= 60))).collect();
    let json = format!("{{\"labels\": [{}]}}", labels.join(","));
    std::fs::write(bench.path(format!("{name}/dataset.json")), json).unwrap();
    let said = bench.ok(&format!("classifier --data {name} --out {name}.safetensors --kimg 1.6 --channel-base 64"));
    said.split("names ").nth(1).and_then(|s| s.split(' ').next()).unwrap().parse().unwrap()
}

fn light(picture: &RgbImage) -> i64 {
    picture.iter().map(|level| i64::from(*level)).sum()
}

fn red(picture: &RgbImage) -> i64 {
    picture.pixels().map(|pixel| i64::from(pixel.0[0]) - i64::from(pixel.0[2])).sum()
}

/// Pictures that are moved to where two attributes meet have both more often than others, and say how often.
#[test]
fn edits_reach_a_combination() {
    let bench = bench();
    for (name, level) in [("light", light as fn(&RgbImage) -> i64), ("red", red)] {
        let accuracy = classifier_of(&bench, name, level);
        assert!(accuracy > 70., "{name}: {accuracy}");
    }
    let judges = "--classifier light.safetensors --classifier red.safetensors";
    let line = format!("eval --network tiny.safetensors --metrics combination {judges} --count 400");
    bench.ok(&format!("{line} --out a.json"));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("a.json")).unwrap()).unwrap();
    let value = |name: &str, key: &str| {
        let result = report.as_array().unwrap().iter().find(|r| r["name"] == format!("combination_{name}-classifier"));
        result.unwrap_or_else(|| panic!("no {name} in {report}"))[key].as_f64().unwrap()
    };
    assert_eq!(report.as_array().unwrap().len(), 7);
    for name in ["unedited", "z_1", "z_2", "z_3", "w_1", "w_2", "w_3"] {
        let (low, share, high) = (value(name, "low"), value(name, "value"), value(name, "high"));
        assert!(0. <= low && low <= share && share <= high && high <= 1. && low < high, "{name}: {report}");
    }
    // None of the edited ones had both. The network is a random one, whose colours are nearly linear in W.
    assert!(value("w_2", "low") > 0.2, "{report}");
    bench.ok(&format!("{line} --out b.json --threads 1"));
    let again: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("b.json")).unwrap()).unwrap();
    for (a, b) in report.as_array().unwrap().iter().zip(again.as_array().unwrap()) {
        assert_eq!((&a["name"], &a["value"]), (&b["name"], &b["value"]));
    }
    let alone = bench.run("eval --network tiny.safetensors --metrics combination --classifier red.safetensors");
    assert!(alone.code != 0 && alone.stderr.contains("needs classifiers of two attributes in all"), "{}", alone.stderr);
    bench.ok(&format!(
        "figures --network tiny.safetensors --only combination {judges} --seeds 0-2 --zoom 1 --no-captions --out figures"
    ));
    assert_eq!(bench.size("figures/figure-combination.png"), (7 * 18 + 2, 3 * 18 + 2));
    bench.one_sentence(
        "figures --network tiny.safetensors --only combination --out figures",
        &["--only combination", "--classifier"],
    );
    bench.one_sentence(
        "figures --network tiny.safetensors --only noise --classifier red.safetensors --out figures",
        &["add combination to --only"],
    );
    bench.one_sentence(
        "figures --network tiny.safetensors --only combination --classifier red.safetensors --out figures",
        &["classifiers of two attributes"],
    );
}

/// A classifier learns to tell light from dark pictures of a network, and then judges others of it.
#[test]
fn separability_asks_a_classifier() {
    let bench = bench();
    let accuracy = classifier_of(&bench, "light", light);
    assert!(accuracy > 70., "{accuracy}");
    let inspected = bench.ok("inspect light.safetensors");
    assert!(inspected.contains("accuracy      0.") && inspected.contains("most_frequent 0."), "{inspected}");
    bench.one_sentence("eval --network tiny.safetensors --metrics ls", &["needs a classifier"]);
    bench.ok("eval --network tiny.safetensors --metrics ls --classifier light.safetensors --count 400 --out ls.json");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("ls.json")).unwrap()).unwrap();
    let names: Vec<_> = report.as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ls_z-classifier", "ls_w-classifier"]);
    for result in report.as_array().unwrap() {
        let number = |key: &str| result[key].as_f64().unwrap();
        assert!((1. ..=2.).contains(&number("value")), "{result}");
        assert!(number("low") <= number("value") && number("value") <= number("high"), "{result}");
    }
    // Of several attributes each is told beside all; here one classifier stands for two.
    std::fs::copy(bench.path("light.safetensors"), bench.path("bright.safetensors")).unwrap();
    let both = "--classifier light.safetensors --classifier bright.safetensors";
    bench.ok(&format!("eval --network tiny.safetensors --metrics ls {both} --count 400 --out each.json"));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("each.json")).unwrap()).unwrap();
    let value = |name: &str| {
        let result = report.as_array().unwrap().iter().find(|r| r["name"] == format!("{name}-classifier"));
        result.unwrap_or_else(|| panic!("no {name} in {report}"))["value"].as_f64().unwrap()
    };
    for space in ["ls_z", "ls_w"] {
        let (one, other) = (value(&format!("{space}_of_light 1")), value(&format!("{space}_of_bright 1")));
        assert!((one - other).abs() < 1e-12 && (value(space) - one * other).abs() < 1e-9, "{report}");
    }
    bench.one_sentence(
        "eval --network tiny.safetensors --metrics ls --classifier tiny.safetensors",
        &["tiny.safetensors", "no network D"],
    );
    bench.one_sentence("classifier --data pictures --out x.safetensors", &["two or more classes"]);
}

/// Mixing latents makes other pictures, and cannot mix more than there are style rows.
#[test]
fn latents_can_be_mixed() {
    let bench = bench();
    let value = |options: &str| {
        let table = bench.ok(&format!("{EVAL} --metrics kid --count 40 --no-floor --out m.json {options}"));
        table.lines().nth(2).unwrap().to_owned()
    };
    assert_ne!(value(""), value("--mix 2"));
    bench.one_sentence(&format!("{EVAL} --metrics kid --count 40 --mix 9"), &["6 style rows", "9"]);
}

/// Label maps of equal names, in whatever order they are found.
#[test]
fn label_maps_are_compared() {
    let bench = Bench::new();
    for (folder, wrong) in [("truth", 0), ("found", 4)] {
        std::fs::create_dir(bench.path(folder)).unwrap();
        for i in 0..42u32 {
            // One row of sixteen in `wrong` of the first columns is taken for another class.
            let map =
                image::GrayImage::from_fn(16, 16, |x, y| image::Luma([if y == i % 16 && x >= wrong { 7 } else { 2 }]));
            map.save(bench.path(format!("{folder}/{i:02}.png"))).unwrap();
        }
    }
    bench.ok("eval --images found truth --metrics miou --out maps.json");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("maps.json")).unwrap()).unwrap();
    let value = |i: usize| (report[i]["name"].as_str().unwrap(), report[i]["value"].as_f64().unwrap());
    assert_eq!(value(1), ("pixel_accuracy", 252. / 256.));
    assert_eq!(value(0), ("miou", (12. / 16. + 240. / 244.) / 2.));
    std::fs::rename(bench.path("found/03.png"), bench.path("found/x.png")).unwrap();
    let alone = "equal names in both folders; x.png is in found alone, 03.png is in truth alone";
    bench.one_sentence("eval --images found truth --metrics miou", &[alone]);
    std::fs::create_dir(bench.path("colours")).unwrap();
    for i in 0..42u8 {
        RgbImage::from_pixel(16, 16, Rgb([i, 0, 9])).save(bench.path(format!("colours/{i:02}.png"))).unwrap();
    }
    bench.one_sentence("eval --images colours truth --metrics miou", &["label maps", "coloured"]);
    // A JPEG's levels are not those that were saved.
    std::fs::rename(bench.path("found/x.png"), bench.path("found/03.png")).unwrap();
    image::open(bench.path("found/05.png")).unwrap().to_luma8().save(bench.path("found/05.jpg")).unwrap();
    std::fs::remove_file(bench.path("found/05.png")).unwrap();
    bench.one_sentence("eval --images found truth --metrics miou", &["found/05.jpg", "not a PNG file"]);
    bench.one_sentence("eval --images colours truth --metrics id", &["knows faces"]);
}

/// Metrics of pixels need no feature network, whose name they would carry.
#[test]
fn pixels_are_compared() {
    let bench = bench();
    let table = bench.ok(&format!("{EVAL} --metrics swd,ms_ssim --count 80 --out pixels.json"));
    let names: Vec<&str> = table.lines().skip(2).filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(names[..6], ["swd", "swd_16", "swd_floor", "swd_16_floor", "ms_ssim", "ms_ssim_floor"], "{table}");
}

#[test]
fn wrong_input_is_named() {
    let bench = bench();
    bench.one_sentence(&format!("{EVAL} --metrics fidd"), &["fidd", "ppl_wend"]);
    bench.one_sentence("eval --network tiny.safetensors --metrics fid", &["--data"]);
    bench.one_sentence(&format!("{EVAL} --out report.txt"), &["report.txt", ".json"]);
    bench.one_sentence("eval --network tiny.safetensors --data nowhere", &["nowhere"]);
    RgbImage::new(16, 16).save(bench.path("pictures/x.png")).unwrap();
    std::fs::create_dir(bench.path("small")).unwrap();
    RgbImage::new(8, 8).save(bench.path("small/x.png")).unwrap();
    bench.one_sentence("eval --network tiny.safetensors --data small", &["8x8", "16x16"]);
}

/// The report names the file by its own hash.
#[test]
fn released_files_are_measured_as_they_are() {
    let bench = Bench::new();
    let pggan = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/pggan_tf.pkl");
    bench.ok(&format!("eval --network {pggan} --metrics ppl_zend --count 4 --out report.json"));
    let report = std::fs::read_to_string(bench.path("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let described = bench.ok(&format!("inspect {pggan} --json"));
    let described: serde_json::Value = serde_json::from_str(&described).unwrap();
    assert_eq!(report[0]["checkpoint_hash"], described["extra"]["source_sha256"]);
}

/// A checkpoint of a run that grows, from before it had its full size, is measured against pictures of its own size.
#[test]
fn a_network_smaller_than_its_run_is_measured_at_its_own_size() {
    let bench = Bench::with_network();
    std::fs::create_dir(bench.path("run")).unwrap();
    std::fs::copy(bench.path("tiny.safetensors"), bench.path("run/network-000001.safetensors")).unwrap();
    let config = "[data]\nset = 'avatars'\ncount = 60\n[generator]\narchitecture = 'stylegan2'\nimg_size = [32, 32]\n";
    std::fs::write(bench.path("run/config.toml"), config).unwrap();
    let ran = bench.run("eval --network run/network-000001.safetensors --metrics kid --count 40 --no-floor");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let note =
        "ends with pictures of 32x32 pixels; these networks make 16x16, and are measured against avatars of that";
    assert!(ran.stderr.contains(note), "{}", ran.stderr);
    assert!(bench.path("run/metrics-000001.json").exists());
    // A set of one's own has the pictures that the run ends with.
    pictures(&bench, "large", 4, 32);
    std::fs::write(bench.path("run/config.toml"), config.replace("avatars", "large")).unwrap();
    for more in ["", "--data large"] {
        bench.one_sentence(
            &format!("eval --network run/network-000001.safetensors --metrics kid {more}"),
            &["a stage of 16x16 pixels of the run in run", "ends with 32x32", "`stylegan train --out run`"],
        );
    }
}
