//! Phases and iterations: what a run does, in order, as data.

use crate::inputs::random::Streams;

/// A phase: one step of one optimiser along one loss, such as StyleGAN2's `Gmain`, `Greg`, `Dmain` and
/// `Dreg`. Order, laziness, Adam's stride, random streams, what is decoded ahead, and the names of
/// statistics are read from this record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// Its name in `stats.jsonl` (`Timing/Gmain`), and how a recipe finds its code.
    pub name: &'static str,
    /// The optimiser that is stepped, by the prefix of its network (`G`, `D`).
    pub optimizer: &'static str,
    /// Iterations between two of its steps, from the first on (lazy regularisation; StyleGAN2, section
    /// 3.1); 1 for every iteration.
    pub interval: u64,
    /// The factor of its loss: lazy losses count as often as they are left out.
    pub gain: f64,
    /// The part of each shard's samples that it looks at: one in `shrink`.
    pub shrink: usize,
    /// Whether it looks at the batch of real images.
    pub reals: bool,
    /// Whether it also looks at as many pictures that are held back from training, where the run has some.
    pub held_back: bool,
    /// The streams that its random inputs come from.
    pub streams: Streams,
}

impl Phase {
    /// A phase of every iteration that looks at generated samples alone, all of them.
    pub const fn new(name: &'static str, optimizer: &'static str, streams: Streams) -> Self {
        Self { name, optimizer, interval: 1, gain: 1., shrink: 1, reals: false, held_back: false, streams }
    }

    /// The same phase with the batch of real images.
    #[must_use]
    pub const fn with_reals(self) -> Self {
        Self { reals: true, ..self }
    }

    /// The same phase with pictures that are held back from training.
    #[must_use]
    pub const fn with_held_back(self) -> Self {
        Self { held_back: true, ..self }
    }

    /// The same phase in every `interval`th iteration, its loss times `interval`.
    #[must_use]
    pub const fn lazy(self, interval: u64) -> Self {
        Self { interval, gain: interval as f64, ..self }
    }

    fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.interval.max(1))
    }
}

/// One thing that an iteration does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// An optimiser is stepped.
    Phase(Phase),
    /// Averages follow their networks, and the next batch of real images comes up.
    Advance,
}

/// The actions of the iteration `step`, from 0: those of `all` that are due, in their order.
pub fn due(all: &[Action], step: u64) -> Vec<Action> {
    let is_due = |action: &&Action| match action {
        Action::Phase(phase) => phase.is_due(step),
        Action::Advance => true,
    };
    all.iter().filter(is_due).copied().collect()
}

/// How much of a full step each step of an optimiser is: where lazy phases come on top of a phase of
/// every iteration, its learning rate and the exponents of its decays are this much of themselves,
/// `interval / (interval + 1)` for one lazy phase (StyleGAN2, appendix B). 1 for one phase alone.
pub fn stride(phases: &[Phase], optimizer: &str) -> f64 {
    let intervals = || phases.iter().filter(|phase| phase.optimizer == optimizer).map(|phase| phase.interval.max(1));
    let period = intervals().fold(1, |period, interval| period / gcd(period, interval) * interval);
    let steps: u64 = intervals().map(|interval| period / interval).sum();
    period as f64 / steps.max(1) as f64
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: Phase = Phase::new("Main", "A", Streams::UNNAMED);

    #[test]
    fn lazy_phases_are_due_from_the_first_iteration_on() {
        let lazy = Phase { name: "Lazy", ..MAIN }.lazy(3);
        assert_eq!((lazy.interval, lazy.gain), (3, 3.));
        let all = [Action::Phase(MAIN), Action::Advance, Action::Phase(lazy)];
        for step in 0..7 {
            assert_eq!(due(&all, step), if step % 3 == 0 { &all[..] } else { &all[..2] }, "step {step}");
        }
    }

    #[test]
    fn strides_make_up_for_additional_steps() {
        let other = Phase { optimizer: "B", ..MAIN };
        assert_eq!(stride(&[MAIN, other], "A"), 1.);
        assert_eq!(stride(&[MAIN, MAIN.lazy(4), other, other.lazy(16)], "A"), 4. / 5.);
        assert_eq!(stride(&[MAIN, MAIN.lazy(4), other, other.lazy(16)], "B"), 16. / 17.);
        // 12 iterations with 12, 3 and 2 steps.
        assert_eq!(stride(&[MAIN, MAIN.lazy(4), MAIN.lazy(6)], "A"), 12. / 17.);
        assert_eq!(stride(&[MAIN], "none"), 1.);
    }
}
