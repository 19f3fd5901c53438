//! Compares two sets of pictures with no generator: FID, KID, precision, recall, density, coverage.
//!
//! The pictures are drawn here, as coloured stripes; in a program of your own, turn each file into a
//! tensor `[1, 3, h, w]` in [-1, 1], or let `stylegan_train` read folders and ZIP files: its example `compare_folders`.
//! Run with `cargo run --release -p stylegan-metrics --example compare_sets`.

use candle_core::{Device, Tensor};
use std::process::ExitCode;
use std::time::Instant;
use stylegan_core::Precision;
use stylegan_metrics::evaluate::{Generated, ImageSet, Request, Subject, evaluate};
use stylegan_metrics::features::FeatureNetworks;
use stylegan_metrics::images::Batch;
use stylegan_metrics::protocol::Protocol;
use stylegan_metrics::ranks::Alone;
use stylegan_metrics::report;

/// Picture `i` of a set: stripes of its own width and colour, `blur` pixels soft at the edges.
fn picture(i: usize, blur: f32) -> Batch {
    let (h, w) = (64, 64);
    let (period, phase) = (5. + (i * 7 % 23) as f32, (i * 13 % 31) as f32);
    let values: Vec<f32> = (0..3 * h * w)
        .map(|p| {
            let (c, y, x) = (p / (h * w), p / w % h, p % w);
            let slope = ((i + c) % 5) as f32 / 4.;
            let wave = ((x as f32 + slope * y as f32 + phase) / period).sin();
            (wave * period / (1. + blur)).clamp(-1., 1.) * (0.4 + 0.2 * ((i / 3 + c) % 4) as f32)
        })
        .collect();
    Ok(Tensor::from_vec(values, (1, 3, h, w), &Device::Cpu)?)
}

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

fn run() -> stylegan_metrics::Result<()> {
    // What a program that uses networks does first: stylegan_core's documentation says why.
    stylegan_kernels::memory::keep_freed();
    stylegan_kernels::threads::keep_candle_on_its_thread();
    let set = |first: usize, blur: f32| ImageSet {
        name: "images".into(),
        images: Box::new(move |numbers| Some(picture(first + numbers.start, blur))),
        count: 200,
        hash: None,
        precision: Precision::F32,
    };
    let networks = FeatureNetworks::embedded(&Device::Cpu)?;
    let start = Instant::now();
    let request = Request {
        protocols: ["fid", "kid", "pr"].into_iter().map(Protocol::find).collect::<Result<_, _>>()?,
        subjects: vec![Subject { name: "soft stripes".into(), generated: Generated::Images(set(200, 6.)) }],
        reals: Some(set(0, 0.)),
        networks: &networks,
        classifiers: &[],
        cache: None,
        ranks: &Alone,
        seed: 0,
        floor: true,
        clock: &|| start.elapsed().as_secs_f64(),
        provenance: report::Provenance::default(),
    };
    let results = evaluate(request, &mut |stage, done, _| eprint!("\r{stage}: {done} "))?.complete()?;
    eprintln!();
    print!("{}", report::to_markdown(&results));
    Ok(())
}
