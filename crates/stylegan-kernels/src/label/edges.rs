//! Edges between instances.

use super::labels::whole_numbers;
use candle_core::{Result, Tensor};

/// Where instances meet: `[n, 1, h, w]` u8, 1 for each pixel whose number in `instances` `[n, 1, h, w]`
/// (whole numbers) differs from that of the pixel above, below, left or right of it. The outermost pixels
/// are no edges by themselves (the boundary map of Wang et al. 2018, section 3.3).
///
/// # Errors
/// When the tensor has another shape or holds fractions.
pub fn instance_edges(instances: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = instances.dims4()?;
    if c != 1 {
        candle_core::bail!("instance maps of shape {:?}, expected [n, 1, h, w]", instances.dims())
    }
    let ids = whole_numbers(instances)?;
    let mut edges = vec![0u8; ids.len()];
    let mut mark = |a: usize, b: usize| {
        if ids[a] != ids[b] {
            (edges[a], edges[b]) = (1, 1);
        }
    };
    for row in 0..n * h {
        for x in 0..w {
            let at = row * w + x;
            if x > 0 {
                mark(at - 1, at);
            }
            if row % h > 0 {
                mark(at - w, at);
            }
        }
    }
    Tensor::from_vec(edges, (n, 1, h, w), instances.device())
}
