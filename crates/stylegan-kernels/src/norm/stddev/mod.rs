//! Minibatch standard deviation.

#[cfg(feature = "cuda")]
mod cuda;

use candle_core::{D, Result, Tensor};

/// Appends `features` channels that hold the standard deviation over groups of `group` samples,
/// averaged over channels and pixels (PGGAN, section 3). Sample `i` belongs to group
/// `i mod (n / group)`; `group` is lowered to `n` if larger. `x` is `[n, c, h, w]`.
///
/// # Errors
/// When `n` is not a multiple of the group size, or `c` of `features`.
pub fn minibatch_stddev(x: &Tensor, group: usize, features: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let group = group.min(n).max(1);
    if n % group != 0 || features == 0 || c % features != 0 {
        candle_core::bail!(
            "minibatch_stddev: {n} samples of {c} channels do not divide into groups of {group} and {features} features"
        )
    }
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() {
        return cuda::minibatch_stddev(x, group, features);
    }
    let y = x.reshape((group, n / group, features, c / features * h * w))?;
    let y = y.broadcast_sub(&y.mean_keepdim(0)?)?;
    let y = (y.sqr()?.mean(0)? + 1e-8)?.sqrt()?.mean_keepdim(D::Minus1)?;
    let y = y.reshape((1, n / group, features, 1, 1))?.broadcast_as((group, n / group, features, h, w))?;
    Tensor::cat(&[x, &y.reshape((n, features, h, w))?], 1)
}
