//! The golden cases of Progressive GAN: networks from weights of genforce, what is recorded of them, and first and second
//! derivatives of its losses.
//!
//! Tolerances: pictures 2e-5 and logits 5e-6, both in units of their largest value. The goldens ran
//! in f32: against our f64 they differ by up to 3e-6 (pictures) and 1e-6 (logits) of it, and our f32
//! may add as much again. Losses ran in f64: 1e-9, and in f32 [`SINGLE`] of them; their gradients are stored in f32, whose
//! rounding is 6e-8 of the largest value, tolerance 1e-6 of it, and in f32 [`SINGLE_GRADIENT`].
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use candle_core::{Device, Tensor, Var};
use std::collections::HashMap;
use stylegan_core::import::layouts::{self, Row, genforce};
use stylegan_core::layers::FusedScale;
use stylegan_core::pggan::{PgganConfig, PgganDiscriminator, PgganDiscriminatorConfig, PgganGenerator};
use stylegan_core::stylegan1::{StyleGan1Discriminator, StyleGan1DiscriminatorConfig};
use stylegan_core::{Condition, Discriminator, Generator, Params, SynthesisOptions, broadcast_ws};
use stylegan_kernels::{autodiff, pixel_norm};
use stylegan_tests::golden::{Case, Place, assert_close, max_abs};

/// Losses and penalties in f32, whose sums over layers there and back round; relative to the larger of them and 1.
const SINGLE: f64 = 1e-5;
/// Their gradients, of first and second order, relative to the largest number of each, but to no less than 0.1: those of last
/// biases are differences of means that are larger.
const SINGLE_GRADIENT: f64 = 1e-5;

fn params(rows: &[Row], weights: &HashMap<String, Tensor>, prefix: &str, place: &Place) -> Params {
    let tensors =
        layouts::convert(rows, |name| Some(weights.get(&format!("{prefix}{name}"))?.to_dtype(place.dtype).unwrap()));
    Params::from_tensors(tensors.expect("weights")).unwrap().to_device(&place.device).unwrap()
}

fn fused_scale(case: &Case) -> FusedScale {
    if case.info["kwargs"]["fused_scale"] == true { FusedScale::Always } else { FusedScale::Never }
}

/// Pictures, also on the way to full size.
pub(crate) fn check_generator(name: &str, place: &Place) {
    let case = Case::load(name);
    let argument = |name| case.argument(name).unwrap();
    let resolution = argument("resolution");
    let config = PgganConfig {
        img_size: [resolution; 2],
        z_dim: argument("z_space_dim"),
        c_dim: case.argument("label_size").unwrap_or(0),
        channel_base: argument("fmaps_base"),
        channel_max: argument("fmaps_max"),
        fused_scale: fused_scale(&case),
        ..PgganConfig::default()
    };
    let rows = genforce::pggan_generator(resolution.ilog2() as usize - 1, |_| fused_scale(&case) == FusedScale::Always);
    let params = params(&rows, &case.weights, "", place);
    let g = PgganGenerator::new(&config, params.frozen()).unwrap();
    assert!(params.unused().is_empty(), "{:?}", params.unused());
    let mut z = case.io("z", place);
    let label = (g.spec().condition.label_dim() > 0).then(|| case.io("label", place));
    if label.is_some() {
        // What genforce ran and the official code does not: it normalises the latent before the
        // label is put beside it. Ours, like the official code, normalises both together, so
        // feeding a normalised latent gives what genforce computed.
        z = pixel_norm(&z, 1e-8).unwrap();
    }
    let ws = broadcast_ws(&g.mapping(&z, label.as_ref().into()).unwrap(), g.spec().num_ws).unwrap();
    let mut outputs = case.numbered("img_lod");
    outputs.push(("img".into(), 0.));
    for (output, lod) in outputs {
        let img = g.synthesis(&ws, &SynthesisOptions { lod, ..SynthesisOptions::default() }).unwrap();
        let expected = case.io(&output, place);
        assert_close(&format!("{name} {place} {output}"), &img, &expected, 2e-5 * max_abs(&expected));
        let options = SynthesisOptions { lod, native_size: true, ..SynthesisOptions::default() };
        let mut native = g.synthesis(&ws, &options).unwrap();
        for _ in 0..lod as usize {
            native = stylegan_kernels::upsample_nearest2x(&native).unwrap();
        }
        assert_close(&format!("{name} native {output}"), &native, &img, 0.);
    }
}

/// Logits, also on the way to full size.
pub(crate) fn check_discriminator(name: &str, pictures: &str, place: &Place) {
    let (case, pictures) = (Case::load(name), Case::load(pictures));
    let argument = |name| case.argument(name).unwrap();
    let resolution = argument("resolution");
    let config = PgganDiscriminatorConfig {
        img_size: [resolution; 2],
        c_dim: case.argument("label_size").unwrap_or(0),
        channel_base: argument("fmaps_base"),
        channel_max: argument("fmaps_max"),
        // genforce's default is 16, the official one 4.
        mbstd_group: case.argument("minibatch_std_group_size").unwrap_or(16),
        fused_scale: fused_scale(&case),
        ..PgganDiscriminatorConfig::default()
    };
    let rows = genforce::discriminator(resolution.ilog2() as usize - 1);
    let params = params(&rows, &case.weights, "", place);
    let d = PgganDiscriminator::new(&config, params.frozen()).unwrap();
    assert!(params.unused().is_empty(), "{:?}", params.unused());
    let img = pictures.io("img", place);
    // genforce's forward takes no notice of its lod argument; these logits were made by setting
    // its buffer, an f32.
    let mut outputs: Vec<_> =
        case.numbered("logits_n4_lod").into_iter().map(|(output, lod)| (output, 4, f64::from(lod as f32))).collect();
    outputs.extend([8, 4, 1].map(|n| (format!("logits_n{n}"), n, 0.)));
    for (output, n, lod) in outputs {
        let img = img.narrow(0, 0, n).unwrap();
        let found = d.forward_with_classes(&img, lod).unwrap();
        let expected = case.io(&output, place);
        assert_close(&format!("{name} {place} {output}"), &found, &expected, 5e-6 * max_abs(&expected).max(1.));
        let mut small = img;
        for _ in 0..lod as usize {
            small = stylegan_kernels::avg_pool2x(&small).unwrap();
        }
        let score = d.logits(&small, Condition::None, lod).unwrap();
        assert_close(&format!("{name} small {output}"), &score, &found.narrow(1, 0, 1).unwrap(), 0.);
    }
}

/// Compares a loss, or what it is made of, with the stored number of this name.
fn close(case: &Case, place: &Place, name: &str, found: &Tensor) {
    let expected = &case.io[name];
    assert_close(&format!("{name} {place}"), found, expected, place.bound(1e-9, SINGLE * max_abs(expected).max(1.)));
}

/// Compares the gradients of `loss` with the stored ones of names `prefix` + foreign name. Layers
/// that lod 0 leaves out have a stored gradient of zero and none here.
fn check_gradients(case: &Case, place: &Place, prefix: &str, rows: &[Row], params: &Params, loss: &Tensor) {
    let grads = autodiff::backward(loss).unwrap();
    for (ours, theirs, change) in rows {
        let name = format!("{prefix}{theirs}");
        let expected = case.io(&name, place);
        match grads.get(&params.get(ours).unwrap()) {
            None => assert_eq!(max_abs(&expected), 0., "{name} has no gradient here"),
            Some(found) => {
                let found = change.invert(&found.to_device(&Device::Cpu).unwrap(), expected.dims()).unwrap();
                let most = max_abs(&expected);
                let tolerance = place.bound(1e-6 * most, SINGLE_GRADIENT * most.max(0.1));
                assert_close(&name, &found, &expected, tolerance);
            }
        }
    }
}

fn losses_discriminator_config() -> PgganDiscriminatorConfig {
    PgganDiscriminatorConfig {
        img_size: [16, 16],
        channel_base: 256,
        channel_max: 16,
        mbstd_group: 4,
        fused_scale: FusedScale::Never,
        ..PgganDiscriminatorConfig::default()
    }
}

fn losses_generator(case: &Case, place: &Place) -> (Params, PgganGenerator) {
    let params = params(&genforce::pggan_generator(3, |_| false), &case.weights, "G.", place);
    let config = PgganConfig {
        img_size: [16, 16],
        z_dim: 16,
        channel_base: 256,
        channel_max: 16,
        fused_scale: FusedScale::Never,
        ..PgganConfig::default()
    };
    let g = PgganGenerator::new(&config, params.trainable()).unwrap();
    (params, g)
}

fn losses_fakes(g: &PgganGenerator, case: &Case, place: &Place) -> Tensor {
    let ws = broadcast_ws(&g.mapping(&case.io("z", place), Condition::None).unwrap(), 1).unwrap();
    g.synthesis(&ws, &SynthesisOptions::default()).unwrap()
}

pub(crate) fn wasserstein_loss_with_gradient_penalty(place: &Place) {
    let case = Case::load("pggan_losses");
    let rows = genforce::discriminator(3);
    let params = params(&rows, &case.weights, "D.", place);
    let d = PgganDiscriminator::new(&losses_discriminator_config(), params.trainable()).unwrap();
    let io = |name: &str| case.io(name, place);
    let close = |name: &str, found: &Tensor| close(&case, place, name, found);

    // The stored fakes are rounded to f32; the losses ran on these.
    let (real, fake) = (io("real"), losses_fakes(&losses_generator(&case, place).1, &case, place).detach());
    assert_close("fake", &fake, &io("fake"), place.bound(1e-6, SINGLE));
    let (real_logits, fake_logits) =
        (d.logits(&real, Condition::None, 0.).unwrap(), d.logits(&fake, Condition::None, 0.).unwrap());
    close("real_logits", &real_logits);
    close("fake_logits", &fake_logits);
    let mixed = (&real + (&fake - &real).unwrap().broadcast_mul(&io("mix_t")).unwrap()).unwrap();
    let mixed = Var::from_tensor(&mixed).unwrap();
    let score = d.logits(&mixed, Condition::None, 0.).unwrap().sum_all().unwrap();
    let slope = autodiff::grad(&score, &[mixed.as_tensor()], true).unwrap().remove(0);
    let norms = slope.sqr().unwrap().sum((1, 2, 3)).unwrap().sqrt().unwrap();
    close("mixed_grad_norms", &norms);
    let penalty = (&norms - 1.).unwrap().sqr().unwrap();
    let drift = real_logits.sqr().unwrap();
    let loss = ((fake_logits - real_logits).unwrap().mean_all().unwrap()
        + ((penalty.mean_all().unwrap() * 10.).unwrap() + (drift.mean_all().unwrap() * 1e-3).unwrap()).unwrap())
    .unwrap();
    close("loss_D", &loss.reshape(1).unwrap());
    check_gradients(&case, place, "gD.", &rows, &params, &loss);
}

pub(crate) fn wasserstein_loss_of_the_generator(place: &Place) {
    let case = Case::load("pggan_losses");
    let rows = genforce::pggan_generator(3, |_| false);
    let (g_params, g) = losses_generator(&case, place);
    let d_params = params(&genforce::discriminator(3), &case.weights, "D.", place);
    let d = PgganDiscriminator::new(&losses_discriminator_config(), d_params.frozen()).unwrap();
    let img = losses_fakes(&g, &case, place);
    let loss = d.logits(&img, Condition::None, 0.).unwrap().mean_all().unwrap().neg().unwrap();
    close(&case, place, "loss_G", &loss.reshape(1).unwrap());
    check_gradients(&case, place, "gG.", &rows, &g_params, &loss);
}

pub(crate) fn logistic_loss_with_r1(place: &Place) {
    let case = Case::load("pggan_losses");
    let rows = genforce::discriminator(3);
    let params = params(&rows, &case.weights, "sg1D.", place);
    let config = StyleGan1DiscriminatorConfig {
        img_size: [16, 16],
        channel_base: 256,
        channel_max: 16,
        ..StyleGan1DiscriminatorConfig::default()
    };
    let d = StyleGan1Discriminator::new(&config, params.trainable()).unwrap();
    let real = Var::from_tensor(&case.io("real", place)).unwrap();
    let logits = d.logits(&real, Condition::None, 0.).unwrap();
    close(&case, place, "sg1.logits", &logits);
    let slope = autodiff::grad(&logits.sum_all().unwrap(), &[real.as_tensor()], true).unwrap().remove(0);
    let penalty = slope.sqr().unwrap().sum((1, 2, 3)).unwrap();
    close(&case, place, "sg1.r1", &penalty);
    // softplus(-logits), then R1 with gamma 10 on one half.
    let softplus = (logits.neg().unwrap().exp().unwrap() + 1.).unwrap().log().unwrap();
    let loss = (softplus.mean_all().unwrap() + (penalty.mean_all().unwrap() * 5.).unwrap()).unwrap();
    close(&case, place, "sg1.loss_real_plus_r1", &loss.reshape(1).unwrap());
    check_gradients(&case, place, "sg1.gD.", &rows, &params, &loss);
}
