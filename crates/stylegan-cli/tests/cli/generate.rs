//! `stylegan generate`.

use crate::bench::Bench;
use candle_core::{Device, Tensor};
use std::collections::HashMap;
use stylegan_core::GeneratorConfig;
use stylegan_core::stylegan1::StyleGan1Config;

const NET: &str = "generate --network tiny.safetensors";

fn images(bench: &Bench, name: &str) -> Tensor {
    candle_core::safetensors::load(bench.path(name), &Device::Cpu).unwrap().remove("images").unwrap()
}

fn save(bench: &Bench, name: &str, tensors: &[(&str, Tensor)]) {
    let tensors: HashMap<String, Tensor> = tensors.iter().map(|(k, t)| (k.to_string(), t.clone())).collect();
    candle_core::safetensors::save(&tensors, bench.path(name)).unwrap();
}

/// Infinite where something is no number, which `max` passes over.
fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
    let apart = (a - b).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    apart.iter().fold(0., |largest: f32, x| if x.is_nan() { f32::INFINITY } else { largest.max(x.abs()) })
}

#[test]
fn a_folder_gets_a_picture_per_seed() {
    let bench = Bench::with_network();
    bench.ok(&format!("{NET} --seeds 3,0-1 --out out"));
    let mut names: Vec<_> =
        std::fs::read_dir(bench.path("out")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["seed0000.png", "seed0001.png", "seed0003.png"]);
    assert_eq!(bench.size("out/seed0003.png"), (16, 16));
}

#[test]
fn grids_are_as_wide_as_asked() {
    let bench = Bench::with_network();
    bench.ok(&format!("{NET} --seeds 0-5 --grid 3x2 --zoom 2 --no-captions --out a.png"));
    // Two pixels around and between.
    assert_eq!(bench.size("a.png"), (3 * 34 + 2, 2 * 34 + 2));
    bench.ok(&format!("{NET} --seeds 0-5 --grid 3x2 --zoom 2 --out captions.png"));
    assert_eq!(bench.size("captions.png"), (3 * 34 + 2, 2 * (34 + 16 + 5) + 2));
    bench.ok(&format!("{NET} --seeds 0-3 --grid --out folder"));
    assert!(bench.path("folder/grid.png").is_file());
    bench.one_sentence(&format!("{NET} --seeds 0-5 --grid 2x2 --out c.png"), &["room for 4", "there are 6"]);
    bench.one_sentence(&format!("{NET} --grid --out c.safetensors"), &["--grid makes a picture"]);
    bench.one_sentence(&format!("{NET} --zoom 2 --out c.safetensors"), &["--zoom 2 enlarges pictures"]);
    bench.one_sentence(&format!("{NET} --seeds 0-299999 --zoom 64 --out c.png"), &["million pixels"]);
}

/// 16 pictures are 4 by 4, enlarged to about 1000 pixels, and each is the single picture of its seed.
#[test]
fn grids_fill_a_screen_with_the_single_pictures() {
    let bench = Bench::with_network();
    bench.ok(&format!("{NET} --seeds 0-15 --out sheet.png"));
    bench.ok(&format!("{NET} --seeds 0-15 --out out"));
    let read = |name: &str| image::open(bench.path(name)).unwrap().to_rgb8();
    let sheet = read("sheet.png");
    // A zoom of 16, gaps of 4, captions of 16 pixels with 5 below them.
    assert_eq!(sheet.dimensions(), (4 * 260 + 4, 4 * (260 + 16 + 5) + 4));
    for seed in 0..16 {
        let single = read(&format!("out/seed{seed:04}.png"));
        let (left, top) = (4 + seed % 4 * 260, 4 + seed / 4 * 281);
        let same =
            single.enumerate_pixels().all(|(x, y, pixel)| sheet.get_pixel(left + x * 16 + 15, top + y * 16) == pixel);
        assert!(same, "{seed}");
    }
}

/// A single picture has neither caption nor zoom, and says what it is in its text.
#[test]
fn pictures_say_where_they_come_from() {
    let bench = Bench::with_network();
    bench.ok(&format!("{NET} --seeds 7 --trunc 0.5 --trunc-cutoff 2 --out b.png"));
    bench.ok(&format!("{NET} --seeds 7,9 --trunc 0.5 --trunc-cutoff 2 --out out"));
    assert_eq!(bench.size("b.png"), (16, 16));
    let inspected = bench.ok("inspect tiny.safetensors --json");
    for name in ["b.png", "out/seed0007.png"] {
        let text = |keyword| bench.text(name, keyword).unwrap();
        assert_eq!(text("stylegan:seed"), "7");
        assert_eq!((text("stylegan:psi"), text("stylegan:psi-cutoff")), ("0.5".to_owned(), "2".to_owned()));
        assert_eq!(text("stylegan:noise"), "const");
        assert_eq!(text("Software"), concat!("stylegan-rs ", env!("CARGO_PKG_VERSION")));
        assert!(inspected.contains(&text("stylegan:network")) && text("stylegan:network").len() == 64);
        assert_eq!(text("Disclaimer"), "synthetic: made by a neural network");
        assert_eq!(bench.text(name, "stylegan:class"), None);
    }
    assert_eq!(std::fs::read(bench.path("b.png")).unwrap(), std::fs::read(bench.path("out/seed0007.png")).unwrap());
    bench.ok(&format!("{NET} --seeds 3-5,9 --noise random --noise-seed 6 --out grid.png"));
    assert_eq!(bench.text("grid.png", "stylegan:seed").unwrap(), "3-5,9");
    assert_eq!(bench.text("grid.png", "stylegan:noise").unwrap(), "random, seed 6");
}

/// A network of the smallest size.
pub(crate) fn tiny(config: StyleGan1Config) -> GeneratorConfig {
    GeneratorConfig::StyleGan1(StyleGan1Config {
        img_size: [16, 16],
        z_dim: 8,
        w_dim: 8,
        mapping_width: 8,
        mapping_layers: 2,
        channel_base: 64,
        channel_max: 8,
        ..config
    })
}

/// What the text says of the class makes the same picture when it is typed, also where names are other classes' numbers.
#[test]
fn classes_with_numbers_for_names() {
    let bench = Bench::new();
    let config = tiny(StyleGan1Config { c_dim: 4, ..StyleGan1Config::default() });
    bench.save_random("classes.safetensors", config, &["3", "2", "1", "0"]);
    let network = "generate --network classes.safetensors --seeds 7";
    bench.ok(&format!("{network} --class 3 --out a.png"));
    let said = bench.text("a.png", "stylegan:class").unwrap();
    assert_eq!((&said[..], &bench.text("a.png", "stylegan:class-number").unwrap()[..]), ("3", "0"));
    bench.ok(&format!("{network} --class {said} --out b.png"));
    bench.ok(&format!("{network} --class 0 --out c.png"));
    assert!(bench.pixels("a.png") == bench.pixels("b.png") && bench.pixels("a.png") != bench.pixels("c.png"));
}

/// A number that is no name is not taken for a place among names that are numbers.
#[test]
fn classes_that_are_called_by_numbers_have_no_others() {
    let bench = Bench::new();
    let config = tiny(StyleGan1Config { c_dim: 4, ..StyleGan1Config::default() });
    bench.save_random("classes.safetensors", config, &["0", "1", "2", "10"]);
    let network = "generate --network classes.safetensors --seeds 7 --out a.png";
    bench.one_sentence(&format!("{network} --class 3"), &["--class 3", "has 4 classes: 0, 1, 2, 10"]);
    bench.ok(&format!("{network} --class 10"));
    assert_eq!(bench.text("a.png", "stylegan:class-number").unwrap(), "3");
}

/// No file names a class that its picture is not of.
#[test]
fn latents_of_their_own_classes() {
    let bench = Bench::new();
    let config = tiny(StyleGan1Config { c_dim: 4, ..StyleGan1Config::default() });
    bench.save_random("classes.safetensors", config, &[]);
    let zeros = |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
    let z = zeros(&[1, 8]).ones_like().unwrap();
    save(&bench, "z.safetensors", &[("z", z.clone())]);
    save(&bench, "own.safetensors", &[("z", z), ("label", Tensor::new(&[2i64], &Device::Cpu).unwrap())]);
    save(&bench, "w.safetensors", &[("w", zeros(&[1, 8]))]);
    save(&bench, "ws.safetensors", &[("ws", zeros(&[1, 6, 8]))]);
    let network = "--network classes.safetensors";
    for (file, what) in [("own", "labels"), ("w", "styles"), ("ws", "styles")] {
        bench.ok(&format!("generate {network} --latents {file}.safetensors --out {file}.png"));
        assert_eq!(bench.text(&format!("{file}.png"), "stylegan:class"), None);
        let beside = format!("{network} --latents {file}.safetensors --class 2");
        let parts = ["--class 2", what, "leave --class out"];
        bench.one_sentence(&format!("generate {beside} --out x.png"), &parts);
    }
    // Latents without labels need a class, which is theirs.
    bench.ok(&format!("generate {network} --latents z.safetensors --class 2 --out z.png"));
    assert_eq!(bench.text("z.png", "stylegan:class").as_deref(), Some("2"));
    assert!(bench.pixels("z.png") == bench.pixels("own.png"));

    bench.ok(&format!("directions sefa {network} --class 2 --samples 100 --count 2 --out d.safetensors"));
    let edit = format!("edit {network} --directions d.safetensors --direction sefa-0=1");
    bench.one_sentence(&format!("{edit} --latents ws.safetensors --class 2"), &["--class 2", "leave --class out"]);
    // What is left of a direction is measured on styles of a class, which the styles that move need not be of.
    bench.ok(&format!("{edit} --latents ws.safetensors --keep sefa-1 --class 2 --out kept.png"));
    assert_eq!(bench.text("kept.png", "stylegan:class"), None);
    bench.one_sentence(
        &format!("{edit} --latents z.safetensors ws.safetensors --keep sefa-1 --class 2"),
        &["ws.safetensors", "one by one"],
    );
    bench.ok(&format!("{edit} --latents z.safetensors --keep sefa-1 --class 2 --out kept.png"));
    assert_eq!(bench.text("kept.png", "stylegan:class").as_deref(), Some("2"));
}

/// Single pictures keep their alpha, and sheets show them over white.
#[test]
fn pictures_with_alpha_keep_it() {
    let bench = Bench::new();
    let config = tiny(StyleGan1Config { img_channels: 4, ..StyleGan1Config::default() });
    bench.save_random("alpha.safetensors", config, &[]);
    let network = "generate --network alpha.safetensors";
    bench.ok(&format!("{network} --seeds 7 --out a.png"));
    bench.ok(&format!("{network} --seeds 7-8 --out folder"));
    bench.ok(&format!("{network} --seeds 7-8 --zoom 1 --no-captions --out sheet.png"));
    let open = |name: &str| image::open(bench.path(name)).unwrap();
    let (alone, sheet) = (open("a.png"), open("sheet.png").into_rgb8());
    assert_eq!(open("folder/seed0007.png").as_rgba8(), alone.as_rgba8());
    for (x, y, pixel) in alone.as_rgba8().unwrap().enumerate_pixels() {
        let [r, g, b, a] = pixel.0.map(u32::from);
        let white = [r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8);
        assert_eq!(sheet.get_pixel(2 + x, 2 + y).0, white);
    }
}

/// z of a seed is NumPy's, and z, w and ws given in a file make the pictures of the seed. The paths
/// do the same arithmetic on the same numbers in batches of another size; 1e-5 is ten roundings of
/// values about 1.
#[test]
fn seeds_and_latents_agree() {
    let bench = Bench::with_network();
    bench.ok(&format!("{NET} --seeds 5,9 --out seeds.safetensors"));
    let expected = images(&bench, "seeds.safetensors");
    assert_eq!(expected.dims(), [2, 3, 16, 16]);

    let model = stylegan_core::Model::load(bench.path("tiny.safetensors"), &Device::Cpu).unwrap();
    let z: Vec<f32> =
        [5, 9].into_iter().flat_map(|s| stylegan_core::latent::numpy_randn(s, 8)).map(|x| x as f32).collect();
    let z = Tensor::from_vec(z, (2, 8), &Device::Cpu).unwrap();
    let ws = model.styles(&z, None).unwrap();
    let w = ws.narrow(1, 0, 1).unwrap().squeeze(1).unwrap();
    save(&bench, "z.safetensors", &[("z", z)]);
    save(&bench, "w.safetensors", &[("w", w.contiguous().unwrap())]);
    save(&bench, "ws.safetensors", &[("ws", ws.contiguous().unwrap())]);
    for name in ["z", "w", "ws"] {
        bench.ok(&format!("{NET} --latents {name}.safetensors --out from.safetensors"));
        let difference = largest_difference(&images(&bench, "from.safetensors"), &expected);
        assert!(difference <= 1e-5, "{name}: {difference}");
    }
}

/// A file as `numpy.savez(path, **arrays)` writes it, of f32.
fn savez(bench: &Bench, name: &str, arrays: &[(&str, &Tensor)]) {
    let mut writer = zip::ZipWriter::new(std::fs::File::create(bench.path(name)).unwrap());
    for (name, array) in arrays {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file(format!("{name}.npy"), options).unwrap();
        std::io::Write::write_all(&mut writer, &npy(array)).unwrap();
    }
    writer.finish().unwrap();
}

fn npy(array: &Tensor) -> Vec<u8> {
    let shape: String = array.dims().iter().map(|side| format!("{side}, ")).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let values = array.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let values: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
    [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &values].concat()
}

/// Projectors write style rows `[1, num_ws, w_dim]` under the name `w`.
#[test]
fn projected_latents_of_numpy() {
    let bench = Bench::with_network();
    let model = stylegan_core::Model::load(bench.path("tiny.safetensors"), &Device::Cpu).unwrap();
    let ws = model.styles(&model.latents(&[5]).unwrap(), None).unwrap().contiguous().unwrap();
    save(&bench, "ws.safetensors", &[("ws", ws.clone())]);
    bench.ok(&format!("{NET} --latents ws.safetensors --out expected.safetensors"));
    savez(&bench, "projected_w.npz", &[("w", &ws)]);
    savez(&bench, "ws.npz", &[("ws", &ws)]);
    savez(&bench, "unnamed.npz", &[("arr_0", &ws)]);
    std::fs::write(bench.path("ws.npy"), npy(&ws)).unwrap();
    for file in ["projected_w.npz", "ws.npz", "unnamed.npz", "ws.npy"] {
        bench.ok(&format!("{NET} --latents {file} --out x.safetensors"));
        let difference = largest_difference(&images(&bench, "x.safetensors"), &images(&bench, "expected.safetensors"));
        assert_eq!(difference, 0., "{file}");
    }
    // As wide as z and as w: what is meant must be said.
    let one = Tensor::zeros((1, 8), candle_core::DType::F32, &Device::Cpu).unwrap();
    std::fs::write(bench.path("one.npy"), npy(&one)).unwrap();
    bench.one_sentence(
        &format!("{NET} --latents one.npy"),
        &["`arr_0` [1, 8]", "one of the tensors z, w and ws", "numpy.savez"],
    );
    // Styles of a network of another depth are known by their shape.
    let deep = Tensor::zeros((2, 7, 8), candle_core::DType::F32, &Device::Cpu).unwrap();
    std::fs::write(bench.path("deep.npy"), npy(&deep)).unwrap();
    bench.one_sentence(
        &format!("{NET} --latents deep.npy"),
        &["deep.npy has shape [2, 7, 8]", "takes styles [n, 6, 8]", "give latents of this network"],
    );
    bench.one_sentence("generate --network ws.npz --out x.png", &["NumPy arrays", "--latents"]);
}

/// Black pictures with exit code 0 would be taken for results.
#[test]
fn pictures_that_are_no_numbers() {
    let bench = Bench::new();
    let huge = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/rosinality/huge.pt");
    std::fs::copy(huge, bench.path("huge.pt")).unwrap();
    for line in [
        "generate --network huge.pt --seeds 0 --out x.png",
        "generate --network huge.pt --seeds 0-1 --out x.safetensors",
        "generate --network huge.pt --seeds 0 --out folder",
        "mix --network huge.pt --rows 0 --cols 1 --out x.png",
        "interpolate --network huge.pt --seeds 0,1 --out x.gif",
        "figures --network huge.pt --out figures",
    ] {
        let ran = bench.run(line);
        assert_eq!(ran.code, 1, "{line}\n{}", ran.stderr);
        assert!(ran.stderr.contains("not finite"), "{line}\n{}", ran.stderr);
    }
    assert!(!bench.path("x.png").exists() && !bench.path("x.safetensors").exists() && !bench.path("x.gif").exists());
    // Latents can do it too.
    let bench = Bench::with_network();
    let w = (Tensor::ones((1, 8), candle_core::DType::F32, &Device::Cpu).unwrap() * 3e38).unwrap();
    save(&bench, "w.safetensors", &[("w", w)]);
    let ran = bench.run(&format!("{NET} --latents w.safetensors --out x.png"));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("row 0 is not finite"), "{}", ran.stderr);
}

#[test]
fn truncation_and_noise_do_what_they_say() {
    let bench = Bench::with_network();
    let run = |options: &str| {
        bench.ok(&format!("{NET} --seeds 1-2 {options} --out x.safetensors"));
        images(&bench, "x.safetensors")
    };
    let plain = run("");
    assert_eq!(largest_difference(&plain, &run("")), 0.0, "the same command twice");
    assert_eq!(largest_difference(&plain, &run("--threads 1")), 0.0, "on one thread");
    // psi 0 makes every seed the average picture.
    let average = run("--trunc 0 --noise none");
    let (a, b) = (average.narrow(0, 0, 1).unwrap(), average.narrow(0, 1, 1).unwrap());
    assert_eq!(largest_difference(&a, &b), 0.0);
    assert_eq!(largest_difference(&plain, &run("--trunc 0 --trunc-cutoff 0")), 0.0);
    assert!(largest_difference(&plain, &run("--trunc 0 --trunc-cutoff 2")) > 0.0);
    // Fresh noise is a function of its seed and the picture's.
    let random = run("--noise random");
    assert_eq!(largest_difference(&random, &run("--noise random")), 0.0);
}

#[test]
fn wrong_input_is_named() {
    let bench = Bench::with_network();
    let zeros = |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
    bench.one_sentence("generate --network gone.safetensors", &["gone.safetensors", "no such file"]);
    bench.one_sentence(&format!("{NET} --class 0"), &["without labels"]);
    for line in [NET, "eval --network tiny.safetensors --metrics ppl_wend"] {
        bench.one_sentence(&format!("{line} --trunc nan"), &["error: --trunc NaN: psi is a finite number"]);
    }
    bench.one_sentence(&format!("{NET} --trunc 0.7 --trunc-cutoff 7"), &["--trunc-cutoff 7", "6 style rows"]);
    for line in [NET, "mix --network tiny.safetensors --rows 0 --cols 1"] {
        for psi in ["", "--trunc 1"] {
            bench.one_sentence(
                &format!("{line} {psi} --trunc-cutoff 2"),
                &["--trunc-cutoff 2: psi is 1", "give --trunc"],
            );
        }
    }
    bench.one_sentence(&format!("{NET} --out a.jpg"), &[".jpg", ".png"]);
    bench.one_sentence(&format!("{NET} --out -"), &["standard output"]);
    // Numbers below 0 are no options.
    bench.wrong(&format!("{NET} --seeds -1"), &["--seeds", "is not a whole number from 0"]);
    bench.wrong("train --config avatars-32 --out x --kimg -1", &["--kimg -1: ", "above 0"]);
    for line in
        ["train --out x --seed -1", "eval --network x --count -1", "invert --network x --steps -1 --out y z.png"]
    {
        bench.wrong(line, &["invalid value '-1' for '--"]);
    }
    bench.wrong(&format!("{NET} --seeds 9-3"), &["runs backwards"]);
    bench.wrong(&format!("{NET} --seeds 1,x"), &["\"x\""]);
    bench.wrong("generate", &["--network"]);

    save(&bench, "two.safetensors", &[("z", zeros(&[1, 8])), ("w", zeros(&[1, 8]))]);
    bench.one_sentence(&format!("{NET} --latents two.safetensors"), &["not more than one"]);
    save(&bench, "none.safetensors", &[("x", zeros(&[1, 8]))]);
    bench.one_sentence(&format!("{NET} --latents none.safetensors"), &["one of the tensors z, w and ws"]);
    save(&bench, "narrow.safetensors", &[("z", zeros(&[1, 7]))]);
    bench.one_sentence(&format!("{NET} --latents narrow.safetensors"), &["[1, 7]", "[n, 8]"]);
    save(&bench, "empty.safetensors", &[("z", zeros(&[0, 8]))]);
    bench.one_sentence(&format!("{NET} --latents empty.safetensors"), &["tensor z has no rows"]);
    save(&bench, "whole.safetensors", &[("z", zeros(&[1, 8]).to_dtype(candle_core::DType::I64).unwrap())]);
    bench.one_sentence(&format!("{NET} --latents whole.safetensors"), &["i64", "expected floats (f32, f64 or f16)"]);
    save(&bench, "labels.safetensors", &[("z", zeros(&[1, 8])), ("label", zeros(&[1, 2]))]);
    bench.one_sentence(&format!("{NET} --latents labels.safetensors"), &["trained without"]);
    save(&bench, "nan.safetensors", &[("z", (zeros(&[1, 8]) / 0.0).unwrap())]);
    bench.one_sentence(&format!("{NET} --latents nan.safetensors"), &["not finite"]);
    std::fs::write(bench.path("text.safetensors"), "hello, I am not a tensor").unwrap();
    bench.one_sentence(&format!("{NET} --latents text.safetensors"), &["not a safetensors file"]);
    bench.one_sentence("generate --network text.safetensors", &["text.safetensors"]);
}
