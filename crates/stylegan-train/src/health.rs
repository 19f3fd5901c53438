//! Whether a run is still going anywhere, judged by its statistics: all must be finite, and where a
//! discriminator reports its scores (`Loss/scores/…`, `Loss/signs/…`) they must say something.

use crate::augment::Controller;
use crate::stats::Stats;
use serde::{Deserialize, Serialize};

/// What the watch remembers between ticks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Ticks in a row in which the discriminator told all samples apart.
    certain: u32,
    /// Ticks in a row in which it gave all samples nearly the same score.
    blind: u32,
    /// Ticks in a row in which augmentation was so frequent that it leaks.
    #[serde(default)]
    leaky: u32,
}

/// The watch's judgement of a tick.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing unusual.
    Good,
    /// The run goes on; the sentence says what is odd and what may help.
    Odd(String),
    /// The run must stop.
    Diverged {
        /// What was seen.
        problem: String,
    },
}

/// Mean |score| above which training has run away. Healthy logistic runs stay below 50, WGAN-GP
/// runs (held by the drift term) below a few thousand.
const RUNAWAY_SCORE: f64 = 1e5;
/// Mean sign of real minus that of generated samples, of at most 2, at which the discriminator
/// makes next to no mistake.
const CERTAIN: f64 = 1.96;
/// Standard deviation of scores below which the discriminator tells nothing apart.
const BLIND: f64 = 1e-3;
/// Ticks in a row before a word is said, and between two words.
const PATIENCE: u32 = 10;

/// The part of the distances of real pictures below which generated ones are nearly one.
const COLLAPSED: f64 = 0.3;

/// How the sentences of [`Verdict::Odd`] begin.
const OPENINGS: [&str; 3] = ["the discriminator has ", "images are augmented ", "the generator has "];

/// What a line of `log.txt` says of the run's health ([`Verdict::Odd`]), after the thousands of pictures seen by then; other
/// lines say nothing of it.
pub fn warning(line: &str) -> Option<(f64, &str)> {
    let (kimg, sentence) = line.strip_prefix("kimg ")?.split_once(' ')?;
    let sentence = sentence.trim_start();
    let known = OPENINGS.iter().any(|opening| sentence.starts_with(opening));
    Some((kimg.parse().ok()?, sentence)).filter(|_| known)
}

impl Health {
    /// Judges the statistics of one tick.
    pub fn judge(&mut self, stats: &Stats) -> Verdict {
        let (real, fake) = (stats.get("Loss/scores/real"), stats.get("Loss/scores/fake"));
        if let Some((key, _)) = stats.iter().find(|(_, m)| !m.sum.is_finite() || !m.squares.is_finite()) {
            return diverged(format!("{key} is not a finite number"));
        }
        let largest = real.mean().abs().max(fake.mean().abs());
        if largest > RUNAWAY_SCORE {
            return diverged(format!("the discriminator's mean score reached {largest:.0}"));
        }
        if real.count == 0. {
            return Verdict::Good;
        }
        let apart = stats.get("Loss/signs/real").mean() - stats.get("Loss/signs/fake").mean();
        self.certain = if apart > CERTAIN { self.certain + 1 } else { 0 };
        self.blind = if real.std() < BLIND && fake.std() < BLIND { self.blind + 1 } else { 0 };
        let augment = stats.get("Progress/augment").mean();
        self.leaky = if augment > Controller::LEAKS_ABOVE { self.leaky + 1 } else { 0 };
        if self.certain > 0 && self.certain.is_multiple_of(PATIENCE) {
            let augment =
                if stats.get("Progress/augment").count == 0. { "augmentation (--set augment={}), " } else { "" };
            return Verdict::Odd(format!(
                "the discriminator has made next to no mistake for {} ticks: it may know the pictures by heart; {augment}more \
                 pictures, data.mirror = true, a larger loss.r1_gamma or, with networks of --from, transfer.freeze_d help",
                self.certain
            ));
        }
        if self.blind > 0 && self.blind.is_multiple_of(PATIENCE) {
            return Verdict::Odd(format!(
                "the discriminator has given all samples the same score for {} ticks: it learns nothing; a smaller \
                 loss.r1_gamma or a larger schedule.lr helps",
                self.blind
            ));
        }
        // The first word comes at once: what leaks is not unlearned soon.
        if self.leaky % PATIENCE == 1 {
            return Verdict::Odd(format!(
                "images are augmented with probability {augment:.2}: above {} generated ones begin to show augmentations; \
                 more pictures, data.mirror = true or a larger loss.r1_gamma help, or an earlier checkpoint",
                Controller::LEAKS_ABOVE
            ));
        }
        Verdict::Good
    }
}

/// Judges the mean distance of generated pictures from each other, of one class if `by_class`, beside that of real ones. It
/// is known at sample grids alone, so that a word comes at each.
pub(crate) fn of_variety(fake: f64, real: f64, by_class: bool) -> Verdict {
    let part = fake / real;
    if part >= COLLAPSED || part.is_nan() {
        return Verdict::Good;
    }
    let (of, classes) = if by_class {
        (" of one class", "; with few pictures of each class training without --cond helps, too")
    } else {
        ("", "")
    };
    Verdict::Odd(format!(
        "the generator has collapsed: its pictures{of} differ by {:.0} % of what real ones do; an earlier checkpoint with a \
         loss.r1_gamma two to four times as large or half of schedule.lr helps{classes}",
        100. * part
    ))
}

/// The verdict on a gradient or loss that is no longer finite, or a score that ran away.
pub(crate) fn diverged(problem: String) -> Verdict {
    Verdict::Diverged { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(real: [f64; 2], fake: [f64; 2]) -> Stats {
        let mut stats = Stats::default();
        for (which, scores) in [("real", real), ("fake", fake)] {
            stats.extend(&format!("Loss/scores/{which}"), scores);
            stats.extend(&format!("Loss/signs/{which}"), scores.map(f64::signum));
        }
        stats
    }

    /// Whether it is a sentence that is found again in the log.
    fn is_known_warning(verdict: &Verdict) -> bool {
        let Verdict::Odd(sentence) = verdict else { return false };
        assert_eq!(warning(&format!("kimg {:<10.3} {sentence}", 1.5)), Some((1.5, sentence.as_str())));
        true
    }

    #[test]
    fn other_lines_of_the_log_are_no_warnings() {
        for line in [
            "",
            "kimg 1.000",
            "kimg 1.000      step 9  res 32",
            "kimg 1.000      measured fid50k 9.0",
            "the discriminator has",
        ] {
            assert_eq!(warning(line), None, "{line}");
        }
    }

    #[test]
    fn numbers_that_ran_away_stop_the_run() {
        let mut health = Health::default();
        assert_eq!(health.judge(&tick([1., -1.], [0.5, -2.])), Verdict::Good);
        assert!(matches!(health.judge(&tick([f64::NAN, 0.], [0., 0.])), Verdict::Diverged { .. }));
        assert!(matches!(health.judge(&tick([1e6, 1e6], [0., 0.])), Verdict::Diverged { .. }));
    }

    #[test]
    fn advice_comes_after_patience_and_not_every_tick() {
        let (mut certain, mut blind) = (Health::default(), Health::default());
        let said =
            |health: &mut Health, stats: Stats| (0..20).map(|_| health.judge(&stats)).filter(is_known_warning).count();
        assert_eq!(said(&mut certain, tick([5., 6.], [-5., -4.])), 2);
        // What is augmented already is not told to be.
        let word = |augmented: bool| {
            let mut stats = tick([5., 6.], [-5., -4.]);
            augmented.then(|| stats.extend("Progress/augment", [0.1]));
            let mut health = Health { certain: PATIENCE - 1, ..Health::default() };
            let Verdict::Odd(word) = health.judge(&stats) else { panic!("nothing is said") };
            word.contains("augment={}")
        };
        assert!(word(false) && !word(true));
        assert_eq!(said(&mut blind, tick([0., 0.], [0., 0.])), 2);
        assert_eq!(certain.judge(&tick([5., -6.], [-5., -4.])), Verdict::Good);
        assert_eq!(certain, Health::default());
    }

    #[test]
    fn a_collapse_is_named_each_time() {
        let collapsed = of_variety(0.02, 0.2, false);
        let Verdict::Odd(sentence) = &collapsed else { panic!("nothing is said") };
        assert!(sentence.contains("pictures differ by 10 %") && sentence.contains("loss.r1_gamma"), "{sentence}");
        let of_classes = of_variety(0.02, 0.2, true);
        assert!(is_known_warning(&collapsed) && is_known_warning(&of_classes) && of_classes != collapsed);
        // Real pictures that are all one say nothing.
        for (fake, real) in [(0.15, 0.2), (0.3, 0.2), (0., 0.), (0.1, 0.)] {
            assert_eq!(of_variety(fake, real, false), Verdict::Good, "{fake} {real}");
        }
    }

    #[test]
    fn leaks_are_named_at_once_and_not_every_tick() {
        let mut health = Health::default();
        let mut said = |p: f64| {
            let mut stats = tick([1., -1.], [-1., 1.]);
            stats.extend("Progress/augment", [p]);
            is_known_warning(&health.judge(&stats))
        };
        assert!(!said(0.8) && said(0.85) && (0..9).all(|_| !said(0.9)) && said(0.9) && !said(0.7) && said(0.81));
    }
}
