//! Which GPU to compute on, and why there is none.

use candle_core::Device;
use std::fmt;

/// A GPU that is ready for work.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// What tensors are moved to. All work on it, from any thread, is queued on one stream.
    pub device: Device,
    /// What its maker calls it.
    pub name: String,
}

/// Why a GPU cannot be computed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoGpu {
    /// The program was built without the feature `cuda`.
    NotBuilt,
    /// The driver knows fewer GPUs.
    Missing {
        /// The GPU that was asked for, from 0.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// The driver cannot read the kernels.
    OldDriver {
        /// The CUDA version that it knows: 1000 times the major number and 10 times the minor one.
        found: i32,
    },
    /// The kernels were not compiled for so old a GPU.
    OldGpu {
        /// What its maker calls it.
        name: String,
        /// Its compute capability.
        compute: (i32, i32),
    },
    /// The driver says so.
    Failed {
        /// What was tried.
        what: &'static str,
        /// Its answer.
        answer: String,
    },
}

/// The CUDA version whose drivers read the kernels' PTX, and the driver's release that knows it.
const CUDA: i32 = 13000;

impl fmt::Display for NoGpu {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotBuilt => f.write_str("this program was built for the CPU alone, without the feature `cuda`"),
            Self::Missing { count: 0, .. } => f.write_str("the driver finds no NVIDIA GPU on this machine"),
            Self::Missing { number, count: 1 } => write!(f, "there is one GPU, cuda:0, and no cuda:{number}"),
            Self::Missing { number, count } => {
                write!(f, "there are {count} GPUs, cuda:0 to cuda:{}, and no cuda:{number}", count - 1)
            }
            Self::OldDriver { found } => write!(
                f,
                "the NVIDIA driver is too old: it knows CUDA {}.{}, and CUDA {}.0 is needed (driver 580 or newer)",
                found / 1000,
                found % 1000 / 10,
                CUDA / 1000
            ),
            Self::OldGpu { name, compute: (major, minor) } => {
                write!(f, "the GPU {name} has compute capability {major}.{minor}, and 7.5 or higher is needed")
            }
            Self::Failed { what, answer } => write!(f, "the GPU cannot be used: {what} fails ({answer})"),
        }
    }
}

impl std::error::Error for NoGpu {}

/// Opens GPU `number`, from 0, as the driver counts those that it lets the program see.
///
/// # Errors
/// When there is none to compute on.
#[cfg(not(feature = "cuda"))]
pub fn open(_number: usize) -> Result<Gpu, NoGpu> {
    Err(NoGpu::NotBuilt)
}

/// Opens GPU `number`, from 0, as the driver counts those that it lets the program see.
///
/// # Errors
/// When there is none to compute on.
#[cfg(feature = "cuda")]
pub fn open(number: usize) -> Result<Gpu, NoGpu> {
    use candle_core::cuda_backend::cudarc::driver::{CudaContext, sys};
    fn failed<E: fmt::Debug>(what: &'static str) -> impl Fn(E) -> NoGpu {
        move |error| NoGpu::Failed { what, answer: format!("{error:?}") }
    }
    let mut found = 0;
    // SAFETY: the driver's one call that needs nothing to be set up; it writes the number.
    let answer = unsafe { sys::cuDriverGetVersion(&mut found) };
    answer.result().map_err(failed("asking for the driver's version"))?;
    if found < CUDA {
        return Err(NoGpu::OldDriver { found });
    }
    let count = match CudaContext::device_count() {
        Ok(count) => usize::try_from(count).unwrap_or_default(),
        Err(error) if error.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE => 0,
        Err(error) => return Err(failed("counting GPUs")(error)),
    };
    if number >= count {
        return Err(NoGpu::Missing { number, count });
    }
    // With a stream of its own: candle's other device queues the work of each thread apart, and a tensor that one thread
    // makes and another reads would need an event between them.
    let device = Device::new_cuda_with_stream(number).map_err(failed("opening it"))?;
    let cuda = device.as_cuda_device().map_err(failed("opening it"))?;
    let stream = cuda.cuda_stream();
    let name = stream.context().name().map_err(failed("asking for its name"))?;
    let compute = stream.context().compute_capability().map_err(failed("asking for its compute capability"))?;
    if compute < (7, 5) {
        return Err(NoGpu::OldGpu { name, compute });
    }
    // SAFETY: events keep streams apart, and there is one.
    unsafe { cuda.disable_event_tracking() };
    Ok(Gpu { device, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let sentence = |number, count| NoGpu::Missing { number, count }.to_string();
        assert!(sentence(0, 0).contains("no NVIDIA GPU"));
        assert!(sentence(1, 1).ends_with("one GPU, cuda:0, and no cuda:1"));
        assert!(sentence(8, 8).contains("cuda:0 to cuda:7, and no cuda:8"));
        let old = NoGpu::OldDriver { found: 12080 }.to_string();
        assert!(old.contains("CUDA 12.8") && old.contains("CUDA 13.0"), "{old}");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_program_without_the_feature_has_no_gpu() {
        assert_eq!(open(0).err(), Some(NoGpu::NotBuilt));
    }
}
