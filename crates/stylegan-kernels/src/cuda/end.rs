//! The end of a layer with its arrays on a GPU.

use super::bias_act;
use super::device;
use super::epilogue::Epilogue;
use candle_core::cuda_backend::cudarc::driver::CudaView;
use candle_core::{CudaDevice, CudaStorage, Result};

/// What is done to a result, by the kernel that writes it or by one of its own.
pub(crate) struct End<'a> {
    /// What kernels are told of it.
    pub plan: Epilogue,
    /// Scale, noise, strength and bias.
    pub arrays: [Option<CudaView<'a, f32>>; 4],
}

impl End<'_> {
    /// Applies it to `x` `[rows, plane]` by a launch of its own.
    ///
    /// # Errors
    /// As [`device::one`].
    pub(crate) fn apply(
        &self,
        device: &CudaDevice,
        x: &CudaView<f32>,
        [rows, plane]: [usize; 2],
    ) -> Result<CudaStorage> {
        let [scale, noise, strength, bias] = self.inputs();
        let launch = bias_act::bias_act(rows, plane, self.plan)?;
        device::one(device, &launch, &[Some(x), scale, noise, strength, bias], rows * plane)
    }

    fn inputs(&self) -> [Option<&CudaView<'_, f32>>; 4] {
        self.arrays.each_ref().map(Option::as_ref)
    }
}

/// The plan and the inputs of an end, for a kernel that has one; those of the identity for none.
pub(crate) fn parts<'a>(end: Option<&'a End>) -> (Epilogue, [Option<&'a CudaView<'a, f32>>; 4]) {
    end.map_or((Epilogue::none(), [None; 4]), |end| (end.plan, end.inputs()))
}
