//! `best.json`: which checkpoint of a run is the best so far, and by which score.

use crate::{Error, Result, Score};
use serde::{Deserialize, Serialize};
use std::path::Path;
use stylegan_core::checkpoint::Checkpoint;

/// The name of the file.
const FILE: &str = "best.json";

/// The best checkpoint so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// The name of its file.
    pub(crate) checkpoint: String,
    /// What was measured.
    metric: String,
    /// The smaller the better.
    score: f64,
    /// Pictures that it has seen.
    #[serde(default)]
    images: u64,
    /// Its content hash: another state of that name is not the best. Older versions noted none.
    content_hash: Option<String>,
}

impl Best {
    /// The best of a run folder; `None` as well if that checkpoint is no longer what it was.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let best: Self = serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()?;
        let checkpoint = Checkpoint::open(folder.join(&best.checkpoint)).ok()?;
        best.content_hash.as_deref().is_none_or(|hash| checkpoint.content_hash() == Some(hash)).then_some(best)
    }

    /// Notes a checkpoint as the best if its score is. Scores of another metric say nothing about it.
    pub(crate) fn keep(folder: &Path, best: Option<Self>, path: &Path, score: &Score) -> Result<()> {
        let beaten = best.is_some_and(|best| best.metric == score.metric && best.score <= score.value);
        if beaten || !score.value.is_finite() {
            return Ok(());
        }
        let checkpoint = Checkpoint::open(path)?;
        let best = Self {
            checkpoint: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            metric: score.metric.clone(),
            score: score.value,
            images: checkpoint.metadata().map_or(0, |metadata| metadata.images),
            content_hash: checkpoint.content_hash().map(str::to_owned),
        };
        let path = folder.join(FILE);
        let text = serde_json::to_string(&best).map_err(|error| Error::io("write", &path)(error.into()))?;
        Ok(stylegan_core::write_file(&path, text.as_bytes())?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use stylegan_core::checkpoint::{Metadata, save};

    #[test]
    fn the_best_is_a_state_and_not_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network-000010.safetensors");
        let state = |images| save(&path, &Metadata { images, ..Metadata::default() }, &[]).unwrap();
        let keep = |metric: &str, value| {
            let score = Score { metric: metric.into(), value };
            Best::keep(folder.path(), Best::read(folder.path()), &path, &score).unwrap();
            Best::read(folder.path()).map(|best| (best.images, best.score))
        };
        state(10_000);
        assert_eq!(keep("fid", f64::NAN), None);
        assert_eq!(keep("fid", 3.), Some((10_000, 3.)));
        assert_eq!(keep("fid", 4.), Some((10_000, 3.)));
        assert_eq!(keep("kid", 5.), Some((10_000, 5.)));
        state(10_400);
        assert_eq!(Best::read(folder.path()), None);
        assert_eq!(keep("kid", 9.), Some((10_400, 9.)));
    }
}
