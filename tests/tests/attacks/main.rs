//! Hostile and broken files: each ends in one clear sentence, within two seconds and 200 MB. The
//! small ones also lie in `attacks/`, for other readers to be tried on; this program writes them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod archives;
mod checkpoints;
mod networks;
mod numpy;
mod pickles;
mod sets;
mod texts;

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use zip::CompressionMethod::{Deflated, Stored};
use zip::write::{SimpleFileOptions, ZipWriter};

/// What one file may cost.
const SECONDS: u64 = 2;
const MEGABYTES: u64 = 200;
/// Larger files are made when they are needed.
const KEPT: usize = 4096;

/// A file, and words that its error must have.
pub(crate) struct Attack {
    name: String,
    bytes: Vec<u8>,
    words: &'static [&'static str],
}

/// `name` ends in the kind of file.
pub(crate) fn attack(name: &str, bytes: impl Into<Vec<u8>>, words: &'static [&'static str]) -> Attack {
    Attack { name: name.into(), bytes: bytes.into(), words }
}

/// An archive of these entries.
pub(crate) fn zip(entries: &[(&str, &[u8])], compressed: bool) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(if compressed { Deflated } else { Stored });
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn all() -> Vec<Attack> {
    let mut all = pickles::attacks();
    all.extend(networks::attacks());
    all.extend(numpy::attacks());
    all.extend(texts::attacks());
    all.extend(archives::attacks());
    all.extend(checkpoints::attacks());
    all.extend(sets::attacks());
    all
}

/// Opens a file as the commands do; it must not end well.
fn open(path: &Path) -> String {
    use stylegan_core::import::{import, is_foreign};
    if path.extension().is_some_and(|extension| extension == "zip") {
        return sets::open(path);
    }
    if is_foreign(path).unwrap() || path.extension().is_some_and(|extension| extension != "safetensors") {
        return import(path).err().map(|error| error.to_string()).unwrap_or_default();
    }
    let verified = stylegan_core::checkpoint::Checkpoint::open(path).and_then(|file| file.verify());
    let model = verified.and_then(|_| stylegan_core::Model::load(path, &candle_core::Device::Cpu));
    model.err().map(|error| error.to_string()).unwrap_or_default()
}

const FILE: &str = "STYLEGAN_ATTACK";

/// One file in a process of its own, started by the test below.
#[test]
#[ignore = "started by every_file_ends_in_a_clear_error"]
#[allow(clippy::disallowed_methods, reason = "the test below tells its child process which file")]
fn open_one() {
    let path = PathBuf::from(std::env::var_os(FILE).expect("the file"));
    let start = Instant::now();
    let message = open(&path);
    assert!(!message.contains(char::is_control), "{message:?} could steer a terminal");
    // What others do on the machine must not count.
    let millis = processor_time().unwrap_or_else(|| start.elapsed()).as_millis();
    let peak = stylegan_kernels::memory::peak().unwrap_or_default() >> 10;
    println!("\nATTACK {millis} {peak} {message:?}");
}

/// What this process has used of the processors, where the system tells (Linux: in hundredths).
fn processor_time() -> Option<Duration> {
    let line = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in parentheses, user and system time are fields 11 and 12.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(10 * ticks))
}

#[test]
fn every_file_ends_in_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let attacks = all();
    assert!(attacks.len() >= 60, "{} files", attacks.len());
    let mut failures = Vec::new();
    for attack in &attacks {
        let path = folder.path().join(&attack.name);
        std::fs::write(&path, &attack.bytes).unwrap();
        if let Err(problem) = judge(attack, &path) {
            failures.push(format!("{}: {problem}", attack.name));
        }
        std::fs::remove_file(&path).unwrap();
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), attacks.len(), failures.join("\n"));
}

fn judge(attack: &Attack, path: &Path) -> Result<(), String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["open_one", "--exact", "--ignored", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A generous wall for a busy machine; the time that counts is measured by the child.
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(10 * SECONDS) {
            child.kill().unwrap();
            return Err("does not end".into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let report = output.lines().find_map(|line| line.strip_prefix("ATTACK ")).ok_or("panics or aborts")?;
    let (millis, rest) = report.split_once(' ').unwrap();
    let (peak, message) = rest.split_once(' ').unwrap();
    let (millis, peak): (u64, u64) = (millis.parse().unwrap(), peak.parse().unwrap());
    println!("{:<45} {millis:>5} ms {:>4} MB  {message}", attack.name, peak >> 10);
    if message == "\"\"" {
        return Err("is taken for good".into());
    }
    if !message.contains(&attack.name) {
        return Err(format!("is not one sentence that names the file: {message}"));
    }
    if let Some(word) = attack.words.iter().find(|word| !message.contains(**word)) {
        return Err(format!("expected {word:?} in {message}"));
    }
    if millis > 1000 * SECONDS || peak >> 10 > MEGABYTES {
        return Err(format!("takes {millis} ms and {} MB", peak >> 10));
    }
    Ok(())
}

/// Files are kept beside the tests; where they are missing or old they are written, and the test
/// fails so that they get committed.
#[test]
fn kept_files_are_current() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/attacks"));
    let mut written = 0;
    for attack in all().iter().filter(|attack| attack.bytes.len() <= KEPT) {
        let path = folder.join(&attack.name);
        if std::fs::read(&path).ok().as_ref() != Some(&attack.bytes) {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(path, &attack.bytes).unwrap();
            written += 1;
        }
    }
    assert_eq!(written, 0, "files in tests/attacks were out of date and have been written; commit them");
}
