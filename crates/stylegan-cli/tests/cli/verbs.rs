//! A bench on which every verb has something to do.

use crate::bench::Bench;
use crate::paint::{config, save_painter};
use crate::train::{CONFIG, pictures};

/// `tiny.safetensors` (16x16), `tiny.toml` and `small` (a run of 8x8 pictures and its set), `pictures`
/// (16x16), `classes.zip` (8x8, labelled), `painter.safetensors` and `map.png` (32x32), `ada.pkl` (a released format),
/// `shape.safetensors` (directions of the tiny network).
pub(crate) fn bench() -> Bench {
    let bench = Bench::with_network();
    std::fs::write(bench.path("tiny.toml"), CONFIG).unwrap();
    pictures(&bench, "small", 12, 8);
    pictures(&bench, "pictures", 50, 16);
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/checkpoints/stylegan2_ada_pytorch.pkl");
    std::fs::copy(golden, bench.path("ada.pkl")).unwrap();
    bench.ok("directions sefa --network tiny.safetensors --samples 100 --out shape.safetensors");
    save_painter(&bench.path("painter.safetensors"), config(), &[]);
    image::GrayImage::new(32, 32).save(bench.path("map.png")).unwrap();
    bench.ok("data build avatars --size 8 --count 20 --label background --out classes.zip");
    bench.ok("data build avatars --size 16 --count 20 --out scenes.zip");
    bench
}

/// A short job for every verb, all into `out` or a name that begins so.
pub(crate) const JOBS: [&str; 17] = [
    "train --config tiny.toml --data small --out out-run --kimg 0.1",
    "generate --network tiny.safetensors --seeds 0-3 --out out-pictures",
    "paint --network painter.safetensors --map map.png --out out-painted.png",
    "mix --network tiny.safetensors --rows 0-1 --cols 2-3 --out out-mix.png",
    "interpolate --network tiny.safetensors --seeds 0,1 --frames 3 --out out-walk.gif",
    "invert --network tiny.safetensors --steps 2 --out out-inverted pictures/000.png",
    "directions sefa --network tiny.safetensors --samples 100 --out out-directions.safetensors",
    "edit --network tiny.safetensors --directions shape.safetensors --direction sefa-0=2 --out out-edited",
    "figures --network tiny.safetensors --seeds 0-3 --realisations 5 --out out-figures",
    "eval --network tiny.safetensors --data pictures --metrics kid --count 40 --out out-report.json",
    "classifier --data classes.zip --out out-classifier.safetensors --kimg 0.01 --channel-base 64",
    "segmenter --data scenes.zip --out out-segmenter.safetensors --kimg 0.01 --channels 2",
    "convert ada.pkl out-ada.safetensors",
    "export --network tiny.safetensors --onnx out.onnx",
    "data build pictures --size 8 --out out-set.zip",
    "data show pictures --out out-sheet.png",
    "data doctor pictures",
];
