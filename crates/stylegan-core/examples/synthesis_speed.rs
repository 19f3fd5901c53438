//! Times a synthesis network on random weights: styles are ready, noise is the stored one.
//!
//! ```text
//! cargo run --release -p stylegan-core --example synthesis_speed -- 256
//! cargo run --release -p stylegan-core --example synthesis_speed -- 1024 5
//! cargo run --release -p stylegan-core --example synthesis_speed -- 256x8
//! cargo run --release -p stylegan-core --example synthesis_speed -- stylegan1-1024
//! ```
//!
//! The first argument names the network: `256` is 256x256 with `channel_base` 16384, `1024` is
//! 1024x1024 with `channel_base` 32768, `x8` behind it is a batch of eight, `stylegan1-` before it the
//! StyleGAN of that size. The second is the
//! number of timed runs, 3. One untimed run comes first. Printed are the median and the fastest run
//! in seconds, and on Linux the peak resident memory of the process.

use candle_core::{DType, Device, Tensor};
use std::time::Instant;
use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1Generator};
use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2Generator};
use stylegan_core::{Generator, Params, Synthesis};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    stylegan_kernels::memory::keep_freed();
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "256".into());
    let runs: usize = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let (network, rest) = name.split_once('-').unwrap_or(("stylegan2", &name));
    let (size, batch) = rest.split_once('x').unwrap_or((rest, "1"));
    let (size, batch): (usize, usize) = (size.parse()?, batch.parse()?);

    let params = Params::new(0, DType::F32, &Device::Cpu);
    let g: Box<dyn Generator> = if network == "stylegan1" {
        let config = StyleGan1Config { img_size: [size; 2], ..StyleGan1Config::default() };
        StyleGan1Generator::new(&config, params.trainable())?;
        Box::new(StyleGan1Generator::new(&config, params.frozen())?)
    } else {
        let channel_base = if size >= 512 { 32768 } else { 16384 };
        let config = StyleGan2Config { img_size: [size; 2], channel_base, ..StyleGan2Config::default() };
        StyleGan2Generator::new(&config, params.trainable())?;
        Box::new(StyleGan2Generator::new(&config, params.frozen())?)
    };
    let z: Vec<f64> = stylegan_core::latent::numpy_randn(0, batch * g.z_dim());
    let z = Tensor::from_vec(z, (batch, g.z_dim()), &Device::Cpu)?.to_dtype(DType::F32)?;
    let ws = stylegan_core::broadcast_ws(&g.mapping(&z, None)?, g.num_ws())?;

    let mut seconds = Vec::with_capacity(runs);
    for run in 0..=runs.max(1) {
        let start = Instant::now();
        let pictures = g.synthesis(&ws, &Synthesis::default())?;
        if run > 0 {
            seconds.push(start.elapsed().as_secs_f64());
        }
        assert_eq!(pictures.dims(), [batch, 3, size, size]);
    }
    seconds.sort_by(f64::total_cmp);
    println!(
        "{network} synthesis {size} batch {batch}: median {:.3} s, fastest {:.3} s, peak memory {} MiB",
        seconds[seconds.len() / 2],
        seconds[0],
        peak_mib().map_or("unknown".into(), |mib| mib.to_string())
    );
    Ok(())
}

/// The kernel's high-water mark of this process's resident memory.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}
