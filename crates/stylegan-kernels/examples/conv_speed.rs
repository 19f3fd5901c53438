//! Times the convolution family on this machine:
//! `cargo run --release -p stylegan-kernels --example conv_speed -- [threads] [pattern]`.
//!
//! Prints per shape and kind the best time of several runs, GFLOP/s counted as a direct convolution
//! would need them (so Winograd may pass the peak), and that as a share of the measured peak.
//! Rates are per second of processor time, which neighbours on a busy machine disturb least.

use candle_core::{Device, Result, Tensor};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use stylegan_kernels::{conv_transpose2d, conv2d, conv2d_weight_gradient, cpu_info, threads};

struct Case {
    n: usize,
    c: usize,
    k: usize,
    size: usize,
    kernel: usize,
    stride: usize,
}

/// Processor time that this process has used.
#[cfg(target_os = "linux")]
fn busy() -> Duration {
    #[repr(C)]
    struct Time {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Time) -> i32;
    }
    const PROCESS_CPUTIME: i32 = 2;
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: the C library's function, with its 64-bit structure.
    unsafe { clock_gettime(PROCESS_CPUTIME, &mut time) };
    Duration::new(time.seconds as u64, time.nanoseconds as u32)
}

/// Wall time stands in where we know no better.
#[cfg(not(target_os = "linux"))]
fn busy() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

fn main() -> ExitCode {
    let failed = |error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    };
    run_all().map_or_else(failed, |()| ExitCode::SUCCESS)
}

fn run_all() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let count = args.next().and_then(|a| a.parse().ok()).unwrap_or(1);
    let pattern = args.next().unwrap_or_default();
    let peak = (0..5)
        .map(|_| {
            let start = busy();
            cpu_info::multiply_adds(5_000_000) as f64 / (busy() - start).as_secs_f64() / 1e9
        })
        .fold(0., f64::max);
    println!("{}, {count} threads, peak {peak:.0} GFLOP/s a core", cpu_info::instruction_set());
    let case = |n, [c, k]: [usize; 2], size, kernel, stride| Case { n, c, k, size, kernel, stride };
    let cases = [
        case(4, [512, 512], 32, 3, 1),
        case(4, [256, 256], 64, 3, 1),
        case(4, [128, 128], 128, 3, 1),
        case(4, [64, 64], 256, 3, 1),
        case(1, [512, 512], 32, 3, 1),
        case(1, [256, 256], 64, 3, 1),
        case(4, [512, 512], 16, 3, 1),
        case(4, [512, 512], 8, 3, 1),
        case(4, [512, 512], 4, 3, 1),
        case(16, [256, 256], 8, 3, 1),
        case(16, [256, 256], 4, 3, 1),
        case(8, [64, 64], 32, 3, 1),
        case(8, [128, 128], 16, 3, 1),
        case(4, [512, 512], 32, 1, 1),
        case(4, [64, 64], 256, 1, 1),
        case(4, [64, 3], 256, 1, 1),
        case(4, [3, 64], 256, 1, 1),
        case(4, [512, 3], 32, 1, 1),
        case(4, [3, 64], 256, 3, 1),
        case(4, [512, 512], 32, 3, 2),
        case(4, [64, 64], 256, 3, 2),
        case(4, [64, 64], 64, 5, 1),
        case(4, [64, 192], 27, 11, 1),
    ];
    for Case { n, c, k, size, kernel, stride } in cases {
        let name = format!("b{n} {c}->{k}@{size} {kernel}x{kernel} s{stride}");
        if !name.contains(&pattern) {
            continue;
        }
        let (device, padding) = (Device::Cpu, kernel / 2);
        let out = (size + 2 * padding - kernel) / stride + 1;
        let x = Tensor::randn(0f32, 1., (n, c, size, size), &device)?;
        let w = Tensor::randn(0f32, 1., (k, c, kernel, kernel), &device)?;
        let y = Tensor::randn(0f32, 1., (n, k, out, out), &device)?;
        let flops = 2. * (n * c * k * kernel * kernel * out * out) as f64;
        print!("{name:28}");
        for kind in ["forward", "input", "weight"] {
            let run = || match kind {
                "forward" => conv2d(&x, &w, stride, padding, 1.),
                "input" => conv_transpose2d(&y, &w, stride, padding, (size + 2 * padding - kernel) % stride, 1.),
                _ => conv2d_weight_gradient(&x, &y, (kernel, kernel), stride, padding, 1.),
            };
            let (mut best, mut wall) = (f64::INFINITY, f64::INFINITY);
            let begun = Instant::now();
            for i in 0..50 {
                let (start, clock) = (busy(), Instant::now());
                threads::with_limit(count, run)?;
                best = best.min((busy() - start).as_secs_f64());
                wall = wall.min(clock.elapsed().as_secs_f64());
                if i >= 2 && begun.elapsed().as_secs_f64() > 0.7 {
                    break;
                }
            }
            let gflops = flops / best / 1e9;
            print!(
                "  {kind} {:7.2} ms ({:7.2} busy) {gflops:4.0} GF/s {:4.0}%",
                wall * 1e3,
                best * 1e3,
                gflops / peak * 100.
            );
        }
        println!();
    }
    Ok(())
}
