//! One process.

use super::{Communicator, Reduction};
use crate::Result;

/// The world of one process: every exchange returns what was given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Single;

impl Communicator for Single {
    fn rank(&self) -> usize {
        0
    }

    fn world_size(&self) -> usize {
        1
    }

    fn all_reduce(&self, _values: &mut [f32], _reduction: Reduction) -> Result<()> {
        Ok(())
    }

    fn all_reduce_f64(&self, _values: &mut [f64], _reduction: Reduction) -> Result<()> {
        Ok(())
    }

    fn broadcast(&self, _values: &mut [f32], _root: usize) -> Result<()> {
        Ok(())
    }

    fn all_gather(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }

    fn barrier(&self) -> Result<()> {
        Ok(())
    }

    fn abort(&self, _reason: &str) {}
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_with_itself() {
        let mut values = [1f32, 2.];
        Single.all_reduce(&mut values, Reduction::Sum).unwrap();
        Single.broadcast(&mut values, 0).unwrap();
        assert_eq!((values, Single.all_gather(&[3, 4]).unwrap()), ([1., 2.], vec![3, 4]));
        assert_eq!((Single.rank(), Single.world_size()), (0, 1));
    }
}
