//! Losses, gradients and training steps against the official PyTorch code.

use super::*;
use candle_core::DType;
use stylegan_core::{DiscriminatorConfig, GeneratorConfig, SynthesisOptions};
use stylegan_train::config::{EmaConfig, LossConfig, PathLengthConfig, TrainConfig};
use stylegan_train::phase::Phase;
use stylegan_train::recipe::gan::{DMAIN, DREG, GMAIN, GREG, Gan, Latents};
use stylegan_train::recipe::{GRADIENT, Recipe, step};
use stylegan_train::shards::ShardSums;

/// Both regularisers in every second step.
const INTERVAL: usize = 2;

/// The case's gan: StyleGAN2's constants, but for [`INTERVAL`].
fn gan(place: &Place) -> (TrainConfig, Gan) {
    let json = json("loss");
    let config = TrainConfig {
        generator: GeneratorConfig::StyleGan2(generator_config(&json["G"])),
        discriminator: DiscriminatorConfig::StyleGan2(discriminator_config(&json["D"])),
        loss: LossConfig::Logistic { r1_gamma: 10., r1_interval: INTERVAL },
        path_length: Some(PathLengthConfig { interval: INTERVAL, ..PathLengthConfig::default() }),
        ema: EmaConfig::HalfLife { kimg: 0.02, ramp: 0. },
        ..TrainConfig::stylegan2()
    };
    let gan = Gan::new(&config, weights("loss_G", place), weights("loss_D", place)).unwrap();
    (config, gan)
}

/// WGAN-GP alone reads this.
fn no_blend(place: &Place) -> Tensor {
    Tensor::zeros((4, 1, 1, 1), place.dtype, &place.device).unwrap()
}

/// `share`'s gradient over `divisor` (samples times weight) against the stored one, all parameters together
/// and each alone.
fn check_gradients(what: &str, share: &ShardSums, divisor: f64, params: &Params, io: &Tensors, bound: f64) {
    let stored = io.below(&format!("grad_{what}."));
    let all = share.named.row(GRADIENT).unwrap().clone().into_vec().unwrap();
    let (mut found, mut rest) = (Vec::new(), &all[..]);
    for (name, var) in params.parameters() {
        let (own, others) = rest.split_at(var.elem_count());
        rest = others;
        let own: Vec<f64> = own.iter().map(|&x| f64::from(x) / divisor).collect();
        let gradient = Tensor::from_vec(own, var.shape(), &Device::Cpu).unwrap();
        let expected = stored.iter().find(|(other, _)| *other == name).map(|(_, t)| *t);
        found.push((name, gradient, expected));
    }
    assert_eq!(found.iter().filter(|(_, _, expected)| expected.is_some()).count(), stored.len(), "{what}");
    for (name, gradient, expected) in &found {
        match expected {
            // A single parameter may round more coarsely than the whole.
            Some(expected) => within(&format!("{what} {name}"), relative_l2([(gradient, *expected)]), 10. * bound),
            // Not stored: the official code had none, so ours must be zero.
            None => {
                within(&format!("{what} {name}"), largest_difference(gradient, &gradient.zeros_like().unwrap()), 0.)
            }
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
pub(crate) fn check_losses(place: &Place) {
    let (json, io) = (json("loss"), tensors("loss.io"));
    // In f64 what remains is that rounding and our own (shares are f32), 2^-24 = 6e-8 each. In f32
    // five times what the official code's own f32 run differs from its f64 run.
    let bound = |key: &str| match place.dtype {
        DType::F64 => 1e-7,
        _ => 5. * json["rel_l2_err_of_torch_f32_run"][key].as_f64().unwrap().max(1.2e-7),
    };
    let (_, mut gan) = gan(place);
    let (z, real) = (io.at("z", place), io.at("real", place));
    let (latents, options) = (Latents::new(z.clone()), SynthesisOptions::default());
    let mean = |share: &ShardSums, key: &str| share.stats.get(key).mean();

    let share = gan.gmain(&latents, &options, None).unwrap();
    relative("Gmain", mean(&share, "Loss/G/loss"), io.scalar("loss_Gmain"), bound("loss_Gmain"));
    check_gradients("Gmain", &share, 4., gan.g(), &io, bound("grad_Gmain"));

    let share = gan.dmain(&latents, &options, (&real, None), &no_blend(place), None).unwrap();
    let expected = io.scalar("loss_Dgen") + io.scalar("loss_Dreal");
    relative("Dmain", mean(&share, "Loss/D/loss"), expected, bound("loss_Dreal"));
    check_gradients("Dmain", &share, 4., gan.d(), &io, bound("grad_Dmain"));

    let share = gan.dreg((&real, None), 0., INTERVAL as f64, None).unwrap();
    relative("Dr1", mean(&share, "Loss/D/reg"), io.scalar("loss_Dr1"), bound("loss_Dr1"));
    check_gradients("Dr1", &share, 4. * INTERVAL as f64, gan.d(), &io, bound("grad_Dr1"));

    gan.pl_mean = io.scalar("pl_mean_before");
    let half = Latents::new(z.narrow(0, 0, 2).unwrap());
    let share = gan.greg(&half, &options, &io.at("pl_noise_unit", place), INTERVAL as f64).unwrap();
    relative("Gpl", mean(&share, "Loss/G/reg"), io.scalar("loss_Gpl"), bound("loss_Gpl"));
    check_gradients("Gpl", &share, 2. * INTERVAL as f64, gan.g(), &io, bound("grad_Gpl"));
    step(&mut gan, &GREG, &share.named.over(2).unwrap(), 0.002).unwrap();
    relative("pl_mean", gan.pl_mean, io.scalar("pl_mean_after"), bound("pl_mean_after"));
}

/// Four iterations of all phases with Adam, w_avg and the averaged generator. In f64: in f32 Adam makes whole steps of the
/// rounding of small gradients.
pub(crate) fn four_steps(place: &Place) {
    let io = tensors("train4.io");
    let (config, mut gan) = gan(place);
    let (options, lr) = (SynthesisOptions::default(), config.schedule.lr.base);
    for it in 0..4 {
        let tensor = |name: &str| io.at(&format!("it{it}.{name}"), place);
        let take = |gan: &mut Gan, phase: Phase, share: ShardSums, samples: usize, key: &str, weight: f64| {
            // Losses of an f64 run, printed in f64. Ours follow weights whose steps were rounded to
            // f32 on the way, by 6e-8 each.
            let (found, stored) = (weight * share.stats.get(key).mean(), format!("it{it}.loss_{}", phase.name));
            relative(&stored, found, io.scalar(&stored), 1e-7);
            step(gan, &phase, &share.named.over(samples).unwrap(), lr).unwrap();
        };
        let real = tensor("real");
        let share = gan.gmain(&Latents::new(tensor("z_Gmain")), &options, None).unwrap();
        take(&mut gan, GMAIN, share, 4, "Loss/G/loss", 1.);
        let weight = INTERVAL as f64; // Stored times the interval.
        if it % INTERVAL == 0 {
            let half = Latents::new(tensor("z_Greg").narrow(0, 0, 2).unwrap());
            let share = gan.greg(&half, &options, &tensor("pl_noise_unit"), INTERVAL as f64).unwrap();
            take(&mut gan, GREG, share, 2, "Loss/G/reg", weight);
        }
        let latents = Latents::new(tensor("z_Dmain"));
        let share = gan.dmain(&latents, &options, (&real, None), &no_blend(place), None).unwrap();
        take(&mut gan, DMAIN, share, 4, "Loss/D/loss", 1.);
        if it % INTERVAL == 0 {
            let share = gan.dreg((&real, None), 0., INTERVAL as f64, None).unwrap();
            take(&mut gan, DREG, share, 4, "Loss/D/reg", weight);
        }
        gan.advance(4 * it as u64, 4).unwrap();
    }
    relative("pl_mean", gan.pl_mean, io.scalar("pl_mean_final"), 1e-7);
    for (network, params) in [("G", gan.g()), ("D", gan.d()), ("G_ema", gan.g_ema())] {
        let stored = io.below(&format!("final.{network}."));
        let fixed_noise = params.vars().iter().filter(|(name, _)| name.ends_with("noise_const")).count();
        assert_eq!(stored.len(), params.vars().len() - fixed_noise, "{network}");
        for (name, expected) in stored {
            let found: Tensor = params.get(&name).unwrap().as_detached_tensor();
            // Stored in f32, which rounds by up to 6e-8 of the largest value (mapping weights are of
            // order 100); the same again for Adam, whose first steps divide small gradients by
            // themselves.
            let largest = largest_difference(expected, &expected.zeros_like().unwrap());
            let bound = 1.2e-7 * largest.max(1.);
            within(&format!("{network}.{name}"), largest_difference(&found, expected), bound);
        }
    }
}
