//! One shard's part of a step, for each of the two players.

mod discriminator;
mod draws;
mod generator;

pub(crate) use discriminator::share as discriminator_share;
pub(crate) use draws::{Draws, Player};
pub(crate) use generator::share as generator_share;

use crate::config::TrainConfig;
use crate::networks::Networks;
use crate::optimizer::Optimizer;
use crate::schedule::Phase;
use candle_core::Tensor;

/// What all shards of a player's turn share.
pub(crate) struct Turn<'a> {
    pub(crate) config: &'a TrainConfig,
    pub(crate) networks: &'a Networks,
    pub(crate) optimizer: &'a Optimizer,
    pub(crate) phase: Phase,
    pub(crate) draws: Draws<'a>,
}

/// The values of `[n]` or `[n, 1]` logits and losses, for statistics.
fn values(tensor: &Tensor) -> crate::Result<Vec<f64>> {
    Ok(tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
}

/// The signs of logits: their mean says how often the discriminator takes samples for real.
fn signs(logits: &[f64]) -> impl Iterator<Item = f64> {
    logits.iter().map(|x| if *x == 0. { 0. } else { x.signum() })
}
