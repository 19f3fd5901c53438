//! Flipping and transposing weights on the CPU.

use super::FlipTranspose;
use crate::elementwise::{Real, written};
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

impl FlipTranspose {
    /// The result for `x` `[a, b, kernel]`.
    pub(super) fn cpu<T: Real>(&self, x: &[T], [a, b]: [usize; 2], kernel: usize) -> CpuStorage {
        let columns = if self.transpose { a } else { b };
        let write = |y: &mut [MaybeUninit<T>]| {
            crate::threads::for_each_chunk(y, columns * kernel, |i, y| {
                for (j, y) in y.chunks_mut(kernel.max(1)).enumerate() {
                    let at = if self.transpose { j * b + i } else { i * b + j };
                    for (y, &x) in y.iter_mut().zip(&x[at * kernel..][..kernel]) {
                        y.write(x);
                    }
                    if self.flip {
                        y.reverse();
                    }
                }
            })
        };
        // SAFETY: kernels are written from kernels.
        unsafe { written(x.len(), write) }
    }
}
