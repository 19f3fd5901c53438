//! Separable filters, one for each image.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use super::check_images;
use crate::autodiff::{apply1, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::sync::Arc;

/// Filters the images `x` `[n, c, h, w]` along rows and columns, the `i`-th with the taps
/// `filters[i]` (an odd number; correlation, centred), or not at all. Images go on in their mirror
/// images, as often as a filter reaches (StyleGAN2-ADA, appendix B).
///
/// # Errors
/// When there is not one filter per image, or one has an even number of taps.
pub fn filter_images(x: &Tensor, filters: &[Option<Vec<f64>>]) -> Result<Tensor> {
    check_images("filter_images", "filters", x, filters.len())?;
    if let Some(taps) = filters.iter().flatten().find(|taps| taps.len() % 2 == 0) {
        candle_core::bail!("filter_images: a filter of {} taps has no centre, expected an odd number", taps.len())
    }
    if filters.iter().all(Option::is_none) {
        return Ok(x.clone());
    }
    apply1(x, FilterImages { filters: filters.into(), adjoint: false })
}

struct FilterImages {
    filters: Arc<[Option<Vec<f64>>]>,
    /// Whether gradients are carried from results back to images.
    adjoint: bool,
}

impl CustomOp1 for FilterImages {
    fn name(&self) -> &'static str {
        "stylegan-filter-images"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims4()?;
        by_dtype!("filter_images", storage, T => {
            Ok((self.cpu::<T>(slice(storage, layout)?, dims), layout.shape().clone()))
        })
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let adjoint = || Self { filters: self.filters.clone(), adjoint: !self.adjoint };
        wants_grad(x).then(|| apply1(g, adjoint())).transpose()
    }
}
