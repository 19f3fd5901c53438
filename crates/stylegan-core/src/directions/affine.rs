//! The layers that read style rows.

use crate::layers::Pyramid;
use crate::{Error, GeneratorConfig, Model, Result};
use candle_core::Tensor;

/// The weights `[c, w_dim]` of the affine layer "A" that reads each style row, from row 0 on: what SeFa (Shen and Zhou
/// 2021, section 3.2) looks at. RGB layers between resolutions read the row of the next convolution and do not count.
///
/// # Errors
/// A network whose synthesis has no such layers.
pub fn style_weights(model: &Model) -> Result<Vec<Tensor>> {
    let num_ws = model.generator().spec().num_ws;
    let name = |row: usize| -> Option<String> {
        let block = |level| format!("synthesis.b{}", Pyramid::resolution(level));
        match model.config() {
            GeneratorConfig::StyleGan1(config) if config.use_styles => {
                Some(format!("{}.conv{}.style.weight", block(row / 2), row % 2))
            }
            GeneratorConfig::StyleGan2(_) if row + 1 == num_ws => {
                Some(format!("{}.torgb.affine.weight", block(num_ws / 2 - 1)))
            }
            // The lowest block has a second convolution alone.
            GeneratorConfig::StyleGan2(_) => {
                Some(format!("{}.conv{}.affine.weight", block(row.div_ceil(2)), (row + 1) % 2))
            }
            _ => None,
        }
    };
    let weight = |row| {
        let var = name(row).and_then(|name| model.params().get(&name));
        var.map(|var| var.as_detached_tensor()).ok_or_else(|| {
            Error::Argument(
                "this network has no layers that read styles; directions of style weights need a StyleGAN or StyleGAN2"
                    .into(),
            )
        })
    };
    (0..num_ws).map(weight).collect()
}

/// How styles follow a style row, by row: the weights `[channels, w_dim]` of the affine layer before the convolution that
/// reads it, as they act. Of a StyleGAN channels are all scales, then all shifts. The last row of a StyleGAN2, which its
/// last RGB layer alone reads, has none.
///
/// # Errors
/// A network whose synthesis has no such layers.
pub fn channel_weights(model: &Model) -> Result<Vec<Tensor>> {
    let mut weights = style_weights(model)?;
    if matches!(model.config(), GeneratorConfig::StyleGan2(_)) {
        weights.pop();
    }
    // Layers at an equalised learning rate, of gain 1.
    weights.iter().map(|weight| Ok((weight * (1. / (weight.dim(1)? as f64).sqrt()))?)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::stylegan1::StyleGan1Config;
    use crate::stylegan2::{StyleGan2Config, Topology};
    use crate::{Params, StyleOffsets, SynthesisOptions, build_generator};
    use candle_core::{DType, Device};

    /// With the weights of a row's layer at 0, the picture no longer depends on the row. (The RGB layers of a
    /// skip network read rows too, so theirs are left out.)
    #[test]
    fn each_row_is_read_by_its_layer() {
        let one = StyleGan1Config { img_size: [16, 16], w_dim: 6, channel_max: 8, ..StyleGan1Config::default() };
        let two = StyleGan2Config {
            img_size: [16, 16],
            w_dim: 6,
            channel_max: 8,
            topology: Topology::Resnet,
            ..StyleGan2Config::default()
        };
        for config in [GeneratorConfig::StyleGan1(one), GeneratorConfig::StyleGan2(two)] {
            for row in 0..6 {
                let params = Params::new(1, DType::F32, &Device::Cpu);
                build_generator(&config, params.trainable()).unwrap();
                let model = Model::from_params(config.clone(), params.copy().unwrap()).unwrap();
                let ws = |value: f32| {
                    let rows = (0..6).flat_map(|r| (0..6).map(move |i| if r == row { value * i as f32 } else { 0.3 }));
                    Tensor::from_vec(rows.collect::<Vec<_>>(), (1, 6, 6), &Device::Cpu).unwrap()
                };
                let image = |value| {
                    let image = model.synthesize(&ws(value), &SynthesisOptions::default()).unwrap();
                    image.flatten_all().unwrap().to_vec1::<f32>().unwrap()
                };
                assert_ne!(image(1.), image(-1.), "{row}");
                let weight = style_weights(&model).unwrap()[row].clone();
                let vars = model.params().vars();
                let same = |a: &Tensor| {
                    a.dims() == weight.dims()
                        && a.flatten_all().unwrap().to_vec1::<f32>().unwrap()
                            == weight.flatten_all().unwrap().to_vec1::<f32>().unwrap()
                };
                let found: Vec<_> = vars.iter().filter(|(_, var)| same(&var.as_detached_tensor())).collect();
                assert_eq!(found.len(), 1);
                found[0].1.set(&weight.zeros_like().unwrap()).unwrap();
                assert_eq!(image(1.), image(-1.), "{row} {}", found[0].0);
            }
        }
    }

    /// A row that moves by `d` makes the same picture as styles that move by the row's weights times `d`, one image at a time
    /// or in a batch; rows that no convolution reads have no channels.
    #[test]
    fn channels_follow_rows() {
        let one = StyleGan1Config { img_size: [16, 16], w_dim: 6, channel_max: 8, ..StyleGan1Config::default() };
        // RGB layers between resolutions read the rows of convolutions as well; a residual network has none of them.
        let topology = Topology::Resnet;
        let two =
            StyleGan2Config { img_size: [16, 16], w_dim: 6, channel_max: 8, topology, ..StyleGan2Config::default() };
        for config in [GeneratorConfig::StyleGan1(one), GeneratorConfig::StyleGan2(two)] {
            let params = Params::new(1, DType::F32, &Device::Cpu);
            build_generator(&config, params.trainable()).unwrap();
            let model = Model::from_params(config.clone(), params.copy().unwrap()).unwrap();
            let weights = channel_weights(&model).unwrap();
            let rows = if matches!(config, GeneratorConfig::StyleGan1(_)) { 6 } else { 5 };
            assert_eq!(weights.len(), rows);
            let values: Vec<f32> = (0..72).map(|i| (i as f32 * 0.7).sin()).collect();
            let ws = Tensor::from_vec(values, (2, 6, 6), &Device::Cpu).unwrap();
            let image = |ws: &Tensor, offsets: Option<&StyleOffsets>| {
                let options = SynthesisOptions { offsets, ..SynthesisOptions::default() };
                let image = model.synthesize(ws, &options)?;
                crate::Result::Ok(image.flatten_all()?.to_vec1::<f32>()?)
            };
            for (row, weight) in weights.iter().enumerate() {
                let step = Tensor::new(&[0.5f32, -0.2, 0.1, 0.4, -0.3, 0.2], &Device::Cpu).unwrap();
                let move_row: Vec<Tensor> =
                    (0..6).map(|r| if r == row { step.clone() } else { step.zeros_like().unwrap() }).collect();
                let moved = ws.broadcast_add(&Tensor::stack(&move_row, 0).unwrap().unsqueeze(0).unwrap()).unwrap();
                let offset = weight.matmul(&step.unsqueeze(1).unwrap()).unwrap().t().unwrap().contiguous().unwrap();
                let one = StyleOffsets::new().with(row, &offset).unwrap();
                let (expected, found) = (image(&moved, None).unwrap(), image(&ws, Some(&one)).unwrap());
                // Sums in another order, in f32.
                assert!(expected.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-4), "{row}");
                // Of the second image alone.
                let second = StyleOffsets::of_batch(&[&StyleOffsets::new(), &one]).unwrap();
                let (plain, second) = (image(&ws, None).unwrap(), image(&ws, Some(&second)).unwrap());
                let half = plain.len() / 2;
                assert!(plain[..half] == second[..half] && found[half..] == second[half..] && plain != found);
            }
            let wide = Tensor::zeros((1, 3), DType::F32, &Device::Cpu).unwrap();
            assert!(image(&ws, Some(&StyleOffsets::new().with(0, &wide).unwrap())).is_err());
            assert!(image(&ws, Some(&StyleOffsets::new().with(rows, &wide).unwrap())).is_err());
        }
    }
}
