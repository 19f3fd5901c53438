//! What pages are told of runs: their sample grids, statistics and metric reports, as they are on the disk.

use super::library::name_of;
use crate::writer::{disclaimer, software};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;
use stylegan_core::picture::encode_png;
use stylegan_core::printable;
use stylegan_train::{folder, health};

/// Bytes of statistics that are sent at a time.
const STATS_BYTES: u64 = 1 << 20;

/// The largest picture or report that is sent.
const MAX_FILE: u64 = 64 << 20;

/// The most files of a run's folder that are looked at.
const MAX_FILES: usize = 20_000;

/// Lines of the log that are shown.
const LOG_LINES: usize = 12;

/// Bytes at the end of the log that are looked through.
const LOG_BYTES: u64 = 1 << 20;

/// What the watch over the run's health said last: so many sentences are shown.
const WARNINGS: usize = 3;

/// A run in short: how long it is to be, and when it last said something.
pub(super) fn summary(run: &Path) -> Value {
    let total = folder::config(run).and_then(Result::ok).map(|config| config.kimg());
    let age = |name: &str| {
        let written = std::fs::metadata(run.join(name)).ok()?.modified().ok()?;
        Some(SystemTime::now().duration_since(written).unwrap_or_default().as_secs_f64())
    };
    json!({ "total_kimg": total, "seconds_since_last_tick": age("stats.jsonl") })
}

/// A run's sample grids, metric reports and last words.
pub(super) fn details(run: &Path) -> Value {
    let mut value = summary(run);
    let mut grids: Vec<(i64, String)> = names(run).filter_map(|name| Some((grid_kimg(&name)?, name))).collect();
    grids.sort();
    let grids: Vec<Value> = grids.into_iter().map(|(kimg, name)| json!({ "kimg": kimg, "name": name })).collect();
    value["grids"] = grids.into();
    value["reals"] = run.join("reals.png").is_file().into();
    let mut reports: Vec<Value> = names(run).filter_map(|name| report(run, &name)).flatten().collect();
    reports.sort_by(|a, b| a["kimg"].as_f64().unwrap_or_default().total_cmp(&b["kimg"].as_f64().unwrap_or_default()));
    value["reports"] = reports.into();
    let log = log(run);
    let lines: Vec<&str> = log.lines().collect();
    let last = |lines: &[&str]| lines.iter().map(|line| printable(line).to_string()).collect::<Vec<_>>();
    value["log"] = last(&lines[lines.len().saturating_sub(LOG_LINES)..]).into();
    let warnings = lines.iter().rev().filter_map(|line| health::warning(line)).take(WARNINGS);
    let warnings =
        warnings.map(|(kimg, sentence)| json!({ "kimg": kimg, "sentence": printable(sentence).to_string() }));
    value["warnings"] = warnings.collect();
    value
}

/// The file of a run's grid, or of its real pictures, if there is one of that name.
pub(super) fn picture(run: &Path, name: &str) -> Option<Vec<u8>> {
    let known = names(run).find(|known| known == name)?;
    let is_picture = known == "reals.png" || grid_kimg(&known).is_some();
    if is_picture { read(&run.join(known)) } else { None }
}

/// A run's grid as a file to keep, which says where it comes from.
pub(super) fn grid_file(run: &Path, name: &str) -> Option<Vec<u8>> {
    let kimg = grid_kimg(name)?;
    let grid = image::load_from_memory(&picture(run, name)?).ok()?.into_rgb8();
    let text = [software(), disclaimer(), ("stylegan:run", name_of(run)), ("stylegan:kimg", kimg.max(0).to_string())];
    encode_png(&grid, &text).ok()
}

/// Whole lines of `stats.jsonl` from the byte `from` on, and where the next begin. A file that has become
/// shorter (the run went back to a checkpoint) is read from its beginning.
pub(super) fn stats(run: &Path, from: u64) -> Value {
    let read = || -> std::io::Result<(u64, Vec<u8>, u64)> {
        let mut file = File::open(run.join("stats.jsonl"))?;
        let length = file.metadata()?.len();
        let from = if from > length { 0 } else { from };
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(STATS_BYTES).read_to_end(&mut bytes)?;
        Ok((from, bytes, length))
    };
    let (from, bytes, length) = read().unwrap_or_default();
    // A line that is longer than all that is read at a time is passed over.
    let whole = match bytes.iter().rposition(|&byte| byte == b'\n') {
        Some(end) => end + 1,
        None if bytes.len() as u64 == STATS_BYTES => bytes.len(),
        None => 0,
    };
    let lines = bytes[..whole].split(|&byte| byte == b'\n');
    let ticks: Vec<Value> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let next = from + whole as u64;
    json!({ "from": from, "next": next, "more": whole > 0 && next < length, "ticks": ticks })
}

/// Names of the files in a folder.
fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_FILES);
    entries.filter_map(|entry| entry.file_name().into_string().ok())
}

/// The thousands of pictures that a grid's name speaks of; -1 for the one before training.
fn grid_kimg(name: &str) -> Option<i64> {
    match name.strip_prefix("fakes-")?.strip_suffix(".png")? {
        "init" => Some(-1),
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok(),
        _ => None,
    }
}

/// The numbers of a report, if `name` is one.
fn report(run: &Path, name: &str) -> Option<Vec<Value>> {
    let of = name.strip_prefix("metrics-")?.strip_suffix(".json")?;
    let (thousands, rest) = of.split_once('-').unwrap_or((of, "0"));
    let kimg = thousands.parse::<f64>().ok()? + rest.parse::<f64>().ok()? / 1000.;
    let results: Vec<Value> = serde_json::from_slice(&read(&run.join(name))?).ok()?;
    let short = |result: Value| {
        let mut short = json!({ "kimg": kimg });
        for key in ["name", "value", "low", "high", "unit", "better", "subject"] {
            short[key] = result[key].clone();
        }
        short
    };
    Some(results.into_iter().map(short).collect())
}

/// The log's end.
fn log(run: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(run.join("log.txt"))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

/// A file of bearable size.
fn read(path: &Path) -> Option<Vec<u8>> {
    let found = std::fs::metadata(path).ok()?;
    if found.is_file() && found.len() <= MAX_FILE { std::fs::read(path).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_come_in_whole_lines() -> anyhow::Result<()> {
        let run = tempfile::tempdir()?;
        let write = |text: &str| std::fs::write(run.path().join("stats.jsonl"), text);
        assert_eq!(stats(run.path(), 0)["ticks"], json!([]));
        write("{\"a\":1}\n{\"a\":2}\n{\"a\":")?;
        let first = stats(run.path(), 0);
        assert_eq!((&first["ticks"], &first["next"]), (&json!([{"a":1},{"a":2}]), &json!(16)));
        write("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\nbroken\n")?;
        let second = stats(run.path(), 16);
        assert_eq!((&second["ticks"], &second["next"]), (&json!([{"a":3}]), &json!(31)));
        // The run went back.
        write("{\"a\":1}\n")?;
        let again = stats(run.path(), 31);
        assert_eq!((&again["ticks"], &again["from"]), (&json!([{"a":1}]), &json!(0)));
        Ok(())
    }

    #[test]
    fn only_what_the_run_wrote_is_shown() -> anyhow::Result<()> {
        let run = tempfile::tempdir()?;
        for name in
            ["fakes-init.png", "fakes-000010.png", "fakes-000002.png", "fakes-../x.png", "secret.png", "reals.png"]
        {
            // One of them is no name for a file here.
            let _ = std::fs::write(run.path().join(name), name);
        }
        let grids: Vec<i64> = details(run.path())["grids"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|grid| grid["kimg"].as_i64())
            .collect();
        assert_eq!(grids, [-1, 2, 10]);
        assert_eq!(picture(run.path(), "fakes-000002.png"), Some(b"fakes-000002.png".to_vec()));
        for name in ["secret.png", "../secret.png", "/etc/passwd", "config.toml", "fakes-000003.png", ""] {
            assert_eq!(picture(run.path(), name), None, "{name}");
        }
        Ok(())
    }

    #[test]
    fn a_grid_to_keep_says_where_it_comes_from() -> anyhow::Result<()> {
        let run = tempfile::tempdir()?;
        let grid = image::RgbImage::from_pixel(3, 2, image::Rgb([9, 8, 7]));
        grid.save(run.path().join("fakes-000012.png"))?;
        let file = grid_file(run.path(), "fakes-000012.png").unwrap_or_default();
        assert!(image::load_from_memory(&file)?.into_rgb8() == grid);
        let said = String::from_utf8_lossy(&file).into_owned();
        for word in ["Disclaimer", "stylegan:run", "stylegan:kimg", "12"] {
            assert!(said.contains(word), "{word}");
        }
        assert_eq!(grid_file(run.path(), "fakes-000013.png"), None);
        Ok(())
    }

    #[test]
    fn what_the_watch_said_is_shown_the_latest_first() -> anyhow::Result<()> {
        let run = tempfile::tempdir()?;
        assert_eq!(details(run.path())["warnings"], json!([]));
        let tick =
            "kimg 1.000      step 9        res 32   lod 0.00  batch 32   G 1.0 sec/kimg 9.00     memory 0.7 GiB\n";
        let odd =
            |kimg: u32| format!("kimg {kimg}.000      the discriminator has made next to no mistake for 10 ticks\n");
        std::fs::write(run.path().join("log.txt"), (1..=5).map(odd).collect::<String>() + &tick.repeat(20))?;
        let details = details(run.path());
        let kimgs: Vec<_> =
            details["warnings"].as_array().into_iter().flatten().map(|one| one["kimg"].clone()).collect();
        assert_eq!(kimgs, [5., 4., 3.]);
        assert_eq!(details["log"].as_array().map(Vec::len), Some(LOG_LINES));
        Ok(())
    }
}
