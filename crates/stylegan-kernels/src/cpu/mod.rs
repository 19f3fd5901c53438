//! What the CPU kernels share: access to tensor storage, result buffers, reused workspaces, vector
//! instructions chosen at run time, and the matrix-product micro-kernels.

mod arena;
mod buffer;
mod gemm;
mod simd;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

pub(crate) use arena::Scratch;
pub(crate) use buffer::{SharedMut, filled, slice};
pub(crate) use gemm::{Product, product, row_panel};
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::F32x4;
pub(crate) use portable::Plain;
pub(crate) use simd::{Level, Task, Vector, level, levels, with_level};
#[cfg(target_arch = "x86_64")]
pub(crate) use {avx2::F32x8, avx512::F32x16};
