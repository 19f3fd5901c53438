//! `stylegan convert`, `inspect` of foreign files, and `export`.

use crate::bench::Bench;
use crate::paint::{config, save_painter};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden");

/// A bench with the released formats that the tests keep.
fn bench() -> Bench {
    let bench = Bench::with_network();
    for (name, file) in [("ada.pkl", "checkpoints/stylegan2_ada_pytorch.pkl"), ("rosi.pt", "rosinality/stylegan2.pt")] {
        std::fs::copy(format!("{GOLDEN}/{file}"), bench.path(name)).unwrap();
    }
    std::fs::copy(format!("{GOLDEN}/kept/script.pt"), bench.path("script.pt")).unwrap();
    bench
}

fn json(bench: &Bench, file: &str) -> serde_json::Value {
    serde_json::from_str(&bench.ok(&format!("inspect {file} --json"))).unwrap()
}

#[test]
fn one_network_or_all() {
    let bench = bench();
    bench.ok("convert ada.pkl g.safetensors --licence NC");
    let g = json(&bench, "g.safetensors");
    assert_eq!((g["licence"].as_str(), g["kind"].as_str()), (Some("NC"), Some("release")));
    assert_eq!(g["networks"].as_object().unwrap().len(), 1);
    assert_eq!(g["extra"]["source_sha256"].as_str().unwrap().len(), 64);
    bench.one_sentence("convert g.safetensors x.safetensors --licence=", &["--licence: it is empty"]);
    bench.ok("convert ada.pkl all.safetensors --network all");
    assert_eq!(json(&bench, "all.safetensors")["networks"].as_object().unwrap().len(), 3);
    bench.ok("convert all.safetensors d.safetensors --network D");
    assert!(json(&bench, "d.safetensors")["networks"]["D"].is_object());
    bench.ok("convert d.safetensors x.safetensors");
    assert!(json(&bench, "x.safetensors")["networks"]["D"].is_object());
    bench.wrong("convert d.safetensors y.safetensors --network G_ema", &["has no network G_ema, only D"]);
    // The averaged generator of both is the same file but for what it says of its origin.
    bench.ok("generate --network g.safetensors --seeds 1 --out a.png");
    bench.ok("generate --network ada.pkl --seeds 1 --out b.png");
    assert_eq!(bench.pixels("a.png"), bench.pixels("b.png"));
}

#[test]
fn names_of_classes_are_kept() {
    let bench = bench();
    let painter = |name: &str| save_painter(&bench.path(name), config(), &[]);
    painter("painter.safetensors");
    let table = |names: &str| std::fs::write(bench.path("classes.json"), format!(r#"{{"classes": {names}}}"#)).unwrap();
    let line = "convert painter.safetensors named.safetensors --classes classes.json";
    table(r##"["sky", {"name": "field", "color": "#00ff00"}, "lake", "wood"]"##);
    bench.ok(line);
    let named = json(&bench, "named.safetensors");
    assert_eq!(named["extra"]["classes"], r#"["sky","field","lake","wood"]"#);
    table(r#"["sky"]"#);
    bench.one_sentence(line, &["--classes", "names 1 classes", "has 4"]);
    table("[]");
    bench.one_sentence(line, &["--classes", "0 classes"]);
    bench.one_sentence("convert ada.pkl x.safetensors --classes none.json", &["none.json"]);
    assert!(bench.ok("convert avatars-64 own.safetensors").contains("own.safetensors: G_ema of avatars-64\n"));
}

/// What files of painters do not tell is assumed with a word, and `convert` is told it.
#[test]
fn painters_are_told_what_their_files_do_not_say() {
    let bench = bench();
    std::fs::copy(format!("{GOLDEN}/spade/g_normal.weights.safetensors"), bench.path("roads.safetensors")).unwrap();
    let line = "convert roads.safetensors own.safetensors";
    let said = bench.run(line);
    assert_eq!(said.code, 0, "{}", said.stderr);
    for part in ["256x256 pixels (--size)", "depth normal (--depth)", "(--edges)", "(--dont-care)"] {
        assert!(said.stderr.contains(part), "{part} in {}", said.stderr);
    }
    // Six classes have names: whether the seventh is none, or edges, is not known.
    let table = r#"{"classes": ["a", "b", "c", "d", "e", "f"]}"#;
    std::fs::write(bench.path("classes.json"), table).unwrap();
    image::GrayImage::from_pixel(64, 64, image::Luma([255])).save(bench.path("map.png")).unwrap();
    let paint = "paint --network own.safetensors --map map.png --out painted.png";
    let refused = bench.run(paint);
    assert!(refused.code == 2 && refused.stderr.contains("pixels without a class"), "{}", refused.stderr);
    let said = bench.run(&format!("{line} --size 64 --depth normal --edges=false --dont-care"));
    assert!(said.code == 0 && !said.stderr.contains("assumed"), "{}", said.stderr);
    bench.ok(paint);
    assert_eq!(bench.pixels("painted.png").dimensions(), (64, 64));
    bench.ok(&format!("{line} --size 128x64 --edges"));
    let own = json(&bench, "own.safetensors");
    let (config, extra) = (&own["networks"]["G_ema"], &own["extra"]);
    assert_eq!((&config["img_size"], &config["classes"]), (&serde_json::json!([64, 128]), &serde_json::json!(6)));
    assert_eq!((extra["assumed"].as_str(), extra.get("no_class")), (Some("depth"), None));
    bench.one_sentence(&format!("{line} --depth most"), &["roads.safetensors", "depth `most`", "--depth"]);
    bench.one_sentence("convert ada.pkl x.safetensors --edges", &["ada.pkl", "no network that reads label maps"]);
}

/// What shapes do not tell of a generator is assumed with a word, by whoever opens it and for as long as it is so.
#[test]
fn what_is_assumed_of_a_generator_is_said() {
    let bench = bench();
    bench.ok("convert avatars-64 own.safetensors");
    let tensors = candle_core::safetensors::load(bench.path("own.safetensors"), &candle_core::Device::Cpu).unwrap();
    candle_core::safetensors::save(&tensors, bench.path("saved-again.safetensors")).unwrap();
    let word = "saved-again.safetensors: the file does not tell all of its network; assumed are mapping_lr 0.01 and conv_clamp none";
    for line in [
        "generate --network saved-again.safetensors --seeds 1 --out a.png",
        "export --network saved-again.safetensors --onnx a.onnx",
        "convert saved-again.safetensors converted.safetensors",
    ] {
        let said = bench.run(line);
        assert!(said.code == 0 && said.stderr.contains(word), "{line}: {}", said.stderr);
    }
    let said = bench.run("generate --network converted.safetensors --seeds 1 --out b.png");
    assert!(said.stderr.contains("assumed are mapping_lr 0.01"), "{}", said.stderr);
    for network in ["own.safetensors", "ada.pkl", "rosi.pt"] {
        let said = bench.run(&format!("generate --network {network} --seeds 1 --out c.png"));
        assert!(said.code == 0 && !said.stderr.contains("assumed"), "{network}: {}", said.stderr);
    }
}

#[test]
fn sixteen_bits() {
    let bench = bench();
    bench.ok("convert ada.pkl wide.safetensors");
    bench.ok("convert ada.pkl half.safetensors --f16");
    let half = json(&bench, "half.safetensors");
    assert!(half["tensors"].as_array().unwrap().iter().all(|tensor| tensor["dtype"] == "F16"));
    let size = |name: &str| std::fs::metadata(bench.path(name)).unwrap().len() as f64;
    assert!(size("half.safetensors") < 0.6 * size("wide.safetensors"));
    bench.ok("generate --network half.safetensors --seeds 1 --out half.png");
    bench.ok("generate --network wide.safetensors --seeds 1 --out wide.png");
    let pixels = |name: &str| image::open(bench.path(name)).unwrap().to_rgb8().into_raw();
    let worst = pixels("half.png").iter().zip(pixels("wide.png")).map(|(a, b)| a.abs_diff(b)).max().unwrap();
    assert!(worst <= 2, "{worst} of 255");
}

#[test]
fn names_of_other_programs() {
    let bench = bench();
    bench.ok("convert rosi.pt ours.safetensors");
    bench.ok("convert ours.safetensors theirs.safetensors --to rosinality");
    bench.ok("convert ours.safetensors official.safetensors --to nvlabs");
    let names = |file: &str| -> Vec<String> {
        let json = json(&bench, file);
        json["tensors"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_string()).collect()
    };
    assert!(names("theirs.safetensors").contains(&"convs.0.conv.blur.kernel".to_string()));
    assert!(names("official.safetensors").contains(&"synthesis.b4.conv1.resample_filter".to_string()));
    // A plain state dictionary of official names is a network here as well.
    bench.ok("generate --network official.safetensors --seeds 1 --out a.png");
    bench.ok("generate --network ours.safetensors --seeds 1 --out b.png");
    assert_eq!(bench.pixels("a.png"), bench.pixels("b.png"));
    bench.wrong("convert tiny.safetensors x.safetensors --to nvlabs", &["only StyleGAN2"]);
    // Names of either program are read back, with and without what this program writes beside them.
    bench.ok("generate --network theirs.safetensors --seeds 1 --out c.png");
    assert_eq!(bench.pixels("c.png"), bench.pixels("b.png"));
    for file in ["theirs", "official"] {
        let tensors =
            candle_core::safetensors::load(bench.path(format!("{file}.safetensors")), &candle_core::Device::Cpu);
        candle_core::safetensors::save(&tensors.unwrap(), bench.path("plain.safetensors")).unwrap();
        for source in [file, "plain"] {
            bench.ok(&format!("convert {source}.safetensors back.safetensors"));
            bench.ok("generate --network back.safetensors --seeds 1 --out d.png");
            assert_eq!(bench.pixels("d.png"), bench.pixels("b.png"));
            assert_eq!(json(&bench, "back.safetensors")["kind"], "release");
        }
    }
    bench.wrong("convert script.pt x.safetensors --to nvlabs", &["original names already"]);
    let other =
        std::collections::HashMap::from([("w", candle_core::Tensor::new(0f32, &candle_core::Device::Cpu).unwrap())]);
    candle_core::safetensors::save(&other, bench.path("other.safetensors")).unwrap();
    bench
        .one_sentence("convert other.safetensors x.safetensors", &["synthesis.b4.conv1.weight", "convs.0.conv.weight"]);
}

#[test]
fn networks_pickled_alone() {
    let bench = Bench::with_network();
    for file in ["pggan_tf", "stylegan1_tf", "stylegan2_ada_pytorch"] {
        std::fs::copy(format!("{GOLDEN}/checkpoints/bare/{file}.pkl"), bench.path("alone.pkl")).unwrap();
        std::fs::copy(format!("{GOLDEN}/checkpoints/{file}.pkl"), bench.path("all.pkl")).unwrap();
        bench.ok("convert alone.pkl g.safetensors");
        bench.ok("generate --network g.safetensors --seeds 1 --out a.png");
        bench.ok("generate --network all.pkl --seeds 1 --out b.png");
        assert_eq!(bench.pixels("a.png"), bench.pixels("b.png"));
    }
}

#[test]
fn early_files_without_noise() {
    let bench = Bench::with_network();
    for file in ["no_noises.pt", "with_noises.pt"] {
        std::fs::copy(format!("{GOLDEN}/rosinality/{file}"), bench.path(file)).unwrap();
        bench.ok(&format!("generate --network {file} --seeds 1 --noise none --out {file}.none.png"));
        bench.ok(&format!("generate --network {file} --seeds 1 --noise random --out {file}.random.png"));
        bench.ok(&format!("generate --network {file} --seeds 1 --out {file}.const.png"));
    }
    let read = |name: &str| bench.pixels(name);
    assert_eq!(read("no_noises.pt.none.png"), read("with_noises.pt.none.png"));
    assert_eq!(read("no_noises.pt.random.png"), read("with_noises.pt.random.png"));
    assert!(bench.ok("inspect no_noises.pt").contains("drawn with seed 0"));
}

#[test]
fn names_do_not_steer_the_terminal() {
    let bench = Bench::with_network();
    let tensor = candle_core::Tensor::new(&[0f32], &candle_core::Device::Cpu).unwrap();
    let name = "G_ema.\u{1b}]0;owned\u{7}\n\u{202e}";
    let tensors = std::collections::HashMap::from([(name, tensor)]);
    let metadata = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize_to_file(&tensors, Some(metadata), &bench.path("odd.safetensors")).unwrap();
    let shown = bench.ok("inspect odd.safetensors --tensors");
    assert!(shown.contains(r"G_ema.\u{1b}]0;owned\u{7}\n\u{202e}"), "{shown}");
    assert!(!shown.replace('\n', "").contains(char::is_control), "{shown:?}");
    bench.one_sentence("generate --network odd.safetensors --out x.png", &["odd.safetensors"]);
    bench.one_sentence("generate --network a\u{1b}[2J.pkl --out x.png", &[r"a\u{1b}[2J.pkl"]);
}

/// Pipes are not waited for, devices not read without end.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_no_files() {
    let bench = Bench::with_network();
    let made = std::process::Command::new("mkfifo").arg(bench.path("pipe.pkl")).status().unwrap();
    assert!(made.success());
    for file in ["pipe.pkl", "/dev/zero"] {
        for line in [
            format!("generate --network {file} --out x.png"),
            format!("convert {file} x.safetensors"),
            format!("inspect {file}"),
            format!("export --network {file} --onnx x.onnx"),
            format!("generate --network tiny.safetensors --latents {file} --out x.png"),
        ] {
            bench.one_sentence(&line, &["a pipe or a device"]);
        }
    }
}

#[test]
fn foreign_files_are_inspected() {
    let bench = bench();
    let text = bench.ok("inspect ada.pkl --tensors");
    for part in ["StyleGAN2 pickle (PyTorch)", "release", "G_ema", "stylegan2", "F32 [16, 16, 3, 3]"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let kept = json(&bench, "script.pt");
    assert_eq!((kept["kind"].as_str(), kept["format"].as_str()), (Some("weights"), Some("TorchScript module")));
    bench.wrong("convert script.pt x.safetensors --network G", &["leave --network out"]);
    bench.ok("convert script.pt kept.safetensors");
    bench.one_sentence("generate --network kept.safetensors --out x.png", &["holds no generator"]);
}

#[test]
fn addresses_and_other_mistakes() {
    let bench = bench();
    bench.one_sentence("convert https://example.org/ffhq.pkl x.safetensors", &["is an address", "curl", "ffhq.pkl"]);
    bench.one_sentence("convert nowhere.pkl x.safetensors", &["nowhere.pkl"]);
    std::fs::write(bench.path("empty.pkl"), "").unwrap();
    bench.one_sentence("convert empty.pkl x.safetensors", &["empty.pkl", "is empty; copy it again"]);
    bench.one_sentence(
        "convert tiny.safetensors x.onnx",
        &["`stylegan export --network tiny.safetensors --onnx x.onnx`"],
    );
    std::fs::write(bench.path("page.pkl"), "<html>Google Drive can not scan this file</html>").unwrap();
    bench.one_sentence("convert page.pkl x.safetensors", &["web page"]);
    std::fs::write(bench.path("page.safetensors"), "\n\n <!DOCTYPE HTML><HTML>Sign in</HTML>").unwrap();
    bench.one_sentence("generate --network page.safetensors --out x.png", &["web page"]);
    std::fs::write(bench.path("answer.pt"), r#"{"message": "Not Found"}"#).unwrap();
    bench.one_sentence("inspect answer.pt", &["JSON", "Not Found"]);
}

#[test]
fn onnx() {
    let bench = bench();
    let said = bench.ok("export --network tiny.safetensors --onnx tiny.onnx");
    assert!(said.contains("opset 17, from z, psi to img"), "{said}");
    assert!(std::fs::metadata(bench.path("tiny.onnx")).unwrap().len() > 10_000);
    bench.one_sentence("export --network tiny.safetensors --onnx tiny.pb", &["tiny.pb", "end in .onnx"]);
    for batch in ["0", "1000000000000"] {
        let line = format!("export --network tiny.safetensors --onnx x.onnx --batch {batch}");
        bench.wrong(&line, &["--batch", batch, "from 1 to 100000"]);
    }
    bench.wrong("export --network tiny.safetensors --onnx x.onnx --trunc-cutoff 9", &["has 6 style rows"]);

    bench.one_sentence(
        "export --network earth-64-spade --onnx x.onnx --trunc-cutoff 1",
        &["earth-64-spade has no average style", "leave it out"],
    );

    crate::invert::encoder(&bench, "encoder.safetensors", 6);
    let said = bench.ok("export --encoder encoder.safetensors --onnx encoder.onnx --batch 1");
    assert!(said.contains("from img to ws"), "{said}");
    assert!(std::fs::metadata(bench.path("encoder.onnx")).unwrap().len() > 10_000);
    bench.one_sentence("export --encoder tiny.safetensors --onnx x.onnx", &["holds no encoder"]);
    bench.wrong("export --onnx x.onnx", &["--network", "--encoder"]);
    bench.wrong(
        "export --network tiny.safetensors --encoder encoder.safetensors --onnx x.onnx",
        &["cannot be used with"],
    );
}

/// A network of 32 pixels becomes one of 64 that a run can begin with; layers in common are the same.
#[test]
fn networks_of_another_size() {
    let bench = bench();
    bench.ok("convert ada.pkl small.safetensors --network all");
    bench.ok("convert small.safetensors large.safetensors --network all --resize-net 64");
    let (small, large) = (json(&bench, "small.safetensors"), json(&bench, "large.safetensors"));
    let sums = |file: &serde_json::Value| -> std::collections::HashMap<String, String> {
        let tensors = file["tensors"].as_array().unwrap().iter();
        tensors.map(|tensor| (tensor["name"].as_str().unwrap().into(), tensor["shape"].to_string())).collect()
    };
    let (small_shapes, large_shapes) = (sums(&small), sums(&large));
    assert_eq!(large["networks"]["G"]["img_size"], serde_json::json!([64, 64]));
    assert!(large_shapes.len() > small_shapes.len());
    crate::train::pictures(&bench, "pictures", 8, 64);
    bench.ok("train --data pictures --from large.safetensors --set schedule.batch=8 --kimg 0.008 --out run");
    bench.wrong(
        "convert small.safetensors x.safetensors --resize-net 7",
        &["--resize-net 7: G_ema of small.safetensors"],
    );
}
