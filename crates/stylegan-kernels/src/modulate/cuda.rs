//! Demodulation on a GPU, where no gradient is recorded.

use crate::cuda::{device, modulate};
use candle_core::{Result, Tensor};

const OP: &str = "demodulation";

/// [`demodulation`](super::demodulation) of `styles` `[n, i]` by the squared norms `energy` `[o, i]` of a weight's kernels.
pub(super) fn demodulation(styles: &Tensor, energy: &Tensor) -> Result<Tensor> {
    let ((n, i), (o, wi)) = (styles.dims2()?, energy.dims2()?);
    if i != wi {
        candle_core::bail!("{OP}: styles {:?}, expected one for each of {wi} channels", styles.dims())
    }
    let (styles, energy) = (styles.contiguous()?, energy.contiguous()?);
    let kept = (styles.storage_and_layout(), energy.storage_and_layout());
    let views = [device::view_kept(OP, &kept.0.0, kept.0.1)?, device::view_kept(OP, &kept.1.0, kept.1.1)?];
    let (device, launch) = (styles.device().as_cuda_device()?, modulate::demodulation(n, i, o)?);
    Ok(device::tensor(device::one(device, &launch, &views.each_ref().map(Some), n * o)?, (n, o)))
}
