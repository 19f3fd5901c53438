//! Pictures of a trained network: `cargo run --example generate -- network.safetensors 0.7 out.png`.
//!
//! Without arguments it makes a network with random weights first, to show the way.

use candle_core::{DType, Device};
use std::process::ExitCode;
use stylegan_core::{Model, Synthesis};

fn main() -> ExitCode {
    // Errors are sentences: shown by `{error}`, not by a `Result` of `main`, which prints their fields.
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
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
    let psi: f64 = arguments.next().map_or(Ok(1.), |psi| psi.parse())?;

    let model = Model::load(&path, &Device::Cpu)?;
    let z = model.latents(&[0, 1, 2, 3])?;
    let ws = model.mapping(&z, model.labels(0, 4)?.as_ref())?;
    let ws = model.truncate(&ws, psi, Some(8))?;
    let img = model.synthesize(&ws, &Synthesis::default())?;
    let range = [img.min_all()?.to_scalar::<f32>()?, img.max_all()?.to_scalar()?];
    println!("{:?} in {range:?}", img.dims());

    if let Some(out) = arguments.next() {
        // Four pictures side by side, [-1, 1] to bytes.
        let (n, c, h, w) = img.dims4()?;
        let row = img.to_dtype(DType::F32)?.permute((2, 0, 3, 1))?.reshape((h, n * w, c))?;
        let row = ((row * 127.5)? + 128.)?.clamp(0f32, 255f32)?.to_dtype(DType::U8)?;
        let row = if c == 3 { row } else { row.narrow(2, 0, 1)?.broadcast_as((h, n * w, 3))? };
        let bytes = row.flatten_all()?.to_vec1::<u8>()?;
        let picture = image::RgbImage::from_raw((n * w) as u32, h as u32, bytes).ok_or("size")?;
        picture.save(out)?;
    }
    Ok(())
}
