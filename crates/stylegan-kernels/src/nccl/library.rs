//! NVIDIA's libraries, loaded when they are first used, and those of their functions that exchange takes.

use candle_core::{Result, bail};
use libloading::Library;
use std::error::Error;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::null;
use std::sync::OnceLock;

/// What functions say of how they ended; 0 is well.
pub(super) type Code = c_int;

/// An address in a GPU's memory.
pub(super) type Address = u64;

/// Something that a library knows by its address.
pub(super) type Handle = *mut c_void;

/// The name of a group, as NCCL takes it by value.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct UniqueId(pub(super) [u8; 128]);

/// A table of a library's functions, by the names that the library has for them.
macro_rules! library {
    ($(#[$about:meta])* $name:ident, $file:literal: $($function:ident($($argument:ty),*) -> $answer:ty;)*) => {
        $(#[$about])*
        #[allow(non_snake_case, reason = "the library's names")]
        pub(super) struct $name {
            $(pub(super) $function: unsafe extern "C" fn($($argument),*) -> $answer,)*
        }

        impl $name {
            /// The library, loaded.
            ///
            /// # Errors
            /// When it is not there, or lacks a function.
            pub(super) fn get() -> Result<&'static Self> {
                static LOADED: OnceLock<std::result::Result<$name, String>> = OnceLock::new();
                let load = || -> std::result::Result<_, libloading::Error> {
                    // SAFETY: the library has nothing against being loaded, its functions have these arguments in its
                    // documentation, and as it is never unloaded they stay.
                    unsafe {
                        let library = Library::new($file)?;
                        let loaded = Self { $($function: *library.get(stringify!($function))?,)* };
                        std::mem::forget(library);
                        Ok(loaded)
                    }
                };
                match LOADED.get_or_init(|| load().map_err(reason)) {
                    Ok(loaded) => Ok(loaded),
                    Err(why) => {
                        bail!("{} cannot be loaded; install it, or name its folder in LD_LIBRARY_PATH ({why})", $file)
                    }
                }
            }
        }
    };
}

library! {
    /// The driver.
    Driver, "libcuda.so.1":
    cuInit(c_uint) -> Code;
    cuGetErrorName(Code, *mut *const c_char) -> Code;
    cuDeviceGet(*mut c_int, c_int) -> Code;
    cuDevicePrimaryCtxRetain(*mut Handle, c_int) -> Code;
    cuCtxSetCurrent(Handle) -> Code;
    cuStreamCreate(*mut Handle, c_uint) -> Code;
    cuStreamQuery(Handle) -> Code;
    cuStreamSynchronize(Handle) -> Code;
    cuMemAlloc_v2(*mut Address, usize) -> Code;
    cuMemFree_v2(Address) -> Code;
    cuMemcpyHtoD_v2(Address, *const c_void, usize) -> Code;
    cuMemcpyDtoH_v2(*mut c_void, Address, usize) -> Code;
}

library! {
    /// NCCL.
    Nccl, "libnccl.so.2":
    ncclGetErrorString(Code) -> *const c_char;
    ncclGetUniqueId(*mut UniqueId) -> Code;
    ncclCommInitRank(*mut Handle, c_int, UniqueId, c_int) -> Code;
    ncclCommCount(Handle, *mut c_int) -> Code;
    ncclCommGetAsyncError(Handle, *mut Code) -> Code;
    ncclCommAbort(Handle) -> Code;
    ncclGroupStart() -> Code;
    ncclGroupEnd() -> Code;
    ncclSend(*const c_void, usize, c_int, c_int, Handle, Handle) -> Code;
    ncclRecv(*mut c_void, usize, c_int, c_int, Handle, Handle) -> Code;
    ncclAllGather(*const c_void, *mut c_void, usize, c_int, Handle, Handle) -> Code;
    ncclAllReduce(*const c_void, *mut c_void, usize, c_int, c_int, Handle, Handle) -> Code;
}

/// What the loader says.
fn reason(error: libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// The driver's word for work that goes on.
pub(super) const NOT_READY: Code = 600;

/// NCCL's words for kinds of numbers, and for adding them.
pub(super) const UINT8: c_int = 1;
pub(super) const FLOAT32: c_int = 7;
pub(super) const SUM: c_int = 0;

impl Driver {
    /// Says what the driver has against a call, if anything.
    pub(super) fn check(&self, what: &'static str, code: Code) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        let mut name = null();
        // SAFETY: the driver writes the address of a text that is never freed, for codes that it knows.
        let known = unsafe { (self.cuGetErrorName)(code, &mut name) } == 0 && !name.is_null();
        if !known {
            bail!("{what}: the driver's error {code}")
        }
        // SAFETY: as above.
        bail!("{what}: {}", unsafe { CStr::from_ptr(name) }.to_string_lossy())
    }
}

impl Nccl {
    /// Says what NCCL has against a call, if anything.
    pub(super) fn check(&self, what: &'static str, code: Code) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: NCCL returns a text that is never freed, for any code.
        let text = unsafe { CStr::from_ptr((self.ncclGetErrorString)(code)) };
        bail!("{what}: {}", text.to_string_lossy())
    }
}
