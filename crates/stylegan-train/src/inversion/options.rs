//! Options of a projection, and the schedules that follow from them.

use crate::{Error, Result};
use std::f64::consts::PI;

/// The space in which a style is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// One vector for all rows, as the official program does: what can be edited.
    W,
    /// A vector for each row: nearer to the picture, further from what the generator was trained on.
    WPlus,
}

/// Options of a projection (StyleGAN2, appendix D). The defaults are those of the official PyTorch program.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectOptions {
    /// The space of styles, W.
    pub space: Space,
    /// Steps, 1000.
    pub steps: usize,
    /// Latents that average and deviation of styles are taken of, 10,000.
    pub samples: usize,
    /// The highest learning rate, 0.1.
    pub lr: f64,
    /// The part of the steps in which the learning rate rises, 0.05, …
    pub lr_rise: f64,
    /// … and falls to 0 along a cosine, 0.25.
    pub lr_fall: f64,
    /// Noise on the style at the start, in deviations of styles, 0.05.
    pub style_noise: f64,
    /// The part of the steps in which it falls to nothing, 0.75.
    pub style_noise_fall: f64,
    /// Weight of what keeps noise maps free of pattern, 1e5.
    pub noise_weight: f64,
    /// Seed of noise maps and noise on styles, 303.
    pub seed: u64,
}

impl Default for ProjectOptions {
    fn default() -> Self {
        Self {
            space: Space::W,
            steps: 1000,
            samples: 10_000,
            lr: 0.1,
            lr_rise: 0.05,
            lr_fall: 0.25,
            style_noise: 0.05,
            style_noise_fall: 0.75,
            noise_weight: 1e5,
            seed: 303,
        }
    }
}

impl ProjectOptions {
    /// The learning rate of step `step`, counted from 0; that of the first is 0.
    pub fn lr_at(&self, step: usize) -> f64 {
        let t = self.part(step);
        let fall = 0.5 - 0.5 * (PI * ((1. - t) / self.lr_fall).min(1.)).cos();
        self.lr * fall * (t / self.lr_rise).min(1.)
    }

    /// Noise on the style at step `step`, in deviations of styles.
    pub fn style_noise_at(&self, step: usize) -> f64 {
        self.style_noise * (1. - self.part(step) / self.style_noise_fall).max(0.).powi(2)
    }

    fn part(&self, step: usize) -> f64 {
        step as f64 / self.steps.max(1) as f64
    }

    /// Refuses options of which no projection can be made.
    ///
    /// # Errors
    /// A number of steps or samples below 1, or a number out of its range.
    pub fn validate(&self) -> Result<()> {
        let bad = |problem: String| Err(Error::Config { place: "projection".into(), problem });
        for (name, found) in [("steps", self.steps), ("samples", self.samples)] {
            if found == 0 {
                return bad(format!("{name} is 0, expected at least 1"));
            }
        }
        let parts = [("lr_rise", self.lr_rise), ("lr_fall", self.lr_fall), ("style_noise_fall", self.style_noise_fall)];
        for (name, found) in parts {
            if !(found > 0. && found <= 1.) {
                return bad(format!("{name} is {found}, expected a part of the steps above 0 and up to 1"));
            }
        }
        for (name, found) in [("lr", self.lr), ("style_noise", self.style_noise), ("noise_weight", self.noise_weight)] {
            if !(found >= 0. && found.is_finite()) {
                return bad(format!("{name} is {found}, expected a number of at least 0"));
            }
        }
        Ok(())
    }
}
