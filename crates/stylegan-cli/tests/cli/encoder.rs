//! `stylegan train` with `recipe = "encoder"`, and `stylegan invert` with what it leaves.

use crate::bench::Bench;
use image::{GrayImage, Luma, Rgb, RgbImage};

const CONFIG: &str = "
recipe = \"encoder\"
kimg = 0.32
generator = \"tiny.safetensors\"
[data]
set = \"fields\"
[task]
input = \"picture\"
[encoder]
img_size = [32, 32]
num_ws = 6
w_dim = 8
channels = 4
[loss]
lpips = 0
[schedule]
batch = 8
lr = 0.003
optimizer = \"adam\"
[output]
tick_kimg = 0.08
snapshot_kimg = 0.16
checkpoint_kimg = 0.16
";

/// A bench with a generator, `tiny.toml` and eight pictures in `fields/`, whose maps have one class each.
fn bench() -> Bench {
    let bench = Bench::with_network();
    std::fs::write(bench.path("tiny.toml"), CONFIG).unwrap();
    std::fs::create_dir_all(bench.path("fields/labels")).unwrap();
    for i in 0..8u8 {
        let picture = RgbImage::from_fn(32, 32, |x, _| Rgb([i % 2 * 200, 90, (x as u8) * (8 - i)]));
        picture.save(bench.path(format!("fields/{i}.png"))).unwrap();
        GrayImage::from_pixel(32, 32, Luma([i % 2])).save(bench.path(format!("fields/labels/{i}.png"))).unwrap();
    }
    bench
}

/// The mean loss in each line of a run's log.
fn losses(bench: &Bench, run: &str) -> Vec<f64> {
    let log = std::fs::read_to_string(bench.path(format!("{run}/stats.jsonl"))).unwrap();
    let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    log.lines().map(|text| line(text)["Loss/E/loss"]["mean"].as_f64().unwrap()).collect()
}

/// The newest checkpoint of a run.
fn newest(bench: &Bench, run: &str) -> std::path::PathBuf {
    let files = std::fs::read_dir(bench.path(run)).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|ending| ending == "safetensors")).max().unwrap()
}

#[test]
fn an_encoder_trains_goes_on_and_inverts() {
    let bench = bench();
    let ran = bench.run("train --config tiny.toml --out run");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in [
        "pictures: 8 of 32x32 pixels",
        "styles:   of tiny.safetensors",
        "note:     loss.id is 0.1, but there is no loss of identity",
        "parameters in the encoder",
        "finished after 0.32 kimg",
        "stylegan invert --network run --encoder run",
    ] {
        assert!(ran.stderr.contains(part), "{part} in\n{}", ran.stderr);
    }
    let found = losses(&bench, "run");
    assert!(found.len() == 4 && found[3] < 0.9 * found[0], "{found:?}");
    // The run says which generator it is of, and goes on without a word on it, from another folder as well.
    let ran = bench.run("train --config tiny.toml --out run --kimg 0.4");
    assert!(ran.code == 0 && ran.stderr.contains("going on at 0.32 of 0.4 kimg"), "{}", ran.stderr);
    bench.one_sentence("train --out run --config tiny.toml --set loss.l2=2", &["loss.l2", "--new"]);
    // It goes on with the generator that it has, whatever its configuration names by now.
    std::fs::copy(bench.path("tiny.safetensors"), bench.path("other.safetensors")).unwrap();
    let before = std::fs::read_to_string(bench.path("run/config.toml")).unwrap();
    bench.ok("train --out run --config tiny.toml --set generator=other.safetensors --kimg 0.4");
    assert_eq!(std::fs::read_to_string(bench.path("run/config.toml")).unwrap(), before);
    // One that was moved is asked for.
    std::fs::rename(bench.path("tiny.safetensors"), bench.path("moved.safetensors")).unwrap();
    bench.one_sentence("train --out run --kimg 0.4", &["tiny.safetensors", "if it was moved", "--set generator="]);
    bench.ok("train --out run --kimg 0.4 --set generator=moved.safetensors");
    std::fs::rename(bench.path("moved.safetensors"), bench.path("tiny.safetensors")).unwrap();
    bench.ok("invert --network run --encoder run --out out fields/3.png");
    bench.ok("invert --network tiny.safetensors --encoder run --out again fields/3.png");
    // Beside its checkpoints, and in a folder under the names of the set: what `eval --images` compares.
    bench.ok("invert --network run --encoder run --out run/inverted --reconstructions alone/of fields");
    assert_eq!(bench.pixels("run/inverted/3-reconstruction.png"), bench.pixels("out/3-reconstruction.png"));
    assert_eq!(bench.pixels("alone/of/3.png"), bench.pixels("out/3-reconstruction.png"));
    assert_eq!(std::fs::read_dir(bench.path("alone/of")).unwrap().count(), 8);
    let line = "invert --network run --encoder run --out out fields/3.png";
    bench.one_sentence(&format!("{line} --reconstructions fields"), &["fields/3.png", "is read by this command"]);
    bench.one_sentence(&format!("{line} --factor 8"), &["--factor", "not trained on small pictures"]);
    bench.one_sentence(&format!("{line} --distance stlpips"), &["--distance", "about the search"]);
    bench.one_sentence(&format!("{line} --steps 2 --distance lpips-alex"), &["lpips-alex", "have stlpips"]);
    bench.ok("invert --network run --steps 2 --distance stlpips --out searched fields/3.png");
    let measures = std::fs::read_to_string(bench.path("out/measures.json")).unwrap();
    let measures: serde_json::Value = serde_json::from_str(&measures).unwrap();
    let (source, found) = (bench.pixels("fields/3.png"), bench.pixels("out/3-reconstruction.png"));
    let small = image::imageops::resize(&source, 16, 16, image::imageops::FilterType::Triangle);
    let squares = small.as_raw().iter().zip(found.as_raw()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    let expected = squares.sum::<f64>() / 768. / 127.5 / 127.5;
    let mse = measures["mse"]["mean"].as_f64().unwrap();
    assert!((mse - expected).abs() < 0.1 * expected, "{mse}, {expected}");
    assert!(measures["seconds_per_picture"]["mean"].as_f64().is_some() && measures["each"][0]["name"] == "3");
    let pixels = |name: &str| bench.pixels(name);
    assert_eq!(pixels("out/3-reconstruction.png"), pixels("again/3-reconstruction.png"));
    bench.one_sentence("invert --network run --encoder run --prepared --out out fields/3.png", &["--prepared"]);
}

/// One of ten pictures is kept to measure a segmenter on.
#[test]
fn few_pictures_teach_no_segmenter() {
    let bench = bench();
    let ran = bench.run("segmenter --data fields --out segmenter.safetensors");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    for part in ["the set has 8 pictures", "at least 10 are needed"] {
        assert!(ran.stderr.contains(part), "{part} in\n{}", ran.stderr);
    }
}

/// Reconstructions are compared with other pictures of the same names, by every network at hand, and measures name these.
#[test]
fn reconstructions_are_measured_by_networks_of_their_own() {
    let bench = bench();
    bench.ok("generate --network tiny.safetensors --seeds 3,4 --out made");
    // Of two classes; what it learned does not matter here.
    for i in 0..16u8 {
        let picture = RgbImage::from_fn(16, 16, |x, y| Rgb([i % 2 * 200, x as u8 * (i + 1), y as u8 * 9]));
        std::fs::create_dir_all(bench.path(format!("classes/{}", i % 2))).unwrap();
        picture.save(bench.path(format!("classes/{}/{i}.png", i % 2))).unwrap();
    }
    bench.ok("data build classes --size 16 --label-from-folders --out classes.zip");
    bench.ok("classifier --data classes.zip --out classes.safetensors --kimg 0.1 --channel-base 64");
    let line = "invert --network tiny.safetensors --steps 1 made";
    let measures = |out: &str, more: &str| -> serde_json::Value {
        bench.ok(&format!("{line} --out {out} {more}"));
        serde_json::from_str(&std::fs::read_to_string(bench.path(format!("{out}/measures.json"))).unwrap()).unwrap()
    };
    let own = measures("own", "--classifier classes.safetensors");
    let cosine = |found: &serde_json::Value| found["classifier"]["mean"].as_f64().unwrap();
    assert!(cosine(&own) < 1.0001 && own["classifier"]["low"].as_f64().is_some(), "{own}");
    assert!(own["seconds_per_picture"]["mean"].as_f64().unwrap() > 0.);
    for network in ["stlpips", "classifier"] {
        assert_eq!(own["networks"][network].as_str().unwrap().len(), 64, "{network}");
    }
    // What was found before is measured again, against what it found itself.
    std::fs::create_dir(bench.path("twins")).unwrap();
    for name in ["seed0003", "seed0004"] {
        std::fs::copy(bench.path(format!("own/{name}-reconstruction.png")), bench.path(format!("twins/{name}.png")))
            .unwrap();
    }
    let twins = measures("own", "--classifier classes.safetensors --truth twins");
    assert_eq!(twins["mse"]["mean"], 0.);
    assert!((cosine(&twins) - 1.).abs() < 1e-5 && twins.get("seconds_per_picture").is_none(), "{twins}");
    assert!(own["mse"]["mean"].as_f64().unwrap() > 0.);
    assert!(own.get("face_mse").is_none());
    // A corner is outside the face.
    let name = bench.path("twins/seed0003.png");
    let mut twin = bench.pixels("twins/seed0003.png");
    twin.get_pixel_mut(0, 15).0.iter_mut().for_each(|value| *value ^= 128);
    twin.save(name).unwrap();
    let faces = measures("own", "--truth twins --face");
    let mean = |key: &str| faces[key]["mean"].as_f64().unwrap();
    assert!(mean("mse") > 0. && mean("stlpips") > 0., "{faces}");
    assert_eq!((mean("face_mse"), mean("face_stlpips")), (0., 0.), "{faces}");
    assert_eq!(faces["networks"]["face_stlpips"], faces["networks"]["stlpips"]);
    std::fs::remove_file(bench.path("twins/seed0003.png")).unwrap();
    bench.one_sentence(&format!("{line} --out own --truth twins"), &["--truth twins", "no picture seed0003"]);
    bench.one_sentence(&format!("{line} --out own --classifier tiny.safetensors"), &["tiny.safetensors", "network D"]);
}

/// An encoder is taken for the generator that it was trained for, a copy that was tuned, and a file of the same weights; one
/// of the same shape with other weights is refused.
#[test]
fn encoders_belong_to_their_generator() {
    let bench = bench();
    bench.ok("train --config tiny.toml --set output.snapshot_kimg=9 --kimg 0.016 --out run");
    let tensors = candle_core::safetensors::load(bench.path("tiny.safetensors"), &candle_core::Device::Cpu).unwrap();
    candle_core::safetensors::save(&tensors, bench.path("same.safetensors")).unwrap();
    let mut other = stylegan_core::import::networks(bench.path("tiny.safetensors")).unwrap();
    other.tensors.iter_mut().for_each(|(_, tensor)| *tensor = (&*tensor * 0.9).unwrap());
    stylegan_core::checkpoint::save(bench.path("other.safetensors"), &other.metadata, &other.tensors).unwrap();
    for more in ["", "--steps 2"] {
        let line = format!("invert --network other.safetensors --encoder run {more} --out other fields/3.png");
        bench.one_sentence(
            &line,
            &[
                "--encoder run",
                "tiny.safetensors (contents ",
                "--network other.safetensors has contents",
                "--network run",
            ],
        );
    }
    assert!(!bench.path("other").exists());
    bench.ok("invert --network same.safetensors --encoder run --out same fields/3.png");
    // Files of no run hold the generator of their encoder: a note says where the network is another.
    let file = stylegan_core::import::networks(newest(&bench, "run")).unwrap();
    let networks = file.metadata.networks.clone();
    let metadata = stylegan_core::checkpoint::Metadata { networks, ..Default::default() };
    stylegan_core::checkpoint::save(bench.path("released.safetensors"), &metadata, &file.tensors).unwrap();
    bench.ok("convert released.safetensors half.safetensors --network G --f16");
    for (network, noted) in [("same", false), ("half", false), ("released", false), ("other", true)] {
        let line = format!("invert --network {network}.safetensors --encoder released.safetensors --out {network}-out");
        let ran = bench.run(&format!("{line} fields/3.png"));
        assert_eq!((ran.code, ran.stderr.contains("a generator of other weights")), (0, noted), "{}", ran.stderr);
    }
    bench.ok("invert --network tiny.safetensors --encoder run --tune --out own fields/3.png");
    bench.ok("invert --network own/3-network.safetensors --encoder run --out tuned fields/3.png");
    bench.ok("invert --network run --encoder run --tune --out run-own fields/3.png");
    bench.ok("invert --network run-own/3-network.safetensors --encoder run --out run-tuned fields/3.png");
    // Directions of a network are those of its tuned copies.
    bench.ok("directions sefa --network tiny.safetensors --samples 100 --out moves.safetensors");
    let edit = "--directions moves.safetensors --direction sefa-0=1 --seeds 1 --out moved.png";
    let ran = bench.run(&format!("edit --network own/3-network.safetensors {edit}"));
    assert!(ran.code == 0 && !ran.stderr.contains("another network"), "{}", ran.stderr);
    let styles = |folder: &str| {
        let file = bench.path(format!("{folder}/3.safetensors"));
        let mut tensors = candle_core::safetensors::load(file, &candle_core::Device::Cpu).unwrap();
        tensors.remove("ws").unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert!(["same", "own", "tuned", "run-own", "run-tuned"].map(styles).windows(2).all(|two| two[0] == two[1]));
}

/// What a mask hides does not decide what an encoder of masked pictures finds.
#[test]
fn masks_say_what_encoders_see() {
    let bench = bench();
    bench.ok("train --config tiny.toml --set output.snapshot_kimg=9 --kimg 0.016 --out run --set task.input=masked");
    let mut picture = bench.pixels("fields/1.png");
    std::fs::create_dir(bench.path("two")).unwrap();
    picture.save(bench.path("two/a.png")).unwrap();
    (0..32).for_each(|y| (20..32).for_each(|x| picture.put_pixel(x, y, Rgb([7, 250, 3]))));
    picture.save(bench.path("two/b.png")).unwrap();
    GrayImage::from_fn(32, 32, |x, _| Luma([if x < 20 { 0 } else { 255 }])).save(bench.path("mask.png")).unwrap();
    let found = |more: &str, out: &str| {
        bench.ok(&format!("invert --network run --encoder run {more} --out {out} two"));
        ["a", "b"].map(|name| bench.pixels(&format!("{out}/{name}-reconstruction.png")))
    };
    let [a, b] = found("--mask mask.png", "masked");
    assert_eq!(a, b);
    let [a, b] = found("", "strokes");
    assert_ne!(a, b);
    let prepared = "invert --network run --encoder run --prepared --mask mask.png two";
    bench.wrong(prepared, &["--prepared", "--mask"]);
}

#[test]
fn tasks_show_encoders_their_own() {
    let bench = bench();
    let train = |input: &str, channels: usize| {
        let line = "train --config tiny.toml --set output.snapshot_kimg=9 --kimg 0.016";
        let task = format!("--set task.input={input} --set task.factors=[2,4] --set loss.id=0");
        let ran = bench.run(&format!("{line} --out {input} {task} --set encoder.img_channels={channels}"));
        assert!(ran.code == 0 && !ran.stderr.contains("loss.id"), "{}", ran.stderr);
        ran.stderr
    };
    assert!(train("sketch", 1).contains("with --prepared, a sketch"));
    bench.ok("invert --network sketch --encoder sketch --out a fields/1.png");
    let sheet = |folder: &str| bench.pixels(&format!("{folder}/sheet.png"));
    // The sketch of a sketch is another picture.
    bench.ok("invert --network sketch --encoder sketch --prepared --out b fields/1.png");
    assert!(sheet("a").width() == sheet("b").width() && sheet("a") != sheet("b"));
    train("downscaled", 3);
    bench.ok("invert --network downscaled --encoder downscaled --out small fields/1.png");
    bench.ok("invert --network downscaled --encoder downscaled --factor 2 --out large fields/1.png");
    assert!(sheet("small") != sheet("large"));
    let line = "invert --network downscaled --encoder downscaled --out e fields/1.png";
    bench.one_sentence(&format!("{line} --factor 3"), &["--factor 3", "was trained with 2, 4"]);
    assert!(train("map", 2).contains("--out inverted map.png\n"));
    bench.ok("invert --network map --encoder map --out c fields/labels/0.png");
    bench.ok("invert --network map --encoder map --out c fields/labels/1.png");
    assert_ne!(bench.pixels("c/0-reconstruction.png"), bench.pixels("c/1-reconstruction.png"));
    GrayImage::from_pixel(32, 32, Luma([7])).save(bench.path("other.png")).unwrap();
    let refused = "invert --network map --encoder map --out d other.png";
    bench.one_sentence(refused, &["other.png has class 7 in column 0 of row 0", "reads 2 classes (0 to 1)"]);
    assert!(!bench.path("d").exists(), "begun with a map that is refused");
    // A map of another shape is cropped as a picture is.
    let wide = GrayImage::from_fn(64, 32, |x, _| Luma([u8::from(!(16..48).contains(&x))]));
    std::fs::create_dir(bench.path("wide")).unwrap();
    wide.save(bench.path("wide/0.png")).unwrap();
    bench.ok("invert --network map --encoder map --out wide-out wide/0.png");
    assert_eq!(bench.pixels("wide-out/0-reconstruction.png"), bench.pixels("c/0-reconstruction.png"));
    // What a table beside maps says is looked at again when it has changed.
    let meant = |classes: &str| {
        std::fs::write(bench.path("wide/classes.json"), format!(r#"{{"classes": {classes}}}"#)).unwrap();
        bench.ok("invert --network map --encoder map --out table wide");
        bench.pixels("table/0-reconstruction.png")
    };
    let named = meant(r#"["a", "b"]"#);
    assert_eq!(named, bench.pixels("c/0-reconstruction.png"));
    let turned = meant(r#"[{"name": "a", "value": 1}, {"name": "b", "value": 0}]"#);
    assert_eq!(turned, bench.pixels("c/1-reconstruction.png"));
    bench.one_sentence("invert --network map --encoder map --steps 3 --out d fields/labels/1.png", &["--steps"]);
    bench.one_sentence("train --config tiny.toml --out e --set generator=gone.safetensors", &["gone.safetensors"]);
    bench.one_sentence("train --config tiny.toml --out e --cond", &["--cond", "encoders"]);
}

/// The generator may be one that comes along, also once the place where that was unpacked is gone; of one that is not there the
/// sentence says how it comes about, and so does that of another network.
#[test]
fn networks_of_a_configuration_are_found() {
    let bench = bench();
    let line = "train --config tiny.toml --set output.snapshot_kimg=9";
    let size = "--set encoder.num_ws=10 --set encoder.w_dim=128 --set generator=avatars-64";
    bench.ok(&format!("{line} --kimg 0.016 {size} --out run"));
    let config = std::fs::read_to_string(bench.path("run/config.toml")).unwrap();
    let gone = config.lines().map(|line| match line.strip_prefix("generator = ") {
        Some(file) => {
            assert!(file.ends_with("avatars-64.safetensors\""), "{file}");
            "generator = \"emptied/avatars-64.safetensors\"\n".to_owned()
        }
        None => format!("{line}\n"),
    });
    std::fs::write(bench.path("run/config.toml"), gone.collect::<String>()).unwrap();
    bench.ok("train --out run --kimg 0.024");
    bench.one_sentence(
        "train --config psp/earth-64-invert --data fields --out e",
        &["generator = runs/sg2-earth-64: there is no such", "--set generator=FILE|RUN|NAME"],
    );
    let ran = bench.run(&format!("{line} --out e --set loss.classifier=gone.safetensors"));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    for part in ["loss.classifier = gone.safetensors", "`stylegan classifier` trains one", "--set loss.id=0"] {
        assert!(ran.stderr.contains(part), "{part} in\n{}", ran.stderr);
    }
    assert!(bench.ok("train --config psp/avatars-64-invert --print-config").contains("generator = \"avatars-64\""));
}

/// Pictures that the generator draws take their own time, which counts for as many as there are.
#[test]
fn a_plan_measures_drawn_pictures_apart() {
    let bench = bench();
    let plan = "plan --config tiny.toml --seconds 0";
    let whole = |said: &str, pace: &[&str]| {
        let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("pace:")).collect();
        assert_eq!(lines.len(), pace.len(), "{said}");
        lines.iter().zip(pace).for_each(|(line, end)| assert!(line.ends_with(end), "{said}"));
    };
    let (drawn, shown) = ("1 x 8 pictures that the generator draws a step", "1 x 8 pictures a step");
    whole(&bench.ok(plan), &[shown]);
    whole(&bench.ok(&format!("{plan} --set pretrain_kimg=0.16")), &[drawn, shown]);
    whole(&bench.ok(&format!("{plan} --set pretrain_kimg=0.32")), &[drawn]);
}
