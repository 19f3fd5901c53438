//! Time and memory of a piece of work.

use candle_core::{Result, Tensor};
use std::time::Instant;

/// A piece of work that can be repeated; its result is dropped outside of the clock.
pub(crate) type Work = Box<dyn Fn() -> Result<Vec<Tensor>>>;

/// What was measured.
pub(crate) struct Measurement {
    /// Seconds.
    pub(crate) median: f64,
}

/// Repeats `work` for about `seconds`, at least 3 times, after one run that is not counted.
pub(crate) fn run(seconds: f64, work: &Work) -> Result<Measurement> {
    work()?;
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || (start.elapsed().as_secs_f64() < seconds && times.len() < 1000) {
        let one = Instant::now();
        let result = work()?;
        times.push(one.elapsed().as_secs_f64());
        drop(result);
    }
    times.sort_by(f64::total_cmp);
    Ok(Measurement { median: times[times.len() / 2] })
}

/// The most memory this process has held so far, in MB, where the system tells.
pub(crate) fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
