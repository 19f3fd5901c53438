//! Vector instructions: which ones this machine has, and one vocabulary for all of them.
//!
//! A kernel is written once, over [`Vector`], with `#[inline(always)]` functions down to the
//! operations; [`Vector::enter`] compiles it for the instruction set. The portable vectors make a
//! twin of every kernel that runs everywhere and, with `f64`, checks the others.

use candle_core::WithDType;
use std::cell::Cell;
use std::sync::OnceLock;

/// An instruction set the kernels know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Plain Rust, whatever the compiler makes of it.
    #[cfg_attr(target_arch = "aarch64", allow(dead_code, reason = "every aarch64 has NEON; tests use both"))]
    Portable,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, VL and DQ.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 128-bit vectors of aarch64.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

thread_local! {
    static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
}

/// The instruction set that operations called from this thread use: the best there is.
pub(crate) fn level() -> Level {
    static BEST: OnceLock<Level> = OnceLock::new();
    FORCED.get().unwrap_or_else(|| *BEST.get_or_init(best))
}

#[cfg(target_arch = "x86_64")]
fn best() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq");
    match (avx512, avx2) {
        (true, true) => Level::Avx512,
        (false, true) => Level::Avx2,
        _ => Level::Portable,
    }
}

#[cfg(target_arch = "aarch64")]
fn best() -> Level {
    Level::Neon
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn best() -> Level {
    Level::Portable
}

/// All instruction sets of this machine, the best last.
pub(crate) fn levels() -> Vec<Level> {
    let mut levels = vec![Level::Portable];
    #[cfg(target_arch = "x86_64")]
    match best() {
        Level::Avx512 => levels.extend([Level::Avx2, Level::Avx512]),
        Level::Avx2 => levels.push(Level::Avx2),
        Level::Portable => {}
    }
    #[cfg(target_arch = "aarch64")]
    levels.push(Level::Neon);
    levels
}

/// Runs `f` with operations that are called from this thread, and the gradients that it takes, held to one of [`levels`].
pub(crate) fn with_level<R>(level: Level, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Level>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(level)));
    f()
}

/// A piece of work for [`Vector::enter`].
pub(crate) trait Task<V> {
    /// Does it; `#[inline(always)]` in every implementation.
    ///
    /// # Safety
    /// Runs only inside `V::enter`; the pointers it holds are good for what it says it touches.
    unsafe fn run(self);
}

/// One tile of a product, `V::ROWS` by `V::COLS`.
#[derive(Clone, Copy)]
pub(crate) struct Tile<T> {
    pub(crate) a: *const T,
    /// Distance between steps of the left operand; unused if it is sliced.
    pub(crate) a_step: usize,
    pub(crate) b: *const T,
    pub(crate) depth: usize,
    pub(crate) c: *mut T,
    pub(crate) c_stride: usize,
    pub(crate) accumulate: bool,
}

/// A register of `LANES` numbers, and the tile of a matrix product that fits the register file.
///
/// # Safety
/// Implementations that need instruction sets are used only where these exist; pointers are good
/// for `LANES` elements (or what the function says).
pub(crate) trait Vector: Copy + Send + Sync + 'static {
    type Elem: WithDType;
    /// Numbers in a vector.
    const LANES: usize;
    /// Rows of a product tile.
    const ROWS: usize;
    /// Rows of a low tile, for what is left at the end.
    const LOW: usize;
    /// Vectors across a product tile.
    const WIDTH: usize;
    /// Columns of a product tile.
    const COLS: usize = Self::WIDTH * Self::LANES;

    unsafe fn load(from: *const Self::Elem) -> Self;
    unsafe fn store(self, to: *mut Self::Elem);
    unsafe fn splat(value: Self::Elem) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    /// The larger and the smaller of two; NaN if `other` is.
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    /// `self * factor + term`, rounded once where the machine can.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// Writes `from[i * from_stride + j]` to `to[j * to_stride + i]` for `i, j` below `LANES`.
    unsafe fn transpose(from: *const Self::Elem, from_stride: usize, to: *mut Self::Elem, to_stride: usize);
    /// One full tile of a product: see [`super::gemm`].
    unsafe fn tile<const SLICED: bool>(tile: Tile<Self::Elem>);
    /// One low tile.
    unsafe fn low_tile<const SLICED: bool>(tile: Tile<Self::Elem>);
    /// Runs a task compiled for this vector's instruction set.
    unsafe fn enter(task: impl Task<Self>);
}
