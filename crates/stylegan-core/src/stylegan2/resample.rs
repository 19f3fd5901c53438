//! How a convolution changes the resolution.

use stylegan_kernels::Filter;
use stylegan_kernels::modulate::Resample;

/// Whether a convolution doubles, halves or keeps the resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Direction {
    Keep,
    Up,
    Down,
}

impl Direction {
    /// Same-size padding for a `kernel` x `kernel` weight; resolutions change through `filter`.
    pub(super) fn with(self, kernel: usize, filter: &Filter) -> Resample<'_> {
        let keep = Resample { padding: [(kernel / 2) as i64; 4], ..Resample::default() };
        match self {
            Direction::Keep => keep,
            // The official code leaves the weight of its transposed convolution unflipped.
            Direction::Up => Resample { up: 2, filter: Some(filter), flip_weight: false, ..keep },
            Direction::Down => Resample { down: 2, filter: Some(filter), ..keep },
        }
    }
}
