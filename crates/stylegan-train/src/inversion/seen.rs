//! What of a picture is compared.

use crate::{Error, Result};
use candle_core::{DType, Tensor};
use stylegan_kernels::resize_area;
use stylegan_metrics::features::PerceptualDistance;

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

/// What of pictures `[1, c, h, w]` is compared: all, or what a mask keeps.
#[derive(Default)]
pub(super) struct Shown {
    /// `[1, 1, h, w]`, 1 where pictures are compared and 0 elsewhere.
    kept: Option<Tensor>,
}

impl Shown {
    /// What `kept` `[1, 1, h, w]` keeps of pictures like `target` `[1, c, h, w]`.
    pub(super) fn within(kept: &Tensor, target: &Tensor) -> Result<Self> {
        let bad = |problem: String| Err(Error::Config { place: "a mask".into(), problem });
        let (_, _, h, w) = target.dims4()?;
        if kept.dims() != [1, 1, h, w] {
            return bad(format!("is {:?}, expected [1, 1, {h}, {w}]", kept.dims()));
        }
        let kept = kept.detach().to_dtype(target.dtype())?.to_device(target.device())?;
        if number(&kept.sum_all()?)? <= 0. {
            return bad("keeps no pixel that pictures could be compared by".into());
        }
        Ok(Self { kept: Some(kept) })
    }

    /// Pictures `[1, c, h, w]` as [`seen`], grey where they are not compared.
    pub(super) fn of(&self, images: &Tensor) -> Result<Tensor> {
        match &self.kept {
            Some(kept) => seen(&images.broadcast_mul(&kept.to_device(images.device())?)?),
            None => seen(images),
        }
    }

    /// Activations of a picture that stays as it is.
    pub(super) fn activations(&self, network: &dyn PerceptualDistance, image: &Tensor) -> Result<Vec<Tensor>> {
        Ok(network.activations(&self.of(image)?)?.iter().map(Tensor::detach).collect())
    }

    /// The mean squared difference of two pictures, of the pixels that are compared.
    pub(super) fn error(&self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let squares = (a - b)?.sqr()?;
        match &self.kept {
            Some(kept) => {
                let part = number(&kept.mean_all()?)?;
                Ok((squares.broadcast_mul(&kept.to_device(a.device())?)?.mean_all()? / part)?)
            }
            None => Ok(squares.mean_all()?),
        }
    }
}

/// The value of a scalar.
pub(super) fn number(x: &Tensor) -> Result<f64> {
    Ok(x.to_dtype(DType::F64)?.to_scalar()?)
}
