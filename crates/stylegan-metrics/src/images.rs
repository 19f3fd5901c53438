//! Batches of images as sources yield them, and as every metric wants them.

use crate::{Error, Result, SourceError};
use candle_core::{DType, Device, Tensor};
use std::ops::Range;

/// What an image source yields: `[n, 3, h, w]` (or one channel) f32 in [-1, 1], or its failure.
pub type Batch = std::result::Result<Tensor, SourceError>;

/// The images of a set by their numbers: the first of those in the range, as many as the source makes at a time;
/// nothing where there are no more. What is cached already, or another rank's, is not asked for.
pub type Images<'a> = Box<dyn Fn(Range<usize>) -> Option<Batch> + 'a>;

/// `images`, of which `first` is the number of the first, as three-channel f32 on the CPU, rounded to 256 levels.
pub(crate) fn rounded(images: &Tensor, first: usize, set: &str) -> Result<Tensor> {
    let images = three_channels(images, first, set)?.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
    let shape = images.shape().clone();
    let size = shape.elem_count() / images.dim(0)?;
    let mut values = images.flatten_all()?.to_vec1::<f32>()?;
    for (i, v) in values.iter_mut().enumerate() {
        if !v.is_finite() {
            let index = first + i / size;
            return Err(Error::NotFinite { what: "pixels", unit: "image", index, set: set.into() });
        }
        *v = (*v * 127.5 + 128.).floor().clamp(0., 255.) / 127.5 - 1.;
    }
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

/// Images with one channel repeated to three; other counts but three are an error.
pub(crate) fn three_channels(images: &Tensor, first: usize, set: &str) -> Result<Tensor> {
    match images.dims() {
        [n, 3, h, w] if n * h * w > 0 => Ok(images.clone()),
        &[n, 1, h, w] if n * h * w > 0 => Ok(images.broadcast_as((n, 3, h, w))?.contiguous()?),
        found => Err(Error::ImageShape { set: set.into(), image: first, found: found.to_vec() }),
    }
}

/// Fails unless pictures to compare have one shape.
pub(crate) fn check_alike(a: &Tensor, b: &Tensor) -> Result<()> {
    if a.dims() == b.dims() {
        return Ok(());
    }
    let shape = |t: &Tensor| format!("{:?}", t.dims());
    Err(Error::Mismatch { what: "shape of pictures to compare", left: shape(a), right: shape(b) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 256 levels: what a picture file would hold. Halves go up as `floor(127.5 x + 128)` says.
    #[test]
    fn rounding_and_grey() {
        let grey = Tensor::new(&[[[[-1f32, -0.5, 0.25, 3.]]]], &Device::Cpu).unwrap();
        let found = rounded(&grey, 0, "real set").unwrap();
        assert_eq!(found.dims(), [1, 3, 1, 4]);
        let levels: Vec<f32> = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let levels: Vec<f32> = levels.iter().map(|v| ((v + 1.) * 127.5).round()).collect();
        assert_eq!(levels, [0., 64., 159., 255.].repeat(3));
    }
}
