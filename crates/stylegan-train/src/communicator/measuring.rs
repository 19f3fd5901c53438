//! Ranks that share an evaluation, as `stylegan-metrics` knows them.

use super::Communicator;
use stylegan_metrics::SourceError;
use stylegan_metrics::ranks::Ranks;

/// The ranks of a run, when they measure something together.
#[derive(Clone, Copy)]
pub struct Measuring<'a>(pub &'a dyn Communicator);

impl Ranks for Measuring<'_> {
    fn rank(&self) -> usize {
        self.0.rank()
    }

    fn world_size(&self) -> usize {
        self.0.world_size()
    }

    fn all_gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(self.0.all_gather(bytes)?)
    }

    fn gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, SourceError> {
        let mut parts = vec![vec![]; self.0.world_size()];
        parts[0] = bytes;
        Ok(self.0.all_to_all(parts)?)
    }
}
