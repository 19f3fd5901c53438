//! A temporary folder in which `stylegan` is run.

use candle_core::{DType, Device};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use stylegan_core::checkpoint::{Metadata, save};
use stylegan_core::{GeneratorConfig, NetworkConfig, Params, build_generator};
use tempfile::TempDir;

/// A workbench: an empty folder, the working folder of every command.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    /// An empty bench.
    pub(crate) fn new() -> Self {
        Bench { folder: tempfile::tempdir().unwrap() }
    }

    /// A bench with `tiny.safetensors`: a random 16x16 StyleGAN, z of 8, 6 style rows.
    pub(crate) fn with_network() -> Self {
        let bench = Bench::new();
        stylegan_core::doc::save_tiny_network(&bench.path("tiny.safetensors")).unwrap();
        bench
    }

    /// Saves a random generator, whose classes have these names.
    pub(crate) fn save_random(&self, name: &str, config: GeneratorConfig, classes: &[&str]) {
        let params = Params::new(0, DType::F32, &Device::Cpu);
        build_generator(&config, params.trainable()).unwrap();
        let vars = params.vars().into_iter();
        let tensors: Vec<_> = vars.map(|(name, var)| (format!("G_ema.{name}"), var.as_detached_tensor())).collect();
        let networks = [("G_ema".to_owned(), NetworkConfig::Generator(config))].into();
        let mut metadata = Metadata { networks, ..Metadata::default() };
        if !classes.is_empty() {
            metadata.set_classes(&classes.iter().map(|&class| class.to_owned()).collect::<Vec<_>>());
        }
        save(self.path(name), &metadata, &tensors).unwrap();
    }

    /// A place on the bench.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, ready to run.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stylegan"));
        command.current_dir(self.folder.path()).args(line.split_whitespace());
        command.env_remove("RUST_BACKTRACE").stdin(Stdio::null());
        command
    }

    /// Runs `stylegan` with the words of `line`.
    pub(crate) fn run(&self, line: &str) -> Ran {
        let output = self.command(line).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The exit code of a command that must end within `seconds`; -1 if a signal ended it.
    pub(crate) fn code_within(mut child: Child, seconds: u64, what: &str) -> i32 {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("stylegan {what} had not ended after {seconds} s");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Files and folders that writing left unfinished, anywhere on the bench.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let (mut folders, mut found) = (vec![self.path("")], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_string_lossy().contains(".tmp") {
                    found.push(path);
                } else if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found
    }

    /// Runs a line that must end well; returns its standard output.
    pub(crate) fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "stylegan {line}\n{}", ran.stderr);
        ran.stdout
    }

    /// Runs a line that must end as wrong input, with one sentence that holds all of `parts`.
    pub(crate) fn wrong(&self, line: &str, parts: &[&str]) {
        let ran = self.run(line);
        assert_eq!(ran.code, 2, "stylegan {line}\n{}", ran.stderr);
        for part in parts {
            assert!(ran.stderr.contains(part), "stylegan {line}\nexpected {part:?} in\n{}", ran.stderr);
        }
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
        assert!(!ran.stderr.contains("panicked") && !ran.stderr.contains("bug of stylegan"), "{}", ran.stderr);
    }

    /// As [`wrong`](Self::wrong), for errors of the program rather than of its argument parser:
    /// these are a single line.
    pub(crate) fn one_sentence(&self, line: &str, parts: &[&str]) {
        self.wrong(line, parts);
        let stderr = self.run(line).stderr;
        assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    }

    /// What a PNG file says of itself under this keyword.
    pub(crate) fn text(&self, name: &str, keyword: &str) -> Option<String> {
        let file = std::io::BufReader::new(std::fs::File::open(self.path(name)).unwrap());
        let reader = png::Decoder::new(file).read_info().unwrap();
        let info = reader.info();
        let latin = info.uncompressed_latin1_text.iter().find(|chunk| chunk.keyword == keyword);
        let other = || info.utf8_text.iter().find(|chunk| chunk.keyword == keyword)?.get_text().ok();
        latin.map(|chunk| chunk.text.clone()).or_else(other)
    }

    /// A picture without what its file says of itself.
    pub(crate) fn pixels(&self, name: &str) -> image::RgbImage {
        image::open(self.path(name)).unwrap().to_rgb8()
    }

    /// The size of a picture, (width, height).
    pub(crate) fn size(&self, name: &str) -> (u32, u32) {
        let picture = image::open(self.path(name)).unwrap();
        (picture.width(), picture.height())
    }
}
