//! `stylegan paint`.

use crate::bench::Bench;
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};
use std::collections::BTreeMap;
use std::path::Path;
use stylegan_core::checkpoint::{Metadata, save};
use stylegan_core::layers::power_iteration;
use stylegan_core::spade::{SpadeConfig, SpadeEncoder, SpadeEncoderConfig};
use stylegan_core::{EncoderConfig, GeneratorConfig, NetworkConfig, Params, build_generator};

use candle_core::{DType, Device};

/// What the painters here have in common: 32x32 pixels, 4 classes.
pub(crate) fn config() -> SpadeConfig {
    SpadeConfig { img_size: [32, 32], classes: 4, edges: false, channels: 2, hidden: 4, ..SpadeConfig::default() }
}

/// Saves a random painter, with an encoder if it has latents. Biases are not 0, so that classes differ.
pub(crate) fn save_painter(path: &Path, config: SpadeConfig, names: &[&str]) {
    let params = Params::new(3, DType::F32, &Device::Cpu);
    let mut networks = BTreeMap::new();
    let mut tensors = Vec::new();
    let z_dim = config.z_dim;
    let config = GeneratorConfig::Spade(config);
    build_generator(&config, params.trainable()).unwrap();
    (0..9).for_each(|_| power_iteration(&params).unwrap());
    networks.insert("G_ema".to_owned(), NetworkConfig::Generator(config));
    tensors.extend(params.vars().into_iter().map(|(name, var)| (format!("G_ema.{name}"), var.as_detached_tensor())));
    // Weights of a new network are so small that its pictures are grey.
    for (name, tensor) in &mut tensors {
        if name.ends_with(".weight") {
            *tensor = (&*tensor * 30.).unwrap();
        }
    }
    if z_dim > 0 {
        let config = SpadeEncoderConfig { resolution: 32, channels: 2, z_dim, ..SpadeEncoderConfig::default() };
        let params = Params::new(4, DType::F32, &Device::Cpu);
        SpadeEncoder::new(&config, params.trainable()).unwrap();
        (0..9).for_each(|_| power_iteration(&params).unwrap());
        networks.insert("E".to_owned(), NetworkConfig::Encoder(EncoderConfig::Spade(config)));
        let own = params.vars().into_iter();
        tensors.extend(own.map(|(name, var)| (format!("E.{name}"), var.as_detached_tensor())));
    }
    let mut metadata = Metadata { networks, ..Metadata::default() };
    if !names.is_empty() {
        metadata.set_classes(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    save(path, &metadata, &tensors).unwrap();
}

/// A map of 32x32 pixels: three classes in stripes, the fourth in a corner.
fn map() -> GrayImage {
    GrayImage::from_fn(32, 32, |x, y| Luma([if x + y < 8 { 3 } else { (x / 11) as u8 }]))
}

fn put(bench: &Bench, name: &str, picture: impl Into<DynamicImage>) {
    let path = bench.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.into().save(path).unwrap();
}

fn bench() -> Bench {
    let bench = Bench::with_network();
    save_painter(&bench.path("plain.safetensors"), config(), &[]);
    save_painter(&bench.path("styled.safetensors"), SpadeConfig { z_dim: 6, ..config() }, &["a", "b", "c"]);
    save_painter(&bench.path("edges.safetensors"), SpadeConfig { edges: true, ..config() }, &[]);
    put(&bench, "map.png", map());
    put(&bench, "maps/one.png", map());
    put(&bench, "maps/two.png", GrayImage::from_fn(32, 32, |_, y| Luma([(y / 16) as u8])));
    bench
}

const PLAIN: &str = "paint --network plain.safetensors";
const STYLED: &str = "paint --network styled.safetensors";

/// Maps of one class alone need no file: a picture for each class but that of no class, and how far apart they are.
#[test]
fn classes_are_compared_by_maps_of_one_class() {
    let bench = bench();
    let printed = bench.ok(&format!("{PLAIN} --uniform --out classes"));
    assert!(printed.contains("| between_classes-stlpips | ") && printed.contains("6 pairs of 4 classes"), "{printed}");
    assert_eq!(std::fs::read_dir(bench.path("classes")).unwrap().count(), 4);
    // The picture of a class is that of a map of it.
    put(&bench, "two.png", GrayImage::from_pixel(32, 32, Luma([2])));
    bench.ok(&format!("{PLAIN} --map two.png --out two-painted.png"));
    let pixels = |name: &str| image::open(bench.path(name)).unwrap().to_rgb8();
    assert_eq!(pixels("two-painted.png"), pixels("classes/02.png"));
    // Three classes of four have names, the last is no class; the first style is measured.
    let printed = bench.ok(&format!("{STYLED} --uniform --seeds 0,1 --out sheet.png"));
    assert!(printed.contains("3 pairs of 3 classes;") && printed.contains("Nearest are 0"), "{printed}");
    bench.ok("paint --network edges.safetensors --uniform --out edges.png");
    // A set tells which colours the classes have.
    for (i, level) in [10u8, 200, 90, 250].into_iter().enumerate() {
        put(&bench, &format!("set/{i}.png"), RgbImage::from_pixel(32, 32, Rgb([level; 3])));
        put(&bench, &format!("set/labels/{i}.png"), GrayImage::from_pixel(32, 32, Luma([i as u8])));
    }
    let printed = bench.ok(&format!("{PLAIN} --uniform --truth set --out classes"));
    assert!(printed.contains("| from_class_colour | ") && printed.contains("mean of 4 classes"), "{printed}");
    bench.one_sentence(&format!("{PLAIN} --uniform --truth maps --out classes"), &["--truth maps", "label maps"]);
    bench.wrong(&format!("{PLAIN} --uniform --map map.png"), &["cannot be used with"]);
    bench.wrong(PLAIN, &["--map", "--uniform"]);
}

/// The same classes as grey values, places in a palette, four bits, colours, and twice as large: the same picture.
#[test]
fn maps_of_every_kind_mean_the_same() {
    let bench = bench();
    bench.ok(&format!("{PLAIN} --map map.png --out grey.png"));
    let expected = bench.pixels("grey.png");
    assert_eq!(expected.dimensions(), (32, 32));
    let distinct: std::collections::HashSet<_> = expected.pixels().collect();
    assert!(distinct.len() > 100, "{}", distinct.len());
    let same = |name: &str| {
        bench.ok(&format!("{PLAIN} --map {name} --out again.png"));
        assert_eq!(bench.pixels("again.png"), expected, "{name}");
    };
    let indexed = |name: &str, depth: png::BitDepth| {
        let path = bench.path(name);
        let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), 32, 32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(depth);
        encoder.set_palette(vec![9, 9, 9, 200, 0, 0, 0, 200, 0, 0, 0, 200]);
        let cells = map().into_raw();
        let bytes = match depth {
            png::BitDepth::Two => cells.chunks(4).map(|c| c[0] << 6 | c[1] << 4 | c[2] << 2 | c[3]).collect(),
            png::BitDepth::Four => cells.chunks(2).map(|c| c[0] << 4 | c[1]).collect(),
            _ => cells,
        };
        encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    };
    for (name, depth) in
        [("p2.png", png::BitDepth::Two), ("p4.png", png::BitDepth::Four), ("p8.png", png::BitDepth::Eight)]
    {
        indexed(name, depth);
        same(name);
    }
    put(&bench, "large.png", image::imageops::resize(&map(), 96, 96, image::imageops::FilterType::Nearest));
    same("large.png");
    // In colour, with the table beside the map, and in the folder above.
    let colours = [[10, 20, 30], [200, 0, 0], [0, 200, 0], [1, 1, 1]];
    let coloured = RgbImage::from_fn(32, 32, |x, y| Rgb(colours[usize::from(map().get_pixel(x, y)[0])]));
    put(&bench, "set/labels/c.png", coloured.clone());
    bench.one_sentence(&format!("{PLAIN} --map set/labels/c.png --out x.png"), &["c.png", "in colour", "classes.json"]);
    let table = r##"{"classes": [{"name": "sea", "color": [10, 20, 30]}, {"name": "b", "color": "#c80000"},
        {"name": "c", "color": "#00c800"}, {"name": "d", "color": "#010101"}]}"##;
    std::fs::write(bench.path("set/classes.json"), table).unwrap();
    same("set/labels/c.png");
    put(&bench, "set/labels/d.png", DynamicImage::from(coloured).to_rgba8());
    same("set/labels/d.png");
    // Another map is another picture.
    bench.ok(&format!("{PLAIN} --map maps/two.png --out two.png"));
    assert_ne!(bench.pixels("two.png"), expected);
}

#[test]
fn folders_and_sheets_hold_every_map_in_every_style() {
    let bench = bench();
    bench.ok(&format!("{STYLED} --map maps --seeds 0,7 --out out"));
    let mut names: Vec<_> =
        std::fs::read_dir(bench.path("out")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["one-seed0000.png", "one-seed0007.png", "two-seed0000.png", "two-seed0007.png"]);
    let text = |keyword| bench.text("out/two-seed0007.png", keyword).unwrap();
    assert_eq!((text("stylegan:map"), text("stylegan:seed")), ("two.png".to_owned(), "7".to_owned()));
    assert_eq!(text("Software"), concat!("stylegan-rs ", env!("CARGO_PKG_VERSION")));
    assert!(bench.ok("inspect styled.safetensors --json").contains(&text("stylegan:network")));
    assert_ne!(bench.pixels("out/two-seed0007.png"), bench.pixels("out/two-seed0000.png"));
    // A picture does not depend on its neighbours, and --seed is understood as well.
    bench.ok(&format!("{STYLED} --map maps/two.png --seed 7 --out alone.png"));
    assert_eq!(
        std::fs::read(bench.path("alone.png")).unwrap(),
        std::fs::read(bench.path("out/two-seed0007.png")).unwrap()
    );
    // Map and two styles across, two maps down, gaps of two.
    bench.ok(&format!("{STYLED} --map maps --seeds 0,7 --zoom 1 --no-captions --out sheet.png"));
    assert_eq!(bench.size("sheet.png"), (3 * 34 + 2, 2 * 34 + 2));
    let (sheet, alone) = (bench.pixels("sheet.png"), bench.pixels("alone.png"));
    assert!(alone.enumerate_pixels().all(|(x, y, pixel)| sheet.get_pixel(2 * 34 + 2 + x, 34 + 2 + y) == pixel));
    // The truth and another network in columns of their own.
    put(&bench, "set/00000/two.png", RgbImage::from_pixel(32, 32, Rgb([9, 200, 30])));
    let compared = format!("{PLAIN} --map maps/two.png --truth set --beside styled.safetensors --zoom 1 --no-captions");
    bench.ok(&format!("{compared} --out compared.png"));
    assert_eq!(bench.size("compared.png"), (4 * 34 + 2, 34 + 2));
    bench.ok(&format!("{STYLED} --map maps/two.png --out other.png"));
    let (sheet, other) = (bench.pixels("compared.png"), bench.pixels("other.png"));
    assert_eq!(sheet.get_pixel(34 + 2 + 5, 2 + 5), &Rgb([9, 200, 30]));
    assert!(other.enumerate_pixels().all(|(x, y, pixel)| sheet.get_pixel(3 * 34 + 2 + x, 2 + y) == pixel));
    bench.one_sentence(&format!("{PLAIN} --map maps --truth set --out x.png"), &["--truth set", "no picture one"]);
    bench.one_sentence(&format!("{PLAIN} --map maps --beside styled.safetensors --out x"), &["--beside", ".png"]);
    // Above styles of pictures stand the pictures.
    put(&bench, "dusk.png", RgbImage::from_fn(40, 32, |x, _| Rgb([250, (x * 5) as u8, 20])));
    put(&bench, "noon.png", RgbImage::from_fn(32, 40, |x, y| Rgb([20, (x * y) as u8, 240])));
    let pictures = "--style dusk.png --style noon.png";
    bench.ok(&format!("{STYLED} --map maps {pictures} --zoom 1 --no-captions --out styles.png"));
    assert_eq!(bench.size("styles.png"), (3 * 34 + 2, 3 * 34 + 2));
    assert_eq!(bench.text("styles.png", "stylegan:style").unwrap(), "dusk.png, noon.png");
    bench.ok(&format!("{STYLED} --map map.png {pictures} --out styles"));
    assert_ne!(bench.pixels("styles/map-dusk.png"), bench.pixels("styles/map-noon.png"));
    // One way for each map: maps beside their pictures.
    bench.ok(&format!("{PLAIN} --map maps --zoom 1 --no-captions --out plain.png"));
    assert_eq!(bench.size("plain.png").0 % 66, 2);
    bench.ok(&format!("{PLAIN} --map maps --out images.safetensors"));
    let images = candle_core::safetensors::load(bench.path("images.safetensors"), &Device::Cpu).unwrap();
    assert_eq!(images["images"].dims(), [2, 3, 32, 32]);
}

#[test]
fn released_files_paint() {
    let bench = bench();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/kept/spade_latest_net_G.pth");
    std::fs::copy(golden, bench.path("latest_net_G.pth")).unwrap();
    let ran = bench.run("paint --network latest_net_G.pth --map map.png --out released.png");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("converted in memory"), "{}", ran.stderr);
    assert_eq!(bench.size("released.png"), (256, 256));
    let ran = bench.run("paint --network latest_net_G.pth --map map.png --seeds 1 --out x.png");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("starts from the map alone") && ran.stderr.contains("leave it out"), "{}", ran.stderr);
}

#[test]
fn edges_come_from_instance_maps() {
    let bench = bench();
    let line = "paint --network edges.safetensors --map maps --out out";
    bench.one_sentence(line, &["edges between instances", "--instances FILE|FOLDER"]);
    bench.ok(&format!("{line} --instances maps"));
    put(&bench, "things/one.png", GrayImage::from_fn(32, 32, |x, y| Luma([(x / 4 + y / 4) as u8])));
    bench.one_sentence(&format!("{line} --instances things"), &["two.png has no instance map"]);
    put(&bench, "things/two.png", DynamicImage::from(GrayImage::from_fn(32, 32, |x, _| Luma([x as u8]))).to_luma16());
    bench.ok("paint --network edges.safetensors --map maps --out things-out --instances things");
    assert_ne!(bench.pixels("out/one.png"), bench.pixels("things-out/one.png"));
    bench.one_sentence(&format!("{line} --instances map.png"), &["one file for a folder of maps"]);
    put(&bench, "small.png", GrayImage::new(16, 16));
    bench.one_sentence(
        "paint --network edges.safetensors --map map.png --instances small.png",
        &["small.png", "16x16", "32x32"],
    );
    bench.one_sentence(&format!("{PLAIN} --map map.png --instances map.png"), &["no edges between instances"]);
}

/// What is missing is called by its option, and a network that comes with the program by its name.
#[test]
fn sentences_name_what_was_typed() {
    let bench = bench();
    let missing = "paint --network earth-64-spade --map nope.png --out x.png";
    bench.one_sentence(missing, &["--map nope.png: it is not there"]);
    assert!(!bench.run(missing).stderr.contains("stylegan models"));
    bench.one_sentence("paint --network nope --map nope.png --out x.png", &["nope", "`stylegan models` lists"]);
    for line in [
        "invert --network earth-64-spade --out x nope.png",
        "paint --network avatars-32 --map nope.png --out x.png",
        "edit --network avatars-32 --direction age=1 --out x.png",
        "export --network avatars-64 --trunc-cutoff 99 --onnx x.onnx",
    ] {
        let ran = bench.run(line);
        let (name, said) = (line.split(' ').nth(2).unwrap(), ran.stderr.trim_end());
        assert!(ran.code == 2 && said.lines().count() == 1 && said.contains(name), "{line}: {said}");
        assert!(!said.contains("stylegan-models"), "{said}");
    }
}

#[test]
fn wrong_input_gets_a_sentence() {
    let bench = bench();
    let mut wrong = map();
    wrong.put_pixel(5, 3, Luma([9]));
    put(&bench, "wrong.png", wrong.clone());
    let named = ["wrong.png has class 9 in column 5 of row 3", "4 classes (0 to 3)"];
    bench.one_sentence(&format!("{PLAIN} --map wrong.png"), &named);
    wrong.put_pixel(5, 3, Luma([255]));
    put(&bench, "none.png", wrong.clone());
    bench.one_sentence(&format!("{PLAIN} --map none.png"), &["pixels without a class", "column 5 of row 3"]);
    // Three of the network's four classes have names: the last is for pixels without.
    bench.ok(&format!("{STYLED} --map none.png --out none-painted.png"));
    std::fs::create_dir(bench.path("tables")).unwrap();
    std::fs::write(bench.path("tables/classes.json"), r#"{"classes": ["a", "b", "c", "d", "e", "fern"]}"#).unwrap();
    wrong.put_pixel(5, 3, Luma([5]));
    put(&bench, "tables/fern.png", wrong.clone());
    bench.one_sentence(&format!("{PLAIN} --map tables/fern.png"), &["class 5 (fern) in column 5 of row 3"]);
    wrong.put_pixel(5, 3, Luma([77]));
    put(&bench, "tables/fern.png", wrong);
    bench.one_sentence(&format!("{PLAIN} --map tables"), &["value 77 in column 5 of row 3", "classes.json"]);
    std::fs::write(bench.path("tables/classes.json"), "{").unwrap();
    bench.one_sentence(&format!("{PLAIN} --map tables"), &["classes.json: not a class table"]);
    put(&bench, "oblong.png", GrayImage::new(48, 32));
    bench.one_sentence(&format!("{PLAIN} --map oblong.png"), &["48x32", "32x32", "shape"]);
    put(&bench, "colour.png", RgbImage::new(32, 32));
    bench.one_sentence(&format!("{PLAIN} --map colour.png"), &["in colour", "write a classes.json"]);
    std::fs::write(bench.path("text.png"), "text").unwrap();
    bench.one_sentence(&format!("{PLAIN} --map text.png"), &["text.png: map is not a PNG file"]);
    std::fs::write(bench.path("cut.png"), &std::fs::read(bench.path("map.png")).unwrap()[..60]).unwrap();
    bench.one_sentence(&format!("{PLAIN} --map cut.png"), &["cut.png: truncated or damaged"]);
    std::fs::create_dir(bench.path("empty.png")).unwrap();
    bench.one_sentence(&format!("{PLAIN} --map empty.png"), &["empty.png: this folder holds no maps"]);
    bench.one_sentence(&format!("{PLAIN} --map gone.png"), &["--map gone.png: it is not there"]);
    std::fs::create_dir_all(bench.path("set/labels")).unwrap();
    bench.one_sentence(&format!("{PLAIN} --map set"), &["is a data set", "set/labels"]);
    // Sets that are built here have a folder for each thousand.
    std::fs::create_dir_all(bench.path("nest/00000")).unwrap();
    std::fs::copy(bench.path("map.png"), bench.path("nest/00000/map.png")).unwrap();
    bench.ok(&format!("{PLAIN} --map nest --out painted"));
    assert!(bench.path("painted/00000/map.png").is_file());
    bench.ok("paint --network edges.safetensors --map nest --instances nest --out edged");
    // Nothing that is read is written over.
    bench.one_sentence(&format!("{PLAIN} --map maps --out maps/sheet.png"), &["maps/sheet.png lies in maps"]);
    bench.one_sentence(&format!("{PLAIN} --map maps --out maps"), &["whose files are read"]);
    bench.one_sentence(&format!("{PLAIN} --map maps/one.png --out maps"), &["maps/one.png is read by this command"]);
    bench.one_sentence(&format!("{PLAIN} --map map.png --out map.png"), &["map.png is read by this command"]);
    // Styles.
    for line in ["--seeds 1", "--style map.png"] {
        bench.one_sentence(&format!("{PLAIN} --map map.png {line} --out x.png"), &["starts from the map alone"]);
    }
    bench.wrong(&format!("{STYLED} --map map.png --seeds 1 --style map.png"), &["cannot be used with"]);
    bench.one_sentence(
        &format!("{STYLED} --map map.png --style map.png --encoder plain.safetensors"),
        &["plain.safetensors holds no image encoder", "--encoder", "--seeds 0-3"],
    );
    bench.one_sentence(&format!("{STYLED} --map map.png --style maps"), &["maps is a folder"]);
    bench.one_sentence(&format!("{STYLED} --map map.png --style text.png"), &["not a PNG, JPEG or WebP"]);
    // Verbs of latents say which verb paints; this one says which verb does not.
    for line in [
        "generate --network plain.safetensors",
        "mix --network plain.safetensors --rows 0 --cols 1",
        "interpolate --network plain.safetensors --seeds 0,1 --out w.gif",
        "figures --network styled.safetensors --out f",
        "directions sefa --network plain.safetensors",
        "edit --network plain.safetensors --direction a=1",
    ] {
        bench.one_sentence(line, &["paints label maps: it has no styles", "stylegan paint --network", "--map map.png"]);
    }
    bench.one_sentence("paint --network tiny.safetensors --map map.png", &["tiny.safetensors", "stylegan generate"]);
}
