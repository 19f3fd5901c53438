//! What generated pictures are to be: for each its truth.

use crate::{Error, Result, SourceError};
use candle_core::Tensor;

/// Gives the truth of a generated picture by its number, `[1, c, h, w]` in [-1, 1] with one channel or three.
pub type TruthOf = Box<dyn Fn(usize) -> std::result::Result<Tensor, SourceError> + Send + Sync>;

/// The truths of generated pictures.
pub struct Truths {
    of: String,
    truth: TruthOf,
}

impl Truths {
    /// The pictures of a set that is known by `of`, such as its hash.
    pub fn new(of: &str, truth: TruthOf) -> Self {
        Self { of: of.into(), truth }
    }

    /// What the set is known by.
    pub(crate) fn of(&self) -> &str {
        &self.of
    }

    /// The truth of picture `number`, `[1, 3, h, w]`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn truth(&self, number: usize) -> Result<Tensor> {
        let read = |source| Error::Source { set: "truths".into(), image: number, source };
        let truth = (self.truth)(number).map_err(read)?;
        let channels = truth.dim(1)?;
        Ok(if channels == 1 { truth.repeat((1, 3, 1, 1))? } else { truth })
    }
}
