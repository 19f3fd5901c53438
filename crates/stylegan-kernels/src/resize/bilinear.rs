//! Bilinear interpolation, and its adjoint.

use crate::autodiff::{apply1, wants_grad};
use crate::elementwise::{Real, by_dtype, vectorize, written, zeroed};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use std::mem::MaybeUninit;

/// Resizes `x` `[n, c, h, w]` to `height` x `width` by linear interpolation between the two nearest
/// pixels in each direction, without a low-pass filter. With `align_corners` the centres of the
/// corner pixels coincide, else the corners of the images do (and edge pixels repeat outwards), as
/// in PyTorch's `interpolate`.
///
/// # Errors
/// When a side is 0.
pub fn resize_bilinear(x: &Tensor, height: usize, width: usize, align_corners: bool) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if [height, width, h, w].contains(&0) {
        candle_core::bail!("resize_bilinear: {h}x{w} to {height}x{width} pixels, expected at least 1x1")
    }
    apply1(x, Bilinear { from: [h, w], to: [height, width], align_corners, adjoint: false })
}

#[derive(Clone, Copy)]
struct Bilinear {
    from: [usize; 2],
    to: [usize; 2],
    align_corners: bool,
    /// Whether gradients are carried from `to` back to `from`.
    adjoint: bool,
}

/// For each output of one axis: the first of the two inputs, and the weight of the second. Both
/// inputs are the same at the far edge.
fn axis<T: Real>(from: usize, to: usize, align_corners: bool) -> Vec<(usize, usize, T)> {
    (0..to)
        .map(|i| {
            let at = match (align_corners, to) {
                (true, 1) => 0.,
                (true, _) => i as f64 * (from - 1) as f64 / (to - 1) as f64,
                (false, _) => ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.),
            };
            let first = (at as usize).min(from - 1);
            (first, (first + 1).min(from - 1), T::from_f64(at - first as f64))
        })
        .collect()
}

vectorize! {
    fn blend<T>(a: &[T], b: &[T], weight: T, out: &mut [T]) {
        for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *out = a * (T::one() - weight) + b * weight;
        }
    }

    fn add_scaled<T>(x: &[T], weight: T, out: &mut [T]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out += x * weight;
        }
    }
}

impl Bilinear {
    fn run<T: Real>(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let ([h, w], [oh, ow]) = (self.from, self.to);
        let (n, c, _, _) = layout.shape().dims4()?;
        let x = crate::cpu::slice::<T>(storage, layout)?;
        let rows = axis::<T>(h, oh, self.align_corners);
        let columns = axis::<T>(w, ow, self.align_corners);
        let (small, large) = (h * w, oh * ow);
        let (len, shape) = if self.adjoint { (small, (n, c, h, w)) } else { (large, (n, c, oh, ow)) };
        let write = |y: &mut [MaybeUninit<T>]| {
            crate::threads::for_each_chunk(y, len, |plane, y| {
                let mut row = vec![T::zero(); w];
                if self.adjoint {
                    let g = &x[plane * large..][..large];
                    let y = zeroed(y);
                    for (g, &(top, bottom, weight)) in g.chunks(ow).zip(&rows) {
                        row.fill(T::zero());
                        for (&g, &(left, right, weight)) in g.iter().zip(&columns) {
                            row[left] += g * (T::one() - weight);
                            row[right] += g * weight;
                        }
                        add_scaled(&row, T::one() - weight, &mut y[top * w..][..w]);
                        add_scaled(&row, weight, &mut y[bottom * w..][..w]);
                    }
                    return;
                }
                let x = &x[plane * small..][..small];
                for (y, &(top, bottom, weight)) in y.chunks_mut(ow).zip(&rows) {
                    blend(&x[top * w..][..w], &x[bottom * w..][..w], weight, &mut row);
                    for (y, &(left, right, weight)) in y.iter_mut().zip(&columns) {
                        y.write(row[left] * (T::one() - weight) + row[right] * weight);
                    }
                }
            })
        };
        // SAFETY: planes are written from planes: zeroed first, or every row and column in turn.
        Ok((unsafe { written(n * c * len, write) }, shape.into()))
    }
}

impl CustomOp1 for Bilinear {
    fn name(&self) -> &'static str {
        "stylegan-bilinear"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        by_dtype!("resize_bilinear", storage, T => self.run::<T>(storage, layout))
    }

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| apply1(g, Self { adjoint: !self.adjoint, ..*self })).transpose()
    }
}
