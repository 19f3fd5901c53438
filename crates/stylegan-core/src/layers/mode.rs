//! How a pass through a network treats statistics of the batch, and what it leaves behind.

use crate::{Error, Params, Result};
use candle_core::Tensor;
use std::sync::{Mutex, PoisonError};

/// Whether layers normalise by running statistics or by those of the batch.
#[derive(Debug, Clone, Copy, Default)]
pub enum Mode<'a> {
    /// Running statistics: each sample by itself, nothing changes.
    #[default]
    Eval,
    /// Statistics of the batch; the running statistics that follow from it are noted down, for whoever
    /// trains to [store](BufferUpdates::store).
    Train(&'a BufferUpdates),
}

/// New values of buffers by their names, as a pass in training mode found them. Networks never change
/// their own: a backward pass may still need the old values.
#[derive(Debug, Default)]
pub struct BufferUpdates(Mutex<Vec<(String, Tensor)>>);

impl BufferUpdates {
    /// Notes the new value of buffer `name`.
    pub(crate) fn note(&self, name: String, value: Tensor) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((name, value));
    }

    /// The notes so far, in the order of the layers.
    pub fn notes(&self) -> Vec<(String, Tensor)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes the new values into the network's parameters.
    ///
    /// # Errors
    /// When a buffer is not among `params`, or has another shape there.
    pub fn store(&self, params: &Params) -> Result<()> {
        for (name, value) in self.notes() {
            match params.get(&name) {
                Some(buffer) => buffer.set(&value)?,
                None => return Err(Error::MissingParameter { name, shape: value.dims().to_vec() }),
            }
        }
        Ok(())
    }
}
