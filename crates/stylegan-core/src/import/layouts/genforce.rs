//! The names of genforce's StyleGAN1 and PGGAN modules (`stylegan_generator.py` and its siblings).
//!
//! Each function returns, for every parameter of our network, its foreign name and how the foreign
//! tensor becomes ours.

use super::{Change, Row, row};
use crate::layers::Pyramid;

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
