//! `stylegan train` on label maps: tiny runs by `recipe = "spade"`.

use crate::bench::Bench;
use image::{GrayImage, Luma, Rgb, RgbImage};
use std::process::Stdio;
use std::time::{Duration, Instant};

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
    assert!(bench.ok("train --list-settings").contains("recipe = \"spade\""));
    assert!(bench.ok("train --config spade/coco-256 --print-config").contains("recipe = \"spade\""));
}
