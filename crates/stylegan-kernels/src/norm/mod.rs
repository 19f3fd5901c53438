//! Normalisations: per instance with a style, per pixel, and the minibatch standard deviation.

use candle_core::{D, Result, Tensor};

/// Instance normalisation and style (AdaIN): each plane of `x` `[n, c, h, w]` is shifted to mean 0
/// and scaled to variance 1 (biased, `eps` added), then multiplied by `scale` `[n, c]` and shifted
/// by `shift` `[n, c]`. StyleGAN, section 2; its networks pass `1 + y_s` and `y_b`, `eps` 1e-8.
pub fn instance_style(x: &Tensor, scale: &Tensor, shift: &Tensor, eps: f64) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let x = x.reshape((n, c, h * w))?;
    let x = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let rstd = (x.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?.recip()?;
    let x =
        x.broadcast_mul(&rstd)?.broadcast_mul(&scale.reshape((n, c, 1))?)?.broadcast_add(&shift.reshape((n, c, 1))?)?;
    x.reshape((n, c, h, w))
}

/// Scales `x` `[n, c, …]` to a mean square of 1 over its channels at each pixel (`eps` added).
pub fn pixel_norm(x: &Tensor, eps: f64) -> Result<Tensor> {
    x.broadcast_mul(&(x.sqr()?.mean_keepdim(1)? + eps)?.sqrt()?.recip()?)
}

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
    let y = x.reshape((group, n / group, features, c / features * h * w))?;
    let y = y.broadcast_sub(&y.mean_keepdim(0)?)?;
    let y = (y.sqr()?.mean(0)? + 1e-8)?.sqrt()?.mean_keepdim(D::Minus1)?;
    let y = y.reshape((1, n / group, features, 1, 1))?.broadcast_as((group, n / group, features, h, w))?;
    Tensor::cat(&[x, &y.reshape((n, features, h, w))?], 1)
}
