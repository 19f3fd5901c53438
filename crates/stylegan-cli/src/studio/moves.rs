//! What is edited, and the moves that edit it.

use serde::Deserialize;

/// The most directions that a picture is moved along.
const MAX_MOVES: usize = 64;

/// The furthest that a picture is moved along one, in deviations of styles.
const MAX_STRENGTH: f64 = 20.;

/// The most style rows that a move names.
const MAX_ROWS: usize = 64;

/// What is edited.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Subject {
    /// The picture of a seed.
    Seed(u32),
    /// An uploaded picture, by its id.
    Picture(String),
    /// Uploaded styles, by their id.
    Styles(String),
}

/// The lists of directions that are found in the network: by SeFa, and by principal components.
pub(super) const FOUND: [&str; 2] = ["sefa", "pca"];

/// A move along a direction.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    /// One of [`FOUND`], else the name of a list of directions.
    pub(super) by: String,
    /// Style rows that are looked at and moved; none for all, or the direction's own.
    pub(super) rows: Vec<usize>,
    /// Its number in the list, from 0.
    pub(super) direction: usize,
    /// How far, in deviations of styles.
    pub(super) strength: f64,
}

/// What can be said of moves without the network.
pub(super) fn check_moves(moves: &[Move]) -> Result<(), String> {
    let far = |strength: f64| strength.is_nan() || strength.abs() > MAX_STRENGTH;
    let wrong = |part: &Move| far(part.strength) || part.rows.len() > MAX_ROWS;
    match moves.iter().position(wrong) {
        _ if moves.len() > MAX_MOVES => Err(format!("{} moves: at most {MAX_MOVES} fit into an edit", moves.len())),
        Some(at) => Err(format!(
            "move {at}: a strength from -{MAX_STRENGTH} to {MAX_STRENGTH} and at most {MAX_ROWS} style rows are needed"
        )),
        None => Ok(()),
    }
}
