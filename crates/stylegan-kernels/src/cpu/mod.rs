//! What the CPU kernels share: typed access to tensor storage.

use candle_core::{CpuStorage, Layout, Result, WithDType};

/// Contiguous elements of a storage, in row-major order of its layout. Errors on strided layouts:
/// operations call `contiguous()` on their arguments first.
pub(crate) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("kernel argument of shape {:?} is not contiguous", layout.dims())
    };
    Ok(&storage.as_slice::<T>()?[start..end])
}
