//! Flipping and transposing weights on a GPU.

use super::FlipTranspose;
use crate::cuda::{device, modulate};
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result};

impl FlipTranspose {
    /// The result for `x` `[a, b, kernel]`.
    pub(super) fn cuda(self, (storage, layout): (&CudaStorage, &Layout), dims: [usize; 3]) -> Result<CudaStorage> {
        let x = device::view("conv2d_resample", storage, layout)?;
        let launch = modulate::flip_transpose(dims, self.transpose, self.flip)?;
        device::one(storage.device(), &launch, &[Some(&x)], dims.iter().product())
    }
}
