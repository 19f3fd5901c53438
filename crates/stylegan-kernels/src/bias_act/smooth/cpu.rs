//! Smooth activations and their derivatives on the CPU.

use super::Smooth;
use crate::elementwise::{Real, TASK, written};
use crate::threads::for_each_chunk;
use candle_core::CpuStorage;
use std::mem::MaybeUninit;

/// Elements per task: each costs several of the other loops'.
const LEN: usize = TASK / 8;

impl Smooth {
    fn value<T: Real>(self, x: T) -> T {
        let (gain, clamp) = (T::from_f64(self.gain), T::from_f64(self.clamp));
        let y = gain * self.act.derivative(0, x);
        match self.order {
            0 if y > clamp => clamp,
            0 if y < T::zero() - clamp => T::zero() - clamp,
            0 => y,
            _ if y.abs() >= clamp => T::zero(),
            order => gain * self.act.derivative(order, x),
        }
    }

    /// The function (order 0) of `x`.
    pub(super) fn values<T: Real>(self, x: &[T]) -> CpuStorage {
        let write = |y: &mut [MaybeUninit<T>]| {
            for_each_chunk(y, LEN, |task, y| {
                for (y, &x) in y.iter_mut().zip(&x[task * LEN..]) {
                    y.write(self.value::<T>(x));
                }
            })
        };
        // SAFETY: as many results as arguments.
        unsafe { written(x.len(), write) }
    }

    /// `h` times the derivative at `x`.
    pub(super) fn products<T: Real>(self, h: &[T], x: &[T]) -> CpuStorage {
        let write = |y: &mut [MaybeUninit<T>]| {
            for_each_chunk(y, LEN, |task, y| {
                let (h, x) = (&h[task * LEN..][..y.len()], &x[task * LEN..]);
                for ((y, &h), &x) in y.iter_mut().zip(h).zip(x) {
                    y.write(h * self.value::<T>(x));
                }
            })
        };
        // SAFETY: as many results as arguments of either kind.
        unsafe { written(x.len(), write) }
    }
}
