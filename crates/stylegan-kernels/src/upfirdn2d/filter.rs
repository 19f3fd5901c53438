//! FIR filters.

use candle_core::Result;
use std::sync::Arc;

type Taps = Arc<[f64]>;

/// A FIR filter `[h, w]`, a constant: it never enters the graph.
///
/// ```
/// # use stylegan_kernels::Filter;
/// let f = Filter::separable(&[1., 3., 3., 1.]);
/// assert_eq!(f.size(), (4, 4));
/// assert_eq!(f.taps()[..4], [1. / 64., 3. / 64., 3. / 64., 1. / 64.]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    taps: Taps,
    height: usize,
    width: usize,
    /// A column and a row whose outer product this is, if there are such.
    factors: Option<(Taps, Taps)>,
}

impl Filter {
    /// The outer product of `taps` with themselves, scaled to a sum of 1 (`[1, 3, 3, 1]` in
    /// StyleGAN2, `[1, 2, 1]` in StyleGAN).
    pub fn separable(taps: &[f64]) -> Self {
        let sum: f64 = taps.iter().sum();
        let taps: Vec<f64> = taps.iter().map(|t| t / sum).collect();
        Self::outer(taps.clone().into(), taps.into())
    }

    /// A filter from its taps in row-major order, unscaled.
    ///
    /// # Errors
    /// When the number of taps is not `height * width`, or is zero.
    pub fn new(taps: &[f64], height: usize, width: usize) -> Result<Self> {
        if taps.len() != height * width || taps.is_empty() {
            candle_core::bail!("filter: {} taps do not fill {height}x{width}", taps.len())
        }
        Ok(Self { taps: taps.into(), height, width, factors: factorise(taps, width) })
    }

    fn outer(column: Taps, row: Taps) -> Self {
        let taps = column.iter().flat_map(|c| row.iter().map(move |r| c * r)).collect();
        Self { taps, height: column.len(), width: row.len(), factors: Some((column, row)) }
    }

    /// Height and width in taps.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// The taps in row-major order.
    pub fn taps(&self) -> &[f64] {
        &self.taps
    }

    /// All taps times `gain`.
    pub fn scaled(&self, gain: f64) -> Self {
        let times = |taps: &[f64]| -> Taps { taps.iter().map(|t| t * gain).collect() };
        let factors = self.factors.as_ref().map(|(column, row)| (times(column), row.clone()));
        Self { taps: times(&self.taps), factors, ..self.clone() }
    }

    /// The filter turned by 180 degrees.
    pub fn flipped(&self) -> Self {
        let turn = |taps: &Taps| -> Taps { taps.iter().rev().copied().collect() };
        let factors = self.factors.as_ref().map(|(column, row)| (turn(column), turn(row)));
        Self { taps: turn(&self.taps), factors, ..self.clone() }
    }

    /// The column and the row of a separable filter.
    pub(crate) fn factors(&self) -> Option<(&[f64], &[f64])> {
        self.factors.as_ref().map(|(column, row)| (&**column, &**row))
    }
}

/// The factors of a matrix of rank 1: the row and the column through its largest entry.
fn factorise(taps: &[f64], width: usize) -> Option<(Taps, Taps)> {
    let peak = (0..taps.len()).max_by(|&a, &b| taps[a].abs().total_cmp(&taps[b].abs()))?;
    let (y, x) = (peak / width, peak % width);
    let row: Taps = taps[y * width..][..width].into();
    let column: Taps = taps.iter().skip(x).step_by(width).map(|t| t / taps[peak]).collect();
    let close = |(i, &t): (usize, &f64)| (t - column[i / width] * row[i % width]).abs() <= 1e-14 * taps[peak].abs();
    (taps[peak] != 0. && taps.iter().enumerate().all(close)).then_some((column, row))
}
