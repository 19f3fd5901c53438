//! What pictures are generated from.

use crate::Result;
use candle_core::{DType, Tensor};
use stylegan_core::{Generator, broadcast_ws};

/// The latents and labels of some samples.
#[derive(Debug, Clone)]
pub struct Latents {
    /// `[n, z_dim]`, standard normal.
    pub z: Tensor,
    /// Labels `[n, c_dim]`, for conditional networks.
    pub labels: Option<Tensor>,
    /// Style mixing: second latents `[n, z_dim]`, and `[n, num_ws, 1]` with 1 in the rows that the
    /// first ones style and 0 in the others.
    pub mixing: Option<(Tensor, Tensor)>,
}

impl Latents {
    /// Latents without labels or mixing.
    pub fn new(z: Tensor) -> Self {
        Self { z, labels: None, mixing: None }
    }

    /// Style rows `[n, num_ws, w_dim]`, and the sum over samples of the first latents' styles, which
    /// moves `w_avg`; it is empty for generators without.
    pub(super) fn styles(&self, generator: &dyn Generator) -> Result<(Tensor, Vec<f32>)> {
        let w = generator.mapping(&self.z, self.labels.as_ref().into())?;
        let sum = match generator.w_avg() {
            Some(_) => w.detach().sum(0)?.to_dtype(DType::F32)?.to_vec1()?,
            None => vec![],
        };
        let mut ws = broadcast_ws(&w, generator.spec().num_ws)?;
        if let Some((z, first)) = &self.mixing {
            let other = broadcast_ws(&generator.mapping(z, self.labels.as_ref().into())?, generator.spec().num_ws)?;
            let second = (1. - first)?;
            ws = (ws.broadcast_mul(first)? + other.broadcast_mul(&second)?)?;
        }
        Ok((ws.contiguous()?, sum))
    }
}
