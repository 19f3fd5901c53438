//! What reading a foreign file may cost. Parts of a pickle can refer to each other, so a small file
//! may ask for the same tensor a million times, or for lists of lists of lists without end.

use super::ImportError;
use std::cell::Cell;

/// No known checkpoint holds more tensors.
const MAX_TENSORS: usize = 20_000;
/// No known checkpoint has more entries to look at.
const MAX_VISITS: usize = 1_000_000;
/// How many times its own size a file may ask for. Checkpoints store an averaged network that has
/// just been copied once, and use it twice.
const MAX_GROWTH: usize = 8;
/// What any file may ask for.
const FREE: usize = 1 << 20;

/// What is left to spend on one file.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: Cell<usize>,
    visits: Cell<usize>,
    tensors: Cell<usize>,
}

impl Budget {
    /// For a file of `size` bytes.
    pub(super) fn new(size: usize) -> Self {
        Self {
            bytes: Cell::new(size.saturating_mul(MAX_GROWTH).saturating_add(FREE)),
            visits: Cell::new(MAX_VISITS),
            tensors: Cell::new(MAX_TENSORS),
        }
    }

    /// Takes memory.
    pub(super) fn bytes(&self, count: usize) -> Result<(), ImportError> {
        spend(&self.bytes, count, "asks for more memory than a file of its size can fill")
    }

    /// Looks at one more entry.
    pub(super) fn visit(&self) -> Result<(), ImportError> {
        self.visits(1)
    }

    /// Looks at more entries.
    pub(super) fn visits(&self, count: usize) -> Result<(), ImportError> {
        spend(&self.visits, count, "refers to its own parts more often than any checkpoint does")
    }

    /// Makes one more tensor.
    pub(super) fn tensor(&self) -> Result<(), ImportError> {
        spend(&self.tensors, 1, "holds more than 20000 tensors, which no checkpoint does")
    }
}

fn spend(left: &Cell<usize>, cost: usize, problem: &str) -> Result<(), ImportError> {
    let rest = left.get().checked_sub(cost);
    left.set(rest.ok_or_else(|| ImportError(format!("it {problem}")))?);
    Ok(())
}
