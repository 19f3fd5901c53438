//! Behaviour of the StyleGAN1 and PGGAN networks that the goldens do not cover: the paper's
//! configurations, shapes, noise, starting values, derivatives.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor, Var};
use stylegan_core::latent::{StreamKey, mix};
use stylegan_core::layers::FusedScale;
use stylegan_core::pggan::{PgganConfig, PgganDiscriminatorConfig};
use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1DiscriminatorConfig};
use stylegan_core::{
    Condition, DiscriminatorConfig, Generator, GeneratorConfig, NoiseKeys, NoiseLayers, NoiseMode, Params,
    SynthesisOptions, broadcast_ws, build_discriminator, build_generator,
};
use stylegan_kernels::autodiff;

const CPU: Device = Device::Cpu;

fn small() -> StyleGan1Config {
    StyleGan1Config {
        img_size: [16, 16],
        z_dim: 6,
        w_dim: 6,
        mapping_layers: 2,
        mapping_width: 6,
        channel_base: 64,
        channel_max: 6,
        ..StyleGan1Config::default()
    }
}

fn normal(shape: &[usize]) -> Tensor {
    let indices: Vec<u64> = (0..shape[0] as u64).collect();
    StreamKey::new(9, "test", 0).normal_rows(&indices, 0, &shape[1..], DType::F64, &CPU).unwrap()
}

/// A generator whose noise strengths and biases are not at their starting value of zero.
fn generator(config: &StyleGan1Config) -> (Params, Box<dyn Generator>) {
    let params = Params::new(5, DType::F64, &CPU);
    let config = GeneratorConfig::StyleGan1(config.clone());
    build_generator(&config, params.trainable()).unwrap();
    for (name, var) in params.parameters() {
        if name.ends_with("noise_strength") || name.ends_with("bias") {
            let mut values = vec![0.; var.elem_count()];
            values.iter_mut().enumerate().for_each(|(i, v)| *v = 0.1 * (i as f64 + 1.));
            var.set(&Tensor::from_vec(values, var.shape(), &CPU).unwrap()).unwrap();
        }
    }
    (params.clone(), build_generator(&config, params.frozen()).unwrap())
}

fn values(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn every_configuration_of_tables_1_and_4_makes_pictures() {
    let traditional =
        StyleGan1Config { use_styles: false, pixel_norm: true, const_input: false, use_noise: false, ..small() };
    let configs = [
        (
            "A",
            GeneratorConfig::Pggan(PgganConfig { img_size: [16, 16], z_dim: 6, channel_max: 6, ..Default::default() }),
        ),
        ("B", GeneratorConfig::StyleGan1(StyleGan1Config { mapping_layers: 0, ..traditional.clone() })),
        ("C", GeneratorConfig::StyleGan1(StyleGan1Config { const_input: false, use_noise: false, ..small() })),
        ("D", GeneratorConfig::StyleGan1(StyleGan1Config { use_noise: false, ..small() })),
        ("F", GeneratorConfig::StyleGan1(small())),
        ("traditional 8", GeneratorConfig::StyleGan1(StyleGan1Config { mapping_layers: 8, ..traditional })),
        ("style-based 0", GeneratorConfig::StyleGan1(StyleGan1Config { mapping_layers: 0, ..small() })),
        ("style-based 1", GeneratorConfig::StyleGan1(StyleGan1Config { mapping_layers: 1, ..small() })),
    ];
    for (name, config) in configs {
        let params = Params::new(0, DType::F64, &CPU);
        let g = build_generator(&config, params.trainable()).unwrap();
        let w = g.mapping(&normal(&[2, 6]), Condition::None).unwrap();
        assert_eq!(w.dims(), [2, g.spec().w_dim], "{name}");
        let img = g.synthesis(&broadcast_ws(&w, g.spec().num_ws).unwrap(), &SynthesisOptions::default()).unwrap();
        assert_eq!(img.dims(), [2, 3, 16, 16], "{name}");
        let img = values(&img);
        assert!(img.iter().all(|x| x.is_finite()) && img[..768] != img[768..], "{name}: latents make no difference");
        // Equalised learning rates keep the scale of pictures near 1 at the start.
        let rms = (img.iter().map(|x| x * x).sum::<f64>() / img.len() as f64).sqrt();
        assert!((0.05..20.).contains(&rms), "{name}: rms {rms}");
    }
}

#[test]
fn any_size_and_number_of_channels() {
    for (img_size, channels) in [([8, 8], 1), ([32, 16], 2), ([24, 32], 4), ([48, 48], 3)] {
        let g = GeneratorConfig::StyleGan1(StyleGan1Config { img_size, img_channels: channels, ..small() });
        let d = DiscriminatorConfig::StyleGan1(StyleGan1DiscriminatorConfig {
            img_size,
            img_channels: channels,
            channel_max: 6,
            ..Default::default()
        });
        let pg = GeneratorConfig::Pggan(PgganConfig {
            img_size,
            img_channels: channels,
            z_dim: 6,
            channel_max: 6,
            ..Default::default()
        });
        let pd = DiscriminatorConfig::Pggan(PgganDiscriminatorConfig {
            img_size,
            img_channels: channels,
            channel_max: 6,
            ..Default::default()
        });
        for (g, d) in [(g, d), (pg, pd)] {
            let (gp, dp) = (Params::new(0, DType::F64, &CPU), Params::new(0, DType::F64, &CPU));
            let g = build_generator(&g, gp.trainable()).unwrap();
            let d = build_discriminator(&d, dp.trainable()).unwrap();
            let ws = broadcast_ws(&g.mapping(&normal(&[2, 6]), Condition::None).unwrap(), g.spec().num_ws).unwrap();
            for lod in [0., 0.5, g.spec().max_lod] {
                let img = g.synthesis(&ws, &SynthesisOptions { lod, ..Default::default() }).unwrap();
                assert_eq!(img.dims(), [2, channels, img_size[0], img_size[1]]);
                assert_eq!(d.logits(&img, Condition::None, lod).unwrap().dims(), [2, 1]);
            }
        }
    }
}

#[test]
fn starting_values_are_those_of_the_paper() {
    let config = GeneratorConfig::StyleGan1(StyleGan1Config { mapping_width: 64, w_dim: 64, ..small() });
    let params = Params::new(0, DType::F64, &CPU);
    build_generator(&config, params.trainable()).unwrap();
    for (name, var) in params.vars() {
        let values = values(&var);
        let rms = (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt();
        match name.rsplit('.').next().unwrap() {
            "bias" | "noise_strength" | "w_avg" => assert_eq!(rms, 0., "{name}"),
            "const" => assert!(values.iter().all(|&x| x == 1.)),
            // N(0, 1), the mapping network's divided by its learning rate 0.01. Ten standard errors.
            _ => {
                let expected = if name.starts_with("mapping.") { 100. } else { 1. };
                let slack = 10. / (2. * values.len() as f64).sqrt();
                assert!((rms / expected - 1.).abs() < slack, "{name}: rms {rms}");
            }
        }
    }
    // Values depend on seed and name alone, not on which other parameters there are.
    let other = Params::new(0, DType::F64, &CPU);
    build_generator(&GeneratorConfig::StyleGan1(small()), other.trainable()).unwrap();
    let name = "synthesis.b8.conv1.weight";
    assert_eq!(values(&params.get(name).unwrap()), values(&other.get(name).unwrap()));
    let reseeded = Params::new(1, DType::F64, &CPU);
    build_generator(&GeneratorConfig::StyleGan1(small()), reseeded.trainable()).unwrap();
    assert_ne!(values(&params.get(name).unwrap()), values(&reseeded.get(name).unwrap()));
}

#[test]
fn frozen_networks_follow_the_parameters_and_take_no_gradient() {
    let params = Params::new(0, DType::F64, &CPU);
    let config = GeneratorConfig::StyleGan1(small());
    let live = build_generator(&config, params.trainable()).unwrap();
    let frozen = build_generator(&config, params.frozen()).unwrap();
    let copy = build_generator(&config, params.copy().unwrap().frozen()).unwrap();
    let ws = broadcast_ws(&live.mapping(&normal(&[1, 6]), Condition::None).unwrap(), 6).unwrap().detach();
    let run = |g: &dyn Generator| g.synthesis(&ws, &SynthesisOptions::default()).unwrap();
    let before = values(&run(frozen.as_ref()));
    assert!(before == values(&run(copy.as_ref())));
    assert!(!run(frozen.as_ref()).track_op() && run(live.as_ref()).track_op());
    let (_, torgb) = params.vars().into_iter().find(|(name, _)| name == "synthesis.b16.torgb.weight").unwrap();
    torgb.set(&(torgb.as_tensor() * 2.).unwrap()).unwrap();
    let after = values(&run(frozen.as_ref()));
    assert!(before.iter().zip(&after).all(|(b, a)| (2. * b - a).abs() < 1e-12));
    assert!(before == values(&run(copy.as_ref())), "the copy must not follow");
    let error = build_generator(&config, Params::new(0, DType::F64, &CPU).frozen()).map(drop).unwrap_err().to_string();
    assert!(error.contains("`mapping.fc0.weight` of shape [6, 6] is missing"), "{error}");
}

#[test]
fn noise_is_a_function_of_sample_and_layer() {
    let (_, g) = generator(&small());
    let ws = broadcast_ws(&normal(&[1, 6]), g.spec().num_ws).unwrap();
    let twice = Tensor::cat(&[&ws, &ws], 0).unwrap();
    let key = StreamKey::new(1, "noise", 0);
    let run = |ws: &Tensor, noise, noise_layers| {
        values(&g.synthesis(ws, &SynthesisOptions { noise, noise_layers, ..Default::default() }).unwrap())
    };
    let (a, b) = (NoiseKeys::new(key, [4]), NoiseKeys::new(key, [5]));
    let (of_a, of_b) =
        (run(&ws, NoiseMode::Random(&a), NoiseLayers::All), run(&ws, NoiseMode::Random(&b), NoiseLayers::All));
    assert_ne!(of_a, of_b);
    let of_both = NoiseKeys::new(key, [4, 5]);
    let both = run(&twice, NoiseMode::Random(&of_both), NoiseLayers::All);
    // Rows of a batch are computed as they are alone, up to rounding of f64.
    let close = |x: &[f64], y: &[f64]| x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-10);
    assert!(close(&both[..768], &of_a) && close(&both[768..], &of_b));
    assert!(g.synthesis(&twice, &SynthesisOptions::with_noise(NoiseMode::Random(&a))).is_err());

    let none = run(&ws, NoiseMode::None, NoiseLayers::All);
    let constant = run(&ws, NoiseMode::Const, NoiseLayers::All);
    assert_ne!(none, constant);
    assert_eq!(none, run(&ws, NoiseMode::Const, NoiseLayers::Range(8..99)), "16 pixels have no fine layers");
    assert_eq!(constant, run(&ws, NoiseMode::Const, NoiseLayers::Range(0..8)));
    assert_eq!(constant, run(&ws, NoiseMode::Const, NoiseLayers::Range(0..6)));
    assert_ne!(constant, run(&ws, NoiseMode::Const, NoiseLayers::Range(0..5)));
}

#[test]
fn style_rows_reach_their_own_layers() {
    let (_, g) = generator(&small());
    let (a, b) =
        (broadcast_ws(&normal(&[1, 6]), 6).unwrap(), broadcast_ws(&(normal(&[1, 6]) * -1.).unwrap(), 6).unwrap());
    let at_8 = SynthesisOptions { lod: 1., ..Default::default() };
    // Rows 4 and 5 belong to 16x16, which lod 1 leaves out.
    let mixed = mix(&a, &[(&b, 4..6)]).unwrap();
    assert_eq!(values(&g.synthesis(&a, &at_8).unwrap()), values(&g.synthesis(&mixed, &at_8).unwrap()));
    for row in 0..4 {
        let mixed = mix(&a, &[(&b, row..row + 1)]).unwrap();
        assert_ne!(values(&g.synthesis(&a, &at_8).unwrap()), values(&g.synthesis(&mixed, &at_8).unwrap()), "row {row}");
    }
}

/// First derivatives of the generator and second derivatives (R1) of the discriminator against
/// central differences along random directions, f64, step 1e-5: truncation about 1e-10 relative,
/// rounding 1e-11 / 1e-5; tolerance 1e-6 relative.
#[test]
fn derivatives_match_finite_differences() {
    let check = |what: &str, params: &Params, loss: &dyn Fn() -> Tensor| {
        let grads = autodiff::backward(&loss()).unwrap();
        let mut slope = 0.;
        let directions: Vec<(Var, Tensor)> = params
            .parameters()
            .into_iter()
            .enumerate()
            .map(|(i, (_, var))| {
                let key = StreamKey::new(i as u64, "direction", 0);
                let v = key.normal_rows(&[0], 0, &[var.elem_count()], DType::F64, &CPU).unwrap();
                let v = v.reshape(var.shape()).unwrap();
                if let Some(grad) = grads.get(&var) {
                    slope += values(&(grad * &v).unwrap()).iter().sum::<f64>();
                }
                (var, v)
            })
            .collect();
        let step = 1e-5;
        let move_by = |s: f64| {
            for (var, v) in &directions {
                var.set(&(var.as_tensor() + (v * s).unwrap()).unwrap()).unwrap();
            }
        };
        move_by(step);
        let up = loss().to_scalar::<f64>().unwrap();
        move_by(-2. * step);
        let down = loss().to_scalar::<f64>().unwrap();
        move_by(step);
        let difference = (up - down) / (2. * step);
        assert!((slope - difference).abs() < 1e-6 * slope.abs(), "{what}: {slope} against {difference}");
    };

    for fused_scale in [FusedScale::Always, FusedScale::Never] {
        let config = StyleGan1Config { fused_scale, mapping_lr: 1., ..small() };
        let (params, _) = generator(&config);
        let g = build_generator(&GeneratorConfig::StyleGan1(config), params.trainable()).unwrap();
        let target = normal(&[2, 3, 16, 16]);
        check("generator", &params, &|| {
            let ws = broadcast_ws(&g.mapping(&normal(&[2, 6]), Condition::None).unwrap(), 6).unwrap();
            let img = g.synthesis(&ws, &SynthesisOptions { lod: 0.3, ..Default::default() }).unwrap();
            (img * &target).unwrap().sum_all().unwrap()
        });

        let params = Params::new(0, DType::F64, &CPU);
        let config = StyleGan1DiscriminatorConfig {
            img_size: [16, 16],
            channel_max: 6,
            mbstd_group: 2,
            fused_scale,
            ..Default::default()
        };
        let d = build_discriminator(&DiscriminatorConfig::StyleGan1(config), params.trainable()).unwrap();
        check("r1", &params, &|| {
            let real = Var::from_tensor(&target).unwrap();
            // A curved function of the logits, so that every second derivative takes part.
            let score = d.logits(&real, Condition::None, 0.3).unwrap().sqr().unwrap().sum_all().unwrap();
            let slope = autodiff::grad(&score, &[real.as_tensor()], true).unwrap().remove(0);
            slope.sqr().unwrap().sum_all().unwrap()
        });
    }
}

#[test]
fn mistakes_are_named() {
    let (_, g) = generator(&StyleGan1Config { c_dim: 2, ..small() });
    let z = normal(&[2, 6]);
    let message = |result: stylegan_core::Result<Tensor>| result.map(drop).unwrap_err().to_string();
    assert!(message(g.mapping(&z, Condition::None)).contains("labels [n, 2] are missing"));
    assert!(message(g.mapping(&z, (&normal(&[1, 2])).into())).contains("expected [2, 2]"));
    assert!(message(g.mapping(&normal(&[2, 5]), (&normal(&[2, 2])).into())).contains("expected [n, 6]"));
    let ws = broadcast_ws(&z, 6).unwrap();
    let lod = |lod| message(g.synthesis(&ws, &SynthesisOptions { lod, ..Default::default() }));
    assert!(lod(2.5).contains("lies outside 0 to 2") && lod(f64::NAN).contains("outside"));
    assert!(message(g.synthesis(&z, &SynthesisOptions::default())).contains("expected [n, 6, 6]"));
    assert!(message(broadcast_ws(&ws, 6)).contains("[n, w_dim]"));
    for config in [
        StyleGan1Config { img_size: [30, 31], ..small() },
        StyleGan1Config { use_styles: false, ..small() },
        StyleGan1Config { mapping_layers: 0, w_dim: 7, ..small() },
        StyleGan1Config { blur_filter: vec![1., -1.], ..small() },
        StyleGan1Config { channel_max: 0, ..small() },
        StyleGan1Config { mapping_lr: 0., ..small() },
    ] {
        assert!(config.validate().is_err(), "{config:?}");
    }
}
