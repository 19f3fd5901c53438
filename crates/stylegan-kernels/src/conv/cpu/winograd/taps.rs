//! Filters as they lie in the weights.

use crate::cpu::Vector;

/// Reads the taps from `at` on of `lanes` filters, `step` apart, to `raw` `[taps][LANES]`: whole blocks, or
/// tap by tap at the end of the weights.
///
/// # Safety
/// Inside `V::enter`.
#[inline(always)]
pub(super) unsafe fn read_taps<V: Vector>(
    w: &[V::Elem],
    at: usize,
    step: usize,
    taps: usize,
    lanes: usize,
    raw: &mut [V::Elem; 16 * 16],
) {
    let l = V::LANES;
    for t in (0..taps).step_by(l) {
        if lanes == l && at + (l - 1) * step + t + l <= w.len() {
            // SAFETY: inside the weights, and no more than 16 vectors of at most 16.
            unsafe { V::transpose(w.as_ptr().add(at + t), step, raw.as_mut_ptr().add(t * l), l) };
            continue;
        }
        for t in t..(t + l).min(taps) {
            for lane in 0..lanes {
                raw[t * l + lane] = w[at + lane * step + t];
            }
        }
    }
}
