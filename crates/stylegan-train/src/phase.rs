//! What an iteration does, in order.

use crate::config::{LossConfig, TrainConfig};
use crate::recipe::gan::Phase;

/// One thing that an iteration does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// An optimiser makes a step.
    Phase(Phase),
    /// The averaged generator follows, and the next batch of real pictures comes up.
    Advance,
}

/// The order of actions, a pure function of configuration and step: the discriminator's phases,
/// the average, the generator's phase; or the generator's first (`schedule.generator_first`, as in
/// StyleGAN2). It is the same circle, begun as the original of each does. Regularising phases follow the phase
/// of their network in every so many steps, from the first on (StyleGAN2, section 3.1).
#[derive(Debug, Clone)]
pub(crate) struct Iteration {
    generator_first: bool,
    n_critic: usize,
    /// Steps between regularising phases; `None` without.
    path_length: Option<usize>,
    r1: Option<usize>,
}

impl Iteration {
    pub(crate) fn new(config: &TrainConfig) -> Self {
        let r1 = match config.loss {
            LossConfig::Logistic { r1_gamma, r1_interval } if r1_gamma > 0. && r1_interval > 1 => Some(r1_interval),
            _ => None,
        };
        Self {
            generator_first: config.schedule.generator_first,
            n_critic: config.loss.n_critic(),
            path_length: config.path_length.as_ref().filter(|pl| pl.weight > 0.).map(|pl| pl.interval),
            r1,
        }
    }

    /// The actions of the iteration `step`, from 0.
    pub(crate) fn at(&self, step: u64) -> Vec<Action> {
        let due = |interval: Option<usize>| interval.is_some_and(|interval| step.is_multiple_of(interval as u64));
        let with = |phase, regularizer, interval| {
            std::iter::once(Action::Phase(phase)).chain(due(interval).then_some(Action::Phase(regularizer)))
        };
        let generator = with(Phase::Generator, Phase::PathLength, self.path_length);
        let discriminator = (0..self.n_critic)
            .flat_map(|_| with(Phase::Discriminator, Phase::R1, self.r1).chain(std::iter::once(Action::Advance)));
        if self.generator_first {
            generator.chain(discriminator).collect()
        } else {
            discriminator.chain(generator).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Advance, Phase as Take};
    use Phase::{Discriminator, Generator, PathLength, R1};

    #[test]
    fn stylegan_and_stylegan2() {
        let mut config = TrainConfig::default();
        let actions = |config: &TrainConfig, step| Iteration::new(config).at(step);
        assert_eq!(actions(&config, 0), [Take(Discriminator), Advance, Take(Generator)]);
        config.loss = LossConfig::WganGp { lambda: 10., drift: 0., target: 1., n_critic: 2 };
        assert_eq!(actions(&config, 3), [Take(Discriminator), Advance, Take(Discriminator), Advance, Take(Generator)]);
        let config = TrainConfig::stylegan2();
        let main = [Take(Generator), Take(Discriminator), Advance];
        let lazy = [Take(Generator), Take(PathLength), Take(Discriminator), Advance];
        assert_eq!(actions(&config, 1), main);
        assert_eq!(actions(&config, 4), lazy);
        let both = [Take(Generator), Take(PathLength), Take(Discriminator), Take(R1), Advance];
        assert!([0, 16, 32].iter().all(|&step| actions(&config, step) == both));
    }
}
