//! Affine resampling of images between two wavelet filters, and its adjoint.
//!
//! ```text
//! image ─ reflected margin ─ 2x up, sym6 ─ bilinear samples at 2(h+6) x 2(w+6) ─ 2x down, sym6 ─ image
//! ```
//!
//! The filters are each other's adjoints and orthogonal, so the identity changes nothing.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod lattice;
mod map;

pub(crate) use lattice::{Lattice, OUTSIDE, SYM6};
pub use map::AffineMap;

use super::check_images;
use crate::autodiff::{apply1, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::sync::Arc;

/// Moves, turns and stretches the images `x` `[n, c, h, w]`, the `i`-th by `maps[i]`: twice
/// upsampled with the 12 taps of sym6, sampled bilinearly, downsampled with the same filter
/// (StyleGAN2-ADA, appendix B). An image goes on in its mirror image as far as its map's margin, and
/// is 0 beyond.
///
/// # Errors
/// When there is not one map per image, a map is of larger images, or an image with its margins has more than 2³⁰ samples.
pub fn affine_resample(x: &Tensor, maps: &[AffineMap]) -> Result<Tensor> {
    check_images("affine_resample", "maps", x, maps.len())?;
    let (_, _, h, w) = x.dims4()?;
    for map in maps {
        let [left, right, top, bottom] = map.margins();
        let samples = [w, left, right]
            .into_iter()
            .fold(0, usize::saturating_add)
            .saturating_mul([h, top, bottom].into_iter().fold(0, usize::saturating_add));
        if samples > 1 << 28 {
            candle_core::bail!(
                "affine_resample: an image of {h}x{w} pixels with margins {:?} is too large to be upsampled",
                map.margins()
            )
        }
        if !map.is_identity() && (left.max(right) >= w.max(1) || top.max(bottom) >= h.max(1)) {
            candle_core::bail!(
                "affine_resample: an image of {h}x{w} pixels has no margins {:?}; its map was made for one of another size",
                map.margins()
            )
        }
    }
    if maps.iter().all(AffineMap::is_identity) {
        return Ok(x.clone());
    }
    apply1(x, AffineResample { maps: maps.into(), adjoint: false })
}

struct AffineResample {
    maps: Arc<[AffineMap]>,
    /// Whether gradients are carried from results back to images.
    adjoint: bool,
}

impl CustomOp1 for AffineResample {
    fn name(&self) -> &'static str {
        "stylegan-affine-resample"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims4()?;
        by_dtype!("affine_resample", storage, T => {
            Ok((self.cpu::<T>(slice(storage, layout)?, dims), layout.shape().clone()))
        })
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply1(g, Self { maps: self.maps.clone(), adjoint: !self.adjoint })).transpose()
    }
}
