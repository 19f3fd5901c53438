//! Training on several processes that mpirun starts: the same bytes on any number of them, and an end
//! for all of them whatever happens to one. Built with the feature `mpi` alone; `cargo xtask test` says
//! so where it cannot be.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Six shards a batch: two or four ranks cut them where no subtree ends.
const TINY: &str = r#"
seed = 3
kimg = 1.2
[generator]
img_size = [16, 16]
z_dim = 8
w_dim = 8
mapping_layers = 2
mapping_width = 8
channel_base = 64
channel_max = 8
[discriminator]
channel_base = 64
channel_max = 8
[schedule]
stable_kimg = 0.24
fade_kimg = 0.24
batch = 24
lr = 0.002
[shards]
size = 4
[output]
tick_kimg = 0.12
snapshot_kimg = 0.6
checkpoint_kimg = 0.6
"#;

/// Regularising phases in every second and fourth step.
const STYLEGAN2: &str = "--set generator.architecture=stylegan2 --set path_length.interval=2 --set loss.r1_interval=4";

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

    /// Starts a training into `out` on so many ranks.
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

    fn last(&self, out: &str) -> Vec<u8> {
        let names = fs::read_dir(self.path(out)).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> = names.filter(|path| path.extension().is_some_and(|end| end == "safetensors")).collect();
        names.sort();
        fs::read(names.pop().unwrap()).unwrap()
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
        let wanted = format!("OMPI_COMM_WORLD_RANK={rank}");
        let is_it = |process: &Path| {
            let parent = fs::read_to_string(process.join("stat")).unwrap_or_default();
            let parent = parent.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            parent == Some(self.child.id())
                && environment.split(|&byte| byte == 0).any(|word| word == wanted.as_bytes())
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
            .envs([("WORLD_SIZE", "2"), ("RANK", rank)])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(said.contains("error: torchrun started 2 processes, but MPI knows of 1"), rank == "0", "{said}");
        assert!(!bench.path("run").exists());
    }
}
