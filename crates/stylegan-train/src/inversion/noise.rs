//! Noise maps that are optimised, yet must stay noise (StyleGAN2, appendix D).

use candle_core::{Result, Tensor, Var};
use stylegan_kernels::avg_pool2x;

/// The side down to which maps are halved and looked at again.
const LEAST_SIDE: usize = 8;

/// What is larger the more neighbouring values of `map` `[h, w]` agree, at all scales: the sum of the squared
/// correlations with the map moved by one pixel in either direction.
pub(super) fn pattern(map: &Tensor) -> Result<Tensor> {
    let mut map = map.unsqueeze(0)?.unsqueeze(0)?;
    let correlation = |map: &Tensor, dim| (map * moved(map, dim)?)?.mean_all()?.sqr();
    let mut sum = (correlation(&map, 3)? + correlation(&map, 2)?)?;
    loop {
        let (_, _, h, w) = map.dims4()?;
        if h.min(w) <= LEAST_SIDE || h % 2 != 0 || w % 2 != 0 {
            return Ok(sum);
        }
        map = avg_pool2x(&map)?;
        for dim in [3, 2] {
            sum = (sum + correlation(&map, dim)?)?;
        }
    }
}

/// Moved by one along `dim`, the last becoming the first.
fn moved(map: &Tensor, dim: usize) -> Result<Tensor> {
    let side = map.dim(dim)?;
    Tensor::cat(&[map.narrow(dim, side - 1, 1)?, map.narrow(dim, 0, side - 1)?], dim)
}

/// Brings a map to mean 0 and mean square 1, in place.
pub(super) fn normalize(map: &Var) -> Result<()> {
    let values = map.as_detached_tensor();
    let values = values.broadcast_sub(&values.mean_all()?)?;
    map.set(&values.broadcast_div(&values.sqr()?.mean_all()?.sqrt()?)?)
}
