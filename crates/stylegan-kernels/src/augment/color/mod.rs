//! Colours of images, each with a matrix of its own.

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

/// How the colours of one image change: row `i` holds the weights of red, green and blue in channel
/// `i` of the result, then what is added.
pub type ColorMatrix = [[f64; 4]; 3];

/// Maps the colours of the images `x` `[n, c, h, w]`, the `i`-th by `matrices[i]` (StyleGAN2-ADA,
/// appendix B). The first three channels are red, green and blue; more than these (alpha, depth)
/// stay as they are. Of one or two channels the first is grey: it changes as the mean of the
/// channels of the grey image does.
///
/// # Errors
/// When there is not one matrix per image.
pub fn color_transform(x: &Tensor, matrices: &[ColorMatrix]) -> Result<Tensor> {
    check_images("color_transform", "matrices", x, matrices.len())?;
    let identity = [[1., 0., 0., 0.], [0., 1., 0., 0.], [0., 0., 1., 0.]];
    if matrices.iter().all(|matrix| *matrix == identity) {
        return Ok(x.clone());
    }
    apply1(x, ColorTransform { matrices: matrices.into() })
}

/// What the mean over the channels of a grey image is multiplied by, and what is added to it.
pub(crate) fn grey(matrix: &ColorMatrix) -> [f64; 2] {
    let rows = || matrix.iter();
    let factor: f64 = rows().map(|row| row[0] + row[1] + row[2]).sum();
    [factor / 3., rows().map(|row| row[3]).sum::<f64>() / 3.]
}

struct ColorTransform {
    matrices: Arc<[ColorMatrix]>,
}

impl ColorTransform {
    /// Gradients are mapped by the transposed matrix, and nothing is added to them.
    fn adjoint(&self) -> Self {
        let transposed =
            |m: &ColorMatrix| std::array::from_fn(|i| std::array::from_fn(|j| if j < 3 { m[j][i] } else { 0. }));
        Self { matrices: self.matrices.iter().map(transposed).collect() }
    }
}

impl CustomOp1 for ColorTransform {
    fn name(&self) -> &'static str {
        "stylegan-color-transform"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims4()?;
        by_dtype!("color_transform", storage, T => {
            Ok((self.cpu::<T>(slice(storage, layout)?, dims), layout.shape().clone()))
        })
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply1(g, self.adjoint())).transpose()
    }
}
