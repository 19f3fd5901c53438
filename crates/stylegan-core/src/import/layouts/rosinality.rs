//! The names of rosinality's StyleGAN2 (`stylegan2-pytorch`) and StyleGAN
//! (`style-based-gan-pytorch`) modules.

use super::{Change, Row, row};
use crate::layers::Pyramid;

/// A StyleGAN2 generator of `levels` resolutions, with `mapping_layers` layers. Its average style
/// is no part of the module.
pub fn stylegan2_generator(levels: usize, mapping_layers: usize) -> Vec<Row> {
    use Change::{Flatten, Keep, Squeeze, Unbatch};
    let mut rows = vec![row("synthesis.b4.const", "input.input", Unbatch)];
    for i in 0..mapping_layers {
        for part in ["weight", "bias"] {
            rows.push(row(&format!("mapping.fc{i}.{part}"), &format!("style.{}.{part}", i + 1), Keep));
        }
    }
    for level in 0..levels {
        let block = format!("synthesis.b{}", Pyramid::resolution(level));
        let (convs, torgb) = match level {
            0 => (vec![("conv1", "conv1".to_owned(), 0)], "to_rgb1".to_owned()),
            _ => {
                let first = 2 * (level - 1);
                let name = |k: usize| format!("convs.{k}");
                let convs = vec![("conv0", name(first), first + 1), ("conv1", name(first + 1), first + 2)];
                (convs, format!("to_rgbs.{}", level - 1))
            }
        };
        for (ours, theirs, noise) in convs {
            for (our_part, their_part, change) in [
                ("weight", "conv.weight", Unbatch),
                ("bias", "activate.bias", Keep),
                ("noise_strength", "noise.weight", Unbatch),
                ("affine.weight", "conv.modulation.weight", Keep),
                ("affine.bias", "conv.modulation.bias", Keep),
            ] {
                rows.push(row(&format!("{block}.{ours}.{our_part}"), &format!("{theirs}.{their_part}"), change));
            }
            rows.push(row(&format!("{block}.{ours}.noise_const"), &format!("noises.noise_{noise}"), Squeeze));
        }
        for (our_part, their_part, change) in [
            ("weight", "conv.weight", Unbatch),
            ("bias", "bias", Flatten),
            ("affine.weight", "conv.modulation.weight", Keep),
            ("affine.bias", "conv.modulation.bias", Keep),
        ] {
            rows.push(row(&format!("{block}.torgb.{our_part}"), &format!("{torgb}.{their_part}"), change));
        }
    }
    rows
}

/// A StyleGAN2 discriminator of `levels` resolutions.
pub fn stylegan2_discriminator(levels: usize) -> Vec<Row> {
    let top = levels - 1;
    let block = |level: usize, name: &str| format!("b{}.{name}", Pyramid::resolution(level));
    let mut pairs = vec![
        (block(top, "fromrgb.weight"), "convs.0.0.weight".to_owned()),
        (block(top, "fromrgb.bias"), "convs.0.1.bias".to_owned()),
    ];
    for level in (1..levels).rev() {
        let theirs = format!("convs.{}", levels - level);
        for (ours, part) in [
            ("conv0.weight", "conv1.0.weight"),
            ("conv0.bias", "conv1.1.bias"),
            ("conv1.weight", "conv2.1.weight"),
            ("conv1.bias", "conv2.2.bias"),
            ("skip.weight", "skip.1.weight"),
        ] {
            pairs.push((block(level, ours), format!("{theirs}.{part}")));
        }
    }
    for (ours, theirs) in [
        ("b4.conv.weight", "final_conv.0.weight"),
        ("b4.conv.bias", "final_conv.1.bias"),
        ("b4.fc.weight", "final_linear.0.weight"),
        ("b4.fc.bias", "final_linear.0.bias"),
        ("b4.out.weight", "final_linear.1.weight"),
        ("b4.out.bias", "final_linear.1.bias"),
    ] {
        pairs.push((ours.to_owned(), theirs.to_owned()));
    }
    pairs.into_iter().map(|(ours, theirs)| (ours, theirs, Change::Keep)).collect()
}

/// The names of the constant low-pass filters of a StyleGAN2 generator of `levels` resolutions
/// (four times the normalised filter), beside its parameters.
pub fn stylegan2_generator_filters(levels: usize) -> Vec<String> {
    (0..levels - 1)
        .flat_map(|k| [format!("convs.{}.conv.blur.kernel", 2 * k), format!("to_rgbs.{k}.upsample.kernel")])
        .collect()
}

/// The same of a discriminator (the normalised filter).
pub fn stylegan2_discriminator_filters(levels: usize) -> Vec<String> {
    (1..levels).flat_map(|k| [format!("convs.{k}.conv2.0.kernel"), format!("convs.{k}.skip.0.kernel")]).collect()
}

/// A StyleGAN generator of `levels` resolutions, with `mapping_layers` layers; `fused` says of a
/// level whether it upsamples by a transposed convolution. Gains differ from ours; the noise maps
/// and the average style are not in the file, nor is a bias of the constant.
pub fn stylegan1_generator(levels: usize, mapping_layers: usize, fused: impl Fn(usize) -> bool) -> Vec<Row> {
    use Change::{Flatten, Keep, RotateTransposed};
    let mut rows = vec![row("synthesis.b4.const", "generator.progression.0.conv1.input", Keep)];
    for i in 0..mapping_layers {
        // Layers and activations alternate after the pixel norm.
        let theirs = format!("style.{}.linear", 2 * i + 1);
        rows.push(row(&format!("mapping.fc{i}.weight"), &format!("{theirs}.weight_orig"), Keep));
        rows.push(row(&format!("mapping.fc{i}.bias"), &format!("{theirs}.bias"), Keep));
    }
    for level in 0..levels {
        let block = format!("synthesis.b{}", Pyramid::resolution(level));
        let theirs = format!("generator.progression.{level}");
        if level > 0 && fused(level) {
            rows.push(row(&format!("{block}.conv0.weight"), &format!("{theirs}.conv1.0.weight"), RotateTransposed));
            rows.push(row(&format!("{block}.conv0.bias"), &format!("{theirs}.conv1.0.bias"), Keep));
        } else if level > 0 {
            rows.push(row(&format!("{block}.conv0.weight"), &format!("{theirs}.conv1.1.conv.weight_orig"), Keep));
            rows.push(row(&format!("{block}.conv0.bias"), &format!("{theirs}.conv1.1.conv.bias"), Keep));
        }
        rows.push(row(&format!("{block}.conv1.weight"), &format!("{theirs}.conv2.conv.weight_orig"), Keep));
        rows.push(row(&format!("{block}.conv1.bias"), &format!("{theirs}.conv2.conv.bias"), Keep));
        for half in 0..2 {
            let (ours, number) = (format!("{block}.conv{half}"), half + 1);
            let style = format!("{theirs}.adain{number}.style.linear");
            let noise = format!("{theirs}.noise{number}.weight_orig");
            rows.push(row(&format!("{ours}.noise_strength"), &noise, Flatten));
            rows.push(row(&format!("{ours}.style.weight"), &format!("{style}.weight_orig"), Keep));
            rows.push(row(&format!("{ours}.style.bias"), &format!("{style}.bias"), Keep));
        }
        let torgb = format!("generator.to_rgb.{level}.conv");
        rows.push(row(&format!("{block}.torgb.weight"), &format!("{torgb}.weight_orig"), Keep));
        rows.push(row(&format!("{block}.torgb.bias"), &format!("{torgb}.bias"), Keep));
    }
    rows
}
