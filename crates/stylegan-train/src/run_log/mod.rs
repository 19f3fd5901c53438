//! The files that a run writes line by line: `log.txt`, `stats.jsonl` and TensorBoard's events.

mod tfevents;

use crate::{Error, Result};
use serde_json::Value;
use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a state knows of the run's files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Pictures seen at its last tick.
    pub(crate) ticked: u64,
    /// Pictures seen by the state itself; measurements and sample grids in between are its own.
    pub(crate) images: u64,
}

impl Known {
    fn holds(self, images: u64, tick: bool) -> bool {
        images <= if tick { self.ticked } else { self.images }
    }
}

/// The open files of a run. What cannot be written is kept and tried again with what comes next.
pub(crate) struct RunLog {
    log: Appended,
    stats: Appended,
    events: Appended,
    /// Pictures seen at the last tick that the files told of when they were opened.
    told: u64,
    /// The same of the last measurement.
    measured: u64,
}

const LOG: &str = "log.txt";
const STATS: &str = "stats.jsonl";

/// A statistic of every tick, and of nothing else.
pub(crate) const STEP: &str = "Progress/step";

/// What the names of measurements begin with.
pub(crate) const METRICS: &str = "Metrics/";

impl RunLog {
    /// Opens the files in a run folder. What they say of the time that a resumed run sees again is
    /// cut off: it writes it again, and the files end up as those of a run in one go.
    pub(crate) fn open(folder: &Path, known: Known) -> Result<Self> {
        let seen = |line: &str, images: Option<u64>, tick: &str| {
            images.is_none_or(|images| known.holds(images, line.contains(tick)))
        };
        cut_lines(&folder.join(LOG), |line| seen(line, logged_images(line), " step "))?;
        let (told, measured) = (Cell::new(0), Cell::new(0));
        let note = |last: &Cell<u64>, images: Option<u64>| last.set(last.get().max(images.unwrap_or(0)));
        cut_lines(&folder.join(STATS), |line| {
            let images = stats_images(line);
            let kept = seen(line, images, STEP);
            if kept && line.contains(STEP) {
                note(&told, images);
            }
            if kept && line.contains(METRICS) {
                note(&measured, images);
            }
            kept
        })?;
        cut_events(&folder.join(tfevents::FILE_NAME), known)?;
        let open = |name: &str| Appended::open(folder.join(name));
        let events = open(tfevents::FILE_NAME)?;
        let mut log = Self { log: open(LOG)?, stats: open(STATS)?, events, told: told.get(), measured: measured.get() };
        if log.events.length == 0 {
            log.events.add(|to| tfevents::write_header(to, wall_time()))?;
        }
        Ok(log)
    }

    /// Whether the files told of a tick at `images` pictures when they were opened.
    pub(crate) fn told_of(&self, images: u64) -> bool {
        self.told == images
    }

    /// Pictures seen at the last measurement that the files told of when they were opened; 0 for none.
    pub(crate) fn measured(&self) -> u64 {
        self.measured
    }

    /// Appends a line to `log.txt`.
    pub(crate) fn log(&mut self, line: &str) -> Result<()> {
        self.log.add(|to| writeln!(to, "{line}"))
    }

    /// Appends a line to `stats.jsonl` and the means as scalars to the events.
    pub(crate) fn stats(&mut self, images: u64, line: &Value) -> Result<()> {
        let written = self.stats.add(|to| writeln!(to, "{line}"));
        let entries = line.as_object().into_iter().flatten();
        let scalars: Vec<(&str, f64)> =
            entries.filter_map(|(key, entry)| Some((key.as_str(), entry.get("mean")?.as_f64()?))).collect();
        written.and(self.events.add(|to| tfevents::write_scalars(to, wall_time(), images, scalars)))
    }

    /// Adds a picture file to the events.
    pub(crate) fn picture(&mut self, images: u64, tag: &str, size: [u32; 2], path: &Path) -> Result<()> {
        let png = std::fs::read(path).map_err(Error::io("read", path))?;
        self.events.add(|to| tfevents::write_picture(to, wall_time(), images, tag, size, &png))
    }

    /// Brings all to the disk. A checkpoint says up to where the files are written, so they go first.
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.log.sync().and(self.stats.sync()).and(self.events.sync())
    }
}

/// A file that grows by whole entries.
struct Appended {
    path: PathBuf,
    file: File,
    /// Bytes of whole entries.
    length: u64,
    /// Entries that could not be written yet.
    waiting: Vec<u8>,
}

impl Appended {
    fn open(path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io("write", &path))?;
        let length = file.metadata().map_err(Error::io("read", &path))?.len();
        Ok(Self { path, file, length, waiting: vec![] })
    }

    /// Adds an entry, after those that wait. On an error all of them wait, and no part of one stays
    /// in the file.
    fn add(&mut self, entry: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<()> {
        let written = entry(&mut self.waiting).and_then(|()| self.file.write_all(&self.waiting));
        if let Err(error) = written {
            // If even this fails, the torn entry is cut off when the run goes on.
            let _ = self.file.set_len(self.length);
            return Err(Error::io("write", &self.path)(error));
        }
        self.length += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.add(|_| Ok(()))?;
        self.file.sync_data().map_err(Error::io("write", &self.path))
    }
}

/// Seconds since 1970, for TensorBoard's axis; no number of the run depends on it.
fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0., |time| time.as_secs_f64())
}

/// The pictures seen at a log line: `kimg 12.345 …`; `None` for what somebody else wrote.
fn logged_images(line: &str) -> Option<u64> {
    let kimg: f64 = line.strip_prefix("kimg ")?.split_whitespace().next()?.parse().ok()?;
    Some((kimg * 1000.).round() as u64)
}

fn stats_images(line: &str) -> Option<u64> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some((line.get("Progress/kimg")?.get("mean")?.as_f64()? * 1000.).round() as u64)
}

/// Takes out of a text file the lines that are torn or not wanted; a missing file stays missing.
fn cut_lines(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let Some(bytes) = read(path)? else { return Ok(()) };
    let whole = |line: &[u8]| {
        line.ends_with(b"\n")
            && !line.contains(&0)
            && std::str::from_utf8(line).is_ok_and(|line| wanted(line.trim_end()))
    };
    let kept: Vec<u8> =
        bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| whole(line)).flatten().copied().collect();
    match kept.len() < bytes.len() {
        true => Ok(stylegan_core::write_file(path, &kept)?),
        false => Ok(()),
    }
}

/// Shortens an event file to what is whole and known.
fn cut_events(path: &Path, known: Known) -> Result<()> {
    let Some(bytes) = read(path)? else { return Ok(()) };
    let tick = |event: &[u8]| event.windows(STEP.len()).any(|part| part == STEP.as_bytes());
    let kept = tfevents::kept_while(&bytes, |images, event| known.holds(images, tick(event)));
    if kept < bytes.len() {
        let file = OpenOptions::new().write(true).open(path).map_err(Error::io("write", path))?;
        file.set_len(kept as u64).map_err(Error::io("write", path))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn resumed_records_forget_what_was_not_saved() {
        let folder = tempfile::tempdir().unwrap();
        let write = |images: u64| {
            let mut log = RunLog::open(folder.path(), Known { ticked: images, images }).unwrap();
            for kimg in [1u64, 2, 3] {
                if kimg * 1000 > images {
                    let line = serde_json::json!({ "Progress/kimg": { "mean": kimg as f64 }, STEP: { "mean": 1. } });
                    log.log(&format!("kimg {kimg}.000 step 1 and more")).unwrap();
                    log.stats(kimg * 1000, &line).unwrap();
                }
            }
        };
        write(0);
        let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let before = (text(LOG), text(STATS));
        // A line torn by a crash goes as well, and what a power cut leaves.
        let append = |name: &str, bytes: &[u8]| {
            let mut file = OpenOptions::new().append(true).open(folder.path().join(name)).unwrap();
            file.write_all(bytes).unwrap();
        };
        append(LOG, b"kimg 0.5");
        append(STATS, &[0; 64]);
        append(tfevents::FILE_NAME, &[0; 64]);
        write(2000);
        assert_eq!((text(LOG), text(STATS)), before);
        let events = std::fs::read(folder.path().join(tfevents::FILE_NAME)).unwrap();
        assert_eq!(tfevents::kept_while(&events, |_, _| true), events.len());
    }

    /// A checkpoint between two ticks was measured: its numbers stay, later ones and the tick after go.
    #[test]
    fn measurements_between_ticks_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut run_log = RunLog::open(folder.path(), Known { ticked: 0, images: 0 }).unwrap();
        let mut write = |images: u64, key: &str, log: &str| {
            let line = serde_json::json!({ "Progress/kimg": { "mean": images as f64 / 1000. }, key: { "mean": 1. } });
            run_log.stats(images, &line).unwrap();
            run_log.log(&format!("kimg {:.3} {log}", images as f64 / 1000.)).unwrap();
        };
        write(1000, STEP, "step 9");
        write(1500, "Metrics/fid", "measured fid");
        let kept = || [LOG, STATS, tfevents::FILE_NAME].map(|name| std::fs::read(folder.path().join(name)).unwrap());
        let before = kept();
        write(1500, STEP, "step 10");
        write(1600, "Metrics/fid", "measured fid");
        let log = RunLog::open(folder.path(), Known { ticked: 1000, images: 1500 }).unwrap();
        assert!(log.told_of(1000) && !log.told_of(1500) && log.measured() == 1500);
        assert_eq!(kept(), before);
    }

    /// A note between the lines takes none of them along.
    #[test]
    fn lines_by_hand_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG);
        std::fs::write(&path, "kimg 1.000 a\n\nchanged the lamp\nkimg 2.000 b\nkimg 3.000 c\nand left\n").unwrap();
        RunLog::open(folder.path(), Known { ticked: 2000, images: 2000 }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "kimg 1.000 a\n\nchanged the lamp\nkimg 2.000 b\nand left\n");
    }

    /// A full disk costs no line once there is room again.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_finds_no_room_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG);
        let mut log = Appended::open(path.clone()).unwrap();
        log.add(|to| writeln!(to, "one")).unwrap();
        let room = std::mem::replace(&mut log.file, OpenOptions::new().write(true).open("/dev/full").unwrap());
        let error = log.add(|to| writeln!(to, "two")).unwrap_err();
        assert!(error.to_string().contains("log.txt") && !error.is_wrong_input(), "{error}");
        assert!(log.sync().is_err());
        log.file = room;
        log.add(|to| writeln!(to, "three")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    }
}
