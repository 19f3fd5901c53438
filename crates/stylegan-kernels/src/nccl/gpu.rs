//! A GPU as exchange knows it.

use super::library::{Driver, Handle};
use candle_core::Result;
use std::ffi::c_int;
use std::ptr::null_mut;

/// A GPU's primary context, which lives as long as the process, and a stream in it.
#[derive(Clone, Copy)]
pub(super) struct Gpu {
    pub(super) driver: &'static Driver,
    pub(super) context: Handle,
    pub(super) stream: Handle,
}

// SAFETY: handles that are never released; CUDA may be called from any thread, and what does makes the context that of
// its thread first.
unsafe impl Send for Gpu {}

impl Gpu {
    pub(super) fn open(number: usize) -> Result<Self> {
        let driver = Driver::get()?;
        let (mut device, mut context, mut stream) = (0, null_mut(), null_mut());
        // SAFETY: CUDA writes a number and two handles. The stream waits for copies of the default one, and these
        // for it, as flags of zero say.
        unsafe {
            driver.check("cuInit", (driver.cuInit)(0))?;
            driver.check("cuDeviceGet", (driver.cuDeviceGet)(&mut device, number as c_int))?;
            driver.check("cuDevicePrimaryCtxRetain", (driver.cuDevicePrimaryCtxRetain)(&mut context, device))?;
            driver.check("cuCtxSetCurrent", (driver.cuCtxSetCurrent)(context))?;
            driver.check("cuStreamCreate", (driver.cuStreamCreate)(&mut stream, 0))?;
        }
        Ok(Self { driver, context, stream })
    }

    /// Makes this GPU that of the calling thread.
    pub(super) fn enter(self) -> Result<()> {
        // SAFETY: a context that is never released.
        self.driver.check("cuCtxSetCurrent", unsafe { (self.driver.cuCtxSetCurrent)(self.context) })
    }
}
