//! Weight averages, gradient sums and the removal of NaN, in place.

use crate::elementwise::{Real, TASK, by_dtype, vectorize};
use crate::threads::for_each_item;
use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, Tensor, Var};

/// `average = weight + (average - weight) * beta` in place: the moving average of weights.
///
/// # Errors
/// When shapes or element types differ.
pub fn ema_step(average: &Var, weight: &Tensor, beta: f64) -> Result<()> {
    update("ema_step", average.as_tensor(), weight, Update::Lerp(beta))
}

/// `sum += term` in place: one node of the tree that adds the gradients of shards up. Whatever
/// shares its storage with `sum` changes with it.
///
/// # Errors
/// When shapes or element types differ, or `sum` is not contiguous.
pub fn add_into(sum: &Tensor, term: &Tensor) -> Result<()> {
    update("add_into", sum, term, Update::Add)
}

/// Replaces NaN by `nan` and clamps to `-bound..=bound`, infinities included, in place (StyleGAN2
/// passes its gradients through it with 0 and 1e5).
///
/// # Errors
/// When `x` is not contiguous.
pub fn nan_to_num(x: &Tensor, nan: f64, bound: f64) -> Result<()> {
    x.inplace_op1(&NanToNum { nan, bound })
}

fn update(op: &str, target: &Tensor, source: &Tensor, update: Update) -> Result<()> {
    if target.dims() != source.dims() || target.dtype() != source.dtype() {
        candle_core::bail!(
            "{op}: {:?} {:?} cannot be updated from {:?} {:?}, expected the same shape and type",
            target.dtype(),
            target.dims(),
            source.dtype(),
            source.dims()
        )
    }
    target.inplace_op2(&source.detach().contiguous()?, &update)
}

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

#[derive(Clone, Copy)]
enum Update {
    Lerp(f64),
    Add,
}

vectorize! {
    fn lerp<T>(a: &mut [T], w: &[T], beta: T) {
        for (a, &w) in a.iter_mut().zip(w) {
            *a = w + (*a - w) * beta;
        }
    }

    fn add<T>(a: &mut [T], b: &[T]) {
        for (a, &b) in a.iter_mut().zip(b) {
            *a += b;
        }
    }

    fn clean<T>(x: &mut [T], nan: T, bound: T) {
        for x in x {
            let low = T::zero() - bound;
            let y = if *x > bound { bound } else { *x };
            let y = if y < low { low } else { y };
            // NaN compares with nothing, itself included.
            *x = if y.partial_cmp(&y).is_some() { y } else { nan };
        }
    }
}

impl InplaceOp2 for Update {
    fn name(&self) -> &'static str {
        "stylegan-update"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        by_dtype!("optim", &*s1, T => {
            let source = crate::cpu::slice::<T>(s2, l2)?;
            let target = slice_mut::<T>(s1, l1)?;
            for_each_item(target.chunks_mut(TASK).zip(source.chunks(TASK)), |(a, b)| match *self {
                Update::Lerp(beta) => lerp(a, b, beta as T),
                Update::Add => add(a, b),
            });
            Ok(())
        })
    }
}

struct NanToNum {
    nan: f64,
    bound: f64,
}

impl InplaceOp1 for NanToNum {
    fn name(&self) -> &'static str {
        "stylegan-nan-to-num"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        by_dtype!("optim", &*storage, T => {
            let x = slice_mut::<T>(storage, layout)?;
            for_each_item(x.chunks_mut(TASK), |x| clean(x, self.nan as T, self.bound as T));
            Ok(())
        })
    }
}
