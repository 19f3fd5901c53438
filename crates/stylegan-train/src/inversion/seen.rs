//! What of a picture is compared.

use crate::Result;
use candle_core::{DType, Tensor};
use stylegan_kernels::resize_area;

/// The side above which pictures are made smaller before they are compared, in pixels.
const SIDE: usize = 256;

/// Pictures as the feature network sees them: of three channels, and not too large.
pub(super) fn seen(images: &Tensor) -> Result<Tensor> {
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
