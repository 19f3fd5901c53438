//! StyleGAN1 against genforce, which mirrors the official TensorFlow code.
//!
//! Tolerances: in f32, five times the difference between the original's own f32 and f64 results
//! (`f32_vs_f64_maxabs` of each case, 1e-5 to 4e-5 on pictures; 1e-6 on logits); in f64, 1e-9.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Tensor, Var};
use stylegan_core::import::layouts::{self, genforce};
use stylegan_core::latent::truncate;
use stylegan_core::layers::FusedScale;
use stylegan_core::stylegan1::{
    StyleGan1Config, StyleGan1Discriminator, StyleGan1DiscriminatorConfig, StyleGan1Generator,
};
use stylegan_core::{Condition, Discriminator, Generator, NoiseMode, Params, SynthesisOptions, broadcast_ws};
use stylegan_kernels::autodiff;
use stylegan_tests::golden::{Case, assert_close, max_abs, with_each_instruction_set};

fn fused_scale(case: &Case) -> FusedScale {
    if case.info["kwargs"]["fused_scale"] == true { FusedScale::Always } else { FusedScale::Auto }
}

fn params(rows: &[layouts::Row], case: &Case, dtype: DType) -> Params {
    let tensors =
        layouts::convert(rows, |name| Some(case.weights.get(name)?.to_dtype(dtype).unwrap())).expect("weights");
    Params::from_tensors(tensors).unwrap()
}

fn generator(case: &Case, dtype: DType) -> StyleGan1Generator {
    let argument = |name| case.argument(name).unwrap();
    let resolution = argument("resolution");
    let config = StyleGan1Config {
        img_size: [resolution; 2],
        z_dim: argument("z_space_dim"),
        c_dim: case.argument("label_size").unwrap_or(0),
        w_dim: argument("w_space_dim"),
        mapping_layers: argument("mapping_layers"),
        mapping_width: argument("mapping_fmaps"),
        channel_base: argument("fmaps_base"),
        channel_max: argument("fmaps_max"),
        fused_scale: fused_scale(case),
        ..StyleGan1Config::default()
    };
    let levels = resolution.ilog2() as usize - 1;
    let fused = |_| config.fused_scale == FusedScale::Always;
    let rows = genforce::stylegan1_generator(levels, config.mapping_layers, config.c_dim > 0, fused);
    let params = params(&rows, case, dtype);
    let generator = StyleGan1Generator::new(&config, params.frozen()).unwrap();
    assert!(params.unused().is_empty(), "{:?}", params.unused());
    generator
}

fn check_generator(name: &str) {
    let case = Case::load(name);
    let tolerance = 5. * case.info["f32_vs_f64_maxabs"].as_f64().unwrap();
    let cutoff = case.info["trunc_layers"].as_u64().map(|rows| rows as usize);
    for dtype in [DType::F32, DType::F64] {
        let g = generator(&case, dtype);
        let label = (g.spec().condition.label_dim() > 0).then(|| case.io("label", dtype));
        let w = g.mapping(&case.io("z", dtype), label.as_ref().into()).unwrap();
        let close = |what: &str, found: &Tensor, expected: &str, tolerance: f64| {
            assert_close(&format!("{name} {dtype:?} {what}"), found, &case.io(expected, dtype), tolerance);
        };
        let w_tolerance = 1e-6 * max_abs(&w).max(1.);
        close("w", &w, "w", w_tolerance);
        let ws = broadcast_ws(&w, g.spec().num_ws).unwrap();
        close("ws", &ws, "wp", w_tolerance);
        let truncated = truncate(&ws, g.w_avg().unwrap(), 0.7, cutoff).unwrap();
        close("truncated ws", &truncated, "wp_psi0.7", w_tolerance);

        let run = |ws: &Tensor, lod, native_size| {
            g.synthesis(ws, &SynthesisOptions { lod, native_size, ..SynthesisOptions::default() }).unwrap()
        };
        close("img", &run(&ws, 0., false), "img", tolerance);
        close("truncated img", &run(&truncated, 0., false), "img_psi0.7", tolerance);
        if dtype == DType::F64 {
            close("img in f64", &run(&ws, 0., false), "img_f64", 1e-9);
        }
        for (output, lod) in case.numbered("img_lod") {
            let img = run(&ws, lod, false);
            close(&output, &img, &output, tolerance);
            // At native size: the same picture before its pixels are repeated.
            let mut native = run(&ws, lod, true);
            assert_eq!(native.dim(2).unwrap(), g.spec().img_size[0] >> lod as usize);
            for _ in 0..lod as usize {
                native = stylegan_kernels::upsample_nearest2x(&native).unwrap();
            }
            assert_close(&format!("{name} native {output}"), &native, &img, 0.);
        }
    }
}

#[test]
fn generator_64() {
    with_each_instruction_set(|| check_generator("sg1_g64"));
}

#[test]
fn generator_64_fused() {
    check_generator("sg1_g64_fused");
}

#[test]
fn generator_32_conditional() {
    check_generator("sg1_g32_cond");
}

fn discriminator(case: &Case, dtype: DType) -> StyleGan1Discriminator {
    let argument = |name| case.argument(name).unwrap();
    let resolution = argument("resolution");
    let config = StyleGan1DiscriminatorConfig {
        img_size: [resolution; 2],
        c_dim: case.argument("label_size").unwrap_or(0),
        channel_base: argument("fmaps_base"),
        channel_max: argument("fmaps_max"),
        mbstd_channels: case.argument("minibatch_std_channels").unwrap_or(1),
        fused_scale: fused_scale(case),
        ..StyleGan1DiscriminatorConfig::default()
    };
    let params = params(&genforce::discriminator(resolution.ilog2() as usize - 1), case, dtype);
    let discriminator = StyleGan1Discriminator::new(&config, params.frozen()).unwrap();
    assert!(params.unused().is_empty(), "{:?}", params.unused());
    discriminator
}

fn check_discriminator(name: &str) {
    let case = Case::load(name);
    let pictures = Case::load("sg1_d64");
    for dtype in [DType::F32, DType::F64] {
        let d = discriminator(&case, dtype);
        let run = |img: &Tensor, lod: f64| {
            let n = img.dim(0).unwrap();
            let label = (d.spec().condition.label_dim() > 0).then(|| case.io("label", dtype).narrow(0, 0, n).unwrap());
            d.logits(img, label.as_ref().into(), lod).unwrap()
        };
        let img = pictures.io("img", dtype);
        for n in [8, 4, 1] {
            let expected = case.io(&format!("logits_n{n}"), dtype);
            let found = run(&img.narrow(0, 0, n).unwrap(), 0.);
            assert_close(&format!("{name} {dtype:?} n{n}"), &found, &expected, 5e-6 * max_abs(&expected).max(1.));
        }
        let four = img.narrow(0, 0, 4).unwrap();
        for (output, lod) in case.numbered("logits_n4_lod") {
            // The original keeps lod in an f32 buffer.
            let lod = f64::from(lod as f32);
            let expected = case.io(&output, dtype);
            let found = run(&four, lod);
            assert_close(&format!("{name} {dtype:?} {output}"), &found, &expected, 5e-6 * max_abs(&expected).max(1.));
            // Pictures that come at the current resolution give the same logits.
            let mut small = four.clone();
            for _ in 0..lod as usize {
                small = stylegan_kernels::avg_pool2x(&small).unwrap();
            }
            assert_close(&format!("{name} small {output}"), &run(&small, lod), &found, 0.);
        }
    }
}

#[test]
fn discriminator_64() {
    check_discriminator("sg1_d64");
}

#[test]
fn discriminator_64_fused() {
    check_discriminator("sg1_d64_fused");
}

#[test]
fn discriminator_64_conditional() {
    check_discriminator("sg1_d64_cond");
}

/// Working at the current resolution must not change what training sees: the logits of G's native
/// pictures and their gradient are those of the way up to full size and down again. Repeating and
/// averaging pixels is exact up to rounding: 1e-10 in f64.
#[test]
fn native_size_equals_full_size_in_training() {
    let (g_case, d_case) = (Case::load("sg1_g64"), Case::load("sg1_d64"));
    let (g, d) = (generator(&g_case, DType::F64), discriminator(&d_case, DType::F64));
    for lod in [0., 0.5, 2., 2.75] {
        let mut results = Vec::new();
        for native_size in [false, true] {
            let ws = Var::from_tensor(&g_case.io("wp", DType::F64)).unwrap();
            let options = SynthesisOptions { lod, native_size, noise: NoiseMode::None, ..SynthesisOptions::default() };
            let img = g.synthesis(&ws, &options).unwrap();
            let logits = d.logits(&img, Condition::None, lod).unwrap();
            let grad = autodiff::backward(&logits).unwrap().get(&ws).unwrap();
            results.push((logits, grad));
        }
        let [full, native] = results.try_into().unwrap_or_else(|_| unreachable!());
        assert_close(&format!("logits at lod {lod}"), &native.0, &full.0, 1e-10);
        assert_close(&format!("gradient at lod {lod}"), &native.1, &full.1, 1e-10);
    }
}

/// Parameters of layers that a level of detail leaves out get no gradient.
#[test]
fn unused_layers_get_no_gradient() {
    let config = StyleGan1Config {
        img_size: [16, 16],
        z_dim: 4,
        w_dim: 4,
        mapping_layers: 1,
        channel_max: 4,
        ..StyleGan1Config::default()
    };
    let params = Params::new(0, DType::F64, &candle_core::Device::Cpu);
    let g = StyleGan1Generator::new(&config, params.trainable()).unwrap();
    let z = Tensor::ones((1, 4), DType::F64, &candle_core::Device::Cpu).unwrap();
    let ws = broadcast_ws(&g.mapping(&z, Condition::None).unwrap(), g.spec().num_ws).unwrap();
    let img = g.synthesis(&ws, &SynthesisOptions { lod: 0.5, ..SynthesisOptions::default() }).unwrap();
    let grads = autodiff::backward(&img.sqr().unwrap()).unwrap();
    for (name, var) in params.parameters() {
        let used = name != "synthesis.b4.torgb.weight" && name != "synthesis.b4.torgb.bias";
        assert_eq!(grads.get(&var).is_some(), used, "{name}");
    }
    let img = g.synthesis(&ws, &SynthesisOptions { lod: 2., ..SynthesisOptions::default() }).unwrap();
    let grads = autodiff::backward(&img.sqr().unwrap()).unwrap();
    for (name, var) in params.parameters() {
        let used = name.starts_with("mapping.") || name.starts_with("synthesis.b4.");
        assert_eq!(grads.get(&var).is_some(), used, "{name}");
    }
}
