//! What a newcomer types: little, and not always right.

use crate::bench::Bench;
use image::{Luma, Rgb};
use std::path::PathBuf;

/// A bench with a folder of twelve pictures of 8x8 pixels, every other one of class `cat`, else `dog`.
fn labelled() -> Bench {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("pets")).unwrap();
    let mut labels = vec![];
    for i in 0..12u8 {
        let picture = image::RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8 * 30, y as u8 * 30, i * 20]));
        picture.save(bench.path(format!("pets/{i:02}.png"))).unwrap();
        labels.push(serde_json::json!([format!("{i:02}.png"), i % 2]));
    }
    let json = serde_json::json!({ "labels": labels, "classes": ["cat", "dog"] });
    std::fs::write(bench.path("pets/dataset.json"), json.to_string()).unwrap();
    bench
}

/// Settings with which a run of 8x8 pixels takes a second.
const SMALL: &str = "--kimg 0.1 --set schedule.batch=8 --set generator.mapping_layers=2 --set generator.channel_max=8 \
                     --set discriminator.channel_max=8";

#[test]
fn a_set_chooses_its_configuration() {
    let bench = labelled();
    let ran = bench.run(&format!("train --data pets --out run {SMALL}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in [
        "no --config was given: ada/auto-64",
        "pictures: 12 of 8x8 pixels with 3 channels,",
        "labels:   2 classes (cat, dog), which this run does not use; --cond does",
        "networks: ",
    ] {
        assert!(ran.stderr.contains(part), "{part} in\n{}", ran.stderr);
    }
    let config: toml::Table = std::fs::read_to_string(bench.path("run/config.toml")).unwrap().parse().unwrap();
    let value = |table: &str, key: &str| config[table][key].to_string();
    assert_eq!([value("generator", "img_size"), value("discriminator", "c_dim")], ["[8, 8]", "0"]);
    assert_eq!([value("data", "mirror"), value("loss", "r1_gamma")], ["false", "10.0"]);
    // The same command goes on, here with what is done: it says so, and writes nothing.
    let files = || {
        ["log.txt", "stats.jsonl", "events.out.tfevents.0.stylegan-rs"]
            .map(|name| std::fs::read(bench.path(format!("run/{name}"))).unwrap())
    };
    let before = files();
    let ran = bench.run(&format!("train --data pets --out run {SMALL}"));
    assert!(ran.code == 0 && ran.stderr.contains("nothing is left to do"), "{}", ran.stderr);
    assert!(files() == before);

    std::fs::create_dir(bench.path("grey")).unwrap();
    for i in 0..4u8 {
        let picture = image::GrayImage::from_fn(16, 8, |x, _| Luma([x as u8 * i]));
        picture.save(bench.path(format!("grey/{i}.png"))).unwrap();
    }
    let printed = bench.ok("train --data grey --print-config");
    let config: toml::Table = printed.parse().unwrap();
    assert_eq!(config["generator"]["img_size"].to_string(), "[8, 16]");
    assert_eq!(config["discriminator"]["img_channels"].to_string(), "1");
    // What nothing can look at is said before the first step.
    std::fs::create_dir(bench.path("clear")).unwrap();
    for i in 0..4u8 {
        let picture = image::RgbaImage::from_pixel(8, 8, image::Rgba([i, 0, 0, 100]));
        picture.save(bench.path(format!("clear/{i}.png"))).unwrap();
    }
    let line = format!("train --data clear --out clear-run {SMALL}");
    let ran = bench.run(&format!("{line} --set eval.metrics=[\"kid\"]"));
    assert!(ran.code == 2 && ran.stderr.contains("4 channels, and metrics look at 1"), "{}", ran.stderr);
    bench.ok(&line);
    bench.wrong("eval --network clear-run", &["4 channels", "--channels 3"]);
    bench.one_sentence("train --data nowhere --out other", &["nowhere"]);
    // A folder's name that was mistyped does not begin another run.
    bench.one_sentence("train --out rnu", &["rnu", "holds no run", "--data"]);
}

#[test]
fn classes_are_trained_and_asked_for_by_name() {
    let bench = labelled();
    bench.ok(&format!("train --data pets --out run --cond {SMALL}"));
    assert!(bench.ok("inspect run").contains("[\"cat\",\"dog\"]"));
    bench.ok("generate --network run --class dog --seeds 0-3 --grid --out dog.png");
    bench.ok("generate --network run --class 1 --seeds 0-3 --grid --out one.png");
    bench.ok("generate --network run --class cat --seeds 0-3 --grid --out cat.png");
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(read("dog.png") == read("one.png") && read("dog.png") != read("cat.png"));
    bench.ok("generate --network run --all-classes --seeds 0-3 --zoom 1 --no-captions --out rows.png");
    assert_eq!(bench.size("rows.png"), (4 * 10 + 2, 2 * 10 + 2));
    assert_eq!(bench.text("rows.png", "stylegan:row-class").unwrap(), "cat, dog");
    bench.one_sentence("generate --network run --class bird --out x.png", &["bird", "cat, dog (0 to 1)"]);
    bench.one_sentence("generate --network run --class 2 --out x.png", &["2 classes", "cat, dog"]);
    bench.one_sentence("generate --network run --out x.png", &["--class", "cat, dog"]);
    // What is released keeps them.
    bench.ok("convert run/network-000000.safetensors small.safetensors --f16");
    bench.ok("generate --network small.safetensors --class dog --out x.png");

    bench.ok(&format!("train --data pets --out run --cond {SMALL}"));
    bench.ok(&format!("train --data pets --out plain {SMALL}"));
    bench.one_sentence("train --data pets --out plain --cond", &["without labels", "--new"]);
    std::fs::remove_file(bench.path("pets/dataset.json")).unwrap();
    bench.wrong("train --data pets --out other --cond", &["no labels", "dataset.json"]);
    bench.one_sentence("train --data avatars --out other --cond", &["--label hair"]);
}

#[test]
fn configurations_go_by_name() {
    let bench = Bench::new();
    let printed = bench.ok("train --config avatars-32 --print-config");
    assert!(printed.contains("set = \"avatars\""), "{printed}");
    let ran = bench.run("train --config configs/avatars-32.toml --print-config");
    assert_eq!((ran.code, ran.stdout), (0, printed));
    assert!(ran.stderr.contains("the built-in avatars-32 is used"), "{}", ran.stderr);
    assert!(bench.ok("train --config sg1/table1-a --print-config").contains("pggan"));
    for (typed, near) in [("avatar-32", "avatars-32"), ("sg1/table1a.toml", "sg1/table1-a")] {
        bench.one_sentence(&format!("train --config {typed} --print-config"), &[typed, near, "--list-configs"]);
    }
    std::fs::write(bench.path("avatars-32.toml"), "kimg = 7").unwrap();
    let ran = bench.run("train --config avatars-32 --print-config");
    assert!(ran.stdout.contains("kimg = 7.0") && ran.stderr.contains("the file avatars-32.toml is used"), "{ran:?}");
    let list = bench.ok("train --list-configs");
    assert!(list.lines().count() >= 35 && list.starts_with("avatars-32"), "{list}");
    assert!(bench.ok("train --list-settings").contains("[schedule]"));
}

#[test]
fn errors_in_configurations_name_the_line() {
    let bench = Bench::new();
    std::fs::write(bench.path("my.toml"), "kimg = 1\n[schedule]\nbatchs = 8\n").unwrap();
    bench.one_sentence("train --config my --print-config", &["my.toml: line 3", "`batchs`", "did you mean `batch`?"]);
    bench.one_sentence("train --print-config --set schedule.lr=fast", &["override `schedule.lr=fast`", "\"fast\""]);
}

/// Under `cargo xtask` the hints and help texts begin with what its reader types.
#[test]
fn hints_name_commands_that_the_reader_has() {
    let bench = labelled();
    let run = |line: &str| {
        let output = bench.command(line).env("STYLEGAN_INVOKED_AS", "cargo xtask").output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let said = run(&format!("train --data pets --out run {SMALL}"));
    assert!(said.contains("train on:   cargo xtask train --out run") && !said.contains("stylegan train"), "{said}");
    let help = run("train --help");
    assert!(help.contains("Usage: cargo xtask train") && !help.contains("stylegan train"), "{help}");
    assert!(run("eval").contains("Usage: cargo xtask eval"));
    assert!(bench.ok("train --help").contains("stylegan train --data"));
}

#[test]
fn shells_and_manuals_know_every_verb() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = bench.ok(&format!("completions {shell}"));
        assert!(script.contains("interpolate") && script.contains("trunc-cutoff"), "{shell}");
    }
    // Networks have names as well as files.
    let names = "avatars-64 earth-64-spade avatars-32";
    for (shell, part) in [
        ("bash", format!("compgen -f -W \"{names}\"")),
        ("zsh", format!("FILE|RUN|NAME:{{compadd {names}; _files}}")),
        ("fish", "-l network".into()),
        ("fish", "-r -F -a \"avatars-64".into()),
    ] {
        assert!(bench.ok(&format!("completions {shell}")).contains(&part), "{shell}: {part}");
    }
    bench.wrong("models avatars-33", &["avatars-33", "earth-64-spade"]);
    bench.wrong("completions csh", &["csh", "bash"]);
    bench.ok("man pages");
    let page = |name: &str| -> PathBuf { bench.path(format!("pages/{name}.1")) };
    for name in ["stylegan", "stylegan-train", "stylegan-data-build"] {
        assert!(page(name).is_file(), "{name}");
    }
    let text = std::fs::read_to_string(page("stylegan-train")).unwrap();
    assert!(text.contains(".TH stylegan-train 1") && text.contains("list\\-configs"), "{text}");
    // Examples keep their lines.
    assert!(text.contains("\n.nh\n") && text.contains(".nf\n  stylegan train \\-\\-data faces.zip"), "{text}");
    assert!(text.contains(".nf\nExample: \\-\\-config avatars\\-32\n.fi\n"), "{text}");
    let said = bench.command("man").arg("my pages").output().unwrap().stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(cfg!(windows) || said.contains("`man 'my pages/stylegan-train.1'`"), "{said}");
}

/// Directions come along as well: they are listed, and move pictures without a file.
#[test]
fn directions_come_along() {
    let bench = Bench::new();
    let card = bench.ok("models avatars-64");
    let (_, list) = card.split_once("Directions, for").unwrap();
    let name = list.lines().nth(2).and_then(|line| line.split_whitespace().next()).unwrap();
    bench.ok(&format!("edit --network avatars-64 --seeds 0-1 --direction {name}=3 --out moved"));
    bench.ok("generate --network avatars-64 --seeds 0-1 --out plain");
    for seed in ["seed0000", "seed0001"] {
        let moved = bench.pixels(&format!("moved/{seed}-edited.png"));
        assert!(moved != bench.pixels(&format!("plain/{seed}.png")), "{seed}");
    }
    // Files take their place, and the sentence says so.
    bench.ok("directions sefa --network avatars-64 --samples 100 --out sefa.safetensors");
    bench.one_sentence(
        &format!("edit --network avatars-64 --directions sefa.safetensors --direction {name}=2 --out x.png"),
        &[name, "comes with the network", "leave --directions out"],
    );
    // They are known by the network's contents, under whatever name.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/models/avatars-64.safetensors");
    std::fs::copy(file, bench.path("copy.safetensors")).unwrap();
    bench.ok(&format!("edit --network copy.safetensors --seeds 0-1 --direction {name}=3 --out again"));
    assert!(bench.pixels("again/seed0001-edited.png") == bench.pixels("moved/seed0001-edited.png"));
    bench.one_sentence("edit --network avatars-64 --direction absent=1 --out x.png", &["no direction absent", name]);
    bench.one_sentence(
        "edit --network avatars-32 --direction a=1 --out x.png",
        &["comes without directions", "stylegan directions"],
    );
}

/// Pictures without a training: networks that come along have names, on every verb.
#[test]
fn networks_come_along() {
    let bench = Bench::new();
    let listed = bench.ok("models");
    assert!(listed.lines().any(|line| line.starts_with("avatars-32 ") && line.contains("MB")), "{listed}");
    assert!(bench.ok("models avatars-32").contains("CC BY 4.0"));
    bench.ok("generate --network avatars-32 --seeds 0-3 --grid --zoom 1 --no-captions --out faces.png");
    assert!(bench.text("faces.png", "stylegan:licence").unwrap().contains("CC BY 4.0"));
    bench.ok("directions sefa --network avatars-32 --out sefa.safetensors");
    bench.ok("export --network avatars-32 --onnx faces.onnx");
    assert!(bench.ok("inspect avatars-32").contains("G_ema"));
    bench.one_sentence("generate --network avatars-33 --out x.png", &["avatars-33", "stylegan models"]);
    bench.one_sentence("generate --network AVATARS64 --out x.png", &["did you mean avatars-64?"]);
    // A file or folder of that name is what was meant.
    std::fs::create_dir(bench.path("avatars-32")).unwrap();
    let ran = bench.run("generate --network avatars-32 --out x.png");
    assert!(ran.code == 2 && ran.stderr.contains("not the built-in network"), "{}", ran.stderr);
}
