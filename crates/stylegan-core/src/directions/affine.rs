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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::stylegan1::StyleGan1Config;
    use crate::stylegan2::{StyleGan2Config, Topology};
    use crate::{Params, SynthesisOptions, build_generator};
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
}
