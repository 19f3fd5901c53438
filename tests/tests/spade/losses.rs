//! One step's losses, their gradients and the buffers that it leaves, against the original code.

use super::cases::*;
use super::vgg::perceptual;
use candle_core::{Result, Tensor, Var};
use stylegan_core::layers::{BufferUpdates, Mode, SemanticMap, power_iteration};
use stylegan_core::spade::*;
use stylegan_core::{Condition, Discriminator, Params, Scale};
use stylegan_kernels::autodiff::{Gradients, backward, grad};
use stylegan_tests::golden::{Place, values};
use stylegan_train::losses::scales::feature_matching::feature_matching;
use stylegan_train::losses::scales::gan_loss::GanLoss;
use stylegan_train::losses::scales::kl_divergence::kl_divergence;

fn generator_config() -> SpadeConfig {
    SpadeConfig { img_size: [32, 256], classes: 3, z_dim: 256, channels: 1, ..SpadeConfig::default() }
}

fn encoder_config() -> SpadeEncoderConfig {
    SpadeEncoderConfig { channels: 1, ..SpadeEncoderConfig::default() }
}

fn discriminator_config() -> MultiscaleDiscriminatorConfig {
    MultiscaleDiscriminatorConfig { img_size: [32, 256], classes: 3, channels: 3, ..Default::default() }
}

/// The three networks in their state before the step, and its inputs.
struct Step {
    io: Tensors,
    g: Params,
    e: Params,
    d: Params,
    map: SemanticMap,
    real: Tensor,
}

impl Step {
    fn new(place: &Place) -> Self {
        let io = Tensors::load("losses.io");
        let g = by_formula("spade_losses/G/", place, |p| drop(SpadeGenerator::new(&generator_config(), p.trainable())));
        let e = by_formula("spade_losses/E/", place, |p| drop(SpadeEncoder::new(&encoder_config(), p.trainable())));
        let d = by_formula("spade_losses/D/", place, |p| {
            drop(MultiscaleDiscriminator::new(&discriminator_config(), p.trainable()))
        });
        for (params, network) in [(&g, "G"), (&e, "E"), (&d, "D")] {
            set(params, io.below(&format!("before.{network}.")));
            power_iteration(params).unwrap();
        }
        let (map, real) = (io.map("in.", 3), io.at("in.image", place));
        Self { io, g, e, d, map, real }
    }

    /// The generated pictures of the noise `eps`, and the distributions that their latents come from.
    fn fake(&self, trainable: bool, eps: &str) -> (Tensor, GaussianCode) {
        let view = |params: &Params| if trainable { params.trainable() } else { params.frozen() };
        let e = SpadeEncoder::new(&encoder_config(), view(&self.e)).unwrap();
        let g = SpadeGenerator::new(&generator_config(), view(&self.g)).unwrap();
        let updates = BufferUpdates::default();
        let code = e.forward(&self.real).unwrap();
        let z = code.sample(&self.io.get(eps).to_device(self.real.device()).unwrap()).unwrap();
        let fake = g.forward(&self.map, Some(&z), Mode::Train(&updates)).unwrap();
        updates.store(&self.g).unwrap();
        (fake, code)
    }

    /// What the discriminator says of generated and of real pictures, that go through it in one batch.
    fn judged(&self, trainable: bool, fake: &Tensor) -> [Vec<Scale>; 2] {
        let vb = if trainable { self.d.trainable() } else { self.d.frozen() };
        let d = MultiscaleDiscriminator::new(&discriminator_config(), vb).unwrap();
        let SemanticMap::Labels(labels) = &self.map else { panic!("labels") };
        let twice: SemanticMap = stylegan_kernels::Labels::cat(&[labels, labels]).unwrap().into();
        let said = d.forward(&Tensor::cat(&[fake, &self.real], 0).unwrap(), Condition::Map(&twice), 0.).unwrap().scales;
        let half = |from: usize| {
            let part = |t: &Tensor| t.narrow(0, from, 2).unwrap();
            said.iter()
                .map(|s| Scale { logits: part(&s.logits), features: s.features.iter().map(part).collect() })
                .collect()
        };
        [half(0), half(2)]
    }

    fn check_buffers(&self, when: &str) {
        for (params, network) in [(&self.g, "G"), (&self.e, "E"), (&self.d, "D")] {
            let after = self.io.below(&format!("{when}.{network}."));
            assert!(!after.is_empty());
            for (name, expected) in after {
                within(&format!("{when} {network} {name}"), &params.get(&name).unwrap(), expected, 1e-5);
            }
        }
    }
}

pub(crate) fn logits(said: &[Scale]) -> Vec<Tensor> {
    said.iter().map(|scale| scale.logits.clone()).collect()
}

pub(crate) fn features(said: &[Scale]) -> Vec<Vec<Tensor>> {
    said.iter().map(|scale| scale.features.clone()).collect()
}

pub(crate) fn scalar(x: &Tensor) -> f64 {
    values(x)[0]
}

pub(crate) fn norm(x: &Tensor) -> f64 {
    values(x).into_iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Losses agree to 1e-5: PyTorch's own f32 loses 1e-7, sums in another order a little more.
#[track_caller]
fn loss(what: &str, found: &Tensor, expected: &Tensor) {
    let (found, expected) = (scalar(found), scalar(expected));
    println!("{what}: {found} {expected}");
    assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{what}: {found}, expected {expected}");
}

/// Gradients agree to 1e-3 of their norm, PyTorch's own to 6e-4; those that are 0 in truth to 1e-5.
fn gradients(what: &str, params: &Params, found: &Gradients, expected: Vec<(String, &Tensor)>) {
    assert_eq!(params.parameters().len(), expected.len(), "{what}");
    for (name, expected) in expected {
        let found = found.get(&params.get(&name).unwrap()).unwrap_or_else(|| panic!("{what} {name}: no gradient"));
        let off = norm(&(found.to_device(&CPU).unwrap() - expected).unwrap());
        let size = norm(expected);
        assert!(
            off <= (1e-3 * size).max(1e-5 * (expected.elem_count() as f64).sqrt()),
            "{what} {name}: {off:e} of {size:e}"
        );
    }
}

pub(crate) fn the_discriminators_step_under_every_loss(place: &Place) {
    let modes = Tensors::load("losses_modes.io");
    for (name, kind) in
        [("", GanLoss::Hinge), ("ls.", GanLoss::Ls), ("original.", GanLoss::Original), ("w.", GanLoss::W)]
    {
        let step = Step::new(place);
        let io = if name.is_empty() { &step.io } else { &modes };
        let (fake, _) = step.fake(false, "in.eps_D");
        let [of_fake, of_real] = step.judged(true, &fake);
        let d_fake = kind.discriminator_fake(&logits(&of_fake)).unwrap().mean(0).unwrap();
        let d_real = kind.discriminator_real(&logits(&of_real)).unwrap().mean(0).unwrap();
        loss(&format!("{name} fake"), &d_fake, io.get(&format!("{name}loss_D.D_Fake")));
        loss(&format!("{name} real"), &d_real, io.get(&format!("{name}loss_D.D_real")));
        let found = backward(&(d_fake + d_real).unwrap()).unwrap();
        gradients(name, &step.d, &found, io.below(&format!("{name}grad_D.D.")));
        if name.is_empty() {
            step.check_buffers("after_D");
        }
    }
}

pub(crate) fn the_generators_step(place: &Place) {
    let step = Step::new(place);
    let (fake, code) = step.fake(true, "in.eps_G");
    within("pictures", &fake.narrow(0, 0, 1).unwrap(), step.io.get("fake"), 1e-5);
    let [of_fake, of_real] = step.judged(false, &fake);
    let mean = |x: Tensor, factor: f64| (x.mean(0).unwrap() * factor).unwrap();
    let kl = (kl_divergence(&code.mean, &code.log_variance).unwrap().sum_all().unwrap() * 0.05).unwrap();
    let gan = mean(GanLoss::Hinge.generator(&logits(&of_fake)).unwrap(), 1.);
    let matching = mean(feature_matching(&features(&of_fake), &features(&of_real)).unwrap(), 10.);
    let looks = (perceptual(&fake, &step.real).unwrap() * 10.).unwrap();
    loss("KLD", &kl, step.io.get("loss_G.KLD"));
    loss("GAN", &gan, step.io.get("loss_G.GAN"));
    loss("features", &matching, step.io.get("loss_G.GAN_Feat"));
    loss("VGG", &looks, step.io.get("loss_G.VGG"));
    let total = (((kl + gan).unwrap() + matching).unwrap() + looks).unwrap();
    loss("total", &total, step.io.get("loss_G.total"));
    let found = backward(&total).unwrap();
    gradients("G", &step.g, &found, step.io.below("grad_G.G."));
    gradients("E", &step.e, &found, step.io.below("grad_G.E."));
    step.check_buffers("after_G");
}

pub(crate) fn what_the_generator_gains_from_its_pictures(place: &Place) {
    let modes = Tensors::load("losses_modes.io");
    let step = Step::new(place);
    let fake = Var::from_tensor(&step.fake(false, "in.eps_G").0).unwrap();
    let slope = |of: &dyn Fn([Vec<Scale>; 2]) -> Result<Tensor>| {
        let value = of(step.judged(false, &fake)).unwrap().mean(0).unwrap();
        (value.clone(), norm(&grad(&value, &[&fake], false).unwrap()[0]))
    };
    let matching = slope(&|[a, b]| feature_matching(&features(&a), &features(&b))? * 10.).1;
    let close = |what: &str, found: f64, expected: &Tensor| {
        let expected = scalar(expected);
        assert!((found - expected).abs() < 2e-4 * expected, "{what}: {found}, expected {expected}");
    };
    close("features", matching, step.io.get("l2.dfake.GAN_Feat"));
    close("hinge", slope(&|[a, _]| GanLoss::Hinge.generator(&logits(&a))).1, step.io.get("l2.dfake.GAN"));
    for (name, kind) in [("ls", GanLoss::Ls), ("original", GanLoss::Original), ("w", GanLoss::W)] {
        let (value, slope) = slope(&|[a, _]| kind.generator(&logits(&a)));
        loss(name, &value, modes.get(&format!("{name}.loss_G.GAN")));
        close(name, slope, modes.get(&format!("{name}.l2.dfake.GAN")));
    }
}
