//! The run behind a file: what the verbs that train a network for measures have in common.

use crate::destination;
use crate::exit::{Ending, wrong};
use crate::signals::{self, Reaction};
use crate::status::{Stages, say};
use candle_core::Device;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata, save};
use stylegan_core::{NetworkConfig, Params};
use stylegan_train::communicator::Single;
use stylegan_train::data::Dataset;
use stylegan_train::observer::{Observer, Position};
use stylegan_train::recipe::{RunConfig, RunSettings};
use stylegan_train::stats::Stats;
use stylegan_train::{Outcome, RunFolder, Session, checkpoints, state};

/// Draws the run.
struct Status(Stages);

impl Observer for Status {
    fn started(&mut self, at: &Position) {
        signals::react(Reaction::Stop("saving after this step"));
        let (now, end) = (at.images as f64 / 1e3, at.total_images as f64 / 1e3);
        match at.images {
            0 => {}
            images if images >= at.total_images => {
                say(&format!("this run is at {now} of {end} kimg: its saved state is what is written"));
            }
            _ => say(&format!("going on at {now} of {end} kimg")),
        }
    }

    fn stepped(&mut self, at: &Position, _stats: &Stats) {
        self.0.show("training", at.images.min(at.total_images) as usize, at.total_images as usize);
    }

    fn warned(&mut self, sentence: &str) {
        say(&format!("warning: {sentence}"));
    }
}

/// What came of a run.
pub(crate) enum Trained {
    /// Its last checkpoint.
    Checkpoint(PathBuf),
    /// It was stopped, and how the command ends.
    Interrupted(Ending),
}

/// Starts the run of the file `out` on a device, or goes on with it; its folder has the file's name, with `.run` for `.safetensors`.
/// `source` is what its network is.
pub(crate) fn train(
    config: &dyn RunConfig,
    dataset: &Arc<Dataset>,
    device: &Device,
    out: &Path,
    data: &Path,
    source: &str,
) -> anyhow::Result<Trained> {
    destination::ends_in(out, "safetensors", "a checkpoint")?;
    check_file(out, source)?;
    let path = out.with_extension("run");
    check_same(&path, &config.settings(dataset)?, dataset)?;
    destination::later_folder(&path, &[data])?;
    let folder = RunFolder::open(&path)?;
    let mut status = Status(Stages::new());
    let observer = &mut status;
    let session =
        Session { config, dataset, device, folder: &folder, communicator: &Single, observer, stop: &signals::STOP };
    let outcome = session.resume()?;
    drop(status);
    signals::react(Reaction::End);
    Ok(match outcome {
        Outcome::Finished { checkpoint } => Trained::Checkpoint(checkpoint),
        Outcome::Interrupted { checkpoint } => {
            let saved = format!("interrupted and saved {}; the same command goes on", checkpoint.display());
            Trained::Interrupted(Ending::Interrupted(saved))
        }
    })
}

/// Refuses to write over a file that holds something else.
fn check_file(out: &Path, source: &str) -> anyhow::Result<()> {
    let found = Checkpoint::open(out).ok();
    let about = found.as_ref().and_then(Checkpoint::metadata);
    if out.is_file() && about.and_then(|about| about.source.as_deref()) != Some(&said(source)) {
        wrong!("{} is there and is no {source}; name another file with --out", out.display());
    }
    Ok(())
}

/// The source that a file says of a network.
fn said(source: &str) -> String {
    format!("{source}, stylegan-rs")
}

/// Refuses to go on with a run of the same file that is of something else.
fn check_same(run: &Path, settings: &RunSettings, dataset: &Dataset) -> anyhow::Result<()> {
    if !run.is_dir() {
        return Ok(());
    }
    let (newest, _) = checkpoints::newest(run, |_| Ok(()))?;
    let Some(about) = newest.as_ref().and_then(Checkpoint::metadata) else { return Ok(()) };
    let other = if state::is_of(&settings.networks, about.seed, about).is_err() {
        "for pictures of another size, for other classes or with other channels"
    } else if about.dataset_hash.as_deref() != Some(dataset.hash()?) {
        "on other pictures"
    } else if about.seed != settings.seed {
        "with another seed"
    } else {
        return Ok(());
    };
    wrong!("the run in {} was trained {other}; remove that folder, or name another file with --out", run.display())
}

/// What the file says of the network of a run's checkpoint: `source` is what it is, `measured` what was found on the
/// pictures kept from training.
pub(crate) fn metadata(checkpoint: &Path, source: &str, measured: &[(&str, f64)]) -> anyhow::Result<Metadata> {
    let run = Checkpoint::open(checkpoint)?.metadata().cloned().unwrap_or_default();
    Ok(Metadata {
        kind: Kind::Release,
        images: run.images,
        seed: run.seed,
        dataset_hash: run.dataset_hash,
        source: Some(said(source)),
        extra: measured.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect(),
        ..Metadata::default()
    })
}

/// Writes a network under its prefix, with what `metadata` says of it.
pub(crate) fn write(
    out: &Path,
    prefix: &str,
    network: NetworkConfig,
    params: &Params,
    metadata: Metadata,
) -> anyhow::Result<()> {
    let metadata = Metadata { networks: [(prefix.to_owned(), network)].into(), ..metadata };
    let named = |(name, var): (String, candle_core::Var)| (format!("{prefix}.{name}"), var.as_detached_tensor());
    let tensors: Vec<_> = params.vars().into_iter().map(named).collect();
    Ok(save(out, &metadata, &tensors)?)
}
