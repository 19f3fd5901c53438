//! Styles that a generator makes of random latents, and how they lie.

use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use stylegan_core::latent::StreamKey;
use stylegan_core::{Condition, Generator, Sampler};

/// Latents that are mapped at a time.
const BATCH: usize = 1000;

/// Average and exact covariance of styles, in f64.
#[derive(Debug, Clone)]
pub struct Styles {
    /// How many there were.
    pub count: usize,
    pub(super) mean: Vec<f64>,
    pub(super) covariance: Mat<f64>,
}

impl Styles {
    /// Of `count` latents of `seed`, under the label `[1, c_dim]` of a conditional network. `progress` is told how many
    /// are done.
    ///
    /// # Errors
    /// Fewer than two latents, or a label that the network does not take.
    pub fn new(
        generator: &dyn Generator,
        label: Option<&Tensor>,
        count: usize,
        seed: u64,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        if count < 2 {
            let expected = "at least 2";
            return Err(Error::Parameter { parameter: "number of styles", found: count.to_string(), expected });
        }
        let (sampler, key) = (Sampler::new(generator), StreamKey::new(seed, "styles", 0));
        let dim = generator.spec().w_dim;
        let (mut sum, mut products) = (vec![0.; dim], Mat::<f64>::zeros(dim, dim));
        // Counted from the first batch's average, so that squares do not drown what is wanted.
        let mut centre: Option<Vec<f64>> = None;
        for first in (0..count).step_by(BATCH) {
            let n = BATCH.min(count - first);
            let indices: Vec<u64> = (first as u64..(first + n) as u64).collect();
            let z = sampler.latents(&key, &indices, 0)?;
            let label = label.map(|c| c.broadcast_as((n, c.dim(1)?))?.contiguous()).transpose()?;
            let w = generator.mapping(&z, Condition::from(label.as_ref()))?;
            let w = w.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
            let centre = centre.get_or_insert_with(|| (0..dim).map(|i| mean(w.iter().map(|row| row[i]), n)).collect());
            let rows = Mat::from_fn(n, dim, |i, j| w[i][j] - centre[j]);
            for (j, sum) in sum.iter_mut().enumerate() {
                *sum += (0..n).map(|i| rows[(i, j)]).sum::<f64>();
            }
            matmul(&mut products, Accum::Add, rows.transpose(), &rows, 1., Par::Seq);
            progress(first + n);
        }
        let (n, centre) = (count as f64, centre.unwrap_or_default());
        let covariance = Mat::from_fn(dim, dim, |i, j| (products[(i, j)] - sum[i] * sum[j] / n) / (n - 1.));
        let mean = centre.iter().zip(&sum).map(|(centre, sum)| centre + sum / n).collect();
        Ok(Self { count, mean, covariance })
    }

    /// The average style `[w_dim]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The deviation of styles along a vector of unit length.
    pub fn deviation(&self, vector: &[f64]) -> f64 {
        let row = |i: usize| vector.iter().enumerate().map(|(j, v)| self.covariance[(i, j)] * v).sum::<f64>();
        vector.iter().enumerate().map(|(i, v)| v * row(i)).sum::<f64>().max(0.).sqrt()
    }
}

fn mean(values: impl Iterator<Item = f64>, n: usize) -> f64 {
    values.sum::<f64>() / n as f64
}
