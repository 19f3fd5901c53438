//! Training on several processes that mpirun starts: the same bytes on any number of them, and an end
//! for all of them whatever happens to one. Built with the feature `mpi` alone; `cargo xtask test` says
//! so where it cannot be.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use candle_core::Device;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use stylegan_core::checkpoint::Checkpoint;

/// Six shards a batch: two or four ranks cut them where no subtree ends.
const TINY: &str = include_str!("ranks.toml");

/// Regularising phases in every second and fourth step.
const STYLEGAN2: &str = "--set generator.architecture=stylegan2 --set path_length.interval=2 --set loss.r1_interval=4 \
                         --set schedule.stable_kimg=0 --set schedule.fade_kimg=0";

/// A painter of maps whose batch can be cut: it normalises each picture by itself.
const SPADE: &str = r#"
recipe = "spade"
seed = 3
kimg = 0.096
[generator]
img_size = [32, 32]
classes = 17
edges = false
norm = "instance"
channels = 1
hidden = 2
[discriminator]
channels = 2
layers = 3
[loss]
perceptual = 0
[schedule]
batch = 12
[shards]
size = 2
[output]
tick_kimg = 0.024
checkpoint_kimg = 0.048
"#;

/// Where a failure must have ended all by.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A run that goes on until something stops it.
const ENDLESS: &str = "--set kimg=100000 --set output.checkpoint_kimg=100000 --set output.snapshot_kimg=100000";

/// What machines with other work may take for a whole run.
const LIMIT: Duration = Duration::from_secs(180);

/// A folder with pictures and a configuration.
struct Bench(tempfile::TempDir);

/// A started command; what it says is in a file.
struct Job {
    child: Child,
    said: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        fs::write(bench.path("tiny.toml"), TINY).unwrap();
        bench.make_pictures("set.zip", 0);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn make_pictures(&self, name: &str, seed: usize) {
        let line = format!("data build avatars --size 16 --count 40 --seed {seed} --out {name}");
        let made = Command::new(stylegan()).args(line.split(' ')).current_dir(self.0.path()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Starts a program with the words of `line` in the bench.
    fn start(&self, program: &str, line: &str) -> Job {
        let said = self.path("said.txt");
        let child = Command::new(program)
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")])
            .envs([("OMPI_MCA_rmaps_base_oversubscribe", "1"), ("OMPI_MCA_hwloc_base_binding_policy", "none")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        Job { child, said }
    }

    /// Starts a training into `out` on `ranks` ranks.
    fn train(&self, ranks: usize, out: &str, options: &str) -> Job {
        let line = format!("train --config tiny.toml --data set.zip --out {out} {options}");
        match ranks {
            1 => self.start(stylegan(), &line),
            _ => self.start("mpirun", &format!("-n {ranks} {} {line}", stylegan())),
        }
    }

    /// A training to its end; the bytes of its last checkpoint.
    fn trained(&self, ranks: usize, out: &str, options: &str) -> Vec<u8> {
        let (code, said) = self.train(ranks, out, options).ends(LIMIT);
        assert_eq!(code, Some(0), "{ranks} ranks: {said}");
        self.last(out)
    }

    /// The last checkpoint of a run.
    fn newest(&self, out: &str) -> PathBuf {
        let names = fs::read_dir(self.path(out)).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> = names.filter(|path| path.extension().is_some_and(|end| end == "safetensors")).collect();
        names.sort();
        names.pop().unwrap()
    }

    fn last(&self, out: &str) -> Vec<u8> {
        fs::read(self.newest(out)).unwrap()
    }
}

impl Job {
    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Waits until it says something.
    fn says(&mut self, what: &str) {
        let deadline = Instant::now() + LIMIT;
        while !self.said().contains(what) {
            assert!(self.child.try_wait().unwrap().is_none() && Instant::now() < deadline, "{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The process of a rank.
    fn rank(&self, rank: usize) -> u32 {
        // Open MPI starts it itself, MPICH through a process of its own.
        let wanted = ["OMPI_COMM_WORLD_RANK", "PMI_RANK"].map(|name| format!("{name}={rank}"));
        let parent = |process: &Path| -> Option<u32> {
            let stat = fs::read_to_string(process.join("stat")).ok()?;
            stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()
        };
        let is_it = |process: &Path| {
            let first = parent(process);
            let second = first.and_then(|id| parent(Path::new(&format!("/proc/{id}"))));
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            let mut words = environment.split(|&byte| byte == 0);
            [first, second].contains(&Some(self.child.id()))
                && words.any(|word| wanted.iter().any(|wanted| word == wanted.as_bytes()))
        };
        let mut processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let found = processes.find(|process| is_it(process)).unwrap();
        found.file_name().unwrap().to_str().unwrap().parse().unwrap()
    }

    /// Sends a signal to a process, and waits for the end of all.
    fn struck(self, process: u32, signal: &str) -> (Option<i32>, String) {
        assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
        self.ends(AT_ONCE)
    }

    fn ends(mut self, limit: Duration) -> (Option<i32>, String) {
        let deadline = Instant::now() + limit;
        while self.child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                self.child.kill().unwrap();
                panic!("it did not end within {limit:?}: {}", self.said());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        (self.child.wait().unwrap().code(), self.said())
    }
}

impl Drop for Job {
    /// A test that fails leaves no run behind.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        }
    }
}

fn stylegan() -> &'static str {
    env!("CARGO_BIN_EXE_stylegan")
}

fn same_bytes_on_any_ranks(architecture: &str) {
    let bench = Bench::new();
    let expected = bench.trained(1, "1", architecture);
    for ranks in 2..=4 {
        let out = ranks.to_string();
        assert!(bench.trained(ranks, &out, architecture) == expected, "{ranks} ranks");
    }
    // Half of it on two ranks, then on three.
    bench.trained(2, "parts", &format!("{architecture} --set kimg=0.6"));
    assert!(bench.trained(3, "parts", architecture) == expected, "two ranks, then three");
}

#[test]
fn ranks_do_not_change_a_bit_while_it_grows() {
    same_bytes_on_any_ranks("");
}

#[test]
fn ranks_do_not_change_a_bit_of_stylegan2() {
    same_bytes_on_any_ranks(STYLEGAN2);
}

#[test]
fn ranks_do_not_change_a_bit_of_a_painter() {
    let bench = Bench::new();
    fs::write(bench.path("tiny.toml"), SPADE).unwrap();
    let line = "data build earth --size 32 --count 40 --out set.zip";
    fs::remove_file(bench.path("set.zip")).unwrap();
    assert_eq!(bench.start(stylegan(), line).ends(LIMIT).0, Some(0));
    let expected = bench.trained(1, "1", "");
    for ranks in 2..=4 {
        assert!(bench.trained(ranks, &ranks.to_string(), "") == expected, "{ranks} ranks");
    }
    bench.trained(3, "parts", "--set kimg=0.048");
    assert!(bench.trained(2, "parts", "") == expected, "three ranks, then two");
}

/// The library's own sums: what the first step leaves of the gradients is within 1e-5 of the exact one's, and all
/// ranks go on alike.
#[test]
fn fast_sums_are_within_what_is_promised() {
    let bench = Bench::new();
    let step = "--set kimg=0.024 --set output.checkpoint_kimg=0.024";
    let moments = |out: &str| {
        let checkpoint = Checkpoint::open(bench.newest(out)).unwrap();
        // The discriminator steps first, so its gradient is of networks that are the same; the squares of it are twice
        // as far off.
        let names: Vec<&str> = checkpoint.names().filter(|name| name.starts_with("opt_d.v.")).collect();
        assert!(!names.is_empty(), "{:?}", checkpoint.names().collect::<Vec<_>>());
        let values = |name: &&str| {
            checkpoint.tensor(name, &Device::Cpu).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        names.iter().map(values).collect::<Vec<_>>()
    };
    bench.trained(1, "exact", step);
    let exact = moments("exact");
    for ranks in [2, 3] {
        let out = format!("fast-{ranks}");
        bench.trained(ranks, &out, &format!("{step} --set shards.reduction=fast"));
        let largest = exact.iter().flatten().fold(0f32, |most, value| most.max(value.sqrt()));
        for (found, exact) in moments(&out).iter().flatten().zip(exact.iter().flatten()) {
            let (found, exact) = (found.sqrt(), exact.sqrt());
            assert!((found - exact).abs() <= 1e-5 * largest, "{ranks} ranks: {found}, {exact} of {largest}");
        }
    }
    // A longer run compares the ranks with each other at every tick.
    bench.trained(3, "fast", "--set shards.reduction=fast");
}

/// Each rank makes a part of the features: the report holds the same numbers, on rank 0 alone.
#[test]
fn ranks_share_an_evaluation() {
    let bench = Bench::new();
    bench.trained(1, "run", "--set kimg=0.24");
    let line = "data build avatars --size 16 --count 300 --seed 1 --out more.zip";
    assert_eq!(bench.start(stylegan(), line).ends(LIMIT).0, Some(0));
    let numbers = |ranks: usize, options: &str| {
        let out = format!("report-{ranks}.json");
        let line = format!(
            "eval --network run --data more.zip --metrics fid,kid,pr,ppl_wend --count 300 --out {out} --cache none-{ranks} \
             {options}"
        );
        let job = match ranks {
            1 => bench.start(stylegan(), &line),
            _ => bench.start("mpirun", &format!("-n {ranks} {} {line}", stylegan())),
        };
        let (code, said) = job.ends(LIMIT);
        assert_eq!(code, Some(0), "{ranks} ranks: {said}");
        assert_eq!(said.matches("report: ").count(), 1, "{said}");
        let report: serde_json::Value = serde_json::from_slice(&fs::read(bench.path(&out)).unwrap()).unwrap();
        // Without what depends on the clock and on what was typed.
        let without = |mut value: serde_json::Value| {
            for key in ["seconds", "provenance"] {
                value.as_object_mut().unwrap().remove(key);
            }
            value
        };
        report.as_array().unwrap().iter().cloned().map(without).collect::<Vec<_>>()
    };
    let expected = numbers(1, "");
    assert!(expected.len() >= 6, "{expected:?}");
    for ranks in [2, 3] {
        assert_eq!(numbers(ranks, ""), expected, "{ranks} ranks");
    }
    // What no rank can do is said once.
    let line = "-n 2 STYLEGAN eval --network run --data more.zip --metrics kid --count 600 --out a/b.txt";
    let (code, said) = bench.start("mpirun", &line.replace("STYLEGAN", stylegan())).ends(LIMIT);
    assert_eq!((code, said.matches("error: ").count()), (Some(2), 1), "{said}");
}

/// Metrics on the way are shared as well: the run and its numbers are those of one process.
#[test]
fn ranks_share_the_metrics_of_a_run() {
    let bench = Bench::new();
    let options = "--set eval.metrics=['kid','ppl_wend'] --set eval.kimg=0.6 --set eval.count=300";
    let expected = bench.trained(1, "1", options);
    let numbers = |out: &str| {
        let text = fs::read_to_string(bench.path(&format!("{out}/log.txt"))).unwrap();
        text.lines().filter(|line| line.contains(" measured ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(numbers("1").len(), 2);
    for ranks in [2, 3] {
        let out = ranks.to_string();
        assert!(bench.trained(ranks, &out, options) == expected, "{ranks} ranks");
        assert_eq!(numbers(&out), numbers("1"), "{ranks} ranks");
    }
}

/// Ranks that do not see the folder of rank 0, here two in a folder of their own, make the set there once more.
#[test]
fn a_built_in_set_is_made_where_it_is_missing() {
    let bench = Bench::new();
    for name in ["a", "b"] {
        fs::create_dir(bench.path(name)).unwrap();
        fs::copy(bench.path("tiny.toml"), bench.path(&format!("{name}/tiny.toml"))).unwrap();
    }
    let options = "--data avatars --set data.count=40 --set kimg=0.24";
    let line = format!("train --config tiny.toml --out 1 {options}");
    assert_eq!(bench.start(stylegan(), &line).ends(LIMIT).0, Some(0));
    let word = format!("{} train --config tiny.toml --out run {options}", stylegan());
    let at = |name: &str, count: usize| format!("-n {count} -wdir {} {word}", bench.path(name).display());
    let (code, said) = bench.start("mpirun", &format!("{} : {}", at("a", 1), at("b", 2))).ends(LIMIT);
    assert_eq!(code, Some(0), "{said}");
    assert!(bench.last("a/run") == bench.last("1"));
    let made = |run: &str| fs::read(bench.path(&format!("{run}/data/avatars-16-40.zip"))).unwrap();
    assert!(made("a/run") == made("b/run"));
}

/// One process of a machine copies the set, and all read the copy.
#[test]
fn a_copy_of_the_set_is_made_once_on_a_machine() {
    let bench = Bench::new();
    let expected = bench.trained(1, "1", "--set kimg=0.24");
    assert!(bench.trained(2, "2", "--set kimg=0.24 --set data.copy_to=local") == expected);
    let copies: Vec<_> = fs::read_dir(bench.path("local")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert!(fs::read(&copies[0]).unwrap() == fs::read(bench.path("set.zip")).unwrap());
    // The copy is enough to go on; the set itself is looked at, as what is copied.
    assert!(bench.trained(3, "3", "--set kimg=0.24 --set data.copy_to=local") == expected);
}

/// Rank 1 works in a folder of its own, as on another machine: what rank 0 has comes from rank 0.
#[test]
fn no_disk_need_be_shared() {
    let bench = Bench::new();
    let expected = bench.trained(1, "1", "");
    for name in ["a", "b"] {
        fs::create_dir(bench.path(name)).unwrap();
    }
    fs::copy(bench.path("tiny.toml"), bench.path("a/tiny.toml")).unwrap();
    let set = bench.path("set.zip");
    for kimg in ["0.6", "1.2"] {
        let word =
            format!("{} train --config tiny.toml --data {} --out run --set kimg={kimg}", stylegan(), set.display());
        let line = format!(
            "-n 1 -wdir {} {word} : -n 1 -wdir {} {word}",
            bench.path("a").display(),
            bench.path("b").display()
        );
        let (code, said) = bench.start("mpirun", &line).ends(LIMIT);
        assert_eq!(code, Some(0), "{said}");
    }
    assert!(bench.last("a/run") == expected);
    assert_eq!(fs::read_dir(bench.path("b")).unwrap().count(), 0, "rank 1 writes nothing");
}

/// A signal to any rank, or through mpirun to all, has all finish the step, saves and ends with 75.
#[test]
fn a_signal_to_one_stops_and_saves_all() {
    let bench = Bench::new();
    let expected = bench.trained(1, "1", "");
    for (out, signal) in [("term", "-TERM"), ("usr1", "-USR1")] {
        let mut job = bench.train(2, out, ENDLESS);
        job.says("kimg 0.120");
        let process = if signal == "-TERM" { job.rank(1) } else { job.child.id() };
        let (code, said) = job.struck(process, signal);
        assert_eq!(code, Some(75), "{said}");
        assert!(said.contains("interrupted and saved"), "{said}");
        assert!(!bench.last(out).is_empty());
    }
    // Stopped before the length of the other run, it goes on to the same end.
    let log = fs::read_to_string(bench.path("term/log.txt")).unwrap();
    assert!(!log.contains("kimg 1.2"), "the signal came too late for this test: {log}");
    assert!(bench.trained(3, "term", "") == expected);
}

#[test]
fn a_rank_that_is_killed_ends_all() {
    let bench = Bench::new();
    for rank in [0, 1] {
        let mut job = bench.train(2, &format!("killed-{rank}"), ENDLESS);
        job.says("kimg 0.120");
        let process = job.rank(rank);
        let other = job.rank(1 - rank);
        let (code, said) = job.struck(process, "-KILL");
        assert_eq!(code, Some(137), "{said}");
        assert!(said.contains(&format!("rank {rank} ")), "{said}");
        let deadline = Instant::now() + AT_ONCE;
        while Path::new(&format!("/proc/{other}/exe")).exists() {
            assert!(Instant::now() < deadline, "rank {} is left behind", 1 - rank);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A rank that can start no thread any more panics in the midst of a step: it says so, and all end.
#[test]
#[allow(clippy::disallowed_methods, reason = "cargo says in the environment which rustc it is")]
fn a_panic_of_one_rank_ends_all() {
    const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../stylegan-kernels/tests/no_threads/library.rs");
    let bench = Bench::new();
    let (library, file) = (bench.path("no_threads.so"), bench.path("no-threads"));
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=cdylib", "-Cpanic=abort", "-o"]).arg(&library).arg(LIBRARY);
    assert!(rustc.status().unwrap().success());
    let word =
        format!("{} train --config tiny.toml --data set.zip --out run --set shards.at_once=2 {ENDLESS}", stylegan());
    let line = format!("-n 1 {word} : -n 1 env LD_PRELOAD={} NO_THREADS={} {word}", library.display(), file.display());
    let mut job = bench.start("mpirun", &line);
    job.says("kimg 0.120");
    fs::write(&file, "").unwrap();
    let (code, said) = job.ends(AT_ONCE);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error on rank 1: this is a bug of stylegan"), "{said}");
    assert!(said.contains("failed to spawn thread"), "{said}");
}

/// A picture that one rank cannot read in the midst of a run: rank 0 saves, and all end.
#[test]
fn an_error_of_one_rank_saves_the_run() {
    let bench = Bench::new();
    for name in ["a", "b"] {
        let line = format!("data build avatars --size 16 --count 40 --format folder --out {name}/set");
        assert_eq!(bench.start(stylegan(), &line).ends(LIMIT).0, Some(0));
        let data = "[data]\nset = 'set'\ncache_mib = 0\n";
        fs::write(bench.path(&format!("{name}/tiny.toml")), format!("{TINY}{data}")).unwrap();
    }
    let word = format!("{} train --config tiny.toml --out run {ENDLESS}", stylegan());
    let line =
        format!("-n 1 -wdir {} {word} : -n 1 -wdir {} {word}", bench.path("a").display(), bench.path("b").display());
    let mut job = bench.start("mpirun", &line);
    job.says("kimg 0.120");
    fs::rename(bench.path("b/set"), bench.path("b/gone")).unwrap();
    let (code, said) = job.ends(AT_ONCE);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("error: rank 1: ") && said.contains("; the run is saved up to there"), "{said}");
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
}

/// What only one rank sees to be wrong is told once, with its number, and ends all.
#[test]
fn an_error_of_one_rank_is_told_by_all() {
    let bench = Bench::new();
    for name in ["a", "b"] {
        fs::create_dir(bench.path(name)).unwrap();
    }
    fs::write(bench.path("a/tiny.toml"), format!("{TINY}[data]\nset = 'set.zip'\n")).unwrap();
    let word = format!("{} train --config tiny.toml --out run", stylegan());
    let line =
        format!("-n 1 -wdir {} {word} : -n 1 -wdir {} {word}", bench.path("a").display(), bench.path("b").display());
    bench.make_pictures("a/set.zip", 0);
    let missing = "error: rank 1: cannot read set.zip: it does not exist";
    let others = "error: rank 1 has another set of pictures (hash) than rank 0";
    for (sentence, code) in [(missing, 2), (others, 1)] {
        let (found, said) = bench.start("mpirun", &line).ends(LIMIT);
        assert_eq!(found, Some(code), "{said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
        assert!(said.contains(sentence), "{said}");
        bench.make_pictures("b/set.zip", 1);
    }
}

/// Processes that do not know each other do not each train a run of their own.
#[test]
fn a_world_that_mpi_does_not_know_is_refused() {
    let bench = Bench::new();
    let line = "train --config tiny.toml --data set.zip --out run";
    for (rank, code) in [("0", 2), ("1", 0)] {
        let output = Command::new(stylegan())
            .args(line.split(' '))
            .current_dir(bench.0.path())
            .envs([("PMI_SIZE", "2"), ("PMI_RANK", rank)])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(
            said.contains("error: mpirun (MPICH) started 2 processes, but MPI knows of 1"),
            rank == "0",
            "{said}"
        );
        assert!(!bench.path("run").exists());
    }
}
