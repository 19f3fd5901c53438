//! The FID between two sets of pictures, each a folder or a ZIP file:
//! `cargo run --release -p stylegan-train --example compare_folders -- made/ real.zip`.
//!
//! Pictures are seen by the network that is built in, so that the number is called `fid-stlpips` and compares with others
//! of that name alone. `stylegan eval --images made/ real.zip --metrics fid` does so without a program.

use candle_core::Device;
use std::process::ExitCode;
use stylegan_core::Precision;
use stylegan_metrics::evaluate::{Generated, ImageSet, Request, Subject, evaluate};
use stylegan_metrics::features::FeatureNetworks;
use stylegan_metrics::protocol::Protocol;
use stylegan_metrics::ranks::Alone;
use stylegan_metrics::report;
use stylegan_train::data::Dataset;

fn main() -> ExitCode {
    let failed = |error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    };
    run().map_or_else(failed, |()| ExitCode::SUCCESS)
}

/// All pictures of a set.
fn images<'a>(pictures: &'a Dataset, name: &str) -> ImageSet<'a> {
    let all: Vec<usize> = (0..pictures.len()).collect();
    ImageSet {
        name: name.into(),
        images: Box::new(move |numbers| Some(pictures.batches(all.get(numbers)?).next()?.map_err(Into::into))),
        count: pictures.len(),
        hash: None,
        precision: Precision::F32,
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [made, real] = &paths[..] else {
        return Err(format!("found {} arguments, expected two: folders or ZIP files of pictures", paths.len()).into());
    };
    // What a program that uses networks does first: stylegan_core's documentation says why.
    stylegan_kernels::memory::keep_freed();
    stylegan_kernels::threads::keep_candle_on_its_thread();
    let [of_made, of_real] = [Dataset::open(made)?, Dataset::open(real)?];
    let request = Request {
        protocols: vec![Protocol::find("fid")?.with_all()],
        subjects: vec![Subject { name: made.clone(), generated: Generated::Images(images(&of_made, made)) }],
        reals: Some(images(&of_real, real)),
        networks: &FeatureNetworks::embedded(&Device::Cpu)?,
        classifiers: &[],
        cache: None,
        ranks: &Alone,
        seed: 0,
        floor: false,
        clock: &|| 0.,
        provenance: report::Provenance::default(),
    };
    let results = evaluate(request, &mut |_, _, _| ())?.complete()?;
    print!("{}", report::to_markdown(&results));
    Ok(())
}
