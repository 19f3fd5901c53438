//! What data augmentation does to images, each image in its own way (StyleGAN2-ADA, appendix B).
//!
//! All operations map `[n, c, h, w]` to the same shape. For given settings each is linear (or affine)
//! in the images and knows its adjoint, which is differentiable in turn: penalties on gradients with
//! respect to images before augmentation are ordinary code on top. Settings are constants.
//!
//! No image's result depends on another image of the batch.

mod affine;
mod color;
mod cutout;
mod image_filter;
mod rows;

pub use affine::{AffineMap, affine_resample};
pub(crate) use affine::{Lattice, OUTSIDE, SYM6};
pub(crate) use color::grey;
pub use color::{ColorMatrix, color_transform};
pub use cutout::{Rectangle, cutout};
pub use image_filter::filter_images;

use candle_core::{Result, Tensor};

/// Checks that an operation has settings for each image of `x`.
fn check_images(op: &str, what: &str, x: &Tensor, settings: usize) -> Result<()> {
    let (n, _, _, _) = x.dims4()?;
    if n != settings {
        candle_core::bail!("{op}: {settings} {what} for {n} images, expected one for each")
    }
    Ok(())
}
