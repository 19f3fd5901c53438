//! The files that a run writes line by line: `log.txt`, `stats.jsonl` and TensorBoard's events.

use crate::{Error, Result, tfevents};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The open files of a run.
pub(crate) struct Records {
    log: File,
    stats: File,
    events: File,
}

const LOG: &str = "log.txt";
const STATS: &str = "stats.jsonl";

impl Records {
    /// Opens the files in a run folder. What they say of the time after `images` pictures is cut
    /// off: a resumed run writes it again, and the files end up as those of a run in one go.
    pub(crate) fn open(folder: &Path, images: u64) -> Result<Self> {
        cut_lines(&folder.join(LOG), |line| logged_images(line) <= images)?;
        cut_lines(&folder.join(STATS), |line| stats_images(line).is_some_and(|seen| seen <= images))?;
        let events = folder.join(tfevents::FILE_NAME);
        cut(&events, |bytes| tfevents::kept_until(bytes, images))?;
        let append = |name: &str| {
            let path = folder.join(name);
            OpenOptions::new().create(true).append(true).open(&path).map_err(Error::io("write", &path))
        };
        let mut records = Self { log: append(LOG)?, stats: append(STATS)?, events: append(tfevents::FILE_NAME)? };
        let length = records.events.metadata().map_err(Error::io("read", &events))?.len();
        if length == 0 {
            tfevents::write_header(&mut records.events, wall_time()).map_err(Error::io("write", &events))?;
        }
        Ok(records)
    }

    /// Appends a line to `log.txt`.
    pub(crate) fn log(&mut self, line: &str) -> Result<()> {
        writeln!(self.log, "{line}").map_err(Error::io("write", Path::new(LOG)))
    }

    /// Appends a line to `stats.jsonl` and the means as scalars to the events.
    pub(crate) fn stats(&mut self, images: u64, line: &Value) -> Result<()> {
        writeln!(self.stats, "{line}").map_err(Error::io("write", Path::new(STATS)))?;
        let entries = line.as_object().into_iter().flatten();
        let scalars: Vec<(&str, f64)> =
            entries.filter_map(|(key, entry)| Some((key.as_str(), entry.get("mean")?.as_f64()?))).collect();
        tfevents::write_scalars(&mut self.events, wall_time(), images, scalars)
            .map_err(Error::io("write", Path::new(tfevents::FILE_NAME)))
    }

    /// Adds a picture file to the events.
    pub(crate) fn picture(&mut self, images: u64, tag: &str, size: [u32; 2], path: &Path) -> Result<()> {
        let png = std::fs::read(path).map_err(Error::io("read", path))?;
        tfevents::write_picture(&mut self.events, wall_time(), images, tag, size, &png)
            .map_err(Error::io("write", Path::new(tfevents::FILE_NAME)))
    }
}

/// Seconds since 1970, for TensorBoard's axis; no number of the run depends on it.
fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0., |time| time.as_secs_f64())
}

/// The pictures seen at a log line: `kimg 12.345 …`.
fn logged_images(line: &str) -> u64 {
    let kimg = line.split_whitespace().nth(1).and_then(|kimg| kimg.parse::<f64>().ok());
    kimg.map_or(0, |kimg| (kimg * 1000.).round() as u64)
}

fn stats_images(line: &str) -> Option<u64> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some((line.get("Progress/kimg")?.get("mean")?.as_f64()? * 1000.).round() as u64)
}

/// Keeps the lines of a text file up to the first that is torn or not wanted.
fn cut_lines(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    cut(path, |bytes| {
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        let kept = lines.take_while(|line| {
            line.ends_with(b"\n") && std::str::from_utf8(line).is_ok_and(|line| wanted(line.trim_end()))
        });
        kept.map(<[u8]>::len).sum()
    })
}

/// Shortens a file to the length that `kept` finds; a missing file stays missing.
fn cut(path: &Path, kept: impl Fn(&[u8]) -> usize) -> Result<()> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let kept = kept(&bytes);
    if kept < bytes.len() {
        let file = OpenOptions::new().write(true).open(path).map_err(Error::io("write", path))?;
        file.set_len(kept as u64).map_err(Error::io("write", path))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn resumed_records_forget_what_was_not_saved() {
        let folder = tempfile::tempdir().unwrap();
        let write = |images: u64| {
            let mut records = Records::open(folder.path(), images).unwrap();
            for kimg in [1u64, 2, 3] {
                if kimg * 1000 > images {
                    let line = serde_json::json!({ "Progress/kimg": { "mean": kimg as f64 } });
                    records.log(&format!("kimg {kimg}.000 and more")).unwrap();
                    records.stats(kimg * 1000, &line).unwrap();
                }
            }
        };
        write(0);
        let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let before = (text(LOG), text(STATS));
        // A line torn by a crash goes as well.
        let mut log = OpenOptions::new().append(true).open(folder.path().join(LOG)).unwrap();
        log.write_all(b"kimg 0.5").unwrap();
        write(2000);
        assert_eq!((text(LOG), text(STATS)), before);
        let events = std::fs::read(folder.path().join(tfevents::FILE_NAME)).unwrap();
        assert_eq!(tfevents::kept_until(&events, 3000), events.len());
    }
}
