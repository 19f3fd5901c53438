//! `stylegan directions` and `stylegan edit`.

use crate::bench::Bench;
use candle_core::{DType, Device, Tensor};
use image::{GrayImage, Luma, Rgb, RgbImage};
use std::collections::HashMap;
use stylegan_core::directions::{Direction, Directions, channel_weights};
use stylegan_core::picture::to_pictures;
use stylegan_core::{Model, SynthesisOptions};
use stylegan_metrics::directions::Styles;

const EDIT: &str = "edit --network tiny.safetensors --directions d.safetensors";

fn tensors(bench: &Bench, name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(bench.path(name), &Device::Cpu).unwrap()
}

fn directions(bench: &Bench, name: &str) -> Vec<Direction> {
    Directions::load(bench.path(name)).unwrap().list
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn wide(vector: &[f32]) -> Vec<f64> {
    vector.iter().map(|v| f64::from(*v)).collect()
}

/// Rows of styles, `[picture][row][number]`.
fn rows(ws: &Tensor) -> Vec<Vec<Vec<f64>>> {
    ws.to_dtype(DType::F64).unwrap().to_vec3::<f64>().unwrap()
}

/// A bench with `d.safetensors`: three directions in closed form.
fn with_directions() -> Bench {
    let bench = Bench::with_network();
    bench.ok("directions sefa --network tiny.safetensors --samples 500 --count 3 --out d.safetensors");
    bench
}

/// With the weights of the chosen layers alone, each row of unit length: M v = l v, for l falling.
#[test]
fn closed_forms_are_eigenvectors_of_the_layers() {
    let bench = Bench::with_network();
    let said =
        bench.ok("directions sefa --network tiny.safetensors --rows 2-3 --count 8 --samples 50 --out d.safetensors");
    assert_eq!(said.lines().count(), 8);
    let weights = tensors(&bench, "tiny.safetensors");
    let mut products = vec![vec![0f64; 8]; 8];
    for layer in ["b8.conv0", "b8.conv1"] {
        let weight = weights[&format!("G_ema.synthesis.{layer}.style.weight")].to_dtype(DType::F64).unwrap();
        for row in weight.to_vec2::<f64>().unwrap() {
            let square = dot(&row, &row);
            for i in 0..8 {
                (0..8).for_each(|j| products[i][j] += row[i] * row[j] / square);
            }
        }
    }
    let mut last = f64::INFINITY;
    for (k, direction) in directions(&bench, "d.safetensors").iter().enumerate() {
        assert_eq!((direction.name.as_str(), &direction.rows[..]), (&format!("sefa-{k}")[..], &[2, 3][..]));
        let v = wide(&direction.vector);
        let image: Vec<f64> = products.iter().map(|row| dot(row, &v)).collect();
        let value = dot(&image, &v);
        // Vectors are stored as f32.
        assert!(image.iter().zip(&v).all(|(a, b)| (a - value * b).abs() < 1e-5), "{k}: {image:?}, {value} times {v:?}");
        assert!((dot(&v, &v) - 1.).abs() < 1e-6 && value <= last, "{k}: {value} {last}");
        assert!(direction.how.contains(&format!("{value:.3}")), "{value} {}", direction.how);
        last = value;
    }
}

#[test]
fn components_and_labels_are_found() {
    let bench = Bench::with_network();
    let line =
        |out: &str| format!("directions ganspace --network tiny.safetensors --samples 1500 --count 8 --out {out}");
    bench.ok(&line("a.safetensors"));
    bench.ok(&line("b.safetensors"));
    assert!(std::fs::read(bench.path("a.safetensors")).unwrap() == std::fs::read(bench.path("b.safetensors")).unwrap());
    let found = directions(&bench, "a.safetensors");
    assert!(found.windows(2).all(|pair| pair[0].sigma >= pair[1].sigma) && found[0].name == "pc-0");
    assert_eq!(found[0].rows, [0, 1, 2, 3, 4, 5]);

    // Styles labelled by their third number.
    let model = Model::load(bench.path("tiny.safetensors"), &Device::Cpu).unwrap();
    let z = model.latents(&(0..400).collect::<Vec<_>>()).unwrap();
    let w = model.styles(&z, None).unwrap().narrow(1, 0, 1).unwrap().squeeze(1).unwrap().contiguous().unwrap();
    let third = w.narrow(1, 2, 1).unwrap();
    let scores = third.broadcast_sub(&third.mean_all().unwrap()).unwrap();
    let scores = Tensor::cat(&[&scores, &scores.neg().unwrap()], 1).unwrap();
    let save = |name: &str, named: &[(&str, &Tensor)]| {
        let named: HashMap<String, Tensor> = named.iter().map(|(name, t)| ((*name).to_owned(), (*t).clone())).collect();
        candle_core::safetensors::save(&named, bench.path(name)).unwrap();
    };
    save("labelled.safetensors", &[("w", &w), ("scores", &scores)]);
    const LABELS: &str = "directions labels --network tiny.safetensors --latents labelled.safetensors";
    let said = bench.ok(&format!("{LABELS} --names more,less --out labels.safetensors"));
    assert!(said.contains("held back"), "{said}");
    let found = directions(&bench, "labels.safetensors");
    assert_eq!(found.iter().map(|direction| direction.name.as_str()).collect::<Vec<_>>(), ["more", "less"]);
    let opposite = dot(&wide(&found[0].vector), &wide(&found[1].vector));
    assert!(found[0].vector[2] > 0.5 && opposite < -0.99, "{found:?}");

    bench.one_sentence(&format!("{LABELS} --names one"), &["--names gives 1", "2 attributes"]);
    bench.one_sentence(&format!("{LABELS} --names a,a"), &["two directions would have the name a", "--names"]);
    for names in ["a,", ",b"] {
        bench.one_sentence(
            &format!("{LABELS} --names {names}"),
            &["the name of direction", "would be blank; give each"],
        );
    }
    bench.one_sentence("directions labels --network tiny.safetensors", &["no classes", "--latents"]);
    let equal = w.narrow(0, 0, 1).unwrap().broadcast_as(w.shape()).unwrap().contiguous().unwrap();
    save("equal.safetensors", &[("w", &equal), ("scores", &scores)]);
    bench.one_sentence(
        "directions labels --network tiny.safetensors --latents equal.safetensors --out none.safetensors",
        &["the styles are all alike"],
    );
    assert!(!bench.path("none.safetensors").exists());
    save("bare.safetensors", &[("w", &w)]);
    bench.one_sentence("directions labels --network tiny.safetensors --latents bare.safetensors", &["scores"]);
    save("short.safetensors", &[("w", &w), ("scores", &scores.narrow(0, 0, 7).unwrap())]);
    bench.one_sentence(
        "directions labels --network tiny.safetensors --latents short.safetensors",
        &["[7, 2]", "[n, 8]"],
    );
    save("sure.safetensors", &[("w", &w), ("scores", &scores.ones_like().unwrap())]);
    bench.one_sentence(
        "directions labels --network tiny.safetensors --latents sure.safetensors",
        &["score-0", "400 samples"],
    );
}

/// Styles move by strength times sigma along the vector, in the rows that were asked for and in no other.
#[test]
fn styles_move_exactly() {
    let bench = with_directions();
    let found = directions(&bench, "d.safetensors");
    let model = Model::load(bench.path("tiny.safetensors"), &Device::Cpu).unwrap();
    let before = rows(&model.styles(&model.latents(&[0, 1]).unwrap(), None).unwrap().contiguous().unwrap());
    let moved = |options: &str| {
        bench.ok(&format!("{EDIT} --seeds 0-1 {options} --out moved.safetensors"));
        rows(&tensors(&bench, "moved.safetensors")["ws"])
    };
    let check = |after: &[Vec<Vec<f64>>], expected: &dyn Fn(usize, usize) -> f64| {
        for (after, before) in after.iter().zip(&before) {
            for (row, (after, before)) in after.iter().zip(before).enumerate() {
                for (i, (after, before)) in after.iter().zip(before).enumerate() {
                    // Rounding to f32.
                    assert!((after - before - expected(row, i)).abs() < 1e-6, "row {row} {i}");
                }
            }
        }
    };
    let step = |k: usize, strength: f64, i: usize| strength * found[k].sigma * f64::from(found[k].vector[i]);
    check(&moved("--direction sefa-1=2"), &|_, i| step(1, 2., i));
    check(&moved("--direction sefa-1=-0.5 --direction sefa-0=1 --rows 4-5"), &|row, i| {
        if row >= 4 { step(1, -0.5, i) + step(0, 1., i) } else { 0. }
    });
    // A strip: every strength of the first picture, then of the second.
    let strip = moved("--direction sefa-2 --strip -1..1 --steps 3");
    assert_eq!(strip.len(), 6);
    for (at, strength) in [-1., 0., 1.].into_iter().enumerate() {
        check(&[strip[at].clone(), strip[3 + at].clone()], &|_, i| step(2, strength, i));
    }
    // What is read again is what was written: edits follow one another.
    bench.ok(&format!("{EDIT} --seeds 0-1 --direction sefa-1=2 --out once.safetensors"));
    bench.ok(&format!("{EDIT} --latents once.safetensors --direction sefa-1=-2 --out back.safetensors"));
    check(&rows(&tensors(&bench, "back.safetensors")["ws"]), &|_, _| 0.);
}

#[test]
fn what_is_kept_does_not_change() {
    let bench = Bench::with_network();
    let direction = |name: &str, vector: [f32; 8]| Direction {
        name: name.into(),
        rows: (0..6).collect(),
        vector: vector.into(),
        channel: None,
        sigma: 1.,
        how: "by hand".into(),
    };
    let list = vec![
        direction("smile", [0.6, 0.8, 0., 0., 0., 0., 0., 0.]),
        direction("age", [1., 0., 0., 0., 0., 0., 0., 0.]),
    ];
    Directions { list, network: None }.save(bench.path("d.safetensors")).unwrap();
    bench.ok(&format!("{EDIT} --seeds 5 --direction smile=1.5 --keep age --out a.safetensors"));
    bench.ok(
        "edit --network tiny.safetensors --directions d.safetensors --seeds 5 --direction age=0 --out b.safetensors",
    );
    let [a, b] = ["a.safetensors", "b.safetensors"].map(|name| rows(&tensors(&bench, name)["ws"])[0][0].clone());
    let moved: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    // What is left of a smile is the second number: a sigma is the deviation of that, not of the smile.
    let model = Model::load(bench.path("tiny.safetensors"), &Device::Cpu).unwrap();
    let styles = Styles::new(model.generator(), None, 10_000, 0, &mut |_| {}).unwrap();
    let sigma = styles.deviation(&[0., 1., 0., 0., 0., 0., 0., 0.]);
    assert!(
        moved[0].abs() < 1e-6 && (moved[1] - 1.5 * sigma).abs() < 1e-6 && (sigma - 1.).abs() > 0.01,
        "{moved:?} {sigma}"
    );
    bench.one_sentence(&format!("{EDIT} --seeds 5 --direction age=1 --keep age --out x.png"), &["--keep age"]);
}

#[test]
fn edits_are_drawn() {
    let bench = with_directions();
    bench.ok("generate --network tiny.safetensors --seeds 2-4 --out plain");
    bench.ok(&format!("{EDIT} --seeds 2-4 --direction sefa-0=2 --out out"));
    bench.ok(&format!("{EDIT} --seeds 2-4 --direction sefa-0=0 --out none"));
    for seed in 2..5 {
        // The plain picture of a seed in the same folder would stay.
        let [plain, none, out] = [("plain", ""), ("none", "-edited"), ("out", "-edited")]
            .map(|(folder, what)| format!("{folder}/seed{seed:04}{what}.png"));
        assert_eq!(bench.pixels(&none), bench.pixels(&plain));
        assert_ne!(bench.pixels(&out), bench.pixels(&plain));
        assert_eq!(bench.text(&out, "stylegan:edit").unwrap(), "sefa-0=2");
        assert_eq!(bench.text(&out, "stylegan:seed").unwrap(), seed.to_string());
        // Which file of directions it was.
        let found = stylegan_core::checkpoint::Checkpoint::open(bench.path("d.safetensors")).unwrap();
        assert_eq!(bench.text(&out, "stylegan:directions").as_deref(), found.content_hash());
    }
    bench.ok(&format!("{EDIT} --seeds 2 --direction sefa-0=2 --rows 0-1 --keep sefa-1,sefa-2 --out kept"));
    let said = bench.text("kept/seed0002-edited.png", "stylegan:edit").unwrap();
    assert_eq!(said, "sefa-0=2 (style rows 0-1; keeping sefa-1, sefa-2)");
    bench.ok(&format!("{EDIT} --seeds 2 --direction sefa-0 --strip -1..1 --out kept"));
    assert_eq!(bench.text("kept/seed0002-strip.png", "stylegan:edit").unwrap(), "sefa-0=-1..1");
    bench.ok(&format!("{EDIT} --seeds 2-4 --direction sefa-0=2 --zoom 1 --no-captions --out sheet.png"));
    assert_eq!(bench.size("sheet.png"), (2 * 18 + 2, 3 * 18 + 2));
    bench.ok(&format!("{EDIT} --seeds 2-4 --direction sefa-0 --strip -3..3 --zoom 1 --no-captions --out strip.png"));
    assert_eq!(bench.size("strip.png"), (7 * 18 + 2, 3 * 18 + 2));
    assert_eq!(bench.text("strip.png", "stylegan:edit").unwrap(), "sefa-0=-3..3");
    bench.ok(&format!("{EDIT} --seeds 2-3 --direction sefa-0 --strip -1..1 --steps 5 --out film.gif"));
    let file = std::io::BufReader::new(std::fs::File::open(bench.path("film.gif")).unwrap());
    let frames = image::AnimationDecoder::into_frames(image::codecs::gif::GifDecoder::new(file).unwrap());
    // There and back, without the ends twice.
    assert_eq!(frames.collect_frames().unwrap().len(), 8);
    // Of pictures that were inverted, by their names.
    bench.ok("invert --network tiny.safetensors --steps 2 --out inverted plain/seed0002.png plain/seed0003.png");
    let latents = "--latents inverted/seed0002.safetensors inverted/seed0003.safetensors";
    bench.ok(&format!("{EDIT} {latents} --direction sefa-0=0 --out edited"));
    assert_eq!(bench.pixels("edited/seed0003-edited.png"), bench.pixels("inverted/seed0003-reconstruction.png"));
}

/// Channels are found by a segmenter of the network's own pictures, and move by themselves.
#[test]
fn channels_of_style_space_are_found_and_moved() {
    let bench = Bench::with_network();
    std::fs::create_dir_all(bench.path("set/labels")).unwrap();
    for i in 0..20u8 {
        let class = |x: u32| u8::from(x > 4 + u32::from(i) / 3);
        let picture = RgbImage::from_fn(16, 16, |x, y| Rgb([class(x) * 200, 90, y as u8 * (i / 2)]));
        picture.save(bench.path(format!("set/{i:02}.png"))).unwrap();
        GrayImage::from_fn(16, 16, |x, _| Luma([class(x)])).save(bench.path(format!("set/labels/{i:02}.png"))).unwrap();
    }
    bench.ok("segmenter --data set --out seg.safetensors --channels 2 --kimg 0.1");
    let line = "directions channels --network tiny.safetensors --segmenter seg.safetensors --samples 5";
    bench.ok(&format!("{line} --count 2 --names left,right --out c.safetensors"));
    let found = directions(&bench, "c.safetensors");
    assert!((1..=4).contains(&found.len()), "{found:?}");
    let first = &found[0];
    assert!(first.name.ends_with("-0") && first.rows.len() == 1 && first.channel.is_some() && first.sigma > 0.);
    assert!(first.how.contains("StyleSpace") && first.how.contains("5 pictures"), "{}", first.how);
    bench.ok(&format!("{line} --count 2 --names left,right --out again.safetensors"));
    let bytes = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(bytes("c.safetensors") == bytes("again.safetensors"));

    // What the command draws is what the library makes of these offsets.
    let edit = "edit --network tiny.safetensors --directions c.safetensors";
    bench.ok(&format!("{edit} --seeds 3 --direction {}=4 --out moved", first.name));
    bench.ok(&format!("{edit} --seeds 3 --direction {}=0 --out still", first.name));
    bench.ok("generate --network tiny.safetensors --seeds 3 --out plain");
    assert_eq!(bench.pixels("still/seed0003-edited.png"), bench.pixels("plain/seed0003.png"));
    let model = Model::load(bench.path("tiny.safetensors"), &Device::Cpu).unwrap();
    let ws = model.styles(&model.latents(&[3]).unwrap(), None).unwrap().contiguous().unwrap();
    let offsets = first.offsets(&channel_weights(&model).unwrap(), 4.).unwrap();
    let options = SynthesisOptions { offsets: Some(&offsets), ..SynthesisOptions::default() };
    let expected = to_pictures(&model.synthesize(&ws, &options).unwrap()).unwrap();
    assert!(
        bench.pixels("moved/seed0003-edited.png") == expected[0] && expected[0] != bench.pixels("plain/seed0003.png")
    );
    bench
        .ok(&format!("{edit} --seeds 2-3 --direction {} --strip -2..2 --zoom 1 --no-captions --out s.png", first.name));
    assert_eq!(bench.size("s.png"), (7 * 18 + 2, 2 * 18 + 2));

    let wrong = |options: &str, parts: &[&str]| {
        bench.one_sentence(&format!("{edit} --direction {}=1 {options}", first.name), parts);
    };
    wrong("--out moved.safetensors", &["cannot hold"]);
    wrong("--rows 1 --out a.png", &["leave --rows out"]);
    wrong(&format!("--keep {} --out a.png", first.name), &["leave --keep out"]);
    bench.one_sentence(&format!("{line} --classes sky"), &["--classes sky", "class-0, class-1", "0 to 1"]);
    bench.one_sentence(&format!("{line} --names a,b,c"), &["--names gives 3", "2 classes"]);
    bench
        .one_sentence("directions channels --network tiny.safetensors --segmenter tiny.safetensors", &["no network S"]);
    bench.one_sentence("studio --directions c.safetensors --no-open", &["the studio moves styles in W"]);
}

#[test]
fn wrong_input_is_one_sentence() {
    let bench = with_directions();
    let wrong = |options: &str, parts: &[&str]| bench.one_sentence(&format!("{EDIT} {options}"), parts);
    wrong("--direction smile=2", &["no direction smile", "sefa-0, sefa-1, sefa-2"]);
    wrong("--direction sefa-0", &["needs a strength", "--strip"]);
    wrong("--direction sefa-0=1 --strip -3..3", &["--direction NAME alone"]);
    wrong("--direction sefa-0=1 --out a.gif", &["a film needs --strip"]);
    wrong("--direction sefa-0=1 --fps 20 --out a.png", &["--fps is for films", "a.png"]);
    wrong("--direction sefa-0=1 --rows 6", &["--rows 6", "style rows 0 to 5"]);
    wrong("--direction sefa-0=1 --rows fine", &["6 style rows"]);
    wrong("--direction sefa-0=1 --out d.safetensors", &["is read by this command"]);
    wrong("--direction sefa-0=1 --directions d.safetensors", &["two of name sefa-0"]);
    bench.wrong(&format!("{EDIT} --direction sefa-0=much"), &["\"much\" is no strength"]);
    bench.wrong(&format!("{EDIT} --direction =2"), &["no name before the ="]);
    bench.wrong(&format!("{EDIT} --direction sefa-0 --strip 3"), &["FROM..TO"]);
    bench.one_sentence(
        "edit --network tiny.safetensors --directions tiny.safetensors --direction a=1",
        &["holds no directions"],
    );
    let how = "by hand".to_owned();
    let narrow = Direction { name: "a".into(), rows: vec![0], vector: vec![1., 0.], channel: None, sigma: 1., how };
    let low = Direction { rows: vec![9], vector: vec![0.5; 8], ..narrow.clone() };
    for (direction, parts) in
        [(narrow, ["styles of 2 numbers", "this network's have 8"]), (low, ["style row 9", "choose --rows"])]
    {
        Directions { list: vec![direction], network: None }.save(bench.path("other.safetensors")).unwrap();
        bench.one_sentence("edit --network tiny.safetensors --directions other.safetensors --direction a=1", &parts);
    }
    let sefa = |options: &str, parts: &[&str]| {
        bench.one_sentence(&format!("directions sefa --network tiny.safetensors {options}"), parts);
    };
    sefa("--count 9", &["--count 9", "1 to 8"]);
    sefa("--count 0", &["--count 0"]);
    sefa("--samples 1", &["--samples 1", "at least 2"]);
    sefa("--out d.png", &["--out d.png", ".safetensors"]);
    sefa("--out tiny.safetensors", &["is read by this command"]);
    sefa("--rows 7", &["--rows 7"]);
    let released = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/pggan_tf.pkl");
    bench.ok(&format!("convert {released} pggan.safetensors"));
    bench.one_sentence("directions sefa --network pggan.safetensors", &["no styles"]);
    bench.one_sentence("edit --network pggan.safetensors --directions d.safetensors --direction a=1", &["no styles"]);
}
