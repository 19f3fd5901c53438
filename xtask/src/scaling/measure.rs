//! One and two ranks on this machine, by turns, and the model beside them.

use super::model::{Network, Reduction, Step, Work};
use super::table;
use crate::cargo::{cargo, output, root, wait};
use crate::failure::{Failure, Result};
use crate::ranks::SETTINGS;
use crate::say::{print, say};
use crate::stats::mean;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is measured.
#[derive(Debug)]
pub(super) struct Asked {
    pairs: usize,
    kimg: f64,
    base: usize,
    program: Option<PathBuf>,
    /// What mpirun is told beyond the number of ranks, such as where they are.
    mpirun: Vec<String>,
}

impl Default for Asked {
    fn default() -> Self {
        Self { pairs: 5, kimg: 0.2, base: 8192, program: None, mpirun: vec![] }
    }
}

impl Asked {
    /// Takes an option; `false` where it is none, or the value is no good.
    pub(super) fn set(&mut self, name: &str, value: &str) -> bool {
        fn put<T: std::str::FromStr>(place: &mut T, value: &str, good: impl Fn(&T) -> bool) -> bool {
            value.parse().ok().filter(good).map(|value| *place = value).is_some()
        }
        match name {
            "--pairs" => put(&mut self.pairs, value, |n| *n > 0),
            "--kimg" => put(&mut self.kimg, value, |n: &f64| n.is_finite() && *n > 0.),
            "--base" => put(&mut self.base, value, |n| *n > 0),
            "--program" => {
                self.program = std::path::absolute(value).ok();
                self.program.is_some()
            }
            "--mpirun" => {
                self.mpirun = value.split_whitespace().map(str::to_owned).collect();
                !self.mpirun.is_empty()
            }
            _ => false,
        }
    }

    /// A program, by mpirun where there are several of it.
    fn start(&self, program: &Path, ranks: usize) -> Command {
        if ranks == 1 {
            return Command::new(program);
        }
        let mut command = Command::new("mpirun");
        command.args(["-n", &ranks.to_string()]).args(&self.mpirun).arg(program).envs(SETTINGS);
        command
    }
}

/// The batch of the runs, in two shards.
const BATCH: usize = 8;
const SHARD: usize = 4;

/// What a run says of itself, as means over its steps.
#[derive(Debug, Clone, Copy, Default)]
struct Timed {
    /// Seconds for an image.
    image: f64,
    /// Seconds of a phase in which ranks exchange, with waiting for the slower one.
    exchange: f64,
    /// Bytes that a rank sends in a phase; it receives as many.
    bytes: f64,
}

pub(super) fn run(asked: &Asked) -> Result<()> {
    let program = match &asked.program {
        Some(program) => program.clone(),
        None => {
            let mut build = cargo("build");
            build.args(["--release", "--package", "stylegan-cli", "--package", "stylegan-train", "--features"]);
            build.args(["stylegan-cli/mpi,stylegan-train/mpi", "--bin", "stylegan", "--example", "exchange"]);
            wait(build.current_dir(root()))?;
            root().join("target/release/stylegan")
        }
    };
    let folder = std::env::temp_dir().join(format!("stylegan-scaling-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| Failure::other(format!("{}: {error}", folder.display())))?;
    let found = measure(asked, &program, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    found
}

fn measure(asked: &Asked, program: &Path, folder: &Path) -> Result<()> {
    let mut build = Command::new(program);
    build.args("data build avatars --size 64 --count 500 --out set.zip".split(' ')).current_dir(folder);
    wait(build.stdout(Stdio::null()).stderr(Stdio::null()))?;
    // What a rank does that has nobody to wait for is what the model knows; the others are what it is to foresee.
    let alone = two_alone(asked, program, folder)?;
    let (mut wide, mut split) = (vec![], vec![]);
    for pair in 1..=asked.pairs {
        wide.push(timed(asked, program, &folder.join("run"), 1, 2)?);
        split.push(timed(asked, program, &folder.join("run"), 2, 1)?);
        let speed = |run: &[Timed]| run.last().map_or(0., |run| 1. / run.image);
        say(&format!(
            "pair {pair}: 1 rank x 2 threads {:.2}, 2 ranks x 1 thread {:.2} images/s",
            speed(&wide),
            speed(&split)
        ));
    }
    let (wide, split) = (median(&wide), median(&split));
    let work = Work { name: MEASURED, image_seconds: alone.image, bytes: 0., phases: PHASES, shard: SHARD };
    // A rank sends twice its sums, less what it keeps, and receives as much: all of them once, where there are two.
    let work = Work { bytes: split.bytes * PHASES, ..work };
    let network = network(asked, program, folder)?;
    let foreseen = Step::of(&work, &network, BATCH, 2);
    let exact = Reduction::Slices.seconds(&network, work.bytes, PHASES, 2, 1.);
    let found = 1. / split.image;
    say(&format!("1 rank x 1 thread    {:.2} images/s, beside another such run", 1. / alone.image));
    say(&format!("1 rank x 2 threads   {:.2} images/s (median)", 1. / wide.image));
    say(&format!("2 ranks x 1 thread   {found:.2} images/s (median), {:.2} of the former", wide.image / split.image));
    say(&format!(
        "exchange             {:.1} MiB a phase, {:.0} % of the time with waiting for the slower rank",
        split.bytes / f64::from(1 << 20),
        100. * split.exchange * PHASES / (split.image * BATCH as f64)
    ));
    say(&format!("between two ranks    {:.0} us, {:.2} GB/s", 1e6 * network.latency, network.bandwidth / 1e9));
    say(&format!(
        "the model            {:.2} images/s on 2 ranks x 1 thread ({:+.0} %), {:.0} ms of a step in exchange (found {:.0}, with \
         waiting)",
        foreseen.images_per_second(),
        100. * (foreseen.images_per_second() / found - 1.),
        1e3 * exact,
        1e3 * split.exchange * PHASES
    ));
    say("all that follows, from 2 ranks on, is extrapolated from what was measured of one");
    print(&table(&work, &[network]));
    Ok(())
}

const MEASURED: &str = "StyleGAN2, 64 pixels, ranks of one thread as measured";

/// Phases of a step of StyleGAN2: both networks, path lengths in each fourth, R1 in each sixteenth.
const PHASES: f64 = 2.3125;

/// The run in the middle, by its speed.
fn median(runs: &[Timed]) -> Timed {
    let mut runs = runs.to_vec();
    runs.sort_by(|a, b| a.image.total_cmp(&b.image));
    runs.get(runs.len() / 2).copied().unwrap_or_default()
}

/// Times two runs of one thread that go on at once and know nothing of each other: they share memory, caches and, where
/// two processors are one core, that, as two ranks do.
fn two_alone(asked: &Asked, program: &Path, folder: &Path) -> Result<Timed> {
    let alone = |name: &str| timed(asked, program, &folder.join(name), 1, 1);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| alone("other"));
        let own = alone("run")?;
        let other = other.join().map_err(|_| Failure::other("a run could not be timed"))??;
        Ok(Timed { image: (own.image + other.image) / 2., ..own })
    })
}

/// Times a run, which `out` becomes the folder of.
fn timed(asked: &Asked, program: &Path, out: &Path, ranks: usize, threads: usize) -> Result<Timed> {
    let _ = std::fs::remove_dir_all(out);
    let line = format!(
        "--threads {threads} train --config sg2/avatars-64 --data set.zip --kimg {kimg} --set \
         generator.channel_base={base} --set discriminator.channel_base={base} --set generator.channel_max=512 --set \
         discriminator.channel_max=512 --set generator.z_dim=512 --set generator.w_dim=512 --set \
         generator.mapping_layers=8 --set schedule.stable_kimg=0 --set schedule.batch={BATCH} --set shards.size={SHARD} --set \
         shards.at_once={at_once} --set output.tick_kimg={kimg} --set output.snapshot_kimg=1000 --set \
         output.checkpoint_kimg=1000",
        kimg = asked.kimg,
        base = asked.base,
        at_once = if ranks == 1 { threads } else { 1 },
    );
    let mut command = asked.start(program, ranks);
    command.args(line.split_whitespace()).arg("--out").arg(out);
    let output = output(command.current_dir(out.parent().unwrap_or(out)))?;
    if !output.status.success() {
        return Err(Failure::other(String::from_utf8_lossy(&output.stderr)));
    }
    let path = out.join("stats.jsonl");
    let text =
        std::fs::read_to_string(&path).map_err(|error| Failure::other(format!("{}: {error}", path.display())))?;
    // Lines of measurements have no speed.
    let line = text.lines().rfind(|line| mean(line, "Timing/sec_per_kimg").is_some()).unwrap_or_default();
    let image = mean(line, "Timing/sec_per_kimg").ok_or_else(|| Failure::other("the run says nothing of its speed"))?;
    let exchange = mean(line, "Timing/exchange").unwrap_or_default();
    let bytes = mean(line, "Resources/exchanged_mib").unwrap_or_default() * f64::from(1 << 20) / 2.;
    Ok(Timed { image: image / 1000., exchange, bytes })
}

/// What an exchange between two processes takes.
fn network(asked: &Asked, program: &Path, folder: &Path) -> Result<Network> {
    let exchange = program.with_file_name("examples").join("exchange");
    if !exchange.is_file() {
        return Err(Failure::wrong(format!(
            "{} is missing: cargo build --package stylegan-train --features mpi --example exchange makes it",
            exchange.display()
        )));
    }
    let output = output(asked.start(&exchange, 2).current_dir(folder))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // Bytes, seconds of an exact sum, seconds of the library's.
    let rows: Vec<Vec<f64>> =
        text.lines().map(|line| line.split_whitespace().filter_map(|word| word.parse().ok()).collect()).collect();
    let (Some(small), Some(large)) = (rows.first(), rows.last()) else {
        return Err(Failure::other(format!("{}: {}", exchange.display(), String::from_utf8_lossy(&output.stderr))));
    };
    let [[few, short, ..], [many, long, ..]] = [&small[..], &large[..]] else {
        return Err(Failure::other(format!("{}: cannot read {text}", exchange.display())));
    };
    // Two messages each way, of half the bytes.
    let bandwidth = (many - few) / (long - short).max(1e-9);
    let network = Network { name: "as measured between two", latency: short / 2., bandwidth };
    for row in &rows {
        let words: Vec<String> = row.iter().skip(1).map(|seconds| format!("{:.3} ms", 1e3 * seconds)).collect();
        let foreseen = 1e3 * Reduction::Slices.seconds(&network, row[0], 1., 2, 1.);
        say(&format!(
            "sums of {:.0} KiB: {} (exact, fast, doubling); the model, from the first and the last: {foreseen:.3} ms",
            row[0] / 1024.,
            words.join(", ")
        ));
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken() {
        let mut asked = Asked::default();
        assert!(asked.set("--pairs", "2") && asked.set("--kimg", "0.5") && asked.pairs == 2);
        assert!(asked.set("--mpirun", "--host a:1,b:1 --mca btl tcp,self") && asked.mpirun.len() == 5);
        let command = asked.start(Path::new("p"), 2);
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        assert_eq!(args.join(" "), "-n 2 --host a:1,b:1 --mca btl tcp,self p");
        for (name, value) in [("--mpirun", " "), ("--pairs", "0"), ("--kimg", "x"), ("--others", "1")] {
            assert!(!asked.set(name, value), "{name} {value}");
        }
    }
}
