//! How a convolution's results lie to its inputs, along one side of the images.
//!
//! A transposed convolution falls into phases, one per remainder of a pixel's place by the stride, each a correlation
//! of stride 1 with every `stride`-th tap; an ordinary one is a single phase.

use crate::conv::shape::Kind;

/// The pixels of one phase along a side: result `first + i step` is the sum over taps `(tap, offset)` of pixel
/// `start + i stride + offset` of the padded input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phase {
    pub(super) first: usize,
    pub(super) step: usize,
    pub(super) count: usize,
    pub(super) start: usize,
    pub(super) stride: usize,
    pub(super) taps: Vec<(usize, usize)>,
}

/// One side of a convolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axis {
    /// Zeros before the first pixel of the input.
    pub(super) before: usize,
    /// Pixels of the input.
    pub(super) pixels: usize,
    /// Pixels with the zeros before and behind them.
    pub(super) padded: usize,
    pub(super) phases: Vec<Phase>,
}

impl Axis {
    /// The side of a convolution of stride `stride` with `taps` taps. The input has `pixels`, the result `results`
    /// pixels.
    pub(super) fn new(kind: Kind, [pixels, results]: [usize; 2], taps: usize, stride: usize, padding: usize) -> Self {
        let (before, phases): (usize, Vec<Phase>) = match kind {
            Kind::Forward => {
                let taps = (0..taps).map(|tap| (tap, tap)).collect();
                (padding, vec![Phase { first: 0, step: 1, count: results, start: 0, stride, taps }])
            }
            // Pixel i gives to the results i stride + tap - padding.
            _ => {
                let before = taps.div_ceil(stride) - 1;
                let phase = |rest: usize| {
                    let skipped = padding.saturating_sub(rest).div_ceil(stride);
                    let first = skipped * stride + rest - padding;
                    let count = results.saturating_sub(first).div_ceil(stride);
                    let taps = (rest..taps).step_by(stride).map(|tap| (tap, before - (tap - rest) / stride)).collect();
                    Phase { first, step: stride, count, start: skipped, stride: 1, taps }
                };
                (before, (0..stride).map(phase).filter(|phase| phase.count > 0).collect())
            }
        };
        let end = |phase: &Phase| {
            let reach = phase.taps.iter().map(|(_, offset)| offset + 1).max().unwrap_or(0);
            phase.start + (phase.count.max(1) - 1) * phase.stride + reach
        };
        let padded = phases.iter().map(end).max().unwrap_or(0).max(before + pixels);
        Self { before, pixels, padded, phases }
    }
}

impl Phase {
    /// The part whose results lie in `from..to`.
    pub(super) fn within(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let below = |end: usize| end.saturating_sub(self.first).div_ceil(self.step).min(self.count);
        below(from)..below(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_cover_each_result_once_with_every_product() {
        for (kind, stride, taps, padding, pixels) in [
            (Kind::Forward, 1, 3, 1, 5),
            (Kind::Forward, 2, 3, 0, 7),
            (Kind::Forward, 2, 4, 1, 8),
            (Kind::Input, 2, 3, 0, 4),
            (Kind::Input, 2, 4, 1, 4),
            (Kind::Input, 3, 2, 0, 3),
            (Kind::Input, 2, 3, 2, 5),
            (Kind::Input, 1, 5, 3, 6),
        ] {
            let results = match kind {
                Kind::Forward => (pixels + 2 * padding - taps) / stride + 1,
                _ => (pixels - 1) * stride + taps - 2 * padding,
            };
            let axis = Axis::new(kind, [pixels, results], taps, stride, padding);
            let mut found = vec![];
            for phase in &axis.phases {
                for (i, (tap, offset)) in (0..phase.count).flat_map(|i| phase.taps.iter().map(move |tap| (i, *tap))) {
                    let pixel = phase.start + i * phase.stride + offset;
                    assert!(pixel < axis.padded);
                    if (axis.before..axis.before + pixels).contains(&pixel) {
                        found.push((phase.first + i * phase.step, pixel - axis.before, tap));
                    }
                }
            }
            let mut expected = vec![];
            for (a, tap) in (0..results.max(pixels)).flat_map(|a| (0..taps).map(move |tap| (a, tap))) {
                match kind {
                    Kind::Forward if a < results => {
                        let at = (a * stride + tap).checked_sub(padding).filter(|&at| at < pixels);
                        expected.extend(at.map(|at| (a, at, tap)));
                    }
                    Kind::Input if a < pixels => {
                        let at = (a * stride + tap).checked_sub(padding).filter(|&at| at < results);
                        expected.extend(at.map(|at| (at, a, tap)));
                    }
                    _ => {}
                }
            }
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{kind:?}, stride {stride}, {taps} taps, padding {padding}");
        }
    }
}
