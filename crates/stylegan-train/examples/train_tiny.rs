//! Trains a tiny StyleGAN on pictures made up here, in a few seconds:
//! `cargo run --release -p stylegan-train --example train_tiny -- run-tiny`.

use image::{Rgb, RgbImage};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stylegan_core::picture::write_png;
use stylegan_train::communicator::Single;
use stylegan_train::config;
use stylegan_train::data::Dataset;
use stylegan_train::observer::{Observer, Position};
use stylegan_train::stats::Stats;
use stylegan_train::{Outcome, Result, RunFolder, Session};

const CONFIG: &str = r#"
kimg = 4
generator = { img_size = [16, 16], z_dim = 16, w_dim = 16, mapping_layers = 2, mapping_width = 16, channel_base = 256, channel_max = 16 }
discriminator = { channel_base = 256, channel_max = 16 }
loss = { r1_gamma = 0.5 }
schedule = { stable_kimg = 1, fade_kimg = 1, batch = 16, lr = 0.002 }
shards = { size = 8 }
ema = { kimg = 0.5 }
output = { tick_kimg = 0.5, snapshot_kimg = 1, checkpoint_kimg = 1 }
"#;

/// Prints what the library only reports.
struct Print;

impl Observer for Print {
    fn ticked(&mut self, _at: &Position, _stats: &Stats, line: &str) {
        println!("{line}");
    }
}

/// 64 pictures of a disc on a coloured ground.
fn discs(folder: &Path) -> Result<Arc<Dataset>> {
    std::fs::create_dir_all(folder).map_err(stylegan_train::Error::io("create", folder))?;
    for i in 0..64u32 {
        let (x0, y0, ground) = (4 + i % 8, 4 + i / 8, [(i * 3) as u8, 90, 200 - (i * 2) as u8]);
        let picture = RgbImage::from_fn(16, 16, |x, y| {
            Rgb(if x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2) < 10 { [250, 240, 40] } else { ground })
        });
        write_png(&folder.join(format!("{i:02}.png")), &picture, &[])?;
    }
    Ok(Arc::new(Dataset::open(folder)?))
}

fn main() -> ExitCode {
    let failed = |error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    };
    run().map_or_else(failed, |()| ExitCode::SUCCESS)
}

fn run() -> Result<()> {
    let out = std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("stylegan-tiny"), PathBuf::from);
    let config = config::read(CONFIG, "the example", &[])?;
    // What a program that trains does first: stylegan_train's documentation says why.
    stylegan_kernels::autodiff::start(config.shards.at_once)?;
    stylegan_kernels::memory::keep_freed();
    stylegan_kernels::threads::keep_candle_on_its_thread();
    let dataset = discs(&out.join("pictures"))?;
    let folder = RunFolder::open(&out)?;
    let (observer, stop) = (&mut Print, &AtomicBool::new(false));
    let session = Session {
        config: &config,
        dataset: &dataset,
        device: &candle_core::Device::Cpu,
        folder: &folder,
        communicator: &Single,
        observer,
        stop,
    };
    match session.resume()? {
        Outcome::Finished { checkpoint } | Outcome::Interrupted { checkpoint } => println!("{}", checkpoint.display()),
    }
    Ok(())
}
