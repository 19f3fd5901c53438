//! Kernels on a GPU: their code, their arguments, their results.
//!
//! Memory, stream and module cache are candle's. All work of a device is queued on one stream, so kernels run one after
//! the other.

use super::epilogue::{Epilogue, Map};
use super::launch::{Kernel, Launch};
use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::{
    CudaSlice, CudaView, CudaViewMut, DeviceRepr, DeviceSlice, LaunchConfig, PushKernelArg,
};
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Shape, Storage, Tensor};
use std::ops::Deref;

/// The numbers of a storage on a GPU, in row-major order of its layout.
///
/// # Errors
/// When they are not f32, or the layout has gaps.
pub(crate) fn view<'a>(op: &str, storage: &'a CudaStorage, layout: &Layout) -> Result<CudaView<'a, f32>> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("{op}: an argument of shape {:?} is not contiguous", layout.dims())
    };
    match storage.as_cuda_slice::<f32>() {
        Ok(numbers) => Ok(numbers.slice(start..end)),
        Err(_) => candle_core::bail!("{op}: on a GPU elements are F32; convert with `to_dtype`"),
    }
}

/// The same, of a tensor that an operation keeps.
///
/// # Errors
/// Also when it is not on a GPU.
pub(crate) fn view_kept<'a>(op: &str, storage: &'a Storage, layout: &Layout) -> Result<CudaView<'a, f32>> {
    match storage {
        Storage::Cuda(storage) => view(op, storage, layout),
        _ => candle_core::bail!("{op}: one argument is on a GPU, another is not; move it with `to_device`"),
    }
}

/// The same where a tensor is given.
///
/// # Errors
/// As [`view_kept`].
pub(crate) fn view_if<'a, S: Deref<Target = Storage>>(
    op: &str,
    kept: &'a Option<(S, &Layout)>,
) -> Result<Option<CudaView<'a, f32>>> {
    kept.as_ref().map(|(storage, layout)| view_kept(op, storage, layout)).transpose()
}

/// Memory for `len` numbers.
///
/// # Errors
/// When the GPU has no room.
pub(crate) fn memory(device: &CudaDevice, len: usize) -> Result<CudaSlice<f32>> {
    // SAFETY: what asks for it has all of it written before it is read, by its kernel or by a rank's exchange. CUDA has no
    // memory of no bytes.
    unsafe { device.alloc::<f32>(len.max(1)) }
}

/// Queues a launch: `inputs` by the kernel's signature, none for one that is left out, then `outputs`.
///
/// # Errors
/// When an argument is on another GPU than the device, or the driver does not take the kernel.
pub(crate) fn run<P: Copy>(
    device: &CudaDevice,
    launch: &Launch<P>,
    inputs: &[Option<&CudaView<f32>>],
    outputs: &mut [CudaViewMut<f32>],
) -> Result<()> {
    if launch.blocks == 0 {
        return Ok(());
    }
    let Kernel { module, name } = launch.kernel;
    let stream = device.cuda_stream();
    let given = inputs.iter().flatten().map(|input| input.stream());
    if given.chain(outputs.iter().map(|output| output.stream())).any(|of| of.context() != stream.context()) {
        candle_core::bail!("{name}: its arguments are on several GPUs; move them to one with `to_device`")
    }
    let function = device.get_or_load_custom_func(name, module, code(module)?)?;
    let params = ByValue(launch.params);
    let mut builder = function.builder();
    builder.arg(&params);
    for input in inputs {
        match *input {
            Some(numbers) => builder.arg(numbers),
            None => builder.arg(&0u64),
        };
    }
    for output in outputs {
        builder.arg(output);
    }
    let config = LaunchConfig {
        grid_dim: (launch.blocks, 1, 1),
        block_dim: (launch.threads, 1, 1),
        shared_mem_bytes: launch.shared,
    };
    // SAFETY: the kernel's own parameters, then pointers of this GPU, as was checked, in the order of its signature, to as
    // many numbers as its plan was made for: the callers, each beside the operation, see to both.
    unsafe { builder.launch(config) }.w()?;
    Ok(())
}

/// [`run`] with one result of `len` numbers.
///
/// # Errors
/// As [`run`], and when the GPU has no room.
pub(crate) fn one<P: Copy>(
    device: &CudaDevice,
    launch: &Launch<P>,
    inputs: &[Option<&CudaView<f32>>],
    len: usize,
) -> Result<CudaStorage> {
    let mut result = memory(device, len)?;
    run(device, launch, inputs, &mut [result.as_view_mut()])?;
    Ok(storage(result, device))
}

/// Results as candle keeps them.
pub(crate) fn storage(numbers: CudaSlice<f32>, device: &CudaDevice) -> CudaStorage {
    CudaStorage::wrap_cuda_slice(numbers, device.clone())
}

/// Results as a tensor of which nothing is recorded.
pub(crate) fn tensor(numbers: CudaStorage, shape: impl Into<Shape>) -> Tensor {
    Tensor::from_storage(Storage::Cuda(numbers), shape, BackpropOp::none(), false)
}

/// Parameters, passed by value.
#[repr(transparent)]
struct ByValue<P>(P);

// SAFETY: the parameters of all plans are `repr(C)` structs of numbers, twins of those of the kernels.
unsafe impl<P: Copy> DeviceRepr for ByValue<P> {}

/// The PTX of a module.
fn code(module: &str) -> Result<&'static str> {
    macro_rules! modules {
        ($($name:literal),*) => {
            match module {
                $($name => Ok(include_str!(concat!("ptx/", $name, ".ptx"))),)*
                _ => candle_core::bail!("cuda: there is no module of kernels called {module}"),
            }
        };
    }
    modules!(
        "augment",
        "bias_act",
        "im2col",
        "instance_style",
        "label",
        "minibatch_stddev",
        "modulate",
        "optim",
        "pad",
        "pixel_norm",
        "resample",
        "spade_norm",
        "upfirdn2d",
        "winograd"
    )
}

/// The sums of `rows` rows of `slices` numbers: the second stage of sums that were taken by slices.
///
/// # Errors
/// As [`one`].
pub(crate) fn row_sums(parts: CudaStorage, rows: usize, slices: usize) -> Result<CudaStorage> {
    if slices == 1 {
        return Ok(parts);
    }
    let launch = super::bias_act::row_sum(rows, slices, 1.)?;
    let numbers = parts.as_cuda_slice::<f32>()?.as_view();
    one(&parts.device, &launch, &[Some(&numbers)], rows)
}

/// `gain` times rows of numbers, `[rows, length]`.
///
/// # Errors
/// As [`one`].
pub(crate) fn scaled(numbers: CudaStorage, [rows, length]: [usize; 2], gain: f64) -> Result<CudaStorage> {
    if gain == 1. {
        return Ok(numbers);
    }
    let end = Epilogue::new(Map::new(1., gain, f64::INFINITY), 1., 1, 1)?;
    let launch = super::bias_act::bias_act(rows, length, end)?;
    let x = numbers.as_cuda_slice::<f32>()?.as_view();
    one(&numbers.device, &launch, &[Some(&x), None, None, None, None], rows * length)
}
