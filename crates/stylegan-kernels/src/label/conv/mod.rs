//! Convolution of label maps, and its weight gradient: a linear pair in the weight, closed under
//! differentiation.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use super::Labels;
use crate::autodiff::{apply1, wants_grad};
use crate::conv::output_side;
use crate::cpu::slice;
use crate::cuda::cuda_fwd;
use crate::elementwise::by_dtype;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// [`conv2d`](crate::conv2d) of the one-hot tensor of `labels` with `weight` `[k, channels, r, s]`, as
/// columns of the weight that are looked up and added: a tap costs `k` additions instead of
/// `k * channels` products, and a window of one class costs one look-up. Zeros lie around the maps.
///
/// # Errors
/// When the weight has other channels, or the kernel is larger than the padded maps.
pub fn label_conv2d(labels: &Labels, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    let ((k, c, r, s), [h, w]) = (weight.dims4()?, labels.size());
    let side = |pixels, taps| output_side(pixels, taps, stride, padding);
    let (true, Some(oh), Some(ow)) = (c == labels.channels(), side(h, r), side(w, s)) else {
        candle_core::bail!(
            "label_conv2d: maps [{}, {}, {h}, {w}] do not fit weight {:?} (stride {stride}, padding {padding})",
            labels.batch(),
            labels.channels(),
            weight.dims()
        )
    };
    let shape = WindowShape { k, r, s, oh, ow, stride, padding };
    apply1(weight, LabelConv { labels: labels.clone(), shape, adjoint: false })
}

/// The sizes of a convolution of label maps.
#[derive(Clone, Copy)]
struct WindowShape {
    k: usize,
    r: usize,
    s: usize,
    oh: usize,
    ow: usize,
    stride: usize,
    padding: usize,
}

#[derive(Clone)]
struct LabelConv {
    labels: Labels,
    shape: WindowShape,
    /// From the gradient of the result to that of the weight.
    adjoint: bool,
}

impl CustomOp1 for LabelConv {
    fn name(&self) -> &'static str {
        "stylegan-label-conv2d"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let WindowShape { k, r, s, oh, ow, .. } = self.shape;
        by_dtype!("label_conv2d", storage, T => {
            let x = slice::<T>(storage, layout)?;
            Ok(if self.adjoint {
                (self.cpu_adjoint(x), (k, self.labels.channels(), r, s).into())
            } else {
                (self.cpu(x), (self.labels.batch(), k, oh, ow).into())
            })
        })
    }

    cuda_fwd!(|op, x| op.cuda(x));

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply1(g, Self { adjoint: !self.adjoint, ..self.clone() })).transpose()
    }
}
