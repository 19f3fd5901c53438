//! Building blocks that the networks share.
//!
//! Weights start as N(0, 1) and are scaled at run time by He's constant ("equalised learning rate",
//! PGGAN, section 4.1). The scale goes into the kernels' `gain` argument, so no scaled copy of the
//! weights is ever made and the tensor that a kernel sees is the parameter itself. The layers of SPADE and
//! pix2pixHD know no such scale: their weights start small, and spectral or batch normalisation follows.

mod batch_norm;
mod conv;
mod equalized;
mod growing;
mod instance_norm;
mod linear;
mod mode;
mod noise;
mod norm;
mod pyramid;
mod resample;
mod semantic_map;
mod spectral_norm;
mod style;
mod weight_init;

pub(crate) use batch_norm::{BatchNorm, EPS as NORM_EPS, RunningStatistics};
pub(crate) use conv::{Conv, ConvOptions, UpConv};
pub(crate) use equalized::{EqualizedConv, EqualizedLinear, LinearOptions};
pub(crate) use growing::{GrowingDiscriminator, GrowingOptions};
pub(crate) use instance_norm::instance_norm;
pub(crate) use linear::Linear;
pub use mode::{BufferUpdates, Mode};
pub(crate) use noise::NoiseInput;
pub(crate) use norm::Norm;
pub use norm::NormKind;
pub(crate) use pyramid::{MAX_LEVELS, channel_rule, follows_rule};
pub use pyramid::{Pyramid, channels};
pub use resample::{FusedScale, Resample, ResamplingConv};
pub(crate) use resample::{blur, blur_filter, spread};
pub use semantic_map::SemanticMap;
pub use spectral_norm::power_iteration;
pub use style::Style;
pub use weight_init::WeightInit;

use crate::error::bad_argument;
use crate::{Error, Result};
use candle_core::Tensor;

/// The largest width or number of channels that a configuration may name; products of two and an
/// area still fit into 64 bits.
pub(crate) const MAX_WIDTH: usize = 1 << 24;

/// `a + (b - a) t`, the blend of two resolutions of a growing network.
pub(crate) fn lerp(a: &Tensor, b: &Tensor, t: f64) -> Result<Tensor> {
    Ok(((a * (1. - t))? + (b * t)?)?)
}

/// Checks that `x` is `[n, dims…]` and returns `n`.
pub(crate) fn expect_rows(what: &str, x: &Tensor, dims: &[usize]) -> Result<usize> {
    match x.dims() {
        [n, rest @ ..] if rest == dims => Ok(*n),
        found => {
            let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
            bad_argument!("{what} have shape {found:?}, expected [n, {}]", dims.join(", "))
        }
    }
}

/// Refuses the first field that is 0 or absurdly large.
pub(crate) fn check_positive(fields: &[(&str, usize)]) -> Result<()> {
    check_from(1, fields)
}

/// Refuses an absurdly large width of the label, which may be 0.
pub(crate) fn check_label(c_dim: usize) -> Result<()> {
    check_from(0, &[("c_dim", c_dim)])
}

fn check_from(least: usize, fields: &[(&str, usize)]) -> Result<()> {
    match fields.iter().find(|(_, value)| !(least..=MAX_WIDTH).contains(value)) {
        Some((name, value)) => Err(Error::Config(format!("{name} must be from {least} to {MAX_WIDTH}, found {value}"))),
        None => Ok(()),
    }
}

/// A row of `[n, rows, dim]` as `[n, dim]`.
pub(crate) fn row(ws: &Tensor, index: usize) -> Result<Tensor> {
    Ok(ws.narrow(1, index, 1)?.squeeze(1)?.contiguous()?)
}

/// Images `[n, channels, h, w]` at the size of level `top`: as they are if they have it, averaged
/// down if they have full size.
pub(crate) fn image_at_lod(img: &Tensor, channels: usize, pyramid: &Pyramid, top: usize) -> Result<Tensor> {
    let full = pyramid.levels() - 1;
    let shape = |level| {
        let [h, w] = pyramid.size(level);
        [channels, h, w]
    };
    match img.dims() {
        [_, rest @ ..] if rest == shape(top) => Ok(img.clone()),
        [_, rest @ ..] if rest == shape(full) => {
            (top..full).try_fold(img.clone(), |img, _| Ok(stylegan_kernels::avg_pool2x(&img)?))
        }
        found => bad_argument!(
            "pictures have shape {found:?}, expected [n, c, h, w] with c, h, w {:?} or, at this lod, {:?}",
            shape(full),
            shape(top)
        ),
    }
}
