//! Running statistics of batch normalisations: a pass in training mode leaves them, and they go with a batch's sums to
//! the phase's end.

use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use stylegan_core::Params;
use stylegan_core::layers::BufferUpdates;

/// Their name among a batch's sums.
pub(super) const RUNNING: &str = "running_statistics";

/// What a pass over `n` pictures leaves, by the order of names, times the pictures: a sum over samples, as all that a
/// shard hands on, whose mean over the batch is the statistic again.
pub(super) fn left(updates: &BufferUpdates, n: usize) -> Result<Vec<f32>> {
    let mut notes = updates.notes();
    notes.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut left = vec![];
    for (_, note) in notes {
        left.extend(note.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?.into_iter().map(|x| x * n as f32));
    }
    Ok(left)
}

/// Takes up the statistics of a network (`what`, for errors) in the order of their names.
pub(super) fn store(params: &Params, values: &[f32], what: &str) -> Result<()> {
    let is_statistic = |name: &str| name.ends_with("running_mean") || name.ends_with("running_var");
    let mut rest = values;
    for (name, var) in params.vars().into_iter().filter(|(name, _)| is_statistic(name)) {
        let Some((own, others)) = rest.split_at_checked(var.elem_count()) else {
            return Err(Error::Config {
                place: "the running statistics of a phase".into(),
                problem: format!("end before {name}; the {what} notes one for each normalisation"),
            });
        };
        rest = others;
        let own = Tensor::from_slice(own, var.shape(), &Device::Cpu)?.to_dtype(var.dtype())?;
        var.set(&own.to_device(var.device())?)?;
    }
    Ok(())
}
