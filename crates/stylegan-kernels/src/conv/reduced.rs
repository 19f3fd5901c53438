//! Passes whose convolutions are computed in reduced precision, and the packed weights they use.

use super::cpu::PackedWeight;
use crate::cpu::slice;
use crate::tiles::{Precision, SIDE};
use candle_core::{DType, Result, Storage, Tensor, TensorId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

thread_local! {
    static PASS: RefCell<Option<Pass>> = const { RefCell::new(None) };
}

/// Runs `pass` with the convolutions that it calls from this thread computed in `precision`, with f32 sums: those of f32
/// tensors from and to at least 16 channels; fewer (images) would leave most of a tile empty. All other operations, and
/// what a layer does to a convolution's result, stay in f32, and so do convolutions on a device that has no such products
/// ([`Precision::is_of`]).
///
/// A convolution of which gradients can be taken remembers the precision: its gradients of any order are products of the same
/// kind, also where they are taken after the pass. They are those of the convolution whose factors are not rounded,
/// computed with rounded ones.
///
/// Weights are packed in each pass anew, or once where `kept` keeps them; those that are tracked for each convolution.
pub fn in_precision<R>(precision: Precision, kept: Option<&PackedWeights>, pass: impl FnOnce() -> R) -> R {
    struct Restore(Option<Pass>);
    impl Drop for Restore {
        fn drop(&mut self) {
            PASS.set(self.0.take());
        }
    }
    let new = precision.reduced().map(|precision| Pass { precision, kept: kept.cloned().unwrap_or_default() });
    if let Some(pass) = &new {
        pass.kept.begin_pass();
    }
    let _restore = Restore(PASS.replace(new));
    pass()
}

#[derive(Clone)]
struct Pass {
    precision: Precision,
    kept: PackedWeights,
}

/// The weights of a network in reduced precision, kept from pass to pass by whoever knows that they do not change
/// meanwhile. Each is packed when a pass first uses it, and dropped when a pass has not used it. Clones share what they
/// keep.
#[derive(Debug, Clone, Default)]
pub struct PackedWeights(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    passes: u64,
    /// By tensor, parts and layout; with the pass that used them last.
    weights: HashMap<(TensorId, usize, bool), (u64, Arc<PackedWeight>)>,
}

impl PackedWeights {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what the last pass has not used, such as weights that an earlier one computed from others.
    fn begin_pass(&self) {
        let mut kept = self.lock();
        kept.passes += 1;
        let now = kept.passes;
        kept.weights.retain(|_, (used, _)| *used + 1 >= now);
    }

    fn get(&self, key: (TensorId, usize, bool)) -> Option<Arc<PackedWeight>> {
        let mut kept = self.lock();
        let now = kept.passes;
        kept.weights.get_mut(&key).map(|(used, weight)| {
            *used = now;
            weight.clone()
        })
    }

    fn insert(&self, key: (TensorId, usize, bool), weight: Arc<PackedWeight>) {
        let mut kept = self.lock();
        let now = kept.passes;
        kept.weights.insert(key, (now, weight));
    }
}

/// How precise the convolution of these two tensors is to be, whose weight has `channels` inputs and outputs.
pub(super) fn precision(a: &Tensor, b: &Tensor, channels: [usize; 2]) -> Precision {
    pass_of(a, b, channels).map_or(Precision::F32, |pass| pass.precision)
}

fn pass_of(a: &Tensor, b: &Tensor, channels: [usize; 2]) -> Option<Pass> {
    let pass = PASS.with_borrow(Clone::clone)?;
    let fits = |t: &Tensor| t.dtype() == DType::F32 && pass.precision.is_of(t.device()) && t.elem_count() > 0;
    (fits(a) && fits(b) && channels.into_iter().all(|channels| channels >= SIDE)).then_some(pass)
}

/// The packed weight of a convolution of which nothing is tracked, if it is to be computed by tiles: `weight` is
/// `[outputs, inputs, r, s]`, or `[inputs, outputs, r, s]` where `inputs_first`.
pub(super) fn packed_weight(x: &Tensor, weight: &Tensor, inputs_first: bool) -> Result<Option<Arc<PackedWeight>>> {
    let (a, b, r, s) = weight.dims4()?;
    let Some(pass) = pass_of(x, weight, [a, b]) else { return Ok(None) };
    // A GPU rounds factors as it takes them.
    let Some(parts) = pass.precision.parts().filter(|_| x.device().is_cpu()) else { return Ok(None) };
    let key = (weight.id(), parts, inputs_first);
    if let Some(packed) = pass.kept.get(key) {
        return Ok(Some(packed));
    }
    let channels = if inputs_first { [b, a] } else { [a, b] };
    let whole = weight.contiguous()?;
    let (storage, layout) = whole.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        candle_core::bail!("a convolution in {} works on the CPU, but its weight lies elsewhere", pass.precision)
    };
    let numbers = slice::<f32>(storage, layout)?;
    let packed = Arc::new(PackedWeight::new(numbers, channels, r * s, inputs_first, parts));
    pass.kept.insert(key, packed.clone());
    Ok(Some(packed))
}
