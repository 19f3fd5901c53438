//! Loops over the numbers of pictures and activations in main memory.

use candle_core::{Device, Result, Storage, Tensor};
use stylegan_kernels::threads;

/// Calls `f` with the numbers of `x`, f32, in the order of its dimensions.
pub(super) fn with_numbers<R>(x: &Tensor, f: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let x = x.to_device(&Device::Cpu)?.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(f(&storage.as_slice()?[layout.start_offset()..][..x.elem_count()])),
        _ => candle_core::bail!("a tensor moved to main memory is not there"),
    }
}

/// `[n, c, size[0], size[1]]`: calls `f` with each plane `[h, w]` of `x` `[n, c, h, w]`, f32, and the plane of zeros
/// that it becomes.
pub(super) fn each_plane(x: &Tensor, size: [usize; 2], f: impl Fn(&[f32], &mut [f32]) + Sync + Send) -> Result<Tensor> {
    let ((n, c, h, w), [oh, ow]) = (x.dims4()?, size);
    let mut out = vec![0f32; n * c * oh * ow];
    with_numbers(x, |source| {
        threads::for_each_chunk(&mut out, oh * ow, |i, out| f(&source[i * h * w..][..h * w], out));
    })?;
    Tensor::from_vec(out, (n, c, oh, ow), &Device::Cpu)?.to_device(x.device())
}
