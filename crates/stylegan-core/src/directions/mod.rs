//! Directions in W along which pictures change in one respect, and the file that keeps them.
//!
//! A file is safetensors: `vectors` `[n, w_dim]` f32, `sigmas` `[n]` f64, and in the metadata, as JSON under
//! `extra.directions`, name, style rows and finding of each. Strength 1 along a direction is one sigma: the deviation
//! of the network's styles along it.

mod affine;
mod file;

pub use affine::style_weights;
pub use file::Directions;

use crate::Result;
use crate::layers::expect_rows;
use candle_core::{DType, Tensor};

/// A direction in W.
#[derive(Debug, Clone, PartialEq)]
pub struct Direction {
    /// What it is called by.
    pub name: String,
    /// Style rows that move, from 0.
    pub rows: Vec<usize>,
    /// The vector `[w_dim]`, of unit length.
    pub vector: Vec<f32>,
    /// The deviation of styles along it: strength 1 moves so far.
    pub sigma: f64,
    /// How it was found, in a few words.
    pub how: String,
}

impl Direction {
    /// Style rows `ws` `[n, num_ws, w_dim]` moved `strength` sigmas along the direction, in these rows, or its own.
    ///
    /// # Errors
    /// Style rows of another width.
    pub fn apply(&self, ws: &Tensor, strength: f64, rows: Option<&[usize]>) -> Result<Tensor> {
        let (_, num_ws, w_dim) = ws.dims3()?;
        expect_rows("style rows", ws, &[num_ws, self.vector.len()])?;
        let rows = rows.unwrap_or(&self.rows);
        let step = strength * self.sigma;
        let moves = (0..num_ws).flat_map(|row| {
            let step = if rows.contains(&row) { step } else { 0. };
            self.vector.iter().map(move |v| f64::from(*v) * step)
        });
        let moves = Tensor::from_vec(moves.collect::<Vec<f64>>(), (1, num_ws, w_dim), ws.device())?;
        Ok(ws.to_dtype(DType::F64)?.broadcast_add(&moves)?.to_dtype(ws.dtype())?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn chosen_rows_move_exactly() {
        let direction =
            Direction { name: "d".into(), rows: vec![1, 2], vector: vec![0.6, -0.8], sigma: 0.5, how: String::new() };
        let ws = Tensor::new(&[[[1f32, 1.], [2., 2.], [3., 3.]]], &Device::Cpu).unwrap();
        let moved = |strength, rows: Option<&[usize]>| {
            direction.apply(&ws, strength, rows).unwrap().squeeze(0).unwrap().to_vec2::<f32>().unwrap()
        };
        assert_eq!(moved(2., None), [[1., 1.], [2.6, 1.2], [3.6, 2.2]]);
        assert_eq!(moved(-1., Some(&[0])), [[0.7, 1.4], [2., 2.], [3., 3.]]);
        let narrow = Tensor::zeros((1, 3, 3), DType::F32, &Device::Cpu).unwrap();
        assert!(direction.apply(&narrow, 1., None).is_err());
    }
}
