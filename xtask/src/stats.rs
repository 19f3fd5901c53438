//! What a run says of itself in `stats.jsonl`.

use std::path::Path;

/// The mean of a statistic in a line of `stats.jsonl`.
pub(crate) fn mean(line: &str, key: &str) -> Option<f64> {
    let (_, rest) = line.split_once(&format!("\"{key}\":"))?;
    let (object, _) = rest.split_once('}')?;
    let (_, number) = object.split_once("\"mean\":")?;
    number.split(',').next()?.trim().parse().ok()
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Progress {
    /// Thousands of pictures that it has seen.
    pub(crate) kimg: f64,
    /// Hours of training, by the clock, as far as its statistics tell them.
    pub(crate) hours: f64,
}

impl Progress {
    /// That of the run in `folder`; nothing of one that has not begun.
    pub(crate) fn of(folder: &Path) -> Self {
        Self::read(&std::fs::read_to_string(folder.join("stats.jsonl")).unwrap_or_default())
    }

    fn read(stats: &str) -> Self {
        let mut progress = Self::default();
        for line in stats.lines() {
            let Some(kimg) = mean(line, "Progress/kimg") else { continue };
            // Lines of measurements have no speed; a run that was killed says again what it does again.
            if let Some(seconds) = mean(line, "Timing/sec_per_kimg") {
                progress.hours += seconds * (kimg - progress.kimg).max(0.) / 3600.;
            }
            progress.kimg = progress.kimg.max(kimg);
        }
        progress
    }
}

/// A statistic of the run in `folder` over thousands of pictures: at most `points` of its lines, evenly.
pub(crate) fn over_training(folder: &Path, key: &str, points: usize) -> Vec<(f64, f64)> {
    let text = std::fs::read_to_string(folder.join("stats.jsonl")).unwrap_or_default();
    let mut all: Vec<(f64, f64)> = Vec::new();
    for (kimg, value) in text.lines().filter_map(|line| Some((mean(line, "Progress/kimg")?, mean(line, key)?))) {
        // A run that was killed says again what it does again.
        all.retain(|(earlier, _)| *earlier < kimg);
        all.push((kimg, value));
    }
    thinned(all, points)
}

/// At most `points` of all, evenly, with the last.
fn thinned<T>(all: Vec<T>, points: usize) -> Vec<T> {
    let (step, last) = (all.len().div_ceil(points.max(1)).max(1), all.len().saturating_sub(1));
    all.into_iter().enumerate().filter(|(i, _)| (last - i) % step == 0).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_found() {
        let line = r#"{"Loss/D/loss":{"count":2.0,"mean":0.5,"std":0},"Timing/exchange":{"count":1.0,"mean":2.5e-3}}"#;
        assert_eq!((mean(line, "Timing/exchange"), mean(line, "Loss/D/loss")), (Some(0.0025), Some(0.5)));
        assert_eq!(mean(line, "Timing/else"), None);
    }

    #[test]
    fn few_of_many_lines_are_kept() {
        assert_eq!(thinned((0..10).collect(), 4), [0, 3, 6, 9]);
        assert_eq!(thinned(vec![1, 2], 4), [1, 2]);
        assert_eq!(thinned(Vec::<i32>::new(), 4), []);
    }

    #[test]
    fn hours_are_those_of_new_pictures() {
        let line = |kimg: f64, seconds: f64| {
            format!("{{\"Progress/kimg\":{{\"mean\":{kimg}}},\"Timing/sec_per_kimg\":{{\"mean\":{seconds}}}}}\n")
        };
        let stats = line(1., 360.) + &line(3., 720.) + "{\"Progress/kimg\":{\"mean\":3}}\n" + &line(2., 360.);
        let progress = Progress::read(&stats);
        assert!((progress.kimg - 3.).abs() < 1e-9 && (progress.hours - 0.5).abs() < 1e-9, "{progress:?}");
        assert_eq!(Progress::read(""), Progress::default());
    }
}
