//! Pivotal tuning (Roich et al. 2021, <https://arxiv.org/abs/2106.05744>): a generator is moved, not the style.

use super::goal::Goal;
use super::seen::number;
use crate::config::AdamConfig;
use crate::optim::Adam;
use crate::{Error, Result};
use candle_core::Tensor;
use stylegan_core::{Generator, Model, NoiseMode, Params, SynthesisOptions, build_generator};
use stylegan_kernels::autodiff::backward;
use stylegan_metrics::features::PerceptualDistance;

/// Options of a tuning (section 3.2). The defaults are those of the official program.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneOptions {
    /// The most steps, 350.
    pub steps: usize,
    /// The learning rate, 3e-4.
    pub lr: f64,
    /// The perceptual distance at which the picture counts as found, 0.06 of LPIPS.
    pub enough: f64,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self { steps: 350, lr: 3e-4, enough: 0.06 }
    }
}

/// What a step found, before it moved anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TuneReport {
    /// Steps done, this one included if it moved anything.
    pub step: usize,
    /// The perceptual distance between picture and target.
    pub distance: f64,
    /// The mean squared difference of their pixels, in [-1, 1].
    pub error: f64,
}

/// The search for a generator, near a given one, whose picture at a style, the pivot, is the target. All weights that
/// the picture depends on are moved along the gradient of perceptual distance plus squared difference.
pub struct Tuner<'a> {
    options: TuneOptions,
    params: Params,
    generator: Box<dyn Generator>,
    /// The level of detail of its pictures.
    lod: f64,
    adam: Adam,
    goal: Goal<'a>,
    /// `[1, num_ws, w_dim]`
    pivot: Tensor,
    steps: usize,
    done: bool,
}

impl<'a> Tuner<'a> {
    /// A search that starts from a copy of `model`. `target` `[1, c, h, w]` is of the size of its pictures, in [-1, 1],
    /// `pivot` `[1, num_ws, w_dim]` the style rows that were found of it.
    ///
    /// # Errors
    /// Options out of range, or a target or pivot of another shape.
    pub fn new(
        model: &Model,
        network: &'a dyn PerceptualDistance,
        target: &Tensor,
        pivot: &Tensor,
        options: TuneOptions,
    ) -> Result<Self> {
        let bad = |problem: String| Err(Error::Config { place: "tuning".into(), problem });
        if options.steps == 0
            || !(options.lr > 0. && options.lr.is_finite())
            || options.enough.is_nan()
            || options.enough < 0.
        {
            return bad(format!("{options:?}: expected steps and a learning rate above 0, a distance of at least 0"));
        }
        let spec = model.generator().spec();
        let (image, rows) = ([1, spec.img_channels, spec.img_size[0], spec.img_size[1]], [1, spec.num_ws, spec.w_dim]);
        if target.dims() != image || pivot.dims() != rows {
            return bad(format!(
                "target and style rows are {:?} and {:?}, the network has {image:?} and {rows:?}",
                target.dims(),
                pivot.dims()
            ));
        }
        let params = model.params().copy()?;
        let generator = build_generator(model.config(), params.trainable())?;
        let decays = AdamConfig { beta1: 0.9, beta2: 0.999, eps: 1e-8, reset_on_growth: false };
        let adam = Adam::new(&params, &decays, 1.)?;
        let place = |tensor: &Tensor| tensor.detach().contiguous()?.to_device(params.device());
        let (goal, pivot) = (Goal::new(network, &place(target)?)?, place(pivot)?);
        Ok(Self { options, params, generator, lod: model.lod(), adam, goal, pivot, steps: 0, done: false })
    }

    /// Leaves pixels out of the comparison, as [`Projector::compare_within`](super::Projector::compare_within) does.
    ///
    /// # Errors
    /// A mask of another shape, or one that keeps nothing.
    pub fn compare_within(&mut self, kept: &Tensor) -> Result<()> {
        self.goal = self.goal.within(kept)?;
        Ok(())
    }

    /// One step, unless the picture turns out to be near enough already.
    ///
    /// # Errors
    /// When numbers stop being finite.
    pub fn step(&mut self) -> Result<TuneReport> {
        let options = SynthesisOptions { lod: self.lod, ..SynthesisOptions::with_noise(NoiseMode::Const) };
        let image = self.generator.synthesis(&self.pivot, &options)?;
        let (distance, error) = (self.goal.distance(&image)?, self.goal.error(&image)?);
        let mut report = TuneReport { step: self.steps, distance: number(&distance)?, error: number(&error)? };
        if !report.distance.is_finite() || !report.error.is_finite() {
            return Err(Error::Config {
                place: format!("tuning, step {}", self.steps + 1),
                problem: "the distance is no number any more; choose a smaller learning rate".into(),
            });
        }
        if report.distance <= self.options.enough {
            self.done = true;
            return Ok(report);
        }
        let gradients = backward(&(distance.to_dtype(error.dtype())?.to_device(error.device())? + error)?)?;
        let gradient = self.adam.flatten(|weight| gradients.get(weight))?;
        self.adam.step(&gradient, self.options.lr)?;
        self.steps += 1;
        report.step = self.steps;
        self.done = self.steps >= self.options.steps;
        Ok(report)
    }

    /// Whether the picture is near enough, or all steps are done.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The weights of the tuned generator, which has the configuration of the model.
    pub fn params(&self) -> &Params {
        &self.params
    }
}
