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

/// The `cuda_fwd` of one of candle's operations, as a function of the operation and its arguments, each a storage with
/// its layout: `cuda_fwd!(|op, x, weight| op.cuda(x, weight));`. Nothing without the feature `cuda`.
macro_rules! cuda_fwd {
    (|$op:ident, $a:ident| $result:expr) => {
        crate::cuda::cuda_fwd!($op, $result, s1 l1 as $a);
    };
    (|$op:ident, $a:ident, $b:ident| $result:expr) => {
        crate::cuda::cuda_fwd!($op, $result, s1 l1 as $a, s2 l2 as $b);
    };
    (|$op:ident, $a:ident, $b:ident, $c:ident| $result:expr) => {
        crate::cuda::cuda_fwd!($op, $result, s1 l1 as $a, s2 l2 as $b, s3 l3 as $c);
    };
    ($op:ident, $result:expr, $($storage:ident $layout:ident as $argument:ident),*) => {
        #[cfg(feature = "cuda")]
        fn cuda_fwd(
            &self,
            $($storage: &candle_core::CudaStorage, $layout: &candle_core::Layout),*
        ) -> candle_core::Result<(candle_core::CudaStorage, candle_core::Shape)> {
            let $op = self;
            $(let $argument = ($storage, $layout);)*
            $result
        }
    };
}
pub(crate) use cuda_fwd;
