//! The phases of a generator and a discriminator, as a configuration asks for them.

use crate::config::{LossConfig, TrainConfig};
use crate::inputs::random::Streams;
use crate::phase::{Action, Phase};
use stylegan_core::checkpoint::prefix;

/// The generator along its loss.
pub const GMAIN: Phase = Phase::new(
    "Gmain",
    prefix::G,
    Streams { latent: "G latent", label: "G label", mixing: "G mixing", noise: "G noise" },
);

/// The generator along its path length penalty, before the configuration's interval.
pub const GREG: Phase = Phase::new(
    "Greg",
    prefix::G,
    Streams { latent: "PL latent", label: "PL label", mixing: "PL mixing", noise: "PL noise" },
);

/// The discriminator along its loss (with R1 inside, where that is not a phase of its own).
pub const DMAIN: Phase = Phase::new(
    "Dmain",
    prefix::D,
    Streams { latent: "D latent", label: "D label", mixing: "D mixing", noise: "D noise" },
)
.with_reals()
.with_held_back();

/// The discriminator along its R1 penalty, before the configuration's interval.
pub const DREG: Phase = Phase { name: "Dreg", held_back: false, ..DMAIN };

/// The phases, each once. A lazy one shortens its optimiser's steps even if its weight is 0.
pub fn phases(config: &TrainConfig) -> Vec<Phase> {
    [Some(GMAIN), greg(config), Some(DMAIN), dreg(config)].into_iter().flatten().collect()
}

/// All actions of an iteration: the discriminator's phases, advance, the generator's phases; or the
/// generator's first (`schedule.generator_first`, as in StyleGAN2). It is the same circle, begun as the
/// original of each does. Lazy phases follow the main phase of their network (StyleGAN2, section 3.1).
pub fn iteration(config: &TrainConfig) -> Vec<Action> {
    let weighs = config.path_length.as_ref().is_some_and(|path_length| path_length.weight > 0.);
    let penalises = matches!(config.loss, LossConfig::Logistic { r1_gamma, .. } if r1_gamma > 0.);
    let with = |main, lazy: Option<Phase>| [Some(main), lazy].into_iter().flatten().map(Action::Phase);
    let generator = with(GMAIN, greg(config).filter(|_| weighs));
    let discriminator = (0..config.loss.n_critic())
        .flat_map(|_| with(DMAIN, dreg(config).filter(|_| penalises)).chain([Action::Advance]));
    if config.schedule.generator_first {
        generator.chain(discriminator).collect()
    } else {
        discriminator.chain(generator).collect()
    }
}

fn greg(config: &TrainConfig) -> Option<Phase> {
    let path_length = config.path_length.as_ref()?;
    Some(Phase { shrink: path_length.shrink.max(1), ..GREG.lazy(path_length.interval as u64) })
}

/// R1 in every iteration is a part of the discriminator's loss instead.
fn dreg(config: &TrainConfig) -> Option<Phase> {
    match config.loss {
        LossConfig::Logistic { r1_interval, .. } if r1_interval > 1 => Some(DREG.lazy(r1_interval as u64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::{due, stride};

    fn names(config: &TrainConfig, step: u64) -> Vec<&'static str> {
        let name = |action| match action {
            Action::Phase(phase) => phase.name,
            Action::Advance => "advance",
        };
        due(&iteration(config), step).into_iter().map(name).collect()
    }

    #[test]
    fn stylegan_and_stylegan2() {
        let mut config = TrainConfig::default();
        assert_eq!(names(&config, 0), ["Dmain", "advance", "Gmain"]);
        config.loss = LossConfig::WganGp { lambda: 10., drift: 0., target: 1., n_critic: 2 };
        assert_eq!(names(&config, 3), ["Dmain", "advance", "Dmain", "advance", "Gmain"]);
        let config = TrainConfig::stylegan2();
        assert_eq!(names(&config, 1), ["Gmain", "Dmain", "advance"]);
        assert_eq!(names(&config, 4), ["Gmain", "Greg", "Dmain", "advance"]);
        for step in [0, 16, 32] {
            assert_eq!(names(&config, step), ["Gmain", "Greg", "Dmain", "Dreg", "advance"]);
        }
    }

    #[test]
    fn lazy_steps_are_shorter() {
        let strides = |config: &TrainConfig| [prefix::G, prefix::D].map(|network| stride(&phases(config), network));
        let mut config = TrainConfig::stylegan2();
        assert_eq!(strides(&config), [4. / 5., 16. / 17.]);
        config.path_length.iter_mut().for_each(|path_length| path_length.weight = 0.);
        assert_eq!((strides(&config), names(&config, 0).len()), ([4. / 5., 16. / 17.], 4));
        assert_eq!(strides(&TrainConfig::default()), [1., 1.]);
    }
}
