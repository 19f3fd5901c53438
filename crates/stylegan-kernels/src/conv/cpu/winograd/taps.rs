//! Filters as they lie in the weights.

use crate::cpu::Vector;

/// Numbers that the filters of a vector of channels take at most: 25 taps, as whole blocks of at most 16, of 16 channels.
pub(super) const RAW: usize = 32 * 16;

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
    raw: &mut [V::Elem; RAW],
) {
    let l = V::LANES;
    for t in (0..taps).step_by(l) {
        if lanes == l && at + (l - 1) * step + t + l <= w.len() {
            // SAFETY: inside the weights, and no more than 32 vectors of at most 16.
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
