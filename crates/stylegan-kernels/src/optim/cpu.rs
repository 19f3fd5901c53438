//! Updates in place on the CPU: single passes over memory.

use crate::elementwise::{Real, TASK, vectorize};
use crate::threads::for_each_item;
use candle_core::{CpuStorage, Layout, Result};

/// The elements of a contiguous storage.
pub(super) fn slice_mut<'a, T: Real>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [T]> {
    match (T::elements_mut(storage), layout.contiguous_offsets()) {
        (Some(all), Some((start, end))) => Ok(&mut all[start..end]),
        _ => candle_core::bail!(
            "optim: a tensor of shape {:?} cannot be changed in place: it is not contiguous {:?}",
            layout.dims(),
            T::DTYPE
        ),
    }
}

/// The numbers of an Adam step that are the same for every element.
#[derive(Clone, Copy)]
pub(super) struct Factors<T> {
    pub beta1: T,
    /// 1 less each beta.
    pub rest1: T,
    pub beta2: T,
    pub rest2: T,
    /// Learning rate over the correction of the first moment.
    pub rate: T,
    /// Root of the correction of the second moment.
    pub root: T,
    pub eps: T,
    /// The largest gradient whose square is a number: a second moment that is infinite once would
    /// hold its weight for ever.
    pub largest: T,
}

vectorize! {
    fn adam_slice<T>(w: &mut [T], g: &[T], m: &mut [T], v: &mut [T], f: Factors<T>) {
        for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
            // Comparisons in this order let NaN through.
            let g = if g > f.largest { f.largest } else { g };
            let g = if g < T::zero() - f.largest { T::zero() - f.largest } else { g };
            *m = *m * f.beta1 + g * f.rest1;
            *v = *v * f.beta2 + (g * g) * f.rest2;
            *w -= *m * f.rate / (v.sqrt() / f.root + f.eps);
        }
    }

    fn lerp<T>(a: &mut [T], w: &[T], beta: T) {
        for (a, &w) in a.iter_mut().zip(w) {
            *a = w + (*a - w) * beta;
        }
    }
}

/// A step of the weights `w` and the moments `m` and `v` along the gradient `g`.
pub(super) fn adam<T: Real>(w: &mut [T], g: &[T], m: &mut [T], v: &mut [T], factors: Factors<T>) {
    let tasks = w.chunks_mut(TASK).zip(g.chunks(TASK)).zip(m.chunks_mut(TASK).zip(v.chunks_mut(TASK)));
    for_each_item(tasks, |((w, g), (m, v))| adam_slice(w, g, m, v, factors));
}

/// `average = weight + (average - weight) * beta`
pub(super) fn ema<T: Real>(average: &mut [T], weight: &[T], beta: T) {
    for_each_item(average.chunks_mut(TASK).zip(weight.chunks(TASK)), |(a, w)| lerp(a, w, beta));
}
