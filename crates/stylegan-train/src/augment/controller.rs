//! How `p` follows the overfitting of the discriminator (StyleGAN2-ADA, section 3).

use super::AugmentConfig;

/// The probability of augmentation, and what has been seen of the discriminator since it last moved.
///
/// Overfitting is measured by `r_t`, the mean sign of the logits of real images since the last move
/// (equation 1): 0 where the discriminator cannot tell, 1 where it knows the set by heart. `p` rises
/// where `r_t` is above the target and falls where it is below, by a fixed amount, and is never
/// negative; above 1 it is as 1.
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
        Self { p, overfitting: None, signs: 0., logits: 0., steps: 0, images: 0 }
    }

    /// The probability of augmentation.
    pub fn p(&self) -> f64 {
        self.p
    }

    /// `r_t`, the mean sign of the logits of real images, at the last move; `None` before the first.
    pub fn overfitting(&self) -> Option<f64> {
        self.overfitting
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
        if let (Some(overfitting), None) = (self.overfitting, config.fixed_p) {
            let amount = self.images as f64 / (config.kimg * 1000.);
            let direction = match overfitting.partial_cmp(&config.target) {
                Some(std::cmp::Ordering::Greater) => 1.,
                Some(std::cmp::Ordering::Less) => -1.,
                // Just right, or no number.
                _ => 0.,
            };
            self.p = (self.p + direction * amount).max(0.);
        }
        (self.signs, self.logits, self.steps, self.images) = (0., 0., 0, 0);
    }

    /// All of it as numbers, by their key in a checkpoint's metadata.
    pub(crate) fn buffers(&self) -> [(&'static str, f64); 6] {
        [
            ("augment_p", self.p),
            ("augment_overfitting", self.overfitting.unwrap_or(f64::NAN)),
            ("augment_signs", self.signs),
            ("augment_logits", self.logits),
            ("augment_steps", self.steps as f64),
            ("augment_images", self.images as f64),
        ]
    }

    /// What [`buffers`](Self::buffers) was taken of.
    pub(crate) fn from_buffers([p, overfitting, signs, logits, steps, images]: [f64; 6]) -> Self {
        let overfitting = if overfitting.is_nan() { None } else { Some(overfitting) };
        Self { p, overfitting, signs, logits, steps: steps as usize, images: images as u64 }
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

    #[test]
    fn it_goes_on_from_what_was_saved() {
        let config = AugmentConfig::default();
        let mut whole = Controller::starting_at(0.1);
        let mut parts = whole.clone();
        for step in 0..23u64 {
            for controller in [&mut whole, &mut parts] {
                controller.observe((step % 5) as f64 - 1., 4.);
                controller.end_step(&config, 32);
            }
            // As the metadata of a checkpoint holds them.
            let saved = parts.buffers().map(|(_, value)| value.to_string());
            parts = Controller::from_buffers(saved.map(|value| value.parse().unwrap_or(-1.)));
        }
        assert_eq!(parts, whole);
    }
}
