//! What the kernels found in this machine, for reports of speed.

use crate::cpu::{self, Level, Task, Vector};
use candle_core::WithDType;
use std::hint::black_box;
use std::marker::PhantomData;

/// The instruction set that the CPU kernels use here: `avx512`, `avx2`, `neon` or `portable`.
pub fn instruction_set() -> &'static str {
    match cpu::level() {
        Level::Portable => "portable",
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => "avx2",
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => "avx512",
        #[cfg(target_arch = "aarch64")]
        Level::Neon => "neon",
    }
}

/// Does `steps` rounds of multiply-adds between registers of one core and returns the number of
/// floating-point operations. Timed, this is the peak that no kernel can pass.
pub fn multiply_adds(steps: usize) -> u64 {
    let lanes = match cpu::level() {
        Level::Portable => rounds::<cpu::Plain<f32>>(steps),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => rounds::<cpu::F32x8>(steps),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => rounds::<cpu::F32x16>(steps),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => rounds::<cpu::F32x4>(steps),
    };
    (2 * CHAINS * lanes * steps) as u64
}

/// Independent sums: enough to hide the latency of every machine we know, few enough for 16 registers.
const CHAINS: usize = 12;

struct Rounds<V>(usize, PhantomData<V>);

fn rounds<V: Vector>(steps: usize) -> usize {
    // SAFETY: the level names an instruction set of this machine.
    unsafe { V::enter(Rounds::<V>(steps, PhantomData)) };
    V::LANES
}

impl<V: Vector> Task<V> for Rounds<V> {
    #[inline(always)]
    unsafe fn run(self) {
        // SAFETY: registers, and a result of one vector.
        unsafe {
            let factor = V::splat(V::Elem::from_f64(black_box(0.999)));
            let mut sums = [V::splat(V::Elem::from_f64(black_box(1.))); CHAINS];
            for _ in 0..self.0 {
                for sum in &mut sums {
                    *sum = sum.mul_add(factor, factor);
                }
            }
            let mut result = [V::Elem::from_f64(0.); 16];
            for sum in sums {
                sum.store(result.as_mut_ptr());
                black_box(&mut result);
            }
        }
    }
}
