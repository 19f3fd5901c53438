//! StyleGAN2 and StyleGAN2-ADA (Karras et al. 2020, arXiv 1912.04958 and 2006.06676).
//!
//! Module paths are the names of the official PyTorch code: `mapping.fc0.weight`,
//! `synthesis.b8.conv0.affine.weight`, `b4.out.bias`.

mod config;
mod discriminator;
mod generator;
mod layers;
mod mapping;
mod resample;
mod synthesis;

pub use config::{StyleGan2Config, StyleGan2DiscriminatorConfig, Topology};
pub use discriminator::StyleGan2Discriminator;
pub use generator::StyleGan2Generator;
pub use mapping::{StyleGan2Mapping, StyleGan2MappingConfig};
pub use synthesis::{StyleGan2Synthesis, Visitor};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Condition, Discriminator, Generator, NoiseLayers, NoiseMode, Params, SynthesisOptions, broadcast_ws};
    use candle_core::{DType, Device, Tensor};

    fn config(topology: Topology) -> StyleGan2Config {
        StyleGan2Config {
            img_size: [12, 16],
            img_channels: 4,
            z_dim: 6,
            c_dim: 3,
            w_dim: 8,
            mapping_layers: 2,
            topology,
            channel_max: 4,
            ..StyleGan2Config::default()
        }
    }

    #[test]
    fn any_shape_through_every_topology() {
        for topology in [Topology::Orig, Topology::Skip, Topology::Resnet] {
            let g = Params::new(0, DType::F32, &Device::Cpu);
            let g = StyleGan2Generator::new(&config(topology), g.trainable()).unwrap();
            let d = StyleGan2DiscriminatorConfig {
                img_size: [12, 16],
                img_channels: 4,
                c_dim: 3,
                topology,
                channel_max: 4,
                mbstd_group: 2,
                ..StyleGan2DiscriminatorConfig::default()
            };
            let d = StyleGan2Discriminator::new(&d, Params::new(1, DType::F32, &Device::Cpu).trainable()).unwrap();
            let z = Tensor::ones((2, 6), DType::F32, &Device::Cpu).unwrap();
            let c = Tensor::new(&[[1f32, 0., 0.], [0., 1., 0.]], &Device::Cpu).unwrap();
            let w = g.mapping(&z, (&c).into()).unwrap();
            let ws = broadcast_ws(&w, g.spec().num_ws).unwrap();
            let img = g.synthesis(&ws, &SynthesisOptions::default()).unwrap();
            assert_eq!(img.dims(), [2, 4, 12, 16]);
            assert_eq!(d.logits(&img, (&c).into(), 0.).unwrap().dims(), [2, 1]);
            assert!(d.logits(&img, Condition::None, 0.).is_err() && d.logits(&img, (&c).into(), 1.).is_err());
            assert!(g.synthesis(&ws, &SynthesisOptions { lod: 1., ..SynthesisOptions::default() }).is_err());
            assert!(g.synthesis(&ws.narrow(1, 0, 2).unwrap(), &SynthesisOptions::default()).is_err());
        }
    }

    #[test]
    fn noise_reaches_the_layers_it_is_given_to() {
        let params = Params::new(0, DType::F32, &Device::Cpu);
        let g = StyleGan2Generator::new(&config(Topology::Skip), params.trainable()).unwrap();
        let strength = params.get("synthesis.b8.conv1.noise_strength").unwrap();
        strength.set(&Tensor::new(1f32, &Device::Cpu).unwrap()).unwrap();
        let ws = Tensor::ones((1, g.spec().num_ws, 8), DType::F32, &Device::Cpu).unwrap();
        let run = |noise, noise_layers| {
            let options = SynthesisOptions { noise, noise_layers, ..SynthesisOptions::default() };
            g.synthesis(&ws, &options).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let without = run(NoiseMode::None, NoiseLayers::All);
        assert_ne!(run(NoiseMode::Const, NoiseLayers::All), without);
        // b8.conv1 is layer 3: two per resolution.
        assert_ne!(run(NoiseMode::Const, NoiseLayers::Range(3..4)), without);
        assert_eq!(run(NoiseMode::Const, NoiseLayers::Range(0..3)), without);
    }

    #[test]
    fn configurations_that_describe_no_network() {
        for (field, config) in [
            ("img_size", StyleGan2Config { img_size: [100, 100], ..StyleGan2Config::default() }),
            ("mapping_layers", StyleGan2Config { mapping_layers: 0, ..StyleGan2Config::default() }),
            ("c_dim", StyleGan2Config { c_dim: usize::MAX, ..StyleGan2Config::default() }),
            ("channels must name", StyleGan2Config { channels: Some(vec![8; 8]), ..StyleGan2Config::default() }),
            (
                "channels must name 3 widths from 1 to 16777216",
                StyleGan2Config {
                    img_size: [16, 16],
                    channels: Some(vec![8, usize::MAX, 8]),
                    ..StyleGan2Config::default()
                },
            ),
            ("conv_clamp", StyleGan2Config { conv_clamp: Some(-1.), ..StyleGan2Config::default() }),
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }
}
