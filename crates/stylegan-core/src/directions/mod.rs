//! Directions in W along which pictures change in one respect, and the file that keeps them.
//!
//! A file is safetensors: `vectors` `[n, w_dim]` f32, `sigmas` `[n]` f64, and in the metadata, as JSON under
//! `extra.directions`, name, style rows and finding of each. Strength 1 along a direction is one sigma: the deviation
//! of the network's styles along it. A direction in style space (StyleSpace, Wu et al. 2021) names a channel as well: that one
//! number of the style that a layer makes of the row is what moves.

mod affine;
mod file;

pub use affine::{channel_weights, style_weights};
pub use file::Directions;

use crate::Result;
use crate::StyleOffsets;
use crate::error::bad_argument;
use crate::layers::expect_rows;
use candle_core::{DType, Tensor};

/// A direction in W.
#[derive(Debug, Clone, PartialEq)]
pub struct Direction {
    /// What it is called by.
    pub name: String,
    /// Style rows that move, from 0.
    pub rows: Vec<usize>,
    /// The vector `[w_dim]`, of unit length; of a channel, along which styles in W move it most.
    pub vector: Vec<f32>,
    /// The channel of the layer that reads the one row, for a direction in style space.
    pub channel: Option<usize>,
    /// The deviation of styles along it, or of the channel: strength 1 moves so far.
    pub sigma: f64,
    /// How it was found, in a few words.
    pub how: String,
}

impl Direction {
    /// Style rows `ws` `[n, num_ws, w_dim]` moved `strength` sigmas along the direction, in these rows, or its own.
    ///
    /// # Errors
    /// Style rows of another width, or a direction in style space, which no style row can follow.
    pub fn apply(&self, ws: &Tensor, strength: f64, rows: Option<&[usize]>) -> Result<Tensor> {
        if self.channel.is_some() {
            bad_argument!("{} moves a channel of styles and no style rows; see `offsets`", self.name)
        }
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

    /// What moves `strength` sigmas along a direction in style space adds to styles. `weights` are those of
    /// [`channel_weights`]; the row's says how many channels it has.
    ///
    /// # Errors
    /// A direction in W, or a channel that the network has not.
    pub fn offsets(&self, weights: &[Tensor], strength: f64) -> Result<StyleOffsets> {
        let (Some(channel), &[row]) = (self.channel, &self.rows[..]) else {
            bad_argument!("{} is a direction in W; see `apply`", self.name)
        };
        let channels = weights.get(row).map(|weight| weight.dim(0)).transpose()?.unwrap_or(0);
        if channel >= channels {
            bad_argument!(
                "{} moves channel {channel} of style row {row}, and this network has {channels} there; find directions in \
                 this network",
                self.name
            )
        }
        let mut offsets = vec![0f32; channels];
        offsets[channel] = (strength * self.sigma) as f32;
        StyleOffsets::new().with(row, &Tensor::from_vec(offsets, (1, channels), weights[row].device())?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn chosen_rows_move_exactly() {
        let direction = Direction {
            name: "d".into(),
            rows: vec![1, 2],
            vector: vec![0.6, -0.8],
            channel: None,
            sigma: 0.5,
            how: String::new(),
        };
        let ws = Tensor::new(&[[[1f32, 1.], [2., 2.], [3., 3.]]], &Device::Cpu).unwrap();
        let moved = |strength, rows: Option<&[usize]>| {
            direction.apply(&ws, strength, rows).unwrap().squeeze(0).unwrap().to_vec2::<f32>().unwrap()
        };
        assert_eq!(moved(2., None), [[1., 1.], [2.6, 1.2], [3.6, 2.2]]);
        assert_eq!(moved(-1., Some(&[0])), [[0.7, 1.4], [2., 2.], [3., 3.]]);
        let narrow = Tensor::zeros((1, 3, 3), DType::F32, &Device::Cpu).unwrap();
        assert!(direction.apply(&narrow, 1., None).is_err());
        // A channel moves by itself, where there is one.
        let weights = vec![Tensor::zeros((3, 2), DType::F32, &Device::Cpu).unwrap(); 2];
        assert!(direction.offsets(&weights, 1.).is_err());
        let channel = |channel| Direction { rows: vec![1], channel: Some(channel), ..direction.clone() };
        let offsets = channel(2).offsets(&weights, 3.).unwrap();
        let style = offsets.add(1, Tensor::ones((1, 3), DType::F32, &Device::Cpu).unwrap()).unwrap();
        assert_eq!(style.to_vec2::<f32>().unwrap(), [[1., 1., 2.5]]);
        assert!(channel(3).offsets(&weights, 1.).is_err() && channel(2).apply(&ws, 1., None).is_err());
    }
}
