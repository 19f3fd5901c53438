//! One table per foreign layout: where each of our parameters comes from, and how it changes.

pub mod genforce;
pub mod rosinality;
pub mod tensorflow;
pub mod tensorflow_stylegan2;

use crate::{Error, Result};
use candle_core::Tensor;

/// How a foreign tensor becomes ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// As it is.
    Keep,
    /// `[a, b]` to `[b, a]`.
    Transpose,
    /// A noise map `[1, 1, h, w]` to `[h, w]`.
    Squeeze,
    /// `[1, …]` to `[…]`: what was made ready for a batch, and numbers kept as `[1]`.
    Unbatch,
    /// One number per channel as `[1, c, 1, 1]` to `[c]`.
    Flatten,
    /// A 3x3 kernel `[o, i, 3, 3]` rotated by 180 degrees: fused upsampling in StyleGAN1, whose
    /// transposed convolution takes the kernel unflipped (so do the official networks).
    Rotate,
    /// The same with inputs first, `[i, o, 3, 3]`: fused upsampling in PGGAN.
    RotateTransposed,
    /// The kernel `[c, z, h, w]` of a convolution over a padded pixel to a dense layer's weight
    /// `[c h w, z]`; the convolution sees it rotated by 180 degrees.
    UnfoldRotated,
    /// Counted from 1: TensorFlow's StyleGAN2 adds 1 to the bias of a style.
    PlusOne,
    /// TensorFlow's kernel `[h, w, in, out]` to `[out, in, h, w]`.
    FromHwio,
    /// The same, and rotated: the kernel of StyleGAN's fused upsampling in TensorFlow.
    FromHwioRotated,
    /// `[h, w, out, in]` to `[out, in, h, w]`, rotated: that of PGGAN in TensorFlow.
    FromHwoiRotated,
}

/// One parameter: our name, the foreign name, and the change between them.
pub type Row = (String, String, Change);

/// Renames and reshapes the tensors of `table`; `get` looks one up by its foreign name.
///
/// # Errors
/// When a tensor is missing or of another rank.
pub fn convert(table: &[Row], get: impl Fn(&str) -> Option<Tensor>) -> Result<Vec<(String, Tensor)>> {
    table
        .iter()
        .map(|(ours, theirs, change)| {
            let tensor = get(theirs)
                .ok_or_else(|| Error::Argument(format!("`{theirs}` is missing, which becomes `{ours}` here")))?;
            Ok((ours.clone(), change.apply(&tensor)?))
        })
        .collect()
}

impl Change {
    /// Our tensor from the foreign one.
    ///
    /// # Errors
    /// When the tensor has another rank.
    pub fn apply(self, tensor: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Change::Keep => tensor.clone(),
            Change::Transpose => tensor.t()?.contiguous()?,
            Change::Squeeze => tensor.squeeze(0)?.squeeze(0)?,
            Change::Unbatch => tensor.squeeze(0)?,
            Change::Flatten => tensor.flatten_all()?,
            Change::PlusOne => (tensor + 1.)?,
            Change::FromHwio => tensor.permute((3, 2, 0, 1))?.contiguous()?,
            Change::FromHwioRotated => tensor.permute((3, 2, 0, 1))?.contiguous()?.flip(&[2, 3])?,
            Change::FromHwoiRotated => tensor.permute((2, 3, 0, 1))?.contiguous()?.flip(&[2, 3])?,
            Change::Rotate => tensor.flip(&[2, 3])?,
            Change::RotateTransposed => tensor.flip(&[2, 3])?.transpose(0, 1)?.contiguous()?,
            Change::UnfoldRotated => {
                let (c, z, h, w) = tensor.dims4()?;
                tensor.flip(&[2, 3])?.permute((0, 2, 3, 1))?.contiguous()?.reshape((c * h * w, z))?
            }
        })
    }

    /// The foreign tensor from ours (of gradients as well); `shape` is the foreign shape.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn invert(self, tensor: &Tensor, shape: &[usize]) -> Result<Tensor> {
        Ok(match (self, shape) {
            (Change::Transpose, _) => tensor.t()?.contiguous()?,
            (Change::Squeeze, _) => tensor.unsqueeze(0)?.unsqueeze(0)?,
            (Change::Unbatch, _) => tensor.unsqueeze(0)?,
            (Change::Flatten, _) => tensor.reshape((1, (), 1, 1))?,
            (Change::PlusOne, _) => (tensor - 1.)?,
            (Change::FromHwio, _) => tensor.permute((2, 3, 1, 0))?.contiguous()?,
            (Change::FromHwioRotated, _) => tensor.flip(&[2, 3])?.permute((2, 3, 1, 0))?.contiguous()?,
            (Change::FromHwoiRotated, _) => tensor.flip(&[2, 3])?.permute((2, 3, 0, 1))?.contiguous()?,
            (Change::Rotate, _) => tensor.flip(&[2, 3])?,
            (Change::RotateTransposed, _) => tensor.transpose(0, 1)?.contiguous()?.flip(&[2, 3])?,
            (Change::UnfoldRotated, &[c, z, h, w]) => {
                tensor.reshape((c, h, w, z))?.permute((0, 3, 1, 2))?.contiguous()?.flip(&[2, 3])?
            }
            _ => tensor.reshape(shape)?,
        })
    }
}

pub(super) fn row(ours: &str, theirs: &str, change: Change) -> Row {
    (ours.to_owned(), theirs.to_owned(), change)
}
