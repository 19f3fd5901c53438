//! Developer commands: `cargo xtask VERB`.
//!
//! Verbs of this program are `ci`, `test`, `tidy`, `bench`, `cuda`, `gpu-check`, `kernels`, `scaling` and
//! `reproduce`. Any other verb belongs to `stylegan` itself: it is built in release and run with the same
//! arguments, so `cargo xtask generate --seeds 0-63` means `stylegan generate --seeds 0-63`. This package has no
//! dependencies, so that it compiles in a second or two from a clean clone.

mod bench;
mod cargo;
mod ci;
mod claims;
mod cuda;
mod defaults;
mod failure;
mod forward;
mod gpu_check;
mod json;
mod kernels;
mod measured;
mod papers;
mod program;
mod ranks;
mod say;
mod scaling;
mod stats;
mod tables;
mod tidy;

use failure::{Failure, Result};
use ranks::Ranks;
use std::process::ExitCode;

const HELP: &str = "\
Developer commands of stylegan-rs

Usage: cargo xtask VERB [ARGUMENTS]

To use StyleGAN (each builds `stylegan` in release, then runs it with the same arguments
and, where they leave it out, what is in brackets):
  train        train a network, or go on [--config avatars-32 --data avatars, unless the run
               is there already; --out runs/NAME]; with --ranks N on N processes, joined by MPI
  eval         measure a network [--network: the run below runs/ that was saved last];
               with --ranks N on N processes; with --table 1|2|3|4 (StyleGAN), spade3, psp1|psp2: the
               runs found for that table of a paper, ours beside the paper's numbers; with --table
               spade1 --segmenter FILE: every --network RUN of label maps in one table
  generate, mix, interpolate, figures
               pictures of a network [--network: the same, or avatars-64, which comes along]
  studio       the same in a browser, and runs while they train
  data, inspect, convert, ...
               any verb of `stylegan`; `cargo xtask stylegan --help` lists them all

To work on it:
  ci           everything that must hold: fmt, clippy, all tests, docs, tidy
  test         all tests; arguments go to `cargo test`
  tidy         the house rules that no compiler checks
  bench        speed and memory of operations and networks; arguments go to the benchmark
  cuda         pictures and training steps on a GPU, without one: on the emulator, through a library
               that stands for the driver; needs a C++ compiler; with --check compiles types alone
  gpu-check    all there is to know about a built program on a GPU, as one JSON file: pictures, the
               same bits twice, training, times; with --short what an emulator can do
               [--program target/release/stylegan, --device cuda:0, --out gpu-check.json,
               --seconds 600: what has not begun by then is left out]; each --test FILE is a test
               program that is run beside them
  kernels      compiles the CUDA kernels to the PTX that is kept here; needs nvcc 13.0 (--nvcc FILE)
  scaling      what more ranks would give; --measure times this machine
  reproduce    train and measure what a claim of a paper rests on; --list lists the claims

Exit codes: 0 done, 2 wrong input, 75 interrupted and saved, 130 interrupted with nothing to save,
1 anything else.
";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(mut args: Vec<std::ffi::OsString>) -> Result<()> {
    if args.is_empty() {
        say::print(HELP);
        return Err(Failure::wrong("no verb given; the list above shows what there is"));
    }
    let verb = args.remove(0);
    match verb.to_str() {
        Some("help" | "--help" | "-h") => {
            say::print(HELP);
            Ok(())
        }
        // The others say more of themselves.
        Some("ci" | "tidy" | "cuda" | "gpu-check" | "kernels")
            if args.iter().any(|arg| arg == "--help" || arg == "-h") =>
        {
            say::print(HELP);
            Ok(())
        }
        Some("ci") => ci::run(&args),
        Some("test") => ci::test(&args),
        Some("tidy") => tidy::run(&args),
        Some("bench") => bench::run(&args),
        Some("cuda") => cuda::run(&args),
        Some("gpu-check") => gpu_check::run(&args),
        Some("kernels") => kernels::run(&args),
        Some("scaling") => scaling::run(&args),
        Some("reproduce") => claims::run(&args),
        Some("stylegan") => forward::run(args, None),
        _ => {
            args.insert(0, verb);
            let ranks = Ranks::take(&mut args)?;
            if let Some((table, options)) = tables::asked_for(&args)? {
                if ranks.is_some() {
                    return Err(Failure::wrong("--ranks: a table is made by one process; leave one of the two out"));
                }
                return tables::run(table, &options);
            }
            forward::run(defaults::fill(args)?, ranks.as_ref())
        }
    }
}
