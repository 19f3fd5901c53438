//! The instance map: which pixels belong to the same thing.

use super::Problem;
use super::budget::{self, Budget};
use super::map_file::{Admits, Cells, MapFile};
use super::resample::nearest;
use crate::Result;
use candle_core::{Device, Tensor};
use stylegan_kernels::label::instance_edges;

/// An instance map: a number for every pixel, the same for pixels of the same thing. Networks read only the edges
/// between numbers (Wang et al. 2018, section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceMap {
    /// `[h, w]` in pixels.
    pub size: [usize; 2],
    /// The number of each pixel, row by row.
    pub ids: Vec<u32>,
}

impl InstanceMap {
    /// Decodes a PNG file of any kind: grey values of up to 16 bits, places in a palette, or colours, each a number.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn decode(bytes: &[u8]) -> Result<Self, Problem> {
        Self::decode_within(bytes, &budget::OF_PROCESS, &|_| Ok(()))
    }

    /// As [`decode`](Self::decode), waiting for its share of `budget`, of a size that `admits` lets pass.
    pub(super) fn decode_within(bytes: &[u8], budget: &Budget, admits: Admits) -> Result<Self, Problem> {
        let map = MapFile::read(bytes, budget, admits)?;
        let ids = match map.cells {
            Cells::Numbers(cells) => cells.into_iter().map(u32::from).collect(),
            Cells::Colours(cells) => cells.into_iter().map(|[r, g, b]| u32::from_be_bytes([0, r, g, b])).collect(),
        };
        Ok(Self { size: map.size, ids })
    }

    /// At another size, by nearest neighbours.
    #[must_use]
    pub fn resized(&self, size: [usize; 2]) -> Self {
        Self { size, ids: nearest(&self.ids, self.size, size) }
    }

    /// Edges between instances: `[1, 1, h, w]` u8, 1 for pixels beside one of another number.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub fn edges(&self) -> Result<Tensor> {
        let [h, w] = self.size;
        Ok(instance_edges(&Tensor::from_slice(&self.ids, (1, 1, h, w), &Device::Cpu)?)?)
    }
}
