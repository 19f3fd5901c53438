//! Generator and discriminator with their optimisers, and what they do in their phases.
//!
//! A [`Phase`] is one step of one network's optimiser. Its gradient is a sum over shards: for each,
//! one of [`Gan::generator`], [`path_length`](Gan::path_length),
//! [`discriminator`](Gan::discriminator) and [`r1`](Gan::r1) gives a
//! [`ShardSums`](crate::shards::ShardSums). Their sum, divided by the samples, goes to [`Gan::step`]. The methods take all random inputs as
//! arguments and work in the element type of the parameters (f64 for checks).

mod dmain;
mod dreg;
mod gmain;
mod greg;
mod latents;
mod networks;

pub use latents::Latents;

use crate::config::{LossConfig, PathLengthConfig, TrainConfig};
use crate::optim::Adam;
use crate::optim::ema;
use crate::{Error, Result};
use candle_core::{DType, Tensor};
use networks::Networks;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::{Generator, Params};
use stylegan_kernels::autodiff;

/// A step of one optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The generator along its loss.
    Generator,
    /// The generator along its path length penalty.
    PathLength,
    /// The discriminator along its loss (with R1 inside, where that is not a phase of its own).
    Discriminator,
    /// The discriminator along its R1 penalty.
    R1,
}

impl Phase {
    /// StyleGAN2's name of the phase: `Gmain`, `Greg`, `Dmain` or `Dreg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generator => "Gmain",
            Self::PathLength => "Greg",
            Self::Discriminator => "Dmain",
            Self::R1 => "Dreg",
        }
    }
}

/// Generator, averaged generator and discriminator, their optimisers, and the running mean of path
/// lengths: all that training changes.
pub struct Gan {
    pub(crate) networks: Networks,
    pub(crate) opt_g: Adam,
    pub(crate) opt_d: Adam,
    /// The running mean of path lengths; 0 before the first were measured.
    pub pl_mean: f64,
    loss: LossConfig,
    path_length: Option<PathLengthConfig>,
    w_avg_beta: f64,
}

impl Gan {
    /// Gan on the parameters `g` and `d`, of which missing ones are created; the averaged
    /// generator starts as a copy.
    ///
    /// # Errors
    /// When a configuration describes no network, or parameters do not fit it.
    pub fn new(config: &TrainConfig, g: Params, d: Params) -> Result<Self> {
        Self::on(config, Networks::new(config, g, d)?)
    }

    /// The gan of a checkpoint, with moments and path lengths still as at the start.
    pub(crate) fn load(config: &TrainConfig, checkpoint: &Checkpoint) -> Result<Self> {
        Self::on(config, Networks::load(config, checkpoint)?)
    }

    fn on(config: &TrainConfig, networks: Networks) -> Result<Self> {
        Ok(Self {
            opt_g: Adam::new(&networks.g, &config.adam, config.g_stride())?,
            opt_d: Adam::new(&networks.d, &config.adam, config.d_stride())?,
            networks,
            pl_mean: 0.,
            loss: config.loss.clone(),
            path_length: config.path_length.clone(),
            w_avg_beta: config.w_avg_beta,
        })
    }

    /// The generator in training.
    pub fn g(&self) -> &Params {
        &self.networks.g
    }

    /// The averaged generator.
    pub fn g_ema(&self) -> &Params {
        &self.networks.g_ema
    }

    /// The discriminator.
    pub fn d(&self) -> &Params {
        &self.networks.d
    }

    /// Steps a network along the mean over a batch's samples of what its shares' values sum: the gradient first, then what moves `w_avg` and the mean of path lengths.
    ///
    /// # Errors
    /// When `mean` is not of this phase.
    pub fn step(&mut self, phase: Phase, mean: &[f32], lr: f64) -> Result<()> {
        let optimizer = match phase {
            Phase::Generator | Phase::PathLength => &mut self.opt_g,
            Phase::Discriminator | Phase::R1 => &mut self.opt_d,
        };
        let (gradient, mut rest) = mean.split_at(optimizer.len().min(mean.len()));
        optimizer.step(gradient, lr)?;
        if let (Phase::PathLength, Some(config), Some((length, others))) = (phase, &self.path_length, rest.split_last())
        {
            self.pl_mean += config.decay * (f64::from(*length) - self.pl_mean);
            rest = others;
        }
        match phase {
            Phase::R1 => Ok(()),
            _ => self.networks.track_w(rest, self.w_avg_beta),
        }
    }

    /// Moves the averaged generator, which keeps the share `beta` of its old parameters.
    ///
    /// # Errors
    /// When the device fails.
    pub fn average(&self, beta: f64) -> Result<()> {
        ema::update(&self.networks.g_ema, &self.networks.g, beta)
    }

    /// The averaged generator's network.
    pub(crate) fn g_average(&self) -> &dyn Generator {
        self.networks.g_average.as_ref()
    }
}

/// The gradient of a loss per sample `[n]`, summed over the samples, in one row.
fn gradient(optimizer: &Adam, loss: &Tensor) -> Result<Vec<f32>> {
    let found = autodiff::backward(&loss.sum_all()?)?;
    optimizer.flatten(|weight| found.get(weight.as_tensor()))
}

/// The values of `[n]` or `[n, 1]` logits and losses, for statistics.
fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
}

/// The signs of logits: their mean says how often the discriminator takes samples for real.
fn signs(logits: &[f64]) -> impl Iterator<Item = f64> {
    logits.iter().map(|x| if *x == 0. { 0. } else { x.signum() })
}

/// A regulariser was asked for that the configuration does not have.
fn not_configured(what: &str, key: &str) -> Error {
    Error::Config { place: "this configuration".into(), problem: format!("has no {what}; give it the section `{key}`") }
}
