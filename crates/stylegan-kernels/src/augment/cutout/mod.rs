//! Rectangles cut out of images.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use super::check_images;
use crate::autodiff::{apply1, wants_grad};
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::ops::Range;
use std::sync::Arc;

/// A rectangle of an image, in pixels; empty where one of its sides is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rectangle {
    /// The columns.
    pub x: Range<usize>,
    /// The rows.
    pub y: Range<usize>,
}

/// Sets the images `x` `[n, c, h, w]` to 0 (the middle of grey) inside a rectangle, the `i`-th
/// inside `rectangles[i]`; what of it lies outside the image does not count (DeVries and Taylor
/// 2017; StyleGAN2-ADA, appendix B).
///
/// # Errors
/// When there is not one rectangle per image.
pub fn cutout(x: &Tensor, rectangles: &[Rectangle]) -> Result<Tensor> {
    check_images("cutout", "rectangles", x, rectangles.len())?;
    if rectangles.iter().all(|rectangle| rectangle.x.is_empty() || rectangle.y.is_empty()) {
        return Ok(x.clone());
    }
    apply1(x, Cutout { rectangles: rectangles.into() })
}

/// Its own adjoint.
#[derive(Clone)]
struct Cutout {
    rectangles: Arc<[Rectangle]>,
}

impl CustomOp1 for Cutout {
    fn name(&self) -> &'static str {
        "stylegan-cutout"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims4()?;
        by_dtype!("cutout", storage, T => {
            Ok((self.cpu::<T>(slice(storage, layout)?, dims), layout.shape().clone()))
        })
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply1(g, self.clone())).transpose()
    }
}
