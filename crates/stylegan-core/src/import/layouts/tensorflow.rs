//! The names of the official TensorFlow networks: StyleGAN (`G_style`, `D_basic`) and progressive
//! GAN (`G_paper`, `D_paper`). Components stand before their variables: `mapping/Dense0/weight`.

use super::{Change, Row, row};
use crate::layers::Pyramid;

/// A StyleGAN generator of `levels` resolutions, with `mapping_layers` layers; `fused` says of a
/// level whether it upsamples by a transposed convolution.
pub fn stylegan1_generator(
    levels: usize,
    mapping_layers: usize,
    conditional: bool,
    fused: impl Fn(usize) -> bool,
) -> Vec<Row> {
    use Change::{FromHwio, FromHwioRotated, Keep, Squeeze, Transpose};
    let mut rows = vec![row("mapping.w_avg", "dlatent_avg", Keep)];
    if conditional {
        rows.push(row("mapping.embed.weight", "mapping/LabelConcat/weight", Transpose));
    }
    for i in 0..mapping_layers {
        rows.push(row(&format!("mapping.fc{i}.weight"), &format!("mapping/Dense{i}/weight"), Transpose));
        rows.push(row(&format!("mapping.fc{i}.bias"), &format!("mapping/Dense{i}/bias"), Keep));
    }
    rows.push(row("synthesis.b4.const", "synthesis/4x4/Const/const", Keep));
    for level in 0..levels {
        let resolution = Pyramid::resolution(level);
        let names = if level == 0 { ["Const", "Conv"] } else { ["Conv0_up", "Conv1"] };
        for (half, name) in names.into_iter().enumerate() {
            let ours = format!("synthesis.b{resolution}.conv{half}");
            let theirs = format!("synthesis/{resolution}x{resolution}/{name}");
            if level + half > 0 {
                let change = if half == 0 && fused(level) { FromHwioRotated } else { FromHwio };
                rows.push(row(&format!("{ours}.weight"), &format!("{theirs}/weight"), change));
            }
            rows.push(row(&format!("{ours}.noise_const"), &format!("synthesis/noise{}", 2 * level + half), Squeeze));
            for (our_part, their_part, change) in [
                ("bias", "bias", Keep),
                ("noise_strength", "Noise/weight", Keep),
                ("style.weight", "StyleMod/weight", Transpose),
                ("style.bias", "StyleMod/bias", Keep),
            ] {
                rows.push(row(&format!("{ours}.{our_part}"), &format!("{theirs}/{their_part}"), change));
            }
        }
        let torgb = format!("synthesis/ToRGB_lod{}", levels - 1 - level);
        rows.push(row(&format!("synthesis.b{resolution}.torgb.weight"), &format!("{torgb}/weight"), FromHwio));
        rows.push(row(&format!("synthesis.b{resolution}.torgb.bias"), &format!("{torgb}/bias"), Keep));
    }
    rows
}

/// A progressive GAN generator of `levels` resolutions. Fused upsampling convolutions keep their
/// kernels as `[h, w, out, in]`.
pub fn pggan_generator(levels: usize, fused: bool) -> Vec<Row> {
    use Change::{FromHwio, FromHwoiRotated, Keep, Transpose};
    let mut rows = Vec::new();
    for level in 0..levels {
        let resolution = Pyramid::resolution(level);
        let block = format!("synthesis.b{resolution}");
        let theirs = |name: &str| format!("{resolution}x{resolution}/{name}");
        let (first, name, change, second) = match (level, fused) {
            (0, _) => ("fc", theirs("Dense"), Transpose, theirs("Conv")),
            (_, true) => ("conv0", theirs("Conv0_up"), FromHwoiRotated, theirs("Conv1")),
            (_, false) => ("conv0", theirs("Conv0"), FromHwio, theirs("Conv1")),
        };
        let torgb = format!("ToRGB_lod{}", levels - 1 - level);
        for (ours, theirs, change) in [(first, name, change), ("conv1", second, FromHwio), ("torgb", torgb, FromHwio)] {
            rows.push(row(&format!("{block}.{ours}.weight"), &format!("{theirs}/weight"), change));
            rows.push(row(&format!("{block}.{ours}.bias"), &format!("{theirs}/bias"), Keep));
        }
    }
    rows
}

/// A discriminator of `levels` resolutions, of StyleGAN or progressive GAN. `down` is the name of
/// the layer that halves the resolution: `Conv1_down`, or `Conv1` in an unfused progressive GAN.
pub fn discriminator(levels: usize, down: &str) -> Vec<Row> {
    use Change::{FromHwio, Keep, Transpose};
    let mut rows = Vec::new();
    for level in 0..levels {
        let resolution = Pyramid::resolution(level);
        let fromrgb = ("fromrgb", format!("FromRGB_lod{}", levels - 1 - level), FromHwio);
        let theirs = |name: &str| format!("{resolution}x{resolution}/{name}");
        let mut layers = vec![fromrgb];
        if level == 0 {
            layers.push(("conv", theirs("Conv"), FromHwio));
            layers.push(("fc", theirs("Dense0"), Transpose));
            layers.push(("out", theirs("Dense1"), Transpose));
        } else {
            layers.push(("conv0", theirs("Conv0"), FromHwio));
            layers.push(("conv1", theirs(down), FromHwio));
        }
        for (ours, theirs, change) in layers {
            rows.push(row(&format!("b{resolution}.{ours}.weight"), &format!("{theirs}/weight"), change));
            rows.push(row(&format!("b{resolution}.{ours}.bias"), &format!("{theirs}/bias"), Keep));
        }
    }
    rows
}
