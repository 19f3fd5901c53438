//! Who moves when in an iteration.

use crate::config::{LossConfig, TrainConfig};
use crate::players::Turn;

/// One thing that an iteration does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// A network is stepped.
    Turn(Turn),
    /// The averaged generator follows, and the next batch of real pictures comes up.
    Average,
}

/// The order of moves, a pure function of configuration and step: the discriminator's turns,
/// the average, the generator's turn; or the generator's first (`schedule.generator_first`, as in
/// StyleGAN2). It is the same circle, begun as the original of each does. Regularising turns follow the turn
/// of their network in every so many steps, from the first on (StyleGAN2, section 3.1).
#[derive(Debug, Clone)]
pub(crate) struct Moves {
    generator_first: bool,
    n_critic: usize,
    /// Steps between regularising turns; `None` without.
    path_length: Option<usize>,
    r1: Option<usize>,
}

impl Moves {
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

    /// The moves of the iteration `step`, from 0.
    pub(crate) fn at(&self, step: u64) -> Vec<Move> {
        let due = |interval: Option<usize>| interval.is_some_and(|interval| step.is_multiple_of(interval as u64));
        let with = |turn, regularizer, interval| {
            std::iter::once(Move::Turn(turn)).chain(due(interval).then_some(Move::Turn(regularizer)))
        };
        let generator = with(Turn::Generator, Turn::PathLength, self.path_length);
        let discriminator = (0..self.n_critic)
            .flat_map(|_| with(Turn::Discriminator, Turn::R1, self.r1).chain(std::iter::once(Move::Average)));
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
    use Move::{Average, Turn as Take};
    use Turn::{Discriminator, Generator, PathLength, R1};

    #[test]
    fn stylegan_and_stylegan2() {
        let mut config = TrainConfig::default();
        let moves = |config: &TrainConfig, step| Moves::new(config).at(step);
        assert_eq!(moves(&config, 0), [Take(Discriminator), Average, Take(Generator)]);
        config.loss = LossConfig::WganGp { lambda: 10., drift: 0., target: 1., n_critic: 2 };
        assert_eq!(moves(&config, 3), [Take(Discriminator), Average, Take(Discriminator), Average, Take(Generator)]);
        let config = TrainConfig::stylegan2();
        let main = [Take(Generator), Take(Discriminator), Average];
        let lazy = [Take(Generator), Take(PathLength), Take(Discriminator), Average];
        assert_eq!(moves(&config, 1), main);
        assert_eq!(moves(&config, 4), lazy);
        let both = [Take(Generator), Take(PathLength), Take(Discriminator), Take(R1), Average];
        assert!([0, 16, 32].iter().all(|&step| moves(&config, step) == both));
    }
}
