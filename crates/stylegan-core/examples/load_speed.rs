//! How long a released network of this size takes to load and to draw, and how much memory.
//!
//! `cargo run --release --example load_speed -- stylegan2 1024 network.safetensors` writes a network of
//! the published shape with random weights if the file is not there, and then times another run of
//! itself on it.

use candle_core::{DType, Device};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use stylegan_core::checkpoint::{Metadata, save};
use stylegan_core::stylegan1::StyleGan1Config;
use stylegan_core::stylegan2::StyleGan2Config;
use stylegan_core::{GeneratorConfig, Model, NetworkConfig, Params, SynthesisOptions, build_generator};

fn main() -> ExitCode {
    let failed = |error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    };
    run_all().map_or_else(failed, |()| ExitCode::SUCCESS)
}

fn run_all() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, architecture, size, file] = &arguments[..] else {
        return Err("usage: load_speed stylegan1|stylegan2 SIZE FILE.safetensors".into());
    };
    let (size, path) = (size.parse()?, Path::new(file));
    if path.exists() {
        return measure(path);
    }
    let config = match architecture.as_str() {
        "stylegan1" => GeneratorConfig::StyleGan1(StyleGan1Config { img_size: [size; 2], ..Default::default() }),
        _ => GeneratorConfig::StyleGan2(StyleGan2Config { img_size: [size; 2], ..Default::default() }),
    };
    let params = Params::new(0, DType::F32, &Device::Cpu);
    build_generator(&config, params.trainable())?;
    let tensors: Vec<_> =
        params.vars().into_iter().map(|(name, var)| (format!("G_ema.{name}"), var.as_detached_tensor())).collect();
    let networks = [("G_ema".to_owned(), NetworkConfig::Generator(config))].into();
    save(path, &Metadata { networks, ..Metadata::default() }, &tensors)?;
    println!("{file} is written; run the same command again to measure");
    Ok(())
}

fn measure(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    stylegan_kernels::threads::keep_candle_on_its_thread();
    stylegan_kernels::memory::keep_freed();
    let start = Instant::now();
    let model = Model::load(path, &Device::Cpu)?;
    let loaded = start.elapsed().as_secs_f64();
    let after_load = peak();
    let mut times = Vec::new();
    for seed in 0..4 {
        let ws = model.styles(&model.latents(&[seed])?, None)?;
        let start = Instant::now();
        model.synthesize(&ws, &SynthesisOptions::default())?;
        times.push(start.elapsed().as_secs_f64());
    }
    println!(
        "load {loaded:.3} s, peak then {after_load}; pictures {times:.3?} s, peak {}; {:.1} MB on disk",
        peak(),
        std::fs::metadata(path)?.len() as f64 / 1e6
    );
    Ok(())
}

/// The most memory that the process has had.
fn peak() -> String {
    stylegan_kernels::memory::peak().map_or_else(|| "unknown".into(), |bytes| format!("{} kB", bytes >> 10))
}
