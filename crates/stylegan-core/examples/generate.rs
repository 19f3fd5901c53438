//! Pictures of a trained network: `cargo run --example generate -- network.safetensors 0.7 out.png`.
//!
//! Without arguments it makes a network with random weights first, to show the way.

use candle_core::Device;
use std::process::ExitCode;
use stylegan_core::{Model, SynthesisOptions, picture};

fn main() -> ExitCode {
    let failed = |error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    };
    run().map_or_else(failed, |()| ExitCode::SUCCESS)
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let scratch = tempfile::tempdir()?;
    let path = match arguments.next() {
        Some(path) => path.into(),
        None => {
            let path = scratch.path().join("network.safetensors");
            stylegan_core::doc::save_tiny_network(&path)?;
            path
        }
    };
    let psi: f64 = match arguments.next() {
        Some(psi) => psi.parse().map_err(|_| format!("{psi:?} is not a psi; give a number, such as 0.7"))?,
        None => 1.,
    };

    // What a program that uses networks does first: stylegan_core's documentation says why.
    stylegan_kernels::memory::keep_freed();
    stylegan_kernels::threads::keep_candle_on_its_thread();
    let model = Model::load(&path, &Device::Cpu)?;
    let z = model.latents(&[0, 1, 2, 3])?;
    let ws = model.styles(&z, model.labels(0, 4)?.as_ref())?;
    let ws = model.truncate(&ws, psi, Some(8))?;
    let img = model.synthesize(&ws, &SynthesisOptions::default())?;
    let range = [img.min_all()?.to_scalar::<f32>()?, img.max_all()?.to_scalar()?];
    println!("{:?} in {range:?}", img.dims());

    if let Some(out) = arguments.next() {
        picture::save_images(out, &img)?;
    }
    Ok(())
}
