//! `stylegan train` on label maps: tiny runs by `recipe = "spade"`.

use crate::bench::Bench;
use crate::paint::{config, save_painter};
use image::{GrayImage, Luma, Rgb, RgbImage};
use std::process::Stdio;
use std::time::{Duration, Instant};
use stylegan_core::spade::SpadeConfig;
use stylegan_train::data::resize::{bicubic, middle};

const CONFIG: &str = "
recipe = \"spade\"
kimg = 0.04
[data]
set = \"fields\"
[generator]
img_size = [32, 32]
classes = 2
edges = false
channels = 1
hidden = 2
[discriminator]
channels = 2
layers = 3
[loss]
perceptual = 0
[schedule]
batch = 4
lr_decay_kimg = 0.02
[output]
tick_kimg = 0.008
snapshot_kimg = 0.02
checkpoint_kimg = 0.004
keep_checkpoints = 0
";

/// A bench with `tiny.toml` and eight pictures in `fields/`, whose maps have one class each.
fn bench() -> Bench {
    let bench = Bench::new();
    std::fs::write(bench.path("tiny.toml"), CONFIG).unwrap();
    std::fs::create_dir_all(bench.path("fields/labels")).unwrap();
    for i in 0..8u8 {
        let picture = RgbImage::from_pixel(32, 32, Rgb([i % 2 * 200, 90, 200 - i % 2 * 200]));
        picture.save(bench.path(format!("fields/{i}.png"))).unwrap();
        GrayImage::from_pixel(32, 32, Luma([i % 2])).save(bench.path(format!("fields/labels/{i}.png"))).unwrap();
    }
    bench
}

fn last(bench: &Bench, run: &str) -> Vec<u8> {
    std::fs::read(bench.path(format!("{run}/network-000000.safetensors"))).unwrap()
}

#[test]
fn a_painter_trains_goes_on_and_is_looked_at() {
    let bench = bench();
    std::fs::write(bench.path("fields/classes.json"), r#"{"classes": ["meadow", "lake"]}"#).unwrap();
    let ran = bench.run("train --config tiny.toml --out run");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in [
        "pictures: 8 of 32x32 pixels with 3 channels,",
        "maps:     one for each picture, of 2 classes",
        "parameters in the generator,",
        "finished after 0.04 kimg",
        "stylegan paint --network run --map",
    ] {
        assert!(ran.stderr.contains(part), "{part} in\n{}", ran.stderr);
    }
    let inspected = bench.ok("inspect run");
    assert!(inspected.contains("G_ema") && inspected.contains("\"architecture\":\"spade\""), "{inspected}");
    // The names that its set gives to classes go with it.
    assert!(bench.ok("inspect run --json").contains("meadow"));
    // The folder says what it is of: the same run goes on, further than planned.
    let ran = bench.run("train --out run --kimg 0.06");
    assert!(ran.code == 0 && ran.stderr.contains("going on at 0.04 of 0.06 kimg"), "{}", ran.stderr);
    bench.one_sentence("train --out run --config tiny.toml --set loss.gan=wgan", &["loss.gan", "--new"]);
    bench.one_sentence("train --out run --cond", &["--cond", "label maps"]);
    // The configuration that a checkpoint keeps stands in for the file.
    std::fs::remove_file(bench.path("run/config.toml")).unwrap();
    let ran = bench.run("train --out run --data fields --kimg 0.064");
    assert!(ran.code == 0 && ran.stderr.contains("config.toml is missing"), "{}", ran.stderr);
}

/// Pictures become as large as those that an image encoder was trained on: squashed for released ones and where the run says so,
/// cropped for other runs; always by Pillow's bicubic filter.
#[test]
fn styles_are_read_of_pictures_as_the_encoder_saw_them() {
    let bench = bench();
    let wide = RgbImage::from_fn(75, 50, |x, y| Rgb([(x * 3) as u8, (y * 5) as u8, (x * y) as u8]));
    wide.save(bench.path("wide.png")).unwrap();
    let save = |name: &str, pixels: &[u8], from: [usize; 2]| {
        let pixels = bicubic(pixels, 3, from, [32, 32]);
        RgbImage::from_raw(32, 32, pixels).unwrap().save(bench.path(name)).unwrap();
    };
    save("squashed.png", &wide, [50, 75]);
    let (square, size) = middle(&wide, 3, [50, 75], [32, 32]);
    assert_eq!(size, [50, 50]);
    save("cropped.png", &square, size);
    save_painter(&bench.path("released.safetensors"), SpadeConfig { z_dim: 6, classes: 2, ..config() }, &[]);
    let network = "--set generator.z_dim=6 --set encoder.channels=2 --set encoder.resolution=32";
    let line = format!("train --config tiny.toml --kimg 0.004 {network} --set output.snapshot_kimg=9");
    bench.ok(&format!("{line} --out run"));
    let way = r#"data.preprocess={mode="resize_and_crop",load_size=36,crop_size=32}"#;
    bench.ok(&format!("{line} --out resized --set {way}"));
    for (network, same) in [("released.safetensors", "squashed"), ("run", "cropped"), ("resized", "squashed")] {
        let styles = "--style wide.png --style squashed.png --style cropped.png";
        bench.ok(&format!("paint --network {network} --map fields/labels/1.png {styles} --out {network}-out"));
        let painted = |name: &str| bench.pixels(&format!("{network}-out/1-{name}.png"));
        let other = if same == "squashed" { "cropped" } else { "squashed" };
        assert!(painted("wide") == painted(same), "{network}");
        if network == "released.safetensors" {
            // Networks that hardly learnt paint in one way.
            assert!(painted("wide") != painted(other));
        }
    }
}

#[test]
fn a_killed_run_ends_in_the_same_bytes() {
    let bench = bench();
    bench.ok("train --config tiny.toml --out straight");
    let mut command = bench.command("train --config tiny.toml --out killed");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let begun = || std::fs::read_to_string(bench.path("killed/log.txt")).is_ok_and(|log| !log.is_empty());
    while !begun() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "no tick came");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    bench.ok("train --config tiny.toml --out killed");
    assert!(last(&bench, "straight") == last(&bench, "killed"));
}

/// A segmenter learns two colours, goes on when asked for more, and judges a painter between real pictures and colours
/// of classes, in training and afterwards.
#[test]
fn a_segmenter_judges_painters() {
    let bench = bench();
    std::fs::create_dir_all(bench.path("scenes/labels")).unwrap();
    for i in 0..80u32 {
        let class = |x: u32| u8::from(x > 4 + i / 4);
        let colour = |x, y| if class(x) == 1 { Rgb([200, 40, 60 + y as u8]) } else { Rgb([30, 150, 60 + y as u8]) };
        RgbImage::from_fn(32, 32, colour).save(bench.path(format!("scenes/{i:02}.png"))).unwrap();
        // What has no class counts neither in training nor in measures.
        let map = GrayImage::from_fn(32, 32, |x, y| Luma([if y < 2 { 255 } else { class(x) }]));
        map.save(bench.path(format!("scenes/labels/{i:02}.png"))).unwrap();
    }
    let said = bench.ok("segmenter --data scenes --out seg.safetensors --channels 4 --kimg 0.4");
    assert!(said.contains("mIoU"), "{said}");
    let ran = bench.run("segmenter --data scenes --out seg.safetensors --channels 4 --kimg 0.8");
    assert!(ran.code == 0 && ran.stderr.contains("going on at 0.4 of 0.8 kimg"), "{}", ran.stderr);
    let accuracy: f64 = ran.stdout.split("names ").nth(1).and_then(|s| s.split(' ').next()).unwrap().parse().unwrap();
    assert!(accuracy > 90., "{}", ran.stdout);
    bench.one_sentence("train --out seg.run", &["seg.run/config.toml", "stylegan segmenter"]);
    let segmenter = "segmenter --data scenes --out seg.safetensors";
    let other = "the run in seg.run was trained for pictures of another size, for other classes or with other channels; \
                 remove that folder, or name another file with --out";
    bench.one_sentence(&format!("{segmenter} --channels 8"), &[other]);
    bench.one_sentence(&format!("{segmenter} --channels 4 --seed 1"), &["seg.run was trained with another seed"]);
    let wrong = "error: the segmenter: kimg: expected a number above 0, found ";
    for kimg in ["0", "NaN"] {
        let line = segmenter.replace("seg.", "new.");
        bench.one_sentence(&format!("{line} --kimg {kimg}"), &[&format!("{wrong}{kimg}")]);
    }
    bench.one_sentence(
        &segmenter.replace(".safetensors", ".txt"),
        &["seg.txt: a checkpoint is written", ".safetensors"],
    );
    assert!(!bench.path("new.run").exists());
    bench.one_sentence("segmenter --data pictures-nowhere --out x.safetensors", &["pictures-nowhere"]);

    let settings = "--set data.set=scenes --set dont_care=true --set generator.classes=3";
    let eval =
        "--set eval.metrics=[\"seen_miou\",\"accuracy\"] --set eval.kimg=0.02 --set eval.segmenter=seg.safetensors";
    let ran = bench.run(&format!("train --config tiny.toml --out run {settings} {eval}"));
    assert!(ran.code == 0 && ran.stderr.contains("seen_miou-seg"), "{}", ran.stderr);
    let line = "eval --network run --metrics miou,accuracy,fid --segmenter seg.safetensors --out report.json";
    let table = bench.ok(line);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("report.json")).unwrap()).unwrap();
    let value = |name: &str, subject: &str| -> f64 {
        let all = report.as_array().unwrap();
        let found = all.iter().find(|r| r["name"] == name && r["subject"].as_str().unwrap().contains(subject));
        found.unwrap_or_else(|| panic!("{name} of {subject} in\n{table}"))["value"].as_f64().unwrap()
    };
    for subject in ["real pictures", "mean colour of each class"] {
        assert!(value("seen_accuracy-seg", subject) > 0.9 && value("seen_miou-seg", subject) > 0.8, "{table}");
    }
    let painted = value("seen_miou-seg", "run/network");
    assert!((0. ..=1.).contains(&painted) && value("fid-stlpips", "run/network") > 0., "{table}");
    assert!(table.contains("| 80 |") && report.as_array().unwrap().len() == 8, "{table}");
    let first = report.clone();
    bench.ok(line);
    let again: serde_json::Value = serde_json::from_slice(&std::fs::read(bench.path("report.json")).unwrap()).unwrap();
    assert_eq!(first[0]["value"], again[0]["value"]);
    // Its pictures in a folder are measured as those that it paints, against pictures with maps or the maps themselves.
    bench.ok("paint --network run --map scenes/labels --out painted");
    let measured = |line: &str, name: &str| -> f64 {
        let _ = std::fs::remove_file(bench.path("pair.json"));
        let table = bench.ok(&format!("eval {line} --no-floor --out pair.json"));
        let report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(bench.path("pair.json")).unwrap()).unwrap();
        let found = report.as_array().unwrap().iter().find(|r| r["name"] == name);
        found.unwrap_or_else(|| panic!("{name} in\n{table}"))["value"].as_f64().unwrap()
    };
    let (judge, judged) = ("--segmenter seg.safetensors --metrics miou,accuracy", "seen_miou-seg");
    for truth in ["scenes", "scenes/labels"] {
        let found = measured(&format!("--images painted {truth} {judge}"), judged);
        assert!((found - painted).abs() < 1e-9, "{truth}: {found}, {painted}");
    }
    assert!(measured(&format!("--images scenes scenes {judge}"), judged) > 0.8);
    // Each picture meets the one that it is to be; measured from the network and from its files it is the same.
    let (of_network, of_files) = ("--network run --metrics lpips", "--images painted scenes --metrics lpips");
    let (network, files) = (measured(of_network, "lpips-stlpips"), measured(of_files, "lpips-stlpips"));
    assert!(network > 0.01 && (network - files).abs() < 1e-6 * network, "{network}, {files}");
    assert_eq!(measured("--images scenes scenes --metrics lpips", "lpips-stlpips"), 0.);
    bench.one_sentence(&format!("eval --images scenes painted {judge}"), &["painted", "no label maps"]);
    std::fs::remove_file(bench.path("painted/07.png")).unwrap();
    bench.one_sentence(
        of_files.replace("--images", "eval --images").as_str(),
        &["lpips", "equal names", "07.png is in scenes alone"],
    );
    bench.one_sentence("eval --network run --metrics miou", &["error: --metrics miou: ", "--segmenter FILE"]);
    bench.one_sentence("eval --network run --metrics fid --trunc 0.5", &["--trunc 0.5", "paints label maps"]);
    let of_run = "run/network-000000.safetensors";
    bench.one_sentence(&format!("eval --network run --segmenter {of_run}"), &[of_run, "no network S"]);

    // Another run begins where this one ended.
    bench.ok(&format!("train --config tiny.toml --from run --out other {settings}"));
    assert!(bench.pixels("other/fakes-init.png") == bench.pixels("run/fakes-000000.png"));
    bench.one_sentence("train --data scenes --from run --out third", &["--from", "--config spade/earth-64"]);
}

#[test]
fn what_does_not_fit_is_said_in_a_sentence() {
    let bench = bench();
    bench.one_sentence(
        "train --config tiny.toml --out run --set generator.classes=1",
        &["label map of 1.png", "class 1", "generator.classes = 2"],
    );
    assert!(!bench.path("run").exists());
    bench.one_sentence("train --config tiny.toml --out run --set shards.size=2", &["batch normalisation"]);
    bench.one_sentence("train --config tiny.toml --out run --from x.pkl", &["x.pkl"]);
    // A classifier's run has another verb.
    std::fs::create_dir(bench.path("classes.run")).unwrap();
    std::fs::write(bench.path("classes.run/config.toml"), "recipe = \"classifier\"\nkimg = 1.0\n").unwrap();
    bench.one_sentence("train --out classes.run", &["classes.run/config.toml", "stylegan classifier"]);
    let recipe = "recipe = \"spade\"\n";
    assert!(bench.ok("train --list-settings").contains(recipe));
    let own = bench.ok("train --list-settings --config spade/earth-64");
    assert!(own.starts_with(recipe) && own.contains("dont_care = ") && !own.contains("r1_gamma"), "{own}");
    assert!(!bench.ok("train --list-settings --config avatars-32").contains("recipe = "));
    assert!(bench.ok("train --config spade/coco-256 --print-config").contains("recipe = \"spade\""));
}
