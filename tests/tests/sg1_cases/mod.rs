//! The golden cases of StyleGAN1: networks from weights of genforce, what is recorded of them.
//!
//! Tolerances: in f32, five times the difference between the original's own f32 and f64 results
//! (`f32_vs_f64_maxabs` of each case, 1e-5 to 4e-5 on pictures; 1e-6 on logits); in f64, 1e-9.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Tensor};
use stylegan_core::import::layouts::{self, genforce};
use stylegan_core::latent::truncate;
use stylegan_core::layers::FusedScale;
use stylegan_core::stylegan1::{
    StyleGan1Config, StyleGan1Discriminator, StyleGan1DiscriminatorConfig, StyleGan1Generator,
};
use stylegan_core::{Discriminator, Generator, Params, SynthesisOptions, broadcast_ws};
use stylegan_tests::golden::{Case, Place, assert_close, max_abs};

fn fused_scale(case: &Case) -> FusedScale {
    if case.info["kwargs"]["fused_scale"] == true { FusedScale::Always } else { FusedScale::Auto }
}

fn params(rows: &[layouts::Row], case: &Case, place: &Place) -> Params {
    let tensors =
        layouts::convert(rows, |name| Some(case.weights.get(name)?.to_dtype(place.dtype).unwrap())).expect("weights");
    Params::from_tensors(tensors).unwrap().to_device(&place.device).unwrap()
}

/// The generator of a case.
pub(crate) fn generator(case: &Case, place: &Place) -> StyleGan1Generator {
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
    let params = params(&rows, case, place);
    let generator = StyleGan1Generator::new(&config, params.frozen()).unwrap();
    assert!(params.unused().is_empty(), "{:?}", params.unused());
    generator
}

/// Styles, pictures and pictures on the way to full size.
pub(crate) fn check_generator(name: &str, place: &Place) {
    let case = Case::load(name);
    let tolerance = 5. * case.info["f32_vs_f64_maxabs"].as_f64().unwrap();
    let cutoff = case.info["trunc_layers"].as_u64().map(|rows| rows as usize);
    let g = generator(&case, place);
    let label = (g.spec().condition.label_dim() > 0).then(|| case.io("label", place));
    let w = g.mapping(&case.io("z", place), label.as_ref().into()).unwrap();
    let close = |what: &str, found: &Tensor, expected: &str, tolerance: f64| {
        assert_close(&format!("{name} {place} {what}"), found, &case.io(expected, place), tolerance);
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
    if place.dtype == DType::F64 {
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

/// The discriminator of a case.
pub(crate) fn discriminator(case: &Case, place: &Place) -> StyleGan1Discriminator {
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
    let params = params(&genforce::discriminator(resolution.ilog2() as usize - 1), case, place);
    let discriminator = StyleGan1Discriminator::new(&config, params.frozen()).unwrap();
    assert!(params.unused().is_empty(), "{:?}", params.unused());
    discriminator
}

/// Logits, also on the way to full size.
pub(crate) fn check_discriminator(name: &str, place: &Place) {
    let case = Case::load(name);
    let pictures = Case::load("sg1_d64");
    let d = discriminator(&case, place);
    let run = |img: &Tensor, lod: f64| {
        let n = img.dim(0).unwrap();
        let label = (d.spec().condition.label_dim() > 0).then(|| case.io("label", place).narrow(0, 0, n).unwrap());
        d.logits(img, label.as_ref().into(), lod).unwrap()
    };
    let img = pictures.io("img", place);
    for n in [8, 4, 1] {
        let expected = case.io(&format!("logits_n{n}"), place);
        let found = run(&img.narrow(0, 0, n).unwrap(), 0.);
        assert_close(&format!("{name} {place} n{n}"), &found, &expected, 5e-6 * max_abs(&expected).max(1.));
    }
    let four = img.narrow(0, 0, 4).unwrap();
    for (output, lod) in case.numbered("logits_n4_lod") {
        // The original keeps lod in an f32 buffer.
        let lod = f64::from(lod as f32);
        let expected = case.io(&output, place);
        let found = run(&four, lod);
        assert_close(&format!("{name} {place} {output}"), &found, &expected, 5e-6 * max_abs(&expected).max(1.));
        // Pictures that come at the current resolution give the same logits.
        let mut small = four.clone();
        for _ in 0..lod as usize {
            small = stylegan_kernels::avg_pool2x(&small).unwrap();
        }
        assert_close(&format!("{name} small {output}"), &run(&small, lod), &found, 0.);
    }
}
