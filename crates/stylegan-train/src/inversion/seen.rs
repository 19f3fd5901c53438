//! Pictures as networks that compare them see them.

use crate::Result;
use candle_core::{DType, Tensor};
use stylegan_kernels::resize_area;

/// The side above which pictures are made smaller before they are compared, in pixels.
const SIDE: usize = 256;

/// Images `[n, c, h, w]` as networks that compare pictures see them: of three channels (`c` is 1, 3 or more), and smaller
/// where a side has more than 256 pixels.
///
/// # Errors
/// When there are two channels, or shapes are not of images.
pub fn seen(images: &Tensor) -> Result<Tensor> {
    let (_, c, h, w) = images.dims4()?;
    let images = match c {
        1 => Tensor::cat(&[images, images, images], 1)?,
        _ => images.narrow(1, 0, 3)?.contiguous()?,
    };
    if h.max(w) <= SIDE {
        return Ok(images);
    }
    let side = |pixels: usize| (pixels * SIDE).div_ceil(h.max(w));
    Ok(resize_area(&images, side(h), side(w))?)
}

/// The value of a scalar.
pub(super) fn number(x: &Tensor) -> Result<f64> {
    Ok(x.to_dtype(DType::F64)?.to_scalar()?)
}
