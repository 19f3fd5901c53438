//! What generated pictures are to be: for each its truth.

use crate::images::three_channels;
use crate::{Error, Result, SourceError};
use candle_core::Tensor;

/// Gives the truth of a generated picture by its number, `[1, c, h, w]` in [-1, 1] with one channel or three.
pub type TruthOf = Box<dyn Fn(usize) -> std::result::Result<Tensor, SourceError> + Send + Sync>;

/// The name of such a set.
const SET: &str = "truths";

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
    /// When it cannot be read, or is no picture.
    pub(crate) fn truth(&self, number: usize) -> Result<Tensor> {
        let read = |source| Error::Source { set: SET.into(), image: number, source };
        three_channels(&(self.truth)(number).map_err(read)?, number, SET)
    }
}
