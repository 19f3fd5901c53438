//! Launches of the CUDA kernels: for each kernel of `kernels/*.cu` which threads run and with which
//! parameters, as plain data. A device and the emulator of the tests start kernels by the same plans.
//!
//! A kernel's arguments are its parameters, its inputs, its results, in this order; an input that is
//! left out is a null pointer. Everything is f32, but for places in images ([`augment`]).

pub mod augment;
pub mod bias_act;
pub mod conv;
pub mod gpu;
pub mod label;
pub mod modulate;
pub mod norm;
pub mod optim;
pub mod pad;
pub mod resample;
pub mod spade_norm;
pub mod upfirdn2d;

#[cfg(feature = "cuda")]
pub(crate) mod device;
#[cfg(feature = "cuda")]
pub(crate) mod end;
mod epilogue;
mod launch;
#[cfg(feature = "cuda")]
pub(crate) mod product;

pub use epilogue::{Epilogue, Map};
pub use launch::{Elements, Kernel, Launch};
