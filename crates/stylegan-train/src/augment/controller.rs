//! How `p` follows the overfitting of the discriminator (StyleGAN2-ADA, section 3).

use super::{AugmentConfig, Heuristic};

/// The probability of augmentation, and what has been seen of the discriminator since it last moved.
///
/// Overfitting is measured by `r_t`, the mean sign of the logits of real images since the last move
/// (equation 1): 0 where the discriminator cannot tell, 1 where it knows the set by heart. `p` rises
/// where `r_t` is above the target and falls where it is below, by a fixed amount, and is never
/// negative; above 1 it is as 1.
///
/// The other heuristic of the equation, `r_v`, takes pictures that are held back from training: how far the mean of their
/// scores has come from that of the others towards that of generated images, 0 without overfitting, 1 where they are
/// as strange as these.
#[derive(Debug, Clone, PartialEq)]
pub struct Controller {
    /// The probability.
    p: f64,
    /// `r_t` at the last move, where there was anything to see.
    overfitting: Option<f64>,
    /// Since the last move: the sum of signs, of how many logits, steps, and images of these steps.
    signs: f64,
    logits: f64,
    steps: usize,
    images: u64,
    /// `r_v` at the last move, where it was a number.
    held_back: Option<f64>,
    /// Since the last move: the sums of as many scores of images that are trained on, held back, and generated.
    scores: [f64; 3],
}

impl Controller {
    /// Above this probability generated images begin to show augmentations themselves (section 2.2,
    /// figure 3; the paper's safe limit).
    pub const LEAKS_ABOVE: f64 = 0.8;

    /// Begins with the fixed probability, or with 0.
    pub fn new(config: &AugmentConfig) -> Self {
        Self::starting_at(config.fixed_p.unwrap_or(0.))
    }

    /// Begins with a probability.
    pub fn starting_at(p: f64) -> Self {
        Self { p, overfitting: None, signs: 0., logits: 0., steps: 0, images: 0, held_back: None, scores: [0.; 3] }
    }

    /// The probability of augmentation.
    pub fn p(&self) -> f64 {
        self.p
    }

    /// `r_t`, the mean sign of the logits of real images, at the last move; `None` before the first.
    pub fn overfitting(&self) -> Option<f64> {
        self.overfitting
    }

    /// `r_v`, by images that are held back, at the last move; `None` before the first, without such images, and where the
    /// discriminator does not score those that it is trained on above generated ones.
    pub fn held_back(&self) -> Option<f64> {
        self.held_back
    }

    /// Takes in the sums, or means, of the scores of as many (augmented) images that are trained on, held back, and
    /// generated.
    pub fn observe_scores(&mut self, scores: [f64; 3]) {
        self.scores.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
    }

    /// Takes in the sum of the signs of some logits of (augmented) real images: those of the
    /// discriminator's loss and those of its penalty alike, of all ranks. Sum and number may be of a
    /// mean logit.
    pub fn observe(&mut self, sum_of_signs: f64, logits: f64) {
        self.signs += sum_of_signs;
        self.logits += logits;
    }

    /// Ends a step of a batch of `images`, and moves `p` where that is due: by the share of
    /// `config.kimg` that was shown since it last moved. Where nothing was observed since, it moves as
    /// the last time.
    pub fn end_step(&mut self, config: &AugmentConfig, images: usize) {
        self.steps += 1;
        self.images += images as u64;
        if self.steps < config.interval {
            return;
        }
        if self.logits > 0. {
            self.overfitting = Some(self.signs / self.logits);
        }
        let [trained, held_back, generated] = self.scores;
        self.held_back = (trained > generated).then(|| (trained - held_back) / (trained - generated));
        let followed = match config.follows {
            Heuristic::Signs => self.overfitting,
            Heuristic::Validation => self.held_back,
        };
        if let (Some(overfitting), None) = (followed, config.fixed_p) {
            let amount = self.images as f64 / (config.kimg * 1000.);
            let direction = match overfitting.partial_cmp(&config.target) {
                Some(std::cmp::Ordering::Greater) => 1.,
                Some(std::cmp::Ordering::Less) => -1.,
                // Just right, or no number.
                _ => 0.,
            };
            self.p = (self.p + direction * amount).max(0.);
        }
        (self.signs, self.logits, self.steps, self.images, self.scores) = (0., 0., 0, 0, [0.; 3]);
    }

    /// All of it as numbers, by their key in a checkpoint's metadata; what images that are held back have shown, where there
    /// are some.
    pub(crate) fn buffers(&self, config: &AugmentConfig) -> Vec<(&'static str, f64)> {
        let [trained, held_back, generated] = self.scores;
        let all = [
            ("augment_p", self.p),
            ("augment_overfitting", self.overfitting.unwrap_or(f64::NAN)),
            ("augment_signs", self.signs),
            ("augment_logits", self.logits),
            ("augment_steps", self.steps as f64),
            ("augment_images", self.images as f64),
            ("augment_held_back", self.held_back.unwrap_or(f64::NAN)),
            ("augment_scores_trained", trained),
            ("augment_scores_held_back", held_back),
            ("augment_scores_generated", generated),
        ];
        all[..if config.validation > 0 { all.len() } else { 6 }].to_vec()
    }

    /// What [`buffers`](Self::buffers) was taken of, with the fixed probability where there is one; nothing of other numbers.
    pub(crate) fn from_buffers(config: &AugmentConfig, buffers: &[f64]) -> Option<Self> {
        let known = |number: f64| Some(number).filter(|number| !number.is_nan());
        let (&[p, overfitting, signs, logits, steps, images], rest) = buffers.split_first_chunk()?;
        let (overfitting, steps, images) = (known(overfitting), steps as usize, images as u64);
        let p = config.fixed_p.unwrap_or(p);
        let whole = Self { overfitting, signs, logits, steps, images, ..Self::starting_at(p) };
        match *rest {
            [] => Some(whole),
            [held_back, trained, other, generated] => {
                Some(Self { held_back: known(held_back), scores: [trained, other, generated], ..whole })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_moves_every_interval_and_stops_at_zero() {
        let config = AugmentConfig { kimg: 1., interval: 2, ..Default::default() };
        let mut controller = Controller::new(&config);
        let mut seen = vec![];
        // Signs of 4 of 4, then of 3 of 4 (mean 0.5: below the target), then nothing (as before).
        for signs in [4., 4., 4., 4., 2., 2., 2., 2., 2., 2.] {
            controller.observe(signs, 4.);
            controller.end_step(&config, 50);
            seen.push(controller.p());
        }
        let expected = [0., 0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0., 0., 0.];
        assert!(seen.iter().zip(expected).all(|(p, e)| (p - e).abs() < 1e-15), "{seen:?}");
        assert_eq!(controller.overfitting(), Some(0.5));
    }

    #[test]
    fn a_fixed_probability_stays_and_overfitting_is_measured() {
        let config = AugmentConfig { fixed_p: Some(0.3), interval: 1, ..Default::default() };
        let mut controller = Controller::new(&config);
        controller.end_step(&config, 8);
        assert_eq!((controller.p(), controller.overfitting()), (0.3, None));
        controller.observe(8., 8.);
        controller.end_step(&config, 8);
        assert_eq!((controller.p(), controller.overfitting()), (0.3, Some(1.)));
    }

    /// Scores of held-back images in the middle between the others and generated ones are r_v = 0.5; `p` follows them where
    /// it is told to, and stays where they say nothing.
    #[test]
    fn images_that_are_held_back_are_measured_and_may_be_followed() {
        let signs = AugmentConfig { kimg: 1., interval: 2, validation: 4, ..Default::default() };
        let scores = AugmentConfig { follows: Heuristic::Validation, target: 0.5, ..signs.clone() };
        for (config, moves) in [(&signs, [0.1, 0.2, 0.3]), (&scores, [0.1, 0., 0.])] {
            let mut controller = Controller::new(config);
            // r_v of 0.75, of 0.25, and where training images are not above generated ones.
            let seen = [[4., 1., 0.], [2., 1.5, 0.], [0., 5., 1.]];
            for ((scores, expected), r_v) in seen.into_iter().zip(moves).zip([Some(0.75), Some(0.25), None]) {
                for _ in 0..2 {
                    controller.observe(4., 4.);
                    controller.observe_scores(scores);
                    controller.end_step(config, 50);
                }
                assert!((controller.p() - expected).abs() < 1e-15, "{config:?} {}", controller.p());
                assert_eq!((controller.held_back(), controller.overfitting()), (r_v, Some(1.)));
            }
        }
    }

    #[test]
    fn it_goes_on_from_what_was_saved() {
        for validation in [0, 9] {
            let config = AugmentConfig { validation, ..Default::default() };
            let mut whole = Controller::starting_at(0.1);
            let mut parts = whole.clone();
            for step in 0..23u64 {
                for controller in [&mut whole, &mut parts] {
                    controller.observe((step % 5) as f64 - 1., 4.);
                    if validation > 0 {
                        controller.observe_scores([1. + step as f64, 0.5, -1.]);
                    }
                    controller.end_step(&config, 32);
                }
                // As the metadata of a checkpoint holds them.
                let saved: Vec<String> = parts.buffers(&config).iter().map(|(_, value)| value.to_string()).collect();
                let read: Vec<f64> = saved.iter().map(|value| value.parse().unwrap_or(-1.)).collect();
                parts = Controller::from_buffers(&config, &read).unwrap_or(Controller::starting_at(-1.));
            }
            assert_eq!(parts, whole);
            assert_eq!(whole.held_back().is_some(), validation > 0);
        }
        let mut config = AugmentConfig::default();
        assert_eq!(Controller::from_buffers(&config, &[0.; 7]), None);
        config.fixed_p = Some(0.3);
        let saved = [0.1, 0.2, 3., 4., 5., 6.];
        let fixed = Controller::from_buffers(&config, &saved).map(|controller| (controller.p, controller.overfitting));
        assert_eq!(fixed, Some((0.3, Some(0.2))));
    }
}
