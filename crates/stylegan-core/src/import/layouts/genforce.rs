//! The names of genforce's StyleGAN1 and PGGAN modules (`stylegan_generator.py` and its siblings).
//!
//! Each function returns, for every parameter of our network, its foreign name and how the foreign
//! tensor becomes ours.

use crate::layers::Pyramid;
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
    /// A 3x3 kernel `[o, i, 3, 3]` rotated by 180 degrees: fused upsampling in StyleGAN1, whose
    /// transposed convolution takes the kernel unflipped (so do the official networks).
    Rotate,
    /// The same with inputs first, `[i, o, 3, 3]`: fused upsampling in PGGAN.
    RotateTransposed,
    /// The kernel `[c, z, h, w]` of a convolution over a padded pixel to a dense layer's weight
    /// `[c h w, z]`; the convolution sees it rotated by 180 degrees.
    UnfoldRotated,
}

/// One parameter: our name, the foreign name, and the change between them.
pub type Row = (String, String, Change);

/// A StyleGAN1 generator of `levels` resolutions, with `mapping_layers` layers; `fused` says of a
/// level whether it upsamples by a transposed convolution.
pub fn stylegan1_generator(
    levels: usize,
    mapping_layers: usize,
    conditional: bool,
    fused: impl Fn(usize) -> bool,
) -> Vec<Row> {
    use Change::{Keep, Rotate, Squeeze, Transpose};
    let mut rows = vec![row("mapping.w_avg", "truncation.w_avg", Keep)];
    if conditional {
        rows.push(row("mapping.embed.weight", "mapping.label_weight", Transpose));
    }
    for i in 0..mapping_layers {
        for part in ["weight", "bias"] {
            rows.push(row(&format!("mapping.fc{i}.{part}"), &format!("mapping.dense{i}.{part}"), Keep));
        }
    }
    rows.push(row("synthesis.b4.const", "synthesis.layer0.const", Keep));
    for level in 0..levels {
        let block = format!("synthesis.b{}", Pyramid::resolution(level));
        for half in 0..2 {
            let (ours, theirs) = (format!("{block}.conv{half}"), format!("synthesis.layer{}", 2 * level + half));
            if level + half > 0 {
                let change = if half == 0 && fused(level) { Rotate } else { Keep };
                rows.push(row(&format!("{ours}.weight"), &format!("{theirs}.weight"), change));
            }
            for (our_part, their_part, change) in [
                ("bias", "bias", Keep),
                ("noise_strength", "apply_noise.weight", Keep),
                ("noise_const", "apply_noise.noise", Squeeze),
                ("style.weight", "style.weight", Keep),
                ("style.bias", "style.bias", Keep),
            ] {
                rows.push(row(&format!("{ours}.{our_part}"), &format!("{theirs}.{their_part}"), change));
            }
        }
        for part in ["weight", "bias"] {
            rows.push(row(&format!("{block}.torgb.{part}"), &format!("synthesis.output{level}.{part}"), Keep));
        }
    }
    rows
}

/// A PGGAN generator of `levels` resolutions; `fused` as for [`stylegan1_generator`].
pub fn pggan_generator(levels: usize, fused: impl Fn(usize) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for level in 0..levels {
        let block = format!("synthesis.b{}", Pyramid::resolution(level));
        for part in ["weight", "bias"] {
            let change = match (part, level) {
                ("weight", 0) => Change::UnfoldRotated,
                ("weight", level) if fused(level) => Change::RotateTransposed,
                _ => Change::Keep,
            };
            let first = if level == 0 { "fc" } else { "conv0" };
            rows.push(row(&format!("{block}.{first}.{part}"), &format!("layer{}.{part}", 2 * level), change));
            rows.push(row(&format!("{block}.conv1.{part}"), &format!("layer{}.{part}", 2 * level + 1), Change::Keep));
            rows.push(row(&format!("{block}.torgb.{part}"), &format!("output{level}.{part}"), Change::Keep));
        }
    }
    rows
}

/// A discriminator of `levels` resolutions, of StyleGAN1 or PGGAN.
pub fn discriminator(levels: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for part in ["weight", "bias"] {
        for level in 0..levels {
            // Foreign inputs and layers count from the largest resolution down.
            let (block, from_top) = (format!("b{}", Pyramid::resolution(level)), levels - 1 - level);
            rows.push(row(&format!("{block}.fromrgb.{part}"), &format!("input{from_top}.{part}"), Change::Keep));
            let names: &[&str] = if level == 0 { &["conv", "fc", "out"] } else { &["conv0", "conv1"] };
            for (i, name) in names.iter().enumerate() {
                let theirs = format!("layer{}.{part}", 2 * from_top + i);
                rows.push(row(&format!("{block}.{name}.{part}"), &theirs, Change::Keep));
            }
        }
    }
    rows
}

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
            (Change::Rotate, _) => tensor.flip(&[2, 3])?,
            (Change::RotateTransposed, _) => tensor.transpose(0, 1)?.contiguous()?.flip(&[2, 3])?,
            (Change::UnfoldRotated, &[c, z, h, w]) => {
                tensor.reshape((c, h, w, z))?.permute((0, 3, 1, 2))?.contiguous()?.flip(&[2, 3])?
            }
            _ => tensor.reshape(shape)?,
        })
    }
}

fn row(ours: &str, theirs: &str, change: Change) -> Row {
    (ours.to_owned(), theirs.to_owned(), change)
}
