//! StyleGAN2's losses, gradients and training step against the official PyTorch code, see
//! `golden/sg2/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod sg2_cases;

use candle_core::{DType, Tensor};
use sg2_cases::*;
use stylegan_core::stylegan2::{StyleGan2Discriminator, StyleGan2Generator};
use stylegan_core::{DiscriminatorConfig, GeneratorConfig, Params, Synthesis};
use stylegan_train::stylegan2::phases::{self, Latents, Phase};
use stylegan_train::stylegan2::{LazyOptions, PlainTrainer};

/// The gradient of a phase against the stored one, all parameters together and each alone.
fn check_gradients(what: &str, phase: &Phase, params: &Params, io: &Tensors, bound: f64) {
    let stored = io.below(&format!("grad_{what}."));
    let mut found = Vec::new();
    for (name, var) in params.parameters() {
        let expected = stored.iter().find(|(other, _)| *other == name).map(|(_, t)| *t);
        found.push((name, phase.gradient(&var).unwrap(), expected));
    }
    assert_eq!(found.iter().filter(|(_, _, expected)| expected.is_some()).count(), stored.len(), "{what}");
    for (name, gradient, expected) in &found {
        match expected {
            // A single parameter may round more coarsely than the whole.
            Some(expected) => within(&format!("{what} {name}"), relative_l2([(gradient, *expected)]), 10. * bound),
            // Not stored: the official code had none, so ours must be zero.
            None => within(&format!("{what} {name}"), max_abs(gradient, &gradient.zeros_like().unwrap()), 0.),
        }
    }
    let pairs = found.iter().filter_map(|(_, gradient, expected)| Some((gradient, (*expected)?)));
    within(what, relative_l2(pairs), bound);
}

fn relative(what: &str, found: f64, expected: f64, bound: f64) {
    within(what, (found - expected).abs() / expected.abs(), bound);
}

/// Every loss with all its parameter gradients. The official run was f64, its gradients were
/// rounded to f32 when stored.
fn check_losses(dtype: DType) {
    let (json, io) = (json("loss"), tensors("loss.io"));
    // In f64 what remains is that rounding, 2^-24 = 6e-8 each. In f32 five times what the official
    // code's own f32 run differs from its f64 run.
    let bound = |key: &str| match dtype {
        DType::F64 => 1e-7,
        _ => 5. * json["rel_l2_err_of_torch_f32_run"][key].as_f64().unwrap().max(1.2e-7),
    };
    let (pg, pd) = (weights("loss_G", dtype), weights("loss_D", dtype));
    let (g_config, d_config) = (generator_config(&json["G"]), discriminator_config(&json["D"]));
    let g = StyleGan2Generator::new(&g_config, pg.trainable()).unwrap();
    let g_frozen = StyleGan2Generator::new(&g_config, pg.frozen()).unwrap();
    let d = StyleGan2Discriminator::new(&d_config, pd.trainable()).unwrap();
    let d_frozen = StyleGan2Discriminator::new(&d_config, pd.frozen()).unwrap();
    let (z, real) = (io.cast("z", dtype), io.cast("real", dtype));
    let (latents, options) = (Latents::new(&z), Synthesis::default());

    let phase = phases::generator_main(&g, &d_frozen, latents, &options).unwrap();
    relative("Gmain", phase.loss, io.scalar("loss_Gmain"), bound("loss_Gmain"));
    check_gradients("Gmain", &phase, &pg, &io, bound("grad_Gmain"));

    let half = z.narrow(0, 0, 2).unwrap();
    let (noise, mean) = (io.cast("pl_noise_unit", dtype), io.scalar("pl_mean_before"));
    let phase =
        phases::generator_path_length(&g, Latents::new(&half), &noise, &options, (mean, 0.01), (2., 1)).unwrap();
    relative("Gpl", phase.loss, io.scalar("loss_Gpl"), bound("loss_Gpl"));
    relative("pl_mean", phase.path_length.unwrap(), io.scalar("pl_mean_after"), bound("pl_mean_after"));
    check_gradients("Gpl", &phase, &pg, &io, bound("grad_Gpl"));

    let phase = phases::discriminator_main(&d, &g_frozen, latents, &options, (&real, None)).unwrap();
    let expected = io.scalar("loss_Dgen") + io.scalar("loss_Dreal");
    relative("Dmain", phase.loss, expected, bound("loss_Dreal"));
    check_gradients("Dmain", &phase, &pd, &io, bound("grad_Dmain"));

    let phase = phases::discriminator_r1(&d, (&real, None), 10., 1).unwrap();
    relative("Dr1", phase.loss, io.scalar("loss_Dr1"), bound("loss_Dr1"));
    check_gradients("Dr1", &phase, &pd, &io, bound("grad_Dr1"));
}

#[test]
fn losses_and_all_gradients_f64() {
    check_losses(DType::F64);
}

#[test]
fn losses_and_all_gradients_f32() {
    check_losses(DType::F32);
}

/// Four iterations of all phases with Adam, w_avg and the averaged generator.
#[test]
fn four_steps() {
    let (json, io) = (json("loss"), tensors("train4.io"));
    let dtype = DType::F64;
    let options = LazyOptions { g_interval: 2, d_interval: 2, ema_images: 20., ..LazyOptions::default() };
    let mut trainer = PlainTrainer::new(
        (&GeneratorConfig::StyleGan2(generator_config(&json["G"])), weights("loss_G", dtype)),
        (&DiscriminatorConfig::StyleGan2(discriminator_config(&json["D"])), weights("loss_D", dtype)),
        options,
    )
    .unwrap();
    let synthesis = Synthesis::default();
    for it in 0..4 {
        let tensor = |name: &str| io.cast(&format!("it{it}.{name}"), dtype);
        let check = |name: &str, found: f64| {
            // Losses of an f64 run, printed in f64: only the order of sums differs.
            relative(&format!("it{it} {name}"), found, io.scalar(&format!("it{it}.loss_{name}")), 1e-9);
        };
        let real = tensor("real");
        let z = tensor("z_Gmain");
        check("Gmain", trainer.generator_main(Latents::new(&z), &synthesis).unwrap());
        if it % 2 == 0 {
            let (z, noise) = (tensor("z_Greg").narrow(0, 0, 2).unwrap(), tensor("pl_noise_unit"));
            let loss = trainer.generator_path_length(Latents::new(&z), &noise, &synthesis).unwrap();
            check("Greg", 2. * loss); // Stored times the interval.
        }
        let z = tensor("z_Dmain");
        check("Dmain", trainer.discriminator_main(Latents::new(&z), (&real, None), &synthesis).unwrap());
        if it % 2 == 0 {
            check("Dreg", 2. * trainer.discriminator_r1((&real, None)).unwrap());
        }
        trainer.average(4).unwrap();
    }
    relative("pl_mean", trainer.pl_mean(), io.scalar("pl_mean_final"), 1e-9);
    for (network, params) in [("G", &trainer.g), ("D", &trainer.d), ("G_ema", &trainer.g_ema)] {
        let stored = io.below(&format!("final.{network}."));
        let fixed_noise = params.vars().iter().filter(|(name, _)| name.ends_with("noise_const")).count();
        assert_eq!(stored.len(), params.vars().len() - fixed_noise, "{network}");
        for (name, expected) in stored {
            let found: Tensor = params.get(&name).unwrap().as_detached_tensor();
            // Stored in f32, which rounds by up to 6e-8 of the largest value (mapping weights are of
            // order 100); the same again for Adam, whose first steps divide small gradients by
            // themselves.
            let largest = max_abs(expected, &expected.zeros_like().unwrap());
            within(&format!("{network}.{name}"), max_abs(&found, expected), 1.2e-7 * largest.max(1.));
        }
    }
}
