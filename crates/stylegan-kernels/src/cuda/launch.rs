//! One launch of a kernel.

use candle_core::Result;

/// Threads of every block.
pub(super) const THREADS: u32 = 256;

/// Elements of a block of an elementwise kernel.
const TILE: usize = 1024;

/// Elements of a long sum that one block adds up: what is longer is summed by slices, then the slices are.
const SLICE: usize = 1 << 14;

/// Bytes of shared memory of a block that adds up numbers: one for each of its warps.
pub(super) const SCRATCH: u32 = THREADS / 32 * size_of::<f32>() as u32;

/// Bytes of shared memory that every GPU grants to a block.
pub(super) const MOST_SHARED: usize = 48 << 10;

/// A kernel by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Its file, without `.cu`.
    pub module: &'static str,
    /// Its own name.
    pub name: &'static str,
}

impl Kernel {
    pub(super) const fn new(module: &'static str, name: &'static str) -> Self {
        Self { module, name }
    }
}

/// A kernel with its grid and its parameters. Grid and blocks have one dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Launch<P> {
    /// The kernel.
    pub kernel: Kernel,
    /// Blocks of the grid. No block: nothing is to be done, and CUDA refuses such a launch.
    pub blocks: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of shared memory of a block.
    pub shared: u32,
    /// The kernel's first argument, laid out as in C.
    pub params: P,
}

impl<P> Launch<P> {
    /// # Errors
    /// When there are more blocks than a grid holds.
    pub(super) fn new(kernel: Kernel, blocks: usize, shared: u32, params: P) -> Result<Self> {
        let blocks = int(blocks, "blocks")? as u32;
        Ok(Self { kernel, blocks, threads: THREADS, shared, params })
    }

    /// A launch of a kernel that handles elements one by one.
    ///
    /// # Errors
    /// When there are more elements than a grid reaches.
    pub(super) fn elementwise(kernel: Kernel, elements: usize, params: P) -> Result<Self> {
        Self::new(kernel, elements.div_ceil(TILE), 0, params)
    }
}

/// Where elements of `[rows, plane]` lie.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elements {
    total: i64,
    plane: i32,
}

impl Elements {
    /// Those of `rows` planes.
    ///
    /// # Errors
    /// When a plane has more pixels than kernels count to.
    pub(super) fn new(rows: usize, plane: usize) -> Result<Self> {
        Ok(Self { total: total(rows * plane), plane: int(plane.max(1), "pixels")? })
    }
}

/// A size as kernels count it.
///
/// # Errors
/// When it has more than 31 bits.
pub(super) fn int(size: usize, what: &str) -> Result<i32> {
    match i32::try_from(size) {
        // Room for a tile behind the last element.
        Ok(size) if size <= i32::MAX - TILE as i32 => Ok(size),
        _ => {
            candle_core::bail!("cuda: {size} {what} are more than the 2^31 that kernels count to; use smaller batches")
        }
    }
}

/// The number of elements of a tensor.
pub(super) fn total(elements: usize) -> i64 {
    // Tensors in memory have fewer than 2^63.
    elements as i64
}

/// Into how many slices a sum over `len` elements is cut: a function of its length alone, so that the
/// result does not depend on the GPU.
pub(super) fn slices(len: usize) -> usize {
    len.div_ceil(SLICE).max(1)
}
