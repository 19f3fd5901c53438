//! `cargo xtask bench`: how long operations and networks take on this machine.
//!
//! Each case is run until its time is known well enough; the median is reported. Options: `--only
//! TEXT` picks the cases whose name contains it, `--json FILE` writes the results as a list of
//! `{name, seconds, gflops, peak_rss_mb}`, `--seconds S` is the time to spend per case (2).

mod cases;
mod features;
mod measure;
mod training;

use measure::{Measurement, peak_memory};
use std::process::ExitCode;

const USAGE: &str = "options: --only TEXT, --json FILE, --seconds S, --list";

/// What was asked for.
struct Options {
    only: Option<String>,
    json: Option<String>,
    seconds: f64,
    list: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options { only: None, json: None, seconds: 2.0, list: false };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value; {USAGE}"));
            match arg.as_str() {
                // cargo adds this one.
                "--bench" => {}
                "--list" => options.list = true,
                "--only" => options.only = Some(value()?),
                "--json" => options.json = Some(value()?),
                "--seconds" => {
                    let text = value()?;
                    let number = text.parse().ok().filter(|s: &f64| *s > 0.0);
                    options.seconds = number.ok_or_else(|| format!("--seconds {text}: expected a number above 0"))?;
                }
                _ => return Err(format!("unknown option {arg}; {USAGE}")),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)) {
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
        Ok(options) => match run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut results = Vec::new();
    if !options.list {
        println!("| work | median s | GFLOP/s | peak MB |\n|---|---|---|---|");
    }
    for case in cases::all() {
        if options.only.as_ref().is_some_and(|only| !case.name.contains(only.as_str())) {
            continue;
        }
        if options.list {
            println!("{}", case.name);
            continue;
        }
        let work = (case.prepare)()?;
        let Measurement { median } = measure::run(options.seconds, &work)?;
        let gflops = case.flops.map(|flops| flops / median / 1e9);
        let memory = peak_memory();
        let shown = |x: Option<f64>| x.map_or_else(String::new, |x| format!("{x:.0}"));
        println!("| {} | {median:.4} | {} | {} |", case.name, shown(gflops), shown(memory));
        results.push(serde_json::json!({
            "name": case.name, "seconds": median, "gflops": gflops, "peak_rss_mb": memory,
        }));
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&results)?)?;
    }
    Ok(())
}
