//! What the memory-bound kernels share: the number type, wide vectors, sums in a fixed order,
//! buffers that are written once.

use crate::cpu::filled;
use candle_core::{CpuStorage, DType, WithDType};
use std::mem::MaybeUninit;

/// The two element types of every kernel: f32 for work, f64 for checks.
pub(crate) trait Real: WithDType {
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    fn ln_1p(self) -> Self;
    fn exp_m1(self) -> Self;
    fn tanh(self) -> Self;
    fn abs(self) -> Self;
    /// The elements of a storage of this type.
    fn elements_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;
}

macro_rules! real {
    ($($t:ty, $variant:ident);*) => {$(
        impl Real for $t {
            #[inline(always)]
            fn sqrt(self) -> Self { <$t>::sqrt(self) }
            #[inline(always)]
            fn exp(self) -> Self { <$t>::exp(self) }
            #[inline(always)]
            fn ln_1p(self) -> Self { <$t>::ln_1p(self) }
            #[inline(always)]
            fn exp_m1(self) -> Self { <$t>::exp_m1(self) }
            #[inline(always)]
            fn tanh(self) -> Self { <$t>::tanh(self) }
            #[inline(always)]
            fn abs(self) -> Self { <$t>::abs(self) }
            fn elements_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
                match storage {
                    CpuStorage::$variant(elements) => Some(elements),
                    _ => None,
                }
            }
        }
    )*};
}
real!(f32, F32; f64, F64);

/// Defines functions over `T: Real` whose loops are compiled twice, for the target's baseline and
/// for AVX2, chosen at run time. No multiplication is contracted with an addition, so both give the
/// same bits.
macro_rules! vectorize {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident<T>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block)*) => {$(
        $(#[$meta])*
        $vis fn $name<T: crate::elementwise::Real>($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body<T: crate::elementwise::Real>($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn wide<T: crate::elementwise::Real>($($arg: $ty),*) $(-> $ret)? {
                    body::<T>($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has the one feature that `wide` asks for.
                    return unsafe { wide::<T>($($arg),*) };
                }
            }
            body::<T>($($arg),*)
        }
    )*};
}
pub(crate) use vectorize;

/// Calls a generic kernel with the element type of a storage.
macro_rules! by_dtype {
    ($op:literal, $storage:expr, $T:ident => $call:expr) => {
        match candle_core::backend::BackendStorage::dtype($storage) {
            candle_core::DType::F32 => {
                type $T = f32;
                $call
            }
            candle_core::DType::F64 => {
                type $T = f64;
                $call
            }
            other => Err($crate::elementwise::unsupported($op, other)),
        }
    };
}
pub(crate) use by_dtype;

pub(crate) fn unsupported(op: &str, dtype: DType) -> candle_core::Error {
    candle_core::Error::Msg(format!("{op}: elements are {dtype:?}, expected F32 or F64; convert with `to_dtype`"))
}

/// A storage of `len` elements whose memory is not zeroed before `write` writes it.
///
/// # Safety
/// `write` must write every element.
pub(crate) unsafe fn written<T: Real>(len: usize, write: impl FnOnce(&mut [MaybeUninit<T>])) -> CpuStorage {
    // SAFETY: the caller vouches for the same.
    T::to_cpu_storage_owned(unsafe { filled(len, write) })
}

/// Sets all elements to zero; from then on they may be read.
pub(crate) fn zeroed<T: Real>(memory: &mut [MaybeUninit<T>]) -> &mut [T] {
    memory.fill(MaybeUninit::new(T::zero()));
    // SAFETY: every element was just written.
    unsafe { initialised(memory) }
}

/// Memory that has been written, as numbers.
///
/// # Safety
/// Every element has been written.
#[inline(always)]
pub(crate) unsafe fn initialised<T: Real>(memory: &mut [MaybeUninit<T>]) -> &mut [T] {
    // SAFETY: numbers, says the caller, and `MaybeUninit` has the layout of what it holds.
    unsafe { &mut *(std::ptr::from_mut(memory) as *mut [T]) }
}

/// Elements per task of a memory-bound loop: large enough to hide the cost of a task, small
/// enough to share out a 64x64 layer.
pub(crate) const TASK: usize = 1 << 14;

/// How many rows of `len` elements make up one task.
pub(crate) fn rows_per_task(len: usize) -> usize {
    (TASK / len.max(1)).max(1)
}

const LANES: usize = 32;
const BLOCK: usize = 64 * LANES;

vectorize! {
    /// Sum of all elements: fixed lanes within blocks, blocks added in f64.
    pub(crate) fn sum<T>(x: &[T]) -> f64 {
        let mut total = 0.;
        for block in x.chunks(BLOCK) {
            let mut lanes = [T::zero(); LANES];
            let chunks = block.chunks_exact(LANES);
            let rest = chunks.remainder();
            for chunk in chunks {
                for (lane, &v) in lanes.iter_mut().zip(chunk) {
                    *lane += v;
                }
            }
            total += lanes.iter().chain(rest).map(|v| v.to_f64()).sum::<f64>();
        }
        total
    }

    /// Sum of products, in the order of [`sum`]. The slices have the same length.
    pub(crate) fn dot<T>(x: &[T], y: &[T]) -> f64 {
        let mut total = 0.;
        for (a, b) in x.chunks(BLOCK).zip(y.chunks(BLOCK)) {
            let mut lanes = [T::zero(); LANES];
            let (ca, cb) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
            let rest: f64 = ca.remainder().iter().zip(cb.remainder()).map(|(&p, &q)| (p * q).to_f64()).sum();
            for (p, q) in ca.zip(cb) {
                for i in 0..LANES {
                    lanes[i] += p[i] * q[i];
                }
            }
            total += lanes.iter().map(|v| v.to_f64()).sum::<f64>() + rest;
        }
        total
    }

    /// `g factor - (x - mean) along - level`: the gradient of what was normalised by its own mean and variance.
    pub(crate) fn centred_gradient<T>(
        g: &[T],
        x: &[T],
        mean: T,
        factor: T,
        along: T,
        level: T,
        out: &mut [MaybeUninit<T>],
    ) {
        for ((out, &g), &x) in out.iter_mut().zip(g).zip(x) {
            out.write(g * factor - (x - mean) * along - level);
        }
    }

    /// Sum of products of `x` and the distance of `y` from `mean`, in the order of [`sum`].
    pub(crate) fn centred_dot<T>(x: &[T], y: &[T], mean: T) -> f64 {
        let mut total = 0.;
        for (a, b) in x.chunks(BLOCK).zip(y.chunks(BLOCK)) {
            let mut lanes = [T::zero(); LANES];
            let (ca, cb) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
            let rest: f64 = ca.remainder().iter().zip(cb.remainder()).map(|(&p, &q)| (p * (q - mean)).to_f64()).sum();
            for (p, q) in ca.zip(cb) {
                for i in 0..LANES {
                    lanes[i] += p[i] * (q[i] - mean);
                }
            }
            total += lanes.iter().map(|v| v.to_f64()).sum::<f64>() + rest;
        }
        total
    }

    /// Sum of squared distances from `mean`, in the order of [`sum`].
    pub(crate) fn centred_squares<T>(x: &[T], mean: T) -> f64 {
        let mut total = 0.;
        for block in x.chunks(BLOCK) {
            let mut lanes = [T::zero(); LANES];
            let chunks = block.chunks_exact(LANES);
            let rest: f64 = chunks.remainder().iter().map(|&v| ((v - mean) * (v - mean)).to_f64()).sum();
            for chunk in chunks {
                for (lane, &v) in lanes.iter_mut().zip(chunk) {
                    *lane += (v - mean) * (v - mean);
                }
            }
            total += lanes.iter().map(|v| v.to_f64()).sum::<f64>() + rest;
        }
        total
    }
}
