//! What a film shows.

use super::moves::{Move, Subject, check_moves};
use serde::Deserialize;

/// The most seeds that a film walks over.
const MAX_SEEDS: usize = 16;

/// The most frames of a film from one of its stops to the next.
const MAX_STEPS: usize = 240;

/// The most frames that browsers show of a GIF in a second.
const MAX_FPS: u32 = crate::gif::MAX_FPS;

/// What a film shows, going round and round.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Scene {
    /// A walk from seed to seed, and from the last to the first.
    Walk {
        /// The seeds.
        seeds: Vec<u32>,
    },
    /// A picture that is moved along directions, and back.
    Edit {
        /// The picture.
        source: Subject,
        /// What its styles are moved by.
        moves: Vec<Move>,
    },
}

impl Scene {
    /// Places that it goes through before it begins again.
    pub(super) fn stops(&self) -> usize {
        match self {
            Scene::Walk { seeds } => seeds.len(),
            Scene::Edit { .. } => 2,
        }
    }

    /// What can be said without the network, of a film of `steps` frames between stops at `fps` a second.
    pub(super) fn check(&self, steps: usize, fps: u32) -> Result<(), String> {
        if let Scene::Edit { moves, .. } = self {
            check_moves(moves)?;
        }
        let stops = self.stops();
        let fits = (2..=MAX_SEEDS).contains(&stops) && (1..=MAX_STEPS).contains(&steps);
        match fits && (1..=MAX_FPS).contains(&fps) {
            true => Ok(()),
            false => Err(format!(
                "a film over {stops} seeds with {steps} frames between them, {fps} a second: 2 to {MAX_SEEDS} seeds, 1 to \
                 {MAX_STEPS} frames and up to {MAX_FPS} a second can be had"
            )),
        }
    }
}
