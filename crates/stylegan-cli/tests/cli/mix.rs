//! `stylegan mix` and `stylegan figures`.

use crate::bench::Bench;
use crate::train::pictures;
use image::GenericImageView;
use stylegan_core::GeneratorConfig;
use stylegan_core::checkpoint::{Checkpoint, save};
use stylegan_core::stylegan1::StyleGan1Config;

#[test]
fn a_table_has_its_seeds_at_the_borders() {
    let bench = Bench::with_network();
    bench.ok("mix --network tiny.safetensors --rows 0-1 --cols 5-7 --styles 0-3 --zoom 1 --no-captions --out mix.png");
    assert_eq!(bench.size("mix.png"), (4 * 18 + 2, 3 * 18 + 2));
    assert_eq!(bench.text("mix.png", "stylegan:row-seed").unwrap(), "0-1");
    assert_eq!(bench.text("mix.png", "stylegan:column-seed").unwrap(), "5-7");
    assert_eq!(bench.text("mix.png", "stylegan:column-styles").unwrap(), "0-3");
    bench.ok("mix --network tiny.safetensors --rows 0-1 --cols 5-7 --styles 0-3 --out large.png");
    assert!(bench.size("large.png").0 > 1000);
    let ran = bench.run("mix --network tiny.safetensors --rows 0 --cols 5 --styles 0-5 --out out");
    assert!(ran.code == 0 && ran.stderr.contains("all 6 style rows of this network"), "{}", ran.stderr);
    bench.ok("generate --network tiny.safetensors --seeds 5 --out five.png");
    // With all style rows from the column, the mix is the column's picture.
    let read = |name: &str| image::open(bench.path(name)).unwrap().to_rgb8();
    assert_eq!(read("out/row0000-col0005.png"), read("five.png"));
    bench.one_sentence("mix --network tiny.safetensors --rows 0 --cols 5 --styles 6", &["style rows 0 to 5"]);
    bench.one_sentence("mix --network tiny.safetensors --rows 0 --cols 5 --styles fine", &["6 style rows"]);
    bench.wrong("mix --network tiny.safetensors --rows 0 --cols 5 --styles rough", &["coarse, middle and fine"]);
}

#[test]
fn all_figures_are_drawn() {
    let bench = Bench::with_network();
    bench.ok("figures --network tiny.safetensors --seeds 0-3 --realisations 5 --zoom 1 --no-captions --out figures");
    // Figures of noise say which they show.
    let noise = |figure: &str| bench.text(&format!("figures/figure-{figure}.png"), "stylegan:noise").unwrap();
    assert_eq!(noise("deviation"), "const, random, seed 0");
    assert!(noise("noise").starts_with("const, none, ") && noise("mixing") == "const");
    // 6 style rows: coarse (4 rows) and middle (2), no fine. Two seeds are columns; the two rows are
    // both of the coarse table, so there is one table of 3 x 3 cells.
    assert_eq!(bench.size("figures/figure-mixing.png"), (3 * 18 + 2, 3 * 18 + 2));
    assert_eq!(bench.size("figures/figure-deviation.png"), (6 * 18 + 2, 2 * 18 + 2));
    assert_eq!(bench.size("figures/figure-noise.png"), (4 * 18 + 2, 2 * 18 + 2));
    assert_eq!(bench.size("figures/figure-truncation.png"), (6 * 18 + 2, 2 * 18 + 2));
    // Columns of pictures of 16, 8, 4, 4, 2 and 2 pixels.
    assert_eq!(bench.size("figures/figure-uncurated.png"), (36 + 4, 3 * 16 + 4));
    assert_eq!(bench.text("figures/figure-uncurated.png", "stylegan:seed").unwrap(), "0-80");
    assert_eq!(bench.text("figures/figure-truncation.png", "stylegan:psi"), None);
    assert_eq!(bench.text("figures/figure-mixing.png", "stylegan:psi").unwrap(), "1");
    bench.one_sentence("figures --network tiny.safetensors --seeds 1", &["two seeds"]);
}

/// Beside each picture stand the four of the set that are nearest to it; a set of another size is refused.
#[test]
fn pictures_stand_beside_the_nearest_of_a_set() {
    let bench = Bench::with_network();
    pictures(&bench, "pictures", 6, 16);
    pictures(&bench, "small", 6, 8);
    let figures = "figures --network tiny.safetensors --seeds 0-2 --zoom 1 --no-captions --out figures";
    bench.ok(&format!("{figures} --only nearest --data pictures"));
    assert_eq!(bench.size("figures/figure-nearest.png"), (5 * 18 + 2, 3 * 18 + 2));
    assert_eq!(bench.text("figures/figure-nearest.png", "stylegan:seed").unwrap(), "0-2");
    // What stands beside a picture is of the set.
    let sheet = image::open(bench.path("figures/figure-nearest.png")).unwrap().to_rgb8();
    let neighbour = image::imageops::crop_imm(&sheet, 2 + 18, 2, 16, 16).to_image();
    let of_set = |i: u32| image::open(bench.path(format!("pictures/{i:03}.png"))).unwrap().to_rgb8();
    assert!((0..6).any(|i| of_set(i) == neighbour));
    // A built-in set lies where others do, and what was seen of it with it.
    assert!(!bench.path("data").exists());
    std::fs::create_dir(bench.path("data")).unwrap();
    for _ in 0..2 {
        bench.ok(&format!("{figures} --only nearest --data pictures"));
        assert_eq!(std::fs::read_dir(bench.path("data/features")).unwrap().count(), 1);
    }
    assert!(bench.pixels("figures/figure-nearest.png") == sheet && !bench.path("figures/data").exists());
    bench.wrong(&format!("{figures} --only nearest"), &["--data says which pictures"]);
    bench.wrong(&format!("{figures} --only noise --data pictures"), &["add nearest to --only"]);
    bench.wrong(&format!("{figures} --only nearest --data small"), &["8x8", "16x16"]);
    // Not into the set, and no folder is left there.
    for out in ["pictures", "pictures/sub"] {
        let line = format!("figures --network tiny.safetensors --seeds 0-1 --data pictures --out {out}");
        bench.one_sentence(&line, &["read by this command"]);
        assert_eq!(std::fs::read_dir(bench.path("pictures")).unwrap().count(), 6);
    }
    for (option, needed) in [
        ("--only truncation --trunc 0.7", "--trunc is for"),
        ("--only truncation --noise-seed 3", "--noise-seed is for"),
        ("--only uncurated --realisations 5", "--realisations is for"),
    ] {
        bench.one_sentence(&format!("{figures} {option}"), &[needed, "leave it out"]);
    }
}

/// Progressive GAN has no styles: mixes and truncation would be copies, noise would change nothing.
#[test]
fn networks_without_styles_show_what_they_can() {
    let bench = Bench::new();
    let released = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/pggan_tf.pkl");
    bench.ok(&format!("convert {released} pggan.safetensors"));
    bench.wrong(
        "figures --network pggan.safetensors --seeds 0-1 --out figures",
        &["Progressive GAN", "--only uncurated"],
    );
    bench.wrong("figures --network pggan.safetensors --only uncurated,mixing --out figures", &["Progressive GAN"]);
    bench.wrong("mix --network pggan.safetensors --rows 0 --cols 1 --out figures", &["no styles"]);
    bench.wrong("generate --network pggan.safetensors --noise random --out figures", &["no noise inputs"]);
    assert!(!bench.path("figures").exists());
    bench.ok("figures --network pggan.safetensors --only uncurated --out figures");
    assert!(bench.path("figures/figure-uncurated.png").exists());
}

/// Noise has layers where styles have none: two for each resolution.
#[test]
fn noise_of_a_network_without_styles() {
    let bench = Bench::new();
    let config = StyleGan1Config {
        img_size: [16; 2],
        channel_base: 64,
        channel_max: 8,
        use_styles: false,
        const_input: false,
        pixel_norm: true,
        ..StyleGan1Config::default()
    };
    bench.save_random("plain.safetensors", GeneratorConfig::StyleGan1(config), &[]);
    let device = candle_core::Device::Cpu;
    let file = Checkpoint::open(bench.path("plain.safetensors")).unwrap();
    let metadata = file.metadata().unwrap().clone();
    let tensors: Vec<_> = candle_core::safetensors::load(bench.path("plain.safetensors"), &device)
        .unwrap()
        .into_iter()
        .map(|(name, tensor)| match name.ends_with("noise_strength") {
            true => (name, tensor.ones_like().unwrap()),
            false => (name, tensor),
        })
        .collect();
    save(bench.path("plain.safetensors"), &metadata, &tensors).unwrap();
    bench.ok("figures --network plain.safetensors --seeds 0-1 --only noise --out figures");
    // A heading in pixels is no text: columns of fine and of coarse noise alone differ from one another and from both.
    let picture = image::open(bench.path("figures/figure-noise.png")).unwrap().into_rgb8();
    let (w, h) = picture.dimensions();
    let column = |i: u32| picture.view(i * w / 4 + w / 16, h / 2, w / 8, h / 4).to_image();
    for (a, b) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
        assert!(column(a) != column(b), "columns {a} and {b} are alike");
    }
}

/// A figure that this network cannot show is not left over from another.
#[test]
fn figures_leave_no_stale_files() {
    let bench = Bench::with_network();
    let mut tensors =
        candle_core::safetensors::load(bench.path("tiny.safetensors"), &candle_core::Device::Cpu).unwrap();
    for (_, tensor) in tensors.iter_mut().filter(|(name, _)| name.ends_with("noise_strength")) {
        *tensor = tensor.zeros_like().unwrap();
    }
    candle_core::safetensors::save(&tensors, bench.path("silent.safetensors")).unwrap();
    std::fs::create_dir(bench.path("figures")).unwrap();
    bench.ok("generate --network tiny.safetensors --seeds 0 --out old.png");
    for name in ["figure-noise.png", "figure-mixing.png", "notes.txt"] {
        std::fs::copy(bench.path("old.png"), bench.path("figures").join(name)).unwrap();
    }
    let ran = bench.run("figures --network silent.safetensors --seeds 0-1 --only noise,truncation --out figures");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("figure-noise.png is left out: noise changes nothing"), "{}", ran.stderr);
    let mut names: Vec<_> = std::fs::read_dir(bench.path("figures")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["figure-mixing.png", "figure-truncation.png", "notes.txt"]);
}
