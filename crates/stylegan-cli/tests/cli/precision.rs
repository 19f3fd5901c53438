//! `--precision`: on networks wide enough for it.

use crate::bench::Bench;
use image::{Rgb, RgbImage};
use serde_json::Value;
use std::fs;
use stylegan_core::GeneratorConfig;
use stylegan_core::stylegan2::StyleGan2Config;

/// A bench with `wide.safetensors`, a random 16x16 StyleGAN2 of 32 channels.
fn bench() -> Bench {
    let bench = Bench::new();
    save_stylegan2(&bench, "wide.safetensors", 16, 32);
    bench
}

/// Saves a random StyleGAN2 of `side`x`side` pixels with up to `channels` channels.
pub(crate) fn save_stylegan2(bench: &Bench, name: &str, side: usize, channels: usize) {
    let config = GeneratorConfig::StyleGan2(StyleGan2Config {
        img_size: [side, side],
        z_dim: 8,
        w_dim: 8,
        mapping_layers: 2,
        channel_max: channels,
        ..StyleGan2Config::default()
    });
    bench.save_random(name, config, &[]);
}

const NET: &str = "generate --network wide.safetensors --seeds 3";

#[test]
fn pictures_say_their_precision() {
    let bench = bench();
    for precision in ["f32", "bf16x3", "bf16"] {
        bench.ok(&format!("{NET} --precision {precision} --out {precision}.png"));
    }
    let text = |name: &str| bench.text(name, "stylegan:precision");
    assert_eq!(text("f32.png"), None);
    assert_eq!((text("bf16x3.png").unwrap(), text("bf16.png").unwrap()), ("bf16x3".to_owned(), "bf16".to_owned()));
    let pixels = |name: &str| bench.pixels(name).into_raw();
    let (exact, rounded) = (pixels("f32.png"), pixels("bf16.png"));
    let largest = |other: &[u8]| exact.iter().zip(other).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!((1..20).contains(&largest(&rounded)), "{}", largest(&rounded));
    assert!(largest(&pixels("bf16x3.png")) <= 1);

    bench.ok(&format!("{NET} --out default.png"));
    assert_eq!(fs::read(bench.path("default.png")).unwrap(), fs::read(bench.path("f32.png")).unwrap());
    let ran = bench.run(&format!("{NET} --precision auto --out auto.png"));
    let taken = if stylegan_kernels::tiles::available() { "bf16x3" } else { "f32" };
    assert!(ran.stderr.contains(&format!("--precision auto: {taken}, since this processor has")), "{}", ran.stderr);
    assert_eq!(fs::read(bench.path("auto.png")).unwrap(), fs::read(bench.path(format!("{taken}.png"))).unwrap());
    bench.wrong(&format!("{NET} --precision fp16"), &["fp16", "f32, bf16x3, bf16, tf32, auto"]);
    bench.one_sentence(
        &format!("{NET} --precision tf32"),
        &["--precision tf32", "a CPU has no such products", "--device cuda"],
    );
}

/// Numbers of one precision do not take the place of those of another, nor do features that are kept.
#[test]
fn evaluations_keep_precisions_apart() {
    let bench = bench();
    fs::create_dir(bench.path("real")).unwrap();
    for i in 0..42u32 {
        let picture = RgbImage::from_fn(16, 16, |x, y| Rgb([(x * i) as u8, (y * 9) as u8, (9 * i) as u8]));
        picture.save(bench.path(format!("real/{i:02}.png"))).unwrap();
    }
    let eval = "eval --network wide.safetensors --data real --metrics kid,ppl_wend --count 40 --no-floor --cache kept \
                --out report.json";
    for precision in ["f32", "bf16", "f32"] {
        bench.ok(&format!("{eval} --precision {precision}"));
    }
    let all: Vec<Value> = serde_json::from_slice(&fs::read(bench.path("report.json")).unwrap()).unwrap();
    let numbers: Vec<(&str, &str, f64)> = all
        .iter()
        .map(|r| (r["name"].as_str().unwrap(), r["precision"].as_str().unwrap(), r["value"].as_f64().unwrap()))
        .collect();
    let kinds: Vec<(&str, &str)> = numbers.iter().map(|(name, precision, _)| (*name, *precision)).collect();
    let [kid, ppl] = ["kid-stlpips", "ppl_wend-stlpips"];
    assert_eq!(kinds, [(kid, "bf16"), (ppl, "bf16"), (kid, "f32"), (ppl, "f32")]);
    assert!(numbers[0].2 != numbers[2].2 && numbers[1].2 != numbers[3].2, "{numbers:?}");
    let table = fs::read_to_string(bench.path("report.md")).unwrap();
    assert_eq!(table.matches("products in bf16").count(), 2, "{table}");
}

/// A training says how it computes, and that it is slow where there are no tiles; it goes on in another precision with a
/// word, and not in another configuration.
#[test]
fn trainings_say_their_precision() {
    let bench = crate::train::bench();
    let train = "train --config tiny.toml --data pictures --kimg 0.1 --set generator.channel_max=16 --set generator.channel_base=512 \
                 --set discriminator.channel_max=16 --set discriminator.channel_base=512 --out run";
    let exact = bench.run(&train.replace("--kimg 0.1", "--kimg 0.05"));
    assert_eq!(exact.code, 0, "{}", exact.stderr);
    assert!(!exact.stderr.contains("products"), "{}", exact.stderr);
    let ran = bench.run(&format!("{train} --set precision.products=bf16"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for expected in [
        "products: bf16 in the convolutions of both networks, f32 in all else",
        "the run came with products in f32 and goes on in bf16: as well, but not to the same bits",
    ] {
        assert_eq!(ran.stderr.matches(expected).count(), 1, "{expected}: {}", ran.stderr);
    }
    let slow = ran.stderr.contains("this processor has no tiles of bf16 numbers, so bf16 is slower here than f32");
    assert_eq!(slow, !stylegan_kernels::tiles::available(), "{}", ran.stderr);
    assert!(fs::read_to_string(bench.path("run/config.toml")).unwrap().contains("[precision]\nproducts = \"bf16\"\n"));
    bench.wrong(&format!("{train} --set precision.products=fp16"), &["fp16", "`f32`, `bf16x3`, `bf16`"]);
    bench.wrong(&format!("{train} --set precision.products=tf32"), &["\"tf32\"", "a CPU has no such products"]);
}

#[cfg(unix)]
#[test]
fn the_studio_shows_pictures_in_the_same_precision() {
    let bench = bench();
    let studio = crate::studio::Studio::start(&bench, "--network wide.safetensors --precision bf16");
    let mut page = studio.socket().unwrap();
    page.wish(1, &crate::studio::at(3., 0.).replace("tiny", "wide"));
    assert_eq!(page.network()["precision"], "bf16");
    bench.ok(&format!("{NET} --precision bf16 --out bf16.png"));
    assert!(bench.pixels("bf16.png").as_raw() == &page.frame().pixels);
}

/// A run has it in its configuration, and who types it as other verbs take it is told so.
#[test]
fn trainings_take_it_as_a_setting() {
    let bench = Bench::new();
    for verb in ["train --out run", "plan"] {
        let line = format!("{verb} --config avatars-32 --precision bf16");
        bench.wrong(&line, &["'--precision'", "tip: ", "--set precision.products=bf16x3, or bf16"]);
        assert!(!bench.run(&line).stderr.contains("--reduction'"));
    }
}
