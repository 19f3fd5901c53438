//! `cargo xtask gpu-check`: what there is to know about this program on a GPU, in some ten minutes.
//!
//! It starts a program that was built with the feature `cuda`, and test programs beside it, and writes one JSON file: whether a
//! GPU makes the CPU's pictures, whether it makes the same bits twice, whether training goes as on the CPU, and how long it
//! all takes, beside the times that NVIDIA publishes for the official code.

mod images;
mod libraries;
mod report;

use crate::cargo::{output, root};
use crate::failure::{Failure, Result};
use crate::program::last_line;
use crate::say::say;
use crate::stats::mean;
use report::{Found, Report};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Instant;

/// How far pictures may be from the CPU's, of numbers in [-1, 1]: a tenth of a level of a byte.
const PICTURES: f64 = 1e-3;
/// How far mean losses of a training may be from the CPU's, in parts: after some steps no bits are alike, but the curves are.
const LOSSES: f64 = 0.1;

/// Times of the official PyTorch code in seconds a kimg on one V100 and one A100 (StyleGAN3's repository, docs/configs.md).
const PUBLISHED: [(&str, &str, Option<[f64; 2]>); 3] = [
    ("64", "sg2/avatars-64", None),
    ("256", "ada/paper256-noaug", Some([20.84, 12.53])),
    ("1024", "sg2/ffhq-1024-f", Some([141.83, 90.39])),
];

/// Settings by which something happens to most pictures from the first step on.
const AUGMENTED: &str = "--set augment.fixed_p=0.5";

/// What is asked for.
struct Asked {
    program: PathBuf,
    tests: Vec<PathBuf>,
    device: String,
    out: PathBuf,
    /// Only what an emulator can do.
    short: bool,
    /// Seconds after which no other check is begun.
    seconds: u64,
}

impl Asked {
    fn of(args: &[OsString]) -> Result<Self> {
        let mut asked = Self {
            program: root().join("target/release/stylegan"),
            tests: vec![],
            device: "cuda:0".into(),
            out: "gpu-check.json".into(),
            short: false,
            seconds: 600,
        };
        let mut args = args.iter();
        while let Some(option) = args.next() {
            let option = option.to_string_lossy();
            if option == "--short" {
                asked.short = true;
                continue;
            }
            let value = args.next().ok_or_else(|| Failure::wrong(format!("{option}: a value is missing")))?;
            match option.as_ref() {
                "--program" => asked.program = value.into(),
                // Programs are started in a folder of their own.
                "--test" => asked.tests.push(
                    fs::canonicalize(value)
                        .map_err(|error| Failure::wrong(format!("--test {}: {error}", value.to_string_lossy())))?,
                ),
                "--device" => asked.device = value.to_string_lossy().into_owned(),
                "--out" => asked.out = value.into(),
                "--seconds" => {
                    let seconds = value.to_str().and_then(|text| text.parse().ok());
                    asked.seconds =
                        seconds.ok_or_else(|| Failure::wrong("--seconds: expected a number, as in --seconds 600"))?;
                }
                _ => return Err(Failure::wrong(format!("`gpu-check` has no option {option}"))),
            }
        }
        Ok(asked)
    }
}

/// Checks a program on a GPU and writes down what came of it.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let asked = Asked::of(args)?;
    if !asked.program.is_file() {
        return Err(Failure::wrong(format!(
            "{} is not there: build it with `cargo build --release --package stylegan-cli --features cuda` (docs/cuda.md), or name \
             another with --program FILE",
            asked.program.display()
        )));
    }
    let folder = root().join("target/gpu-check");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(Failure::other)?;
    let libraries = libraries::find(&asked.program)?;
    let mut checks = Checks { asked, folder, libraries, report: Report::default(), start: Instant::now() };
    checks.all()?;
    let Checks { asked, report, .. } = checks;
    say(&format!("gpu-check: {} in {}", report.verdict(), asked.out.display()));
    if report.is_good() { Ok(()) } else { Err(Failure::child(1)) }
}

struct Checks {
    asked: Asked,
    folder: PathBuf,
    libraries: OsString,
    report: Report,
    start: Instant,
}

impl Checks {
    fn all(&mut self) -> Result<()> {
        let version = self.program(&["--version"])?;
        self.report.about("program", version.trim());
        let gpu = self.gpu();
        self.report.about("device", &gpu);
        self.check("a picture is made on the GPU", |checks| {
            checks.program(&checks.generate("0", "first")).map(|_| Found::default())
        })?;
        for test in self.asked.tests.clone() {
            let name = format!("test {}", test.file_name().unwrap_or_default().to_string_lossy());
            self.check(&name, |checks| checks.test(&test))?;
        }
        self.check("pictures are the CPU's, and the same twice", Self::pictures)?;
        self.check("training goes as on the CPU, and the same twice", |checks| checks.training("avatars-32", "run"))?;
        self.write()?;
        if !self.asked.short {
            for (side, config, published) in PUBLISHED {
                self.check(&format!("training at {side} pixels"), |checks| checks.pace(config, published))?;
            }
            let augmented = format!("ada/paper256 {AUGMENTED}");
            self.check("training at 256 pixels with augmentation", |checks| checks.pace(&augmented, None))?;
            for side in ["256", "1024"] {
                self.check(&format!("synthesis at {side} pixels"), |checks| checks.synthesis(side))?;
            }
        }
        self.check("training with augmentation goes as on the CPU, and the same twice", |checks| {
            checks.training(&format!("ada/avatars-32 {AUGMENTED}"), "augmented")
        })
    }

    /// Runs a check and notes what came of it, also in the file: a machine that is taken away has told so much. One that fails
    /// does not keep others from running; when the time is up, none is begun.
    fn check(&mut self, name: &str, f: impl FnOnce(&Self) -> Result<Found>) -> Result<()> {
        let start = Instant::now();
        if start.duration_since(self.start).as_secs() >= self.asked.seconds {
            self.report.skip(name, "the time is up (--seconds)");
        } else {
            say(&format!("gpu-check: {name}"));
            let outcome = f(self);
            self.report.check(name, start.elapsed().as_secs_f64(), outcome);
        }
        self.write()
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.asked.out, self.report.json()).map_err(Failure::other)
    }

    /// What a program says on the two ways, and whether it ends well.
    fn started(&self, command: &mut Command) -> Result<([String; 2], ExitStatus)> {
        let done = output(command.current_dir(&self.folder).env("LD_LIBRARY_PATH", &self.libraries))?;
        Ok(([done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()), done.status))
    }

    fn program<A: AsRef<std::ffi::OsStr>>(&self, args: &[A]) -> Result<String> {
        let program = fs::canonicalize(&self.asked.program).map_err(Failure::other)?;
        let ([out, error], status) = self.started(Command::new(&program).args(args))?;
        if status.success() { Ok(out) } else { Err(ended(&program, status, &[out, error].concat())) }
    }

    /// Runs a test program; what it says of parts that did not run would be kept back of tests that pass.
    fn test(&self, test: &Path) -> Result<Found> {
        let ([out, error], status) = self.started(Command::new(test).args(["--test-threads=1", "--nocapture"]))?;
        if !status.success() {
            return Err(ended(test, status, &out));
        }
        Ok(Found { not_run: not_run(&[out, error].concat()), ..Found::default() })
    }

    /// The GPU by name, as NVIDIA's tool says it.
    fn gpu(&self) -> String {
        let said =
            output(Command::new("nvidia-smi").args(["--query-gpu=name,driver_version", "--format=csv,noheader"]));
        let said = said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default();
        if said.is_empty() { format!("{} (nvidia-smi says nothing)", self.asked.device) } else { said }
    }

    fn generate(&self, seeds: &str, name: &str) -> Vec<String> {
        let device = if name == "cpu" { "cpu" } else { &self.asked.device };
        let line = format!(
            "generate --network avatars-32 --noise random --seeds {seeds} --device {device} --out {name}.safetensors"
        );
        line.split(' ').map(str::to_owned).collect()
    }

    fn pictures(&self) -> Result<Found> {
        let seeds = if self.asked.short { "0-1" } else { "0-31" };
        let [cpu, one, two] = ["cpu", "one", "two"].map(|name| {
            self.program(&self.generate(seeds, name))?;
            images::read(&self.folder.join(name).with_extension("safetensors"))
        });
        let (cpu, one, two) = (cpu?, one?, two?);
        let apart = images::distance(&one, &cpu);
        if apart > PICTURES {
            return Err(Failure::other(format!("pictures are {apart:e} apart, at most {PICTURES:e} was expected")));
        }
        match images::distance(&one, &two) {
            0. => Ok(vec![("from_the_cpus", apart)].into()),
            apart => Err(Failure::other(format!("the same pictures are {apart:e} apart the second time"))),
        }
    }

    /// `config` may be followed by settings.
    fn train(&self, config: &str, device: &str, name: &str) -> Result<()> {
        // 200 steps of 32 pictures; one for the emulator.
        let size = if self.asked.short {
            "--kimg 0.004 --set schedule.batch=4 --set shards.size=4 --set generator.channel_max=8 --set \
             discriminator.channel_max=8 --set output.tick_kimg=0.004"
        } else {
            "--kimg 6.4 --set output.tick_kimg=0.64"
        };
        let line = format!(
            "train --config {config} --data avatars --set data.count=256 --set schedule.stable_kimg=0 --set eval.metrics=[] {size} --device {device} --data-dir \
             data --out {name}"
        );
        self.program(&line.split_whitespace().collect::<Vec<_>>()).map(|_| ())
    }

    fn training(&self, config: &str, name: &str) -> Result<Found> {
        let [on_cpu, first, second] = ["cpu", "one", "two"].map(|run| format!("{name}-{run}"));
        let device = self.asked.device.as_str();
        for (device, run) in [("cpu", &on_cpu), (device, &first), (device, &second)] {
            self.train(config, device, run)?;
        }
        let [cpu, one] = [&on_cpu, &first].map(|run| self.losses(run));
        let ((g, d), (g_gpu, d_gpu)) = (cpu?, one?);
        for (name, cpu, gpu) in [("G", g, g_gpu), ("D", d, d_gpu)] {
            // What is not a number is not near.
            let near = (gpu - cpu).abs() <= LOSSES * cpu.abs();
            if !near {
                return Err(Failure::other(format!(
                    "the mean loss of {name} is {gpu} on the GPU and {cpu} on the CPU"
                )));
            }
        }
        let [one, two] = [&first, &second].map(|run| self.checkpoint(run));
        if one? != two? {
            return Err(Failure::other("two trainings of the same seed end with different checkpoints"));
        }
        Ok(vec![("loss_g_cpu", g), ("loss_g", g_gpu), ("loss_d_cpu", d), ("loss_d", d_gpu)].into())
    }

    /// The mean losses of a run's generator and discriminator.
    fn losses(&self, run: &str) -> Result<(f64, f64)> {
        let file = self.folder.join(run).join("stats.jsonl");
        let text = fs::read_to_string(&file).map_err(Failure::other)?;
        let of = |key: &str| {
            let found: Vec<f64> = text.lines().filter_map(|line| mean(line, key)).collect();
            let mean = found.iter().sum::<f64>() / found.len() as f64;
            if found.is_empty() { Err(Failure::other(format!("{} has no {key}", file.display()))) } else { Ok(mean) }
        };
        Ok((of("Loss/G/loss")?, of("Loss/D/loss")?))
    }

    /// The bytes of a run's last checkpoint.
    fn checkpoint(&self, run: &str) -> Result<Vec<u8>> {
        let entries = fs::read_dir(self.folder.join(run)).map_err(Failure::other)?.flatten().map(|entry| entry.path());
        let last = entries.filter(|file| file.extension().is_some_and(|end| end == "safetensors")).max();
        fs::read(last.ok_or_else(|| Failure::other(format!("{run} has no checkpoint")))?).map_err(Failure::other)
    }

    /// Seconds a kimg that `stylegan plan` measures; `config` may be followed by settings.
    fn pace(&self, config: &str, published: Option<[f64; 2]>) -> Result<Found> {
        let device = self.asked.device.as_str();
        let line = format!(
            "plan --config {config} --data avatars --set data.count=64 --set schedule.stable_kimg=0 --seconds 20 --data-dir data --device {device}"
        );
        let said = self.program(&line.split_whitespace().collect::<Vec<_>>())?;
        let pace = said.lines().filter_map(|line| line.strip_prefix("pace:")).next_back();
        let seconds = pace.and_then(|pace| pace.split_whitespace().next()?.parse().ok());
        let seconds = seconds.ok_or_else(|| Failure::other("`stylegan plan` says no pace"))?;
        let mut numbers = vec![("seconds_per_kimg", seconds)];
        if let Some([v100, a100]) = published {
            numbers.extend([("published_v100", v100), ("published_a100", a100)]);
        }
        Ok(numbers.into())
    }

    /// Pictures a second of a network that has not learnt, by what 64 more take.
    fn synthesis(&self, side: &str) -> Result<Found> {
        let device = self.asked.device.as_str();
        let config = PUBLISHED.iter().find(|(known, ..)| *known == side).map_or("", |(_, config, _)| config);
        let run = format!("network-{side}");
        let train = format!(
            "train --config {config} --data avatars --set data.count=64 --set schedule.stable_kimg=0 --set eval.metrics=[] --kimg 0.001 --data-dir data --device \
             {device} --out {run}"
        );
        self.program(&train.split_whitespace().collect::<Vec<_>>())?;
        let time = |seeds: &str| -> Result<f64> {
            let start = Instant::now();
            let line = format!("generate --network {run} --seeds {seeds} --device {device} --out speed.safetensors");
            self.program(&line.split_whitespace().collect::<Vec<_>>())?;
            Ok(start.elapsed().as_secs_f64())
        };
        let (few, many) = (time("0-7")?, time("0-71")?);
        Ok(vec![("pictures_per_second", 64. / (many - few).max(1e-9))].into())
    }
}

/// What did not run, by what a test program says.
fn not_run(said: &str) -> Vec<String> {
    said.lines().filter_map(|line| line.split_once("NOT RUN: ")).map(|(_, words)| words.to_owned()).collect()
}

fn ended(program: &Path, status: ExitStatus, said: &str) -> Failure {
    let last = last_line(said).unwrap_or("it says nothing");
    Failure::other(format!("{program:?} ends with {status}: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_did_not_run_are_heard() {
        let said = "test ranks::alone ... NOT RUN: NCCL on one rank, since it is not there\nok\ntest b ... ok\n\
                    NOT RUN: refusals of a GPU, on a GPU\n";
        assert_eq!(not_run(said), ["NCCL on one rank, since it is not there", "refusals of a GPU, on a GPU"]);
    }
}
