//! What the kernels found in this machine, for reports; and how to hold them to less of it, for tests.

use crate::cpu::{self, Level, Task, Vector};
use candle_core::{Device, WithDType};
use std::hint::black_box;
use std::marker::PhantomData;

/// The instruction set that the CPU kernels use here: `avx512`, `avx2`, `neon` or `portable`.
pub fn instruction_set() -> &'static str {
    InstructionSet(cpu::level()).name()
}

/// Which kernels compute on a device, in a word: `cuda`, or the [`instruction_set`] of those of the CPU. The last digits of
/// numbers depend on it.
pub fn kernels_of(device: &Device) -> &'static str {
    if device.is_cpu() { instruction_set() } else { "cuda" }
}

/// An instruction set of this machine that the CPU kernels know, for tests of what they compute with each.
#[derive(Debug, Clone, Copy)]
pub struct InstructionSet(Level);

impl InstructionSet {
    /// All of this machine, from `portable` (plain Rust) to the one that is used where nobody says otherwise.
    pub fn all() -> Vec<Self> {
        cpu::levels().into_iter().map(Self).collect()
    }

    /// `avx512`, `avx2`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Level::Neon => "neon",
        }
    }

    /// Runs `f` with the operations that it calls from this thread, and the gradients that it takes, held to it; but for the
    /// products of `linear`, which choose for themselves.
    pub fn run<R>(self, f: impl FnOnce() -> R) -> R {
        cpu::with_level(self.0, f)
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
