//! Recipes: what is trained, and how. A recipe is a folder with its networks, its phases and the code
//! of each; loop, shards, state, health and log work for all.

pub mod classifier;
mod config;
pub mod encoder;
pub mod gan;
mod maps;
mod of_file;
mod running;
pub mod segmenter;
pub mod spade;
mod supervised;
mod transfer;

pub use config::{RunConfig, RunSettings};

use crate::data::Dataset;
use crate::inputs::ShardInput;
use crate::optim::Adam;
use crate::phase::{Action, Phase};
use crate::sample_grid::GridImages;
use crate::schedule::Stage;
use crate::shards::{Row, ShardSums, Sums};
use crate::stats::Stats;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor, Var};
use stylegan_core::Params;
use stylegan_kernels::autodiff;

/// The state of a system in training, and what its phases do with it: its networks, optimisers and
/// whatever else training changes.
pub trait Recipe: Send + Sync {
    /// All actions of an iteration, in order; lazy phases take part in those that they are due in.
    fn iteration(&self) -> Vec<Action>;

    /// Its networks by their prefix in checkpoints.
    fn networks(&self) -> Vec<(&'static str, &Params)>;

    /// Where its phases look at pictures, which are brought there ahead of the step: beside its networks.
    fn sees_on(&self) -> Device {
        self.networks().first().map_or(Device::Cpu, |(_, params)| params.device().clone())
    }

    /// Its optimisers by the prefix of their network, in the order of their checkpoint entries.
    fn optimizers(&self) -> Vec<(&'static str, &Adam)>;

    /// [`optimizers`](Self::optimizers), to be stepped.
    fn optimizers_mut(&mut self) -> Vec<(&'static str, &mut Adam)>;

    /// A shard's part in a phase: the sum over its samples of the gradient, under [`GRADIENT`], and of
    /// whatever [`apply`](Self::apply) needs. Called for many shards at a time.
    ///
    /// # Errors
    /// When shapes do not fit, or the phase is none of this recipe.
    fn shard(&self, phase: &Phase, input: &ShardInput) -> Result<ShardSums>;

    /// Takes up what a phase sums besides the gradient, as means over the batch's samples, after the
    /// optimiser's step.
    ///
    /// # Errors
    /// When a mean is missing or of another length.
    fn apply(&mut self, _phase: &Phase, _means: &Sums) -> Result<()> {
        Ok(())
    }

    /// Lets averages follow, before the next batch of `batch` real images comes up after `images`.
    ///
    /// # Errors
    /// When the device fails.
    fn advance(&mut self, _images: u64, _batch: usize) -> Result<()> {
        Ok(())
    }

    /// Is at the beginning of an iteration: networks that do not grow in themselves may be replaced by those of the
    /// stage's resolution. What comes after an iteration, such as a checkpoint, is of the networks that it trained.
    ///
    /// # Errors
    /// When a network cannot be built.
    fn grow(&mut self, _stage: &Stage) -> Result<()> {
        Ok(())
    }

    /// The resolution of its networks between two iterations: the stage's, unless they have still to be replaced by
    /// [`grow`](Self::grow).
    fn resolution(&self, stage: &Stage) -> usize {
        stage.resolution
    }

    /// Numbers that training changes besides the networks, by their key in a checkpoint's metadata.
    fn buffers(&self) -> Vec<(&'static str, f64)> {
        vec![]
    }

    /// Takes up the saved numbers, in the order of [`buffers`](Self::buffers).
    fn restore(&mut self, _values: &[f64]) {}

    /// What its sample grids show; nothing for recipes that make no pictures.
    fn grid(&self) -> Option<&dyn GridImages> {
        None
    }

    /// Its part of a line of `log.txt`, from the statistics since the last one.
    fn log_line(&self, stats: &Stats) -> String;

    /// What helps when its numbers run away: the rest of a sentence.
    fn remedy(&self) -> &'static str {
        "resume from the last checkpoint with half of the learning rate"
    }
}

/// The name of a shard's gradient among its sums: parameter after parameter, in the order of names.
pub const GRADIENT: &str = "gradient";

/// Steps the phase's optimiser along the mean gradient, then lets the recipe take up the other means.
///
/// # Errors
/// When the means are not of this phase.
pub fn step(recipe: &mut dyn Recipe, phase: &Phase, means: &Sums, lr: f64) -> Result<()> {
    let mut optimizers = recipe.optimizers_mut().into_iter();
    match optimizers.find(|(name, _)| *name == phase.optimizer) {
        Some((_, optimizer)) => optimizer.step(means.row(GRADIENT)?, lr)?,
        None => return Err(unknown(phase)),
    }
    recipe.apply(phase, means)
}

/// The sums of a shard whose loss per sample is `[n]`: the gradient of its sum.
///
/// # Errors
/// When the device has no room.
pub fn gradient(optimizer: &Adam, loss: &Tensor) -> Result<Row> {
    let found = autodiff::backward(&loss.sum_all()?)?;
    optimizer.flatten(|weight| found.get(weight.as_tensor()))
}

/// The sums of a shard for the optimiser of a network (`G`, `E`), of terms `[n]` of its loss by their names: each and
/// their sum as statistics, and the gradient of the sum.
///
/// # Errors
/// When shapes differ, or values cannot be read back.
pub(crate) fn sum_of_terms<'a>(
    network: &str,
    optimizer: &Adam,
    terms: impl IntoIterator<Item = (&'a str, Tensor)>,
) -> Result<ShardSums> {
    let mut sums = ShardSums::default();
    let mut total: Option<Tensor> = None;
    for (name, term) in terms {
        sums.stats.extend(&format!("Loss/{network}/{name}"), values(&term)?);
        total = Some(match total {
            Some(total) => (total + term)?,
            None => term,
        });
    }
    if let Some(total) = total {
        sums.stats.extend(&format!("Loss/{network}/loss"), values(&total)?);
        sums.named.set(GRADIENT, gradient(optimizer, &total)?);
    }
    Ok(sums)
}

/// The parameters of a network under names that begin with its prefix, for an optimiser of several.
pub(crate) fn prefixed(
    prefix: &'static str,
    params: &Params,
) -> impl Iterator<Item = stylegan_core::Result<(String, Var)>> + use<> {
    params.vars().into_iter().map(move |(name, var)| Ok((format!("{prefix}.{name}"), var)))
}

/// The values of a tensor, for statistics.
///
/// # Errors
/// When they cannot be read back.
pub fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
}

/// The sign of a logit: the mean over samples says how often the discriminator takes them for real.
pub(crate) fn sign(logit: f64) -> f64 {
    if logit == 0. { 0. } else { logit.signum() }
}

/// What messages call the pictures of a run.
pub(crate) fn name_of_set(set: &str) -> String {
    if set.is_empty() { "the data set".into() } else { set.into() }
}

/// Refuses a set whose pictures are not those of a network, of `[h, w]` pixels and `c` channels, with which the run
/// begins if it is out of the file `begun`.
pub(crate) fn check_pictures(
    dataset: &Dataset,
    set: &str,
    [h, w]: [usize; 2],
    c: usize,
    begun: Option<&str>,
) -> Result<()> {
    let ([height, width], channels) = (dataset.image_size(), dataset.channels());
    if (height, width, channels) == (h, w, c) {
        return Ok(());
    }
    let noun = if channels == 1 { "channel" } else { "channels" };
    let found = format!("has pictures of {width}x{height} pixels with {channels} {noun}");
    let problem = match begun {
        None => format!(
            "{found}, expected {w}x{h} with {c}; set generator.img_size and generator.img_channels, or build the set at that \
             size"
        ),
        Some(_) if channels != c => format!(
            "{found}, and the networks that the run begins with are of {w}x{h} with {c}; build the set so (`stylegan data build`)"
        ),
        Some(file) => format!(
            "{found}, and the networks that the run begins with are of {w}x{h}; `stylegan convert {file} begin.safetensors \
             --network all --resize-net {}` makes networks of that size to begin with (--from begin.safetensors), or build the \
             set at that of the networks (`stylegan data build`)",
            height.max(width)
        ),
    };
    Err(Error::Config { place: name_of_set(set), problem })
}

/// A phase came that a recipe does not know.
pub fn unknown(phase: &Phase) -> Error {
    Error::Config {
        place: format!("the phase {}", phase.name),
        problem: format!("(optimiser {}) is not of this recipe; list it in `iteration`", phase.optimizer),
    }
}
