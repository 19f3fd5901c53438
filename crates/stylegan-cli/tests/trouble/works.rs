//! What is troubled: a run of training, an evaluation, a set being built.

use crate::disk::Disk;
use crate::job::{Job, LIMIT};
use image::{Rgb, RgbImage};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_train::data::Dataset;
use tempfile::TempDir;

/// A StyleGAN of 8x8 pixels; a checkpoint every few steps.
const CONFIG: &str = include_str!("../tiny.toml");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Train,
    Eval,
    Build,
}

/// A command that is given again and again until its work is done.
pub(crate) struct Work {
    what: What,
    /// Its working folder, on the small disk.
    folder: PathBuf,
    /// What is said goes to a disk that is not full.
    words: TempDir,
    /// What a run in peace ends with.
    expected: Vec<u8>,
    seconds: f64,
    done: bool,
    finished: usize,
}

impl Work {
    /// All works, each done once in peace.
    pub(crate) fn all(disk: &Disk) -> Vec<Self> {
        [What::Train, What::Eval, What::Build].into_iter().map(|what| Self::new(what, disk)).collect()
    }

    fn new(what: What, disk: &Disk) -> Self {
        let words = tempfile::tempdir().unwrap();
        let folder = words.path().join("in-peace");
        let mut work = Work { what, folder, words, expected: Vec::new(), seconds: 0., done: false, finished: 0 };
        work.furnish();
        let start = Instant::now();
        let ended = work.start().ends();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        work.seconds = start.elapsed().as_secs_f64();
        work.expected = work.result();
        work.folder = disk.path().join(work.name());
        work.furnish();
        work
    }

    /// Puts there what the command reads.
    fn furnish(&self) {
        std::fs::create_dir_all(self.folder.join("pictures")).unwrap();
        std::fs::write(self.folder.join("tiny.toml"), CONFIG).unwrap();
        stylegan_core::doc::save_tiny_network(&self.folder.join("tiny.safetensors")).unwrap();
        let side = if self.what == What::Train { 8 } else { 16 };
        for i in 0..40u32 {
            let picture = RgbImage::from_fn(side, side, |x, y| Rgb([(x * i) as u8, (y * 16) as u8, (x * y + i) as u8]));
            picture.save(self.folder.join(format!("pictures/{i:02}.png"))).unwrap();
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.what {
            What::Train => "train",
            What::Eval => "eval",
            What::Build => "build",
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn line(&self) -> &'static str {
        match self.what {
            What::Train => "train --config tiny.toml --data pictures --out run --set output.keep_checkpoints=3",
            What::Eval => {
                "eval --network tiny.safetensors --data pictures --metrics kid,ppl_wend,pr --count 100 --cache cache \
                 --out report.json"
            }
            What::Build => "data build avatars --size 16 --count 400 --out set.zip",
        }
    }

    /// Seconds of a run in peace.
    pub(crate) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// The file that the words of a process go to.
    pub(crate) fn said(&self, process: usize) -> PathBuf {
        self.words.path().join(process.to_string())
    }

    pub(crate) fn start(&self) -> Job {
        Job::start(&self.folder, self.line(), self.said(0), None)
    }

    /// Whether a second process has to give way.
    pub(crate) fn is_alone(&self) -> bool {
        self.what == What::Train
    }

    /// Notes whether all is done that the command asks for.
    pub(crate) fn set_done(&mut self, done: bool) {
        self.done = done;
    }

    /// What was done is compared with what a run in peace gave, and work begins anew.
    pub(crate) fn renew(&mut self) {
        if self.done {
            assert!(self.result() == self.expected, "{}: other bytes than those of a run in peace", self.name());
            self.finished += 1;
            std::fs::remove_dir_all(&self.folder).unwrap();
            self.furnish();
            self.done = false;
        }
    }

    /// Lets the work be done in peace, and compares; returns how often that was so.
    pub(crate) fn finish(&mut self) -> usize {
        if !self.done {
            let ended = self.start().ends();
            assert_eq!(ended.code, Some(0), "{} {ended:?}", self.name());
            assert_eq!(self.leftovers(), 0, "{}: what kills left is swept", self.name());
            self.done = true;
        }
        self.renew();
        self.finished
    }

    fn result(&self) -> Vec<u8> {
        match self.what {
            What::Train => std::fs::read(self.folder.join("run/network-000000.safetensors")).unwrap(),
            What::Build => std::fs::read(self.folder.join("set.zip")).unwrap(),
            What::Eval => {
                let report = std::fs::read(self.folder.join("report.json")).unwrap();
                let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
                let lines = report.as_array().unwrap().iter();
                let lines = lines.map(|r| format!("{} {} {} {}\n", r["name"], r["value"], r["low"], r["high"]));
                lines.collect::<String>().into_bytes()
            }
        }
    }

    /// What may not become less: pictures seen at the newest whole checkpoint, feature tables kept.
    pub(crate) fn safe(&self) -> u64 {
        match self.what {
            What::Train => {
                let checkpoints = files(&self.folder.join("run"), ".safetensors");
                checkpoints.iter().filter_map(|path| images(path)).max().unwrap_or(0)
            }
            What::Eval => files(&self.folder.join("cache"), ".safetensors").len() as u64,
            What::Build => u64::from(self.folder.join("set.zip").exists()),
        }
    }

    /// How many unfinished files there are.
    pub(crate) fn leftovers(&self) -> usize {
        ["", "run", "cache"].iter().map(|folder| files(&self.folder.join(folder), ".tmp").len()).sum()
    }

    /// Files that can be damaged without the loss of what no one could bring back: at least one checkpoint
    /// stays whole.
    pub(crate) fn damageable(&self) -> Vec<PathBuf> {
        match self.what {
            What::Train => {
                let run = files(&self.folder.join("run"), "");
                let whole = run.iter().filter(|path| images(path).is_some()).count();
                let can = |path: &&PathBuf| images(path).is_none() || whole > 1;
                // Before the first checkpoint nobody knows what the pictures were.
                let set = if whole > 0 { files(&self.folder.join("pictures"), ".png") } else { Vec::new() };
                run.iter().filter(can).cloned().chain(set).collect()
            }
            What::Eval => [files(&self.folder.join("cache"), ""), files(&self.folder, "report.json")].concat(),
            What::Build => files(&self.folder, "set.zip").into_iter().chain(files(&self.folder, ".tmp")).collect(),
        }
    }

    /// Waits until a command that was just started has read what was there before: until training goes
    /// on, or the others are done.
    pub(crate) fn wait_until_it_knows(&self, job: &mut Job) {
        let deadline = Instant::now() + LIMIT;
        while job.runs() && Instant::now() < deadline {
            let said = std::fs::read_to_string(self.said(0)).unwrap();
            if self.what == What::Train && (said.contains("going on at") || said.contains("training for")) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether a finished set was kept although it is damaged: only reading all of it would have told.
    pub(crate) fn keeps(&self, file: &Path, damaged: &[u8]) -> bool {
        self.what == What::Build && std::fs::read(file).is_ok_and(|bytes| bytes == damaged)
    }

    /// The damage of a set is found by the doctor, or lies where it does not matter.
    pub(crate) fn examine(&self, set: &Path) {
        let ended = Job::start(&self.folder, "data doctor set.zip", self.said(0), None).ends();
        if ended.code == Some(0) {
            std::fs::write(self.folder.join("whole.zip"), &self.expected).unwrap();
            let hash = |path: &Path| Dataset::open(path).unwrap().hash().unwrap().to_owned();
            assert_eq!(hash(set), hash(&self.folder.join("whole.zip")), "neither doctor nor hash noticed");
        } else {
            assert_eq!(ended.code, Some(2), "{ended:?}");
        }
    }

    /// Files that only the user can put right.
    pub(crate) fn may_refuse(&self, file: &Path) -> bool {
        let name = file.file_name().unwrap().to_string_lossy();
        name.ends_with(".png") || name == "config.toml" || name == "set.zip"
    }

    /// The user puts it right: brings back the file, or has the set built anew.
    pub(crate) fn repair(&self, file: &Path, bytes: &[u8]) {
        match self.what {
            What::Build => std::fs::remove_file(file).unwrap(),
            What::Train | What::Eval => std::fs::write(file, bytes).unwrap(),
        }
    }
}

/// Pictures that the run had seen at this checkpoint, if it is whole.
fn images(path: &Path) -> Option<u64> {
    let checkpoint = Checkpoint::open(path).ok()?;
    checkpoint.verify().ok().filter(|whole| *whole)?;
    checkpoint.metadata().map(|metadata| metadata.images)
}

/// The files of a folder whose names end so, sorted.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<_> = entries.filter(|path| path.is_file() && path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}
