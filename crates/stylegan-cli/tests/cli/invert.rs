//! `stylegan invert`.

use crate::bench::Bench;
use candle_core::{DType, Device, Tensor};
use image::{Rgb, RgbImage};
use std::collections::HashMap;
use stylegan_core::checkpoint::{Metadata, save};
use stylegan_core::psp::{Head, PspConfig, PspEncoder};
use stylegan_core::{EncoderConfig, NetworkConfig, Params, TrainedEncoder};
use stylegan_train::data::resize::bilinear;

const NET: &str = "invert --network tiny.safetensors";

fn tensors(bench: &Bench, name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(bench.path(name), &Device::Cpu).unwrap()
}

/// The mean squared difference of two pictures, in bytes.
fn error(a: &RgbImage, b: &RgbImage) -> f64 {
    let squares = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>() / a.as_raw().len() as f64
}

/// The distance that was said of a picture.
fn distance(said: &str, name: &str) -> f64 {
    let line = said.lines().find_map(|line| line.strip_prefix(&format!("{name}: distance "))).unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

/// `calm.safetensors`: the tiny network without noise, its pictures within the range of colours.
fn calm(bench: &Bench) {
    let mut tensors = tensors(bench, "tiny.safetensors");
    for (name, tensor) in tensors.iter_mut() {
        let factor = if name.ends_with("noise_strength") { 0. } else { 0.2 };
        if name.ends_with("noise_strength") || name.ends_with("torgb.weight") {
            *tensor = (&*tensor * factor).unwrap();
        }
    }
    candle_core::safetensors::save(&tensors, bench.path("calm.safetensors")).unwrap();
}

/// A bench whose `face.png` the network can make.
fn with_face() -> Bench {
    let bench = Bench::with_network();
    bench.ok("generate --network tiny.safetensors --seeds 3 --out face.png");
    bench
}

#[test]
fn styles_are_found_and_read_by_the_other_verbs() {
    let bench = with_face();
    bench.ok(&format!("{NET} --steps 3 --out out face.png"));
    let w = tensors(&bench, "out/face.safetensors");
    assert_eq!((w.len(), w["w"].dims()), (1, &[1, 8][..]));
    bench.ok("generate --network tiny.safetensors --latents out/face.safetensors --out again.png");
    assert_eq!(bench.pixels("out/face-reconstruction.png"), bench.pixels("again.png"));
    assert_eq!(bench.text("out/face-reconstruction.png", "stylegan:inverted").unwrap(), "face");
    assert_eq!(
        bench.text("out/face-reconstruction.png", "stylegan:network"),
        bench.text("again.png", "stylegan:network")
    );
    let inspected = bench.ok("inspect out/face.safetensors");
    for part in ["3 steps in w, seed 303", "stlpips", "intact", "inverted_network"] {
        assert!(inspected.contains(part), "{part} in\n{inspected}");
    }
    // Two pictures and their headings.
    assert!(bench.size("out/sheet.png").0 > 2 * 16);

    bench.ok(&format!("{NET} --steps 3 --space w+ --out plus face.png"));
    let ws = tensors(&bench, "plus/face.safetensors");
    assert_eq!(ws["ws"].dims(), [1, 6, 8]);
    let rows = ws["ws"].squeeze(0).unwrap().to_vec2::<f32>().unwrap();
    assert_ne!(rows[0], rows[5]);
    bench.ok("generate --network tiny.safetensors --latents plus/face.safetensors --out plus.png");
    assert_eq!(bench.pixels("plus/face-reconstruction.png"), bench.pixels("plus.png"));
}

/// Optimisation comes nearer; from a network of another program's file as well, whose contents have no hash.
#[test]
fn styles_come_nearer_to_the_picture() {
    let bench = Bench::with_network();
    calm(&bench);
    bench.ok("generate --network calm.safetensors --seeds 3 --out face.png");
    let after = |options: &str| {
        let ran = bench.run(&format!("invert --network calm.safetensors {options} face.png"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        distance(&ran.stderr, "face")
    };
    let [start, w, plus] = ["--steps 1 --out a", "--steps 60 --out b", "--steps 60 --space w+ --out c"].map(after);
    assert!(w < 0.6 * start && plus < 0.6 * start, "{start} {w} {plus}");
}

#[test]
fn what_is_done_is_not_done_again() {
    let bench = with_face();
    std::fs::copy(bench.path("face.png"), bench.path("other.png")).unwrap();
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    bench.ok(&format!("{NET} --steps 3 --out out face.png"));
    let first = read("out/face.safetensors");
    let before = std::fs::metadata(bench.path("out/face.safetensors")).unwrap().modified().unwrap();
    let ran = bench.run(&format!("{NET} --steps 3 --out out face.png other.png"));
    assert!(ran.code == 0 && ran.stderr.contains("1 picture had been done before"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("face: distance") && ran.stderr.contains("other: distance"), "{}", ran.stderr);
    assert_eq!(std::fs::metadata(bench.path("out/face.safetensors")).unwrap().modified().unwrap(), before);
    let found = |name: &str| tensors(&bench, name)["w"].to_vec2::<f32>().unwrap();
    assert_eq!(found("out/face.safetensors"), found("out/other.safetensors"));
    // Other settings, another picture, or a film that is missing.
    bench.ok(&format!("{NET} --steps 4 --out out face.png"));
    assert!(read("out/face.safetensors") != first);
    bench.ok(&format!("{NET} --steps 3 --video --out out face.png"));
    // The film says whose picture it is, as its last frame's file does.
    let film = String::from_utf8_lossy(&std::fs::read(bench.path("out/face.gif")).unwrap()).into_owned();
    let network = bench.text("out/face-reconstruction.png", "stylegan:network").unwrap();
    assert!(film.contains("stylegan:inverted: face") && film.contains(&format!("stylegan:network: {network}")));
    assert!(read("out/face.safetensors") == first && bench.path("out/face.gif").is_file());
    RgbImage::from_pixel(16, 16, Rgb([9, 90, 200])).save(bench.path("face.png")).unwrap();
    bench.ok(&format!("{NET} --steps 3 --out out face.png"));
    assert!(read("out/face.safetensors") != first);
}

/// Pictures are turned, cropped and resized as `data build` does it; a set keeps its names.
#[test]
fn pictures_of_other_sizes_are_built_as_data_is() {
    let bench = Bench::with_network();
    std::fs::create_dir_all(bench.path("photos/more")).unwrap();
    let picture = RgbImage::from_fn(48, 32, |x, y| Rgb([x as u8 * 5, y as u8 * 7, 80]));
    picture.save(bench.path("photos/a.png")).unwrap();
    image::imageops::rotate90(&picture).save(bench.path("photos/more/b.png")).unwrap();
    bench.ok("data build photos --size 16 --format folder --out built");
    bench.ok(&format!("{NET} --steps 1 --out raw photos"));
    let pixels = |name: &str| {
        let line = bench.ok(&format!("inspect {name} --json"));
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        json["extra"]["inverted_pixels"].as_str().unwrap().to_owned()
    };
    let built: Vec<_> = std::fs::read_dir(bench.path("built")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!built.is_empty());
    bench.ok(&format!("{NET} --steps 1 --out from-set built"));
    let of_set: Vec<String> = std::fs::read_dir(bench.path("from-set"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".safetensors"))
        .map(|name| pixels(&format!("from-set/{name}")))
        .collect();
    let own = [pixels("raw/a.safetensors"), pixels("raw/more-b.safetensors")];
    assert_ne!(own[0], own[1]);
    assert!(of_set.len() == 2 && own.iter().all(|hash| of_set.contains(hash)), "{own:?} {of_set:?}");

    RgbImage::from_pixel(8, 8, Rgb([9; 3])).save(bench.path("small.png")).unwrap();
    let ran = bench.run(&format!("{NET} --steps 1 --out small small.png"));
    assert!(ran.code == 0 && ran.stderr.contains("8x8 pixels and is enlarged to the 16x16"), "{}", ran.stderr);
}

#[test]
fn a_tuned_network_makes_the_picture() {
    const LINE: &str = "invert --network calm.safetensors --steps 20 --tune --out out ramp.png";
    let bench = Bench::with_network();
    calm(&bench);
    RgbImage::from_fn(16, 16, |x, y| Rgb([x as u8 * 15, y as u8 * 15, 80])).save(bench.path("ramp.png")).unwrap();
    bench.ok(LINE);
    let source = bench.pixels("ramp.png");
    let [pivot, tuned] = ["out/ramp-reconstruction.png", "out/ramp-tuned.png"].map(|name| bench.pixels(name));
    assert!(
        error(&tuned, &source) < 0.5 * error(&pivot, &source),
        "{} {}",
        error(&tuned, &source),
        error(&pivot, &source)
    );
    bench.ok("generate --network out/ramp-network.safetensors --latents out/ramp.safetensors --out again.png");
    assert_eq!(bench.pixels("again.png"), tuned);
    let network: serde_json::Value =
        serde_json::from_str(&bench.ok("inspect out/ramp-network.safetensors --json")).unwrap();
    let styles: serde_json::Value = serde_json::from_str(&bench.ok("inspect out/ramp.safetensors --json")).unwrap();
    assert_eq!(network["extra"]["tuned_from_network"], styles["extra"]["inverted_network"]);
    assert_eq!(network["extra"]["tuned_to_styles"], styles["sha256"]);
    assert_eq!(network["extra"]["tuned_to_picture"], "ramp");
    assert_eq!(network["sha256"].as_str(), bench.text("out/ramp-tuned.png", "stylegan:network").as_deref());
    let before = std::fs::read(bench.path("out/ramp-network.safetensors")).unwrap();
    let ran = bench.run(LINE);
    assert!(ran.code == 0 && !ran.stderr.contains("tuning"), "{}", ran.stderr);
    assert!(before == std::fs::read(bench.path("out/ramp-network.safetensors")).unwrap());
}

/// An encoder, untrained, into `num_ws` rows of 8 numbers.
pub(crate) fn encoder(bench: &Bench, name: &str, num_ws: usize) {
    encoder_of(bench, name, num_ws, Head::WPlus);
}

fn encoder_of(bench: &Bench, name: &str, num_ws: usize, head: Head) {
    encoder_with(bench, name, num_ws, head, "{}");
}

/// The same with the options of a released file.
fn encoder_with(bench: &Bench, name: &str, num_ws: usize, head: Head, options: &str) {
    let config = PspConfig {
        img_size: [32, 32],
        img_channels: if head.is_iterative() { 6 } else { 3 },
        num_ws,
        w_dim: 8,
        channels: 16,
        head,
        hidden: 8,
    };
    let params = Params::new(5, DType::F32, &Device::Cpu);
    PspEncoder::new(&config, params.trainable()).unwrap();
    let vars = params.vars().into_iter();
    let mut tensors: Vec<_> = vars.map(|(name, var)| (format!("E.{name}"), var.as_detached_tensor())).collect();
    tensors.push(("E.latent_avg".into(), Tensor::full(0.25f32, (num_ws, 8), &Device::Cpu).unwrap()));
    let networks = [("E".to_owned(), NetworkConfig::Encoder(EncoderConfig::Psp(config)))].into();
    let extra = [("opts".to_owned(), options.to_owned())].into();
    save(bench.path(name), &Metadata { networks, extra, ..Metadata::default() }, &tensors).unwrap();
}

#[test]
fn encoders_find_styles_at_once_or_start_the_search() {
    let bench = with_face();
    encoder(&bench, "encoder.safetensors", 6);
    bench.ok(&format!("{NET} --encoder encoder.safetensors --out out face.png"));
    let found = |name: &str| tensors(&bench, name)["ws"].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    // What the encoder says of the picture at its own size: of no run of ours, it is shown pictures as Pillow resizes them.
    let loaded = TrainedEncoder::load(bench.path("encoder.safetensors"), &Device::Cpu).unwrap();
    let said = |picture: &RgbImage| {
        let from = [picture.height() as usize, picture.width() as usize];
        let picture = bilinear(picture.as_raw(), 3, from, [32, 32]);
        let values: Vec<f32> = picture.into_iter().map(|byte| f32::from(byte) / 127.5 - 1.).collect();
        let x = Tensor::from_vec(values, (1, 32, 32, 3), &Device::Cpu).unwrap().permute((0, 3, 1, 2)).unwrap();
        loaded.encode(&x.contiguous().unwrap()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let expected = said(&bench.pixels("face.png"));
    assert_eq!(found("out/face.safetensors"), expected);
    let large = RgbImage::from_fn(75, 75, |x, y| Rgb([(x * y) as u8, (x * 97) as u8, (y * 53) as u8]));
    large.save(bench.path("large.png")).unwrap();
    bench.ok(&format!("{NET} --encoder encoder.safetensors --out large large.png"));
    assert_eq!(found("large/large.safetensors"), said(&large));
    bench.ok("generate --network tiny.safetensors --latents out/face.safetensors --out again.png");
    assert_eq!(bench.pixels("out/face-reconstruction.png"), bench.pixels("again.png"));
    let ran = bench.run(&format!("{NET} --encoder encoder.safetensors --out out face.png"));
    assert!(ran.code == 0 && ran.stderr.contains("done before"), "{}", ran.stderr);
    // The first step has a learning rate of 0: the search is where it started.
    bench.ok(&format!("{NET} --encoder encoder.safetensors --steps 1 --out search face.png"));
    assert_eq!(found("search/face.safetensors"), expected);
    bench.ok(&format!("{NET} --encoder encoder.safetensors --steps 4 --out search face.png"));
    assert_ne!(found("search/face.safetensors"), expected);

    let alone = format!("{NET} --encoder encoder.safetensors");
    bench.one_sentence(&format!("{alone} --video --out out face.png"), &["--video", "--steps 200"]);
    bench.one_sentence(&format!("{alone} --space w --out out face.png"), &["--space w", "--steps 200"]);
    encoder(&bench, "other.safetensors", 8);
    let other = format!("{NET} --encoder other.safetensors --out out face.png");
    bench.one_sentence(&other, &["8 style rows of 8 numbers", "takes 6 of 8", "trained for"]);
    bench.one_sentence(&format!("{NET} --encoder tiny.safetensors --out out face.png"), &["holds no encoder"]);
}

/// The options of released files say what their encoders are shown.
#[test]
fn released_encoders_are_shown_what_they_were_trained_on() {
    let bench = with_face();
    let net = |name: &str, options: &str| {
        encoder_with(&bench, &format!("{name}.safetensors"), 6, Head::WPlus, options);
        format!("{NET} --encoder {name}.safetensors")
    };
    let found = |line: &str, out: &str, picture: &str| {
        bench.ok(&format!("{line} --out {out} {picture}.png"));
        tensors(&bench, &format!("{out}/{picture}.safetensors"))["ws"].flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let whole = found(&net("whole", r#"{"dataset_type": "ffhq_encode", "label_nc": 0}"#), "whole", "face");
    let small = net("small", r#"{"dataset_type": "celebs_super_resolution", "resize_factors": "1,2,4"}"#);
    let largest = found(&small, "largest", "face");
    assert_eq!(found(&format!("{small} --factor 4"), "four", "face"), largest);
    let two = found(&format!("{small} --factor 2"), "two", "face");
    assert!(two != largest && two != whole && largest != whole);
    // The file is the small picture already.
    assert_eq!(found(&format!("{small} --prepared"), "prepared", "face"), whole);
    bench.one_sentence(&format!("{small} --factor 3 --out x face.png"), &["--factor 3", "was trained with 1, 2, 4"]);
    let any = net("any", r#"{"dataset_type": "celebs_super_resolution", "resize_factors": null}"#);
    assert_ne!(found(&format!("{any} --factor 3"), "three", "face"), two);
    bench.one_sentence(&format!("{any} --factor 33 --out x face.png"), &["--factor 33", "1 to 32"]);
    // Three channels are classes here.
    let map = net("map", r#"{"dataset_type": "celebs_seg_to_face", "label_nc": 3}"#);
    image::GrayImage::from_fn(32, 32, |x, _| image::Luma([(x / 11) as u8])).save(bench.path("map.png")).unwrap();
    found(&map, "map", "map");
    bench.one_sentence(&format!("{map} --out x face.png"), &["face.png", "label maps"]);
}

/// An encoder of ReStyle looks several times, and starts a search as others do.
#[test]
fn encoders_of_restyle_pass_several_times() {
    let bench = with_face();
    encoder_of(&bench, "restyle.safetensors", 6, Head::Restyle);
    encoder(&bench, "encoder.safetensors", 6);
    let line = format!("{NET} --encoder restyle.safetensors");
    let found = |options: &str| {
        let ran = bench.run(&format!("{line} {options} --out out face.png"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let ws = tensors(&bench, "out/face.safetensors")["ws"].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        (ws, ran.stderr.contains("done before"))
    };
    let (one, usual) = (found("--iterations 1"), found(""));
    assert!(one.0 != usual.0 && !usual.1);
    assert_eq!(found("--iterations 5"), (usual.0.clone(), true));
    // The first step has a learning rate of 0: the search is where it started.
    assert_eq!(found("--steps 1").0, usual.0);
    let inspected = bench.ok("inspect out/face.safetensors");
    assert!(inspected.contains("inverted_passes"), "{inspected}");
    bench.one_sentence(&format!("{line} --iterations 0 --out out face.png"), &["--iterations 0", "at least 1"]);
    let once = format!("{NET} --encoder encoder.safetensors --iterations 5 --out out face.png");
    bench.one_sentence(&once, &["--iterations", "at once"]);
}

/// Rows that vary go from the picture's styles to those of seeds; the others stay.
#[test]
fn one_picture_has_many_variants() {
    let bench = with_face();
    encoder(&bench, "encoder.safetensors", 6);
    let line = format!("{NET} --encoder encoder.safetensors --mix-rows 4-5 --mix-seeds 3,8");
    let variants = |alpha: &str| {
        bench.ok(&format!("{line} --alpha {alpha} --out out face.png"));
        tensors(&bench, "out/face-variants.safetensors")["ws"].to_vec3::<f32>().unwrap()
    };
    let (own, half, seeds) = (variants("0"), variants("0.5"), variants("1"));
    let found = tensors(&bench, "out/face.safetensors")["ws"].to_vec3::<f32>().unwrap();
    assert!(own == [found[0].clone(), found[0].clone()]);
    for (i, (half, seed)) in half.iter().zip(&seeds).enumerate() {
        assert!(seed[..4] == own[i][..4] && seed[4] == seed[5] && seed[4] != own[i][4] && half[..4] == own[i][..4]);
        let mut middle = half[4].iter().zip(seed[4].iter().zip(&own[i][4]));
        assert!(middle.all(|(half, (a, b))| (half - (a + b) / 2.).abs() < 1e-6));
    }
    // The rows are those of the very seeds.
    bench.ok("generate --network tiny.safetensors --seeds 3,8 --out seeds");
    bench.ok(&format!("{NET} --encoder encoder.safetensors --mix-rows 0-5 --mix-seeds 3,8 --out all face.png"));
    bench.ok("generate --network tiny.safetensors --latents all/face-variants.safetensors --out rows");
    assert_eq!(bench.pixels("rows/row0001.png"), bench.pixels("seeds/seed0008.png"));
    assert_eq!(bench.text("all/face-variants.png", "stylegan:column-seed").unwrap(), "3,8");
    bench.one_sentence(&format!("{line} --alpha 1.5 --out out face.png"), &["--alpha 1.5", "from 0"]);
    bench.one_sentence(&format!("{NET} --mix-rows 6 --out out face.png"), &["--mix-rows 6", "rows 0 to 5"]);
}

/// Results have names of their own, reconstructions that stand alone those of the pictures in their folders: none is lost.
#[test]
fn no_reconstruction_takes_the_place_of_another() {
    let bench = Bench::with_network();
    bench.ok("generate --network tiny.safetensors --seeds 1 --out a/sub");
    bench.ok("generate --network tiny.safetensors --seeds 1,2 --out b/sub");
    std::fs::rename(bench.path("b/sub/seed0002.png"), bench.path("b/seed0002.png")).unwrap();
    encoder(&bench, "encoder.safetensors", 6);
    let line = format!("{NET} --encoder encoder.safetensors --out out");
    bench.one_sentence(&format!("{line} --reconstructions alone a b"), &["would both become", "seed0001.png"]);
    assert!(!bench.path("alone").exists());
    bench.ok(&format!("{line} a b"));
}

/// Many pictures give the files that they give one by one.
#[test]
fn encoders_find_the_same_beside_others() {
    let bench = Bench::with_network();
    bench.ok("generate --network tiny.safetensors --seeds 1-5 --out faces");
    encoder(&bench, "encoder.safetensors", 6);
    encoder_of(&bench, "restyle.safetensors", 6, Head::Restyle);
    for name in ["encoder", "restyle"] {
        let line = format!("{NET} --encoder {name}.safetensors");
        bench.ok(&format!("{line} --out {name} faces"));
        for seed in 1..6 {
            bench.ok(&format!("{line} --out {name}-one faces/seed000{seed}.png"));
            for file in ["", "-reconstruction"].map(|end| format!("seed000{seed}{end}")) {
                let ending = if file.ends_with("tion") { "png" } else { "safetensors" };
                let read = |folder: &str| std::fs::read(bench.path(format!("{folder}/{file}.{ending}"))).unwrap();
                assert!(read(name) == read(&format!("{name}-one")), "{name} {file}");
            }
        }
    }
}

/// A search compares what a mask leaves alone.
#[test]
fn what_is_hidden_is_not_compared() {
    let bench = with_face();
    let half = |name: &str, white: bool| {
        let mut picture = bench.pixels("face.png");
        let (from, colour) = if white { (0, [255; 3]) } else { (9, [1, 200, 90]) };
        (0..16).for_each(|y| (from..16).for_each(|x| picture.put_pixel(x, y, Rgb(colour))));
        picture.save(bench.path(name)).unwrap();
    };
    half("other.png", false);
    std::fs::create_dir(bench.path("masks")).unwrap();
    image::GrayImage::from_fn(16, 16, |x, _| image::Luma([if x < 9 { 0 } else { 255 }]))
        .save(bench.path("masks/face.png"))
        .unwrap();
    let line = format!("{NET} --steps 4");
    let w = |name: &str| tensors(&bench, name)["w"].to_vec2::<f32>().unwrap();
    bench.ok(&format!("{line} --mask masks/face.png --out masked face.png other.png"));
    assert_eq!(w("masked/face.safetensors"), w("masked/other.safetensors"));
    bench.ok(&format!("{line} --out whole face.png other.png"));
    assert_ne!(w("whole/face.safetensors"), w("whole/other.safetensors"));
    assert_ne!(w("whole/face.safetensors"), w("masked/face.safetensors"));
    // Source, what is shown of it, reconstruction.
    assert!(bench.size("masked/sheet.png").0 > bench.size("whole/sheet.png").0);
    let ran = bench.run(&format!("{line} --mask masks --out masked face.png"));
    assert!(ran.code == 0 && ran.stderr.contains("done before"), "{}", ran.stderr);
    // The tuning does not see it either.
    for name in ["face", "other"] {
        bench.ok(&format!("{line} --tune --mask masks/face.png --out masked {name}.png"));
    }
    assert_eq!(bench.pixels("masked/face-tuned.png"), bench.pixels("masked/other-tuned.png"));

    bench.one_sentence(&format!("{line} --mask masks --out a other.png"), &["--mask masks", "no mask other"]);
    bench.one_sentence(&format!("{line} --mask gone.png --out a face.png"), &["gone.png", "no such file"]);
    half("white.png", true);
    bench.one_sentence(&format!("{line} --mask white.png --out a face.png"), &["white.png hides all of face.png"]);
    RgbImage::from_pixel(16, 16, Rgb([255, 0, 0])).save(bench.path("red.png")).unwrap();
    let ran = bench.run(&format!("{line} --mask red.png --out red face.png"));
    assert!(ran.code == 0 && ran.stderr.contains("red.png hides nothing of face.png"), "{}", ran.stderr);
    image::GrayImage::new(8, 16).save(bench.path("small.png")).unwrap();
    let small = format!("{line} --mask small.png --out a face.png");
    bench.one_sentence(&small, &["small.png has 8x16 pixels", "face.png has 16x16"]);
    encoder(&bench, "encoder.safetensors", 6);
    let whole = format!("{NET} --encoder encoder.safetensors --mask masks --out a face.png");
    bench.one_sentence(&whole, &["--mask", "encoder.safetensors", "leave --encoder out"]);
    assert!(!bench.path("a").exists());
}

/// The sheet's last column is what `edit` makes of the styles.
#[test]
fn inverted_pictures_are_edited() {
    let bench = with_face();
    bench.ok("directions sefa --network tiny.safetensors --out d.safetensors");
    let line = format!("{NET} --steps 2 --directions d.safetensors");
    bench.ok(&format!("{line} --direction sefa-0=2 --direction sefa-1=-1.5 --out out face.png"));
    bench.ok(
        "edit --network tiny.safetensors --latents out/face.safetensors --directions d.safetensors --direction sefa-0=2 \
         --direction sefa-1=-1.5 --out edited",
    );
    assert_eq!(bench.pixels("out/face-edited.png"), bench.pixels("edited/face-edited.png"));
    assert_ne!(bench.pixels("out/face-edited.png"), bench.pixels("out/face-reconstruction.png"));
    assert_eq!(bench.text("out/face-edited.png", "stylegan:edit").unwrap(), "sefa-0=2, sefa-1=-1.5");
    let wide = bench.size("out/sheet.png").0;
    bench.ok(&format!("{NET} --steps 2 --mix-rows 3-5 --alpha 0.5 --out out face.png"));
    assert!(wide > bench.size("out/sheet.png").0);
    assert_eq!(bench.text("out/face-variants.png", "stylegan:column-alpha").unwrap(), "0.5");
    // What was made of other styles does not stay beside new ones.
    let made =
        ["edited.png", "variants.png", "variants.safetensors"].map(|name| bench.path(format!("out/face-{name}")));
    assert!(made.iter().all(|file| file.exists()));
    bench.ok(&format!("{NET} --steps 3 --out out face.png"));
    assert!(!made.iter().any(|file| file.exists()));
    bench.one_sentence(&format!("{line} --direction sefa-0 --out out face.png"), &["--direction needs a strength"]);
    bench.one_sentence(&format!("{line} --direction age=1 --out out face.png"), &["no direction age", "sefa-0"]);
    let none = format!("{NET} --steps 2 --direction age=1 --out out face.png");
    bench.one_sentence(&none, &["--directions", "tiny.safetensors comes without"]);
}

#[test]
fn wrong_input_is_one_sentence() {
    let bench = with_face();
    bench.one_sentence(&format!("{NET} --steps 0 --out out face.png"), &["--steps 0", "at least 1"]);
    bench.one_sentence(&format!("{NET} --out out gone.png"), &["gone.png", "no such file"]);
    std::fs::write(bench.path("text.png"), "no picture").unwrap();
    bench.one_sentence(&format!("{NET} --out out face.png text.png"), &["text.png"]);
    std::fs::create_dir(bench.path("twice")).unwrap();
    std::fs::copy(bench.path("face.png"), bench.path("twice/face.png")).unwrap();
    bench.one_sentence(&format!("{NET} --out out face.png twice/face.png"), &["face.safetensors", "rename one"]);
    bench.one_sentence(&format!("{NET} --out twice twice"), &["twice", "read by this command"]);
    bench.one_sentence(&format!("{NET} --class 1 --out out face.png"), &["without labels"]);
    assert!(!bench.path("out/face.safetensors").exists());
    let released = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/pggan_tf.pkl");
    bench.ok(&format!("convert {released} pggan.safetensors"));
    bench.one_sentence("invert --network pggan.safetensors --out out face.png", &["no styles", "StyleGAN2"]);
    // A file of another picture's results does not take the place of a picture.
    std::fs::copy(bench.path("face.png"), bench.path("face-reconstruction.png")).unwrap();
    bench.one_sentence(&format!("{NET} --out . face.png face-reconstruction.png"), &["is read by this command"]);
}

/// Files that stand for all pictures take the place of none that is read.
#[test]
fn the_sheet_overwrites_no_picture() {
    let bench = with_face();
    std::fs::create_dir(bench.path("out")).unwrap();
    std::fs::copy(bench.path("face.png"), bench.path("out/sheet.png")).unwrap();
    let before = std::fs::read(bench.path("out/sheet.png")).unwrap();
    for pictures in ["out/sheet.png", "face.png out/sheet.png"] {
        let line = format!("{NET} --steps 1 --out out {pictures}");
        bench.one_sentence(&line, &["out/sheet.png is read by this command"]);
    }
    let alone = format!("{NET} --steps 1 --out other --reconstructions other out/sheet.png");
    bench.one_sentence(&alone, &["the sheet of all pictures and out/sheet.png would both become other/sheet.png"]);
    assert_eq!(std::fs::read(bench.path("out/sheet.png")).unwrap(), before);
}
