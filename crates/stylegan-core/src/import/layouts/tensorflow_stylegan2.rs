//! The names of the official TensorFlow StyleGAN2 and StyleGAN2-ADA networks (`G_main` with
//! `G_synthesis_stylegan2`, `D_stylegan2`), and of those that grew (configurations B to D: `G_main`
//! with `G_synthesis_stylegan_revised`, `D_stylegan`). Components stand before their variables.

use super::Change::{FromHwio, FromHwioRotated, Keep, PlusOne, Squeeze, Transpose, Unbatch};
use super::{Row, row};
use crate::layers::Pyramid;
use crate::stylegan2::Topology;

/// A generator of `levels` resolutions, with `mapping_layers` layers. Labels, if it takes any, are
/// embedded as in StyleGAN2-ADA. `grew` says whether it is of configurations B to D.
pub fn generator(levels: usize, mapping_layers: usize, conditional: bool, topology: Topology, grew: bool) -> Vec<Row> {
    let mut rows = vec![row("mapping.w_avg", "dlatent_avg", Keep)];
    if conditional {
        dense(&mut rows, "mapping.embed", "mapping/LabelEmbed");
    }
    for i in 0..mapping_layers {
        dense(&mut rows, &format!("mapping.fc{i}"), &format!("mapping/Dense{i}"));
    }
    rows.push(row("synthesis.b4.const", "synthesis/4x4/Const/const", Unbatch));
    for level in 0..levels {
        let resolution = Pyramid::resolution(level);
        let (ours, theirs) = (format!("synthesis.b{resolution}"), format!("synthesis/{resolution}x{resolution}"));
        let convs: &[_] = match level {
            0 => &[("conv1", "Conv", FromHwio, 0)],
            _ => &[("conv0", "Conv0_up", FromHwioRotated, 2 * level - 1), ("conv1", "Conv1", FromHwio, 2 * level)],
        };
        for &(own, other, change, noise) in convs {
            let (own, other) = (format!("{ours}.{own}"), format!("{theirs}/{other}"));
            modulated(&mut rows, &own, &other, change);
            rows.push(row(&format!("{own}.noise_const"), &format!("synthesis/noise{noise}"), Squeeze));
            rows.push(row(&format!("{own}.noise_strength"), &format!("{other}/noise_strength"), Keep));
        }
        if topology == Topology::Skip || level + 1 == levels {
            let rgb = rgb_layer("ToRGB", resolution, grew);
            modulated(&mut rows, &format!("{ours}.torgb"), &format!("synthesis/{rgb}"), FromHwio);
        }
        if topology == Topology::Resnet && level > 0 {
            rows.push(row(&format!("{ours}.skip.weight"), &format!("{theirs}/Skip/weight"), FromHwioRotated));
        }
    }
    rows
}

/// A discriminator of `levels` resolutions; `label_layers` layers map labels as in StyleGAN2-ADA, 0
/// without labels; `grew` as for [`generator`].
pub fn discriminator(levels: usize, label_layers: usize, topology: Topology, grew: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    if label_layers > 0 {
        dense(&mut rows, "mapping.embed", "LabelEmbed");
    }
    for i in 0..label_layers {
        dense(&mut rows, &format!("mapping.fc{i}"), &format!("Mapping{i}"));
    }
    for level in 0..levels {
        let resolution = Pyramid::resolution(level);
        let (ours, theirs) = (format!("b{resolution}"), format!("{resolution}x{resolution}"));
        let mut convs = Vec::new();
        if topology == Topology::Skip || level + 1 == levels {
            convs.push(("fromrgb", rgb_layer("FromRGB", resolution, grew)));
        }
        match level {
            0 => convs.push(("conv", format!("{theirs}/Conv"))),
            _ => convs.extend([("conv0", format!("{theirs}/Conv0")), ("conv1", format!("{theirs}/Conv1_down"))]),
        }
        for (own, other) in convs {
            rows.push(row(&format!("{ours}.{own}.weight"), &format!("{other}/weight"), FromHwio));
            rows.push(row(&format!("{ours}.{own}.bias"), &format!("{other}/bias"), Keep));
        }
        if topology == Topology::Resnet && level > 0 {
            rows.push(row(&format!("{ours}.skip.weight"), &format!("{theirs}/Skip/weight"), FromHwio));
        }
    }
    dense(&mut rows, "b4.fc", "4x4/Dense0");
    dense(&mut rows, "b4.out", "Output");
    rows
}

/// The RGB layer `name` of a resolution. Networks that grew count theirs from the largest one down,
/// which alone is used when they have grown up.
pub(crate) fn rgb_layer(name: &str, resolution: usize, grew: bool) -> String {
    if grew { format!("{name}_lod0") } else { format!("{resolution}x{resolution}/{name}") }
}

fn dense(rows: &mut Vec<Row>, ours: &str, theirs: &str) {
    rows.push(row(&format!("{ours}.weight"), &format!("{theirs}/weight"), Transpose));
    rows.push(row(&format!("{ours}.bias"), &format!("{theirs}/bias"), Keep));
}

fn modulated(rows: &mut Vec<Row>, ours: &str, theirs: &str, change: super::Change) {
    for (own, other, change) in [
        ("weight", "weight", change),
        ("bias", "bias", Keep),
        ("affine.weight", "mod_weight", Transpose),
        ("affine.bias", "mod_bias", PlusOne),
    ] {
        rows.push(row(&format!("{ours}.{own}"), &format!("{theirs}/{other}"), change));
    }
}
