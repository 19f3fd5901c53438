//! Memory of a GPU for bytes on their way between ranks.

use super::gpu::Gpu;
use super::library::Address;
use candle_core::{Result, bail};

/// Memory of a GPU.
pub struct Buffer {
    pub(super) gpu: Gpu,
    pub(super) at: Address,
    len: usize,
}

impl Buffer {
    /// `len` bytes, not initialised.
    pub(super) fn of(gpu: Gpu, len: usize) -> Result<Self> {
        gpu.enter()?;
        let mut at = 0;
        // SAFETY: CUDA writes an address; the context is that of this thread. It refuses to give no bytes.
        gpu.driver.check("cuMemAlloc", unsafe { (gpu.driver.cuMemAlloc_v2)(&mut at, len.max(1)) })?;
        Ok(Self { gpu, at, len })
    }

    /// Its bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies bytes to its beginning.
    ///
    /// # Errors
    /// When they are more than it holds, or the GPU fails.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.len {
            bail!("{} bytes do not fit into a buffer of {}", bytes.len(), self.len)
        }
        self.gpu.enter()?;
        let driver = self.gpu.driver;
        // SAFETY: both sides have that many bytes, as was checked; CUDA has read them when it returns.
        let copied = unsafe { (driver.cuMemcpyHtoD_v2)(self.at, bytes.as_ptr().cast(), bytes.len()) };
        driver.check("cuMemcpyHtoD", copied)
    }

    /// Copies its first bytes.
    ///
    /// # Errors
    /// When they are more than it holds, or the GPU fails.
    pub fn read(&self, bytes: &mut [u8]) -> Result<()> {
        if bytes.len() > self.len {
            bail!("a buffer of {} does not hold {} bytes", self.len, bytes.len())
        }
        self.gpu.enter()?;
        let driver = self.gpu.driver;
        // SAFETY: both sides have that many bytes, as was checked; CUDA has written them when it returns.
        let copied = unsafe { (driver.cuMemcpyDtoH_v2)(bytes.as_mut_ptr().cast(), self.at, bytes.len()) };
        driver.check("cuMemcpyDtoH", copied)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: memory of this context that nobody else frees, and no exchange is under way (`Group::run`).
            unsafe { (self.gpu.driver.cuMemFree_v2)(self.at) };
        }
    }
}
