//! Random choices from counter-based streams.

use stylegan_core::latent::Stream;

/// `size` distinct numbers below `n`, by the first steps of a Fisher-Yates shuffle.
pub(crate) fn without_replacement(stream: &mut Stream, n: usize, size: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..n).collect();
    for i in 0..size.min(n) {
        let j = i + stream.below((n - i) as u64) as usize;
        all.swap(i, j);
    }
    all.truncate(size);
    all
}
