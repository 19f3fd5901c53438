//! Projection by optimisation (Karras et al. 2020, StyleGAN2, section 5 and appendix D).

use super::goal::Goal;
use super::noise::{normalize, pattern};
use super::seen::number;
use super::{ProjectOptions, Space, StyleStatistics};
use crate::{Error, Result};
use candle_core::{Device, Tensor, Var};
use candle_nn::VarBuilder;
use std::collections::HashMap;
use stylegan_core::latent::StreamKey;
use stylegan_core::{Generator, Model, NoiseMode, SynthesisOptions, build_generator};
use stylegan_kernels::autodiff::backward;
use stylegan_kernels::optim::{AdamOptions, adam_step};
use stylegan_metrics::features::PerceptualDistance;

/// A value that Adam moves.
struct Moving {
    value: Var,
    m: Var,
    v: Var,
}

impl Moving {
    fn new(start: &Tensor) -> Result<Self> {
        let start = start.detach().contiguous()?;
        let zeros = start.zeros_like()?;
        Ok(Self { value: Var::from_tensor(&start)?, m: Var::from_tensor(&zeros)?, v: Var::from_tensor(&zeros)? })
    }
}

/// What a step found, before it moved anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// Steps done, this one included.
    pub step: usize,
    /// The perceptual distance between picture and target.
    pub distance: f64,
    /// What keeps noise maps free of pattern, without its weight.
    pub pattern: f64,
}

/// The search for the style of one picture: style and noise maps are moved together, so that noise need not be
/// explained by the style. The same options, picture and network give the same bytes, also across
/// [`state`](Self::state) and [`restore`](Self::restore).
pub struct Projector<'a> {
    options: ProjectOptions,
    generator: Box<dyn Generator>,
    /// The level of detail of its pictures.
    lod: f64,
    goal: Goal<'a>,
    deviation: f64,
    /// `[1, w_dim]`, or `[num_ws, w_dim]` in W+.
    style: Moving,
    /// Noise maps `[h, w]` by name.
    noise: Vec<(String, Moving)>,
    steps: usize,
}

impl<'a> Projector<'a> {
    /// A search that starts from the average style and random noise maps. `target` `[1, c, h, w]` is of the size of the
    /// generator's pictures, in [-1, 1].
    ///
    /// # Errors
    /// Options out of range, or a target of another shape.
    pub fn new(
        model: &Model,
        styles: &StyleStatistics,
        network: &'a dyn PerceptualDistance,
        target: &Tensor,
        options: ProjectOptions,
    ) -> Result<Self> {
        options.validate()?;
        let ([h, w], c) = (model.generator().spec().img_size, model.generator().spec().img_channels);
        if target.dims() != [1, c, h, w] {
            return Err(Error::Config {
                place: "projection".into(),
                problem: format!("the target is {:?}, the network makes [1, {c}, {h}, {w}]", target.dims()),
            });
        }
        // Maps are variables in a network of their own, all else is shared with the model.
        let key = StreamKey::new(options.seed, "projection noise map", 0);
        let (mut noise, mut tensors) = (Vec::new(), HashMap::new());
        for (name, var) in model.params().vars() {
            if name.ends_with("noise_const") {
                let index = noise.len() as u64;
                let map = key.normal_rows(&[index], 0, var.dims(), var.dtype(), var.device())?.squeeze(0)?;
                let moving = Moving::new(&map)?;
                tensors.insert(name.clone(), moving.value.as_tensor().clone());
                noise.push((name, moving));
            } else {
                tensors.insert(name, var.as_detached_tensor());
            }
        }
        let vb = VarBuilder::from_tensors(tensors, model.dtype(), model.params().device());
        let generator = build_generator(model.config(), vb)?;
        let start = match options.space {
            Space::W => styles.mean.clone(),
            Space::WPlus => styles.mean.broadcast_as((generator.spec().num_ws, generator.spec().w_dim))?,
        };
        let (goal, style, deviation) = (Goal::new(network, target)?, Moving::new(&start)?, styles.deviation);
        Ok(Self { options, generator, lod: model.lod(), goal, deviation, style, noise, steps: 0 })
    }

    /// Leaves pixels out of the comparison: `kept` `[1, 1, h, w]` is 1 where pictures are compared, and 0 where both are made
    /// grey before they are.
    ///
    /// # Errors
    /// A mask of another shape, or one that keeps nothing.
    pub fn compare_within(&mut self, kept: &Tensor) -> Result<()> {
        self.goal = self.goal.within(kept)?;
        Ok(())
    }

    /// Starts from these style rows `[1, num_ws, w_dim]`, as an encoder gives them, in place of the average; in W from
    /// their mean.
    ///
    /// # Errors
    /// Rows of another shape.
    pub fn start_from(&mut self, rows: &Tensor) -> Result<()> {
        let spec = self.generator.spec();
        if rows.dims() != [1, spec.num_ws, spec.w_dim] {
            return Err(Error::Config {
                place: "projection".into(),
                problem: format!(
                    "the start is {:?}, the network has [1, {}, {}]",
                    rows.dims(),
                    spec.num_ws,
                    spec.w_dim
                ),
            });
        }
        let rows = rows.squeeze(0)?.to_dtype(self.style.value.dtype())?;
        let start = match self.options.space {
            Space::W => rows.mean_keepdim(0)?,
            Space::WPlus => rows,
        };
        Ok(self.style.value.set(&start.contiguous()?.to_device(self.style.value.device())?)?)
    }

    /// One step, with noise on the style from the options' seed.
    ///
    /// # Errors
    /// When numbers stop being finite.
    pub fn step(&mut self) -> Result<StepReport> {
        let key = StreamKey::new(self.options.seed, "projection style noise", self.steps as u64);
        let style = &self.style.value;
        let noise = key.normal_rows(&[0], 0, style.dims(), style.dtype(), style.device())?.squeeze(0)?;
        self.step_with(&noise)
    }

    /// One step with these standard normal numbers, of the shape of the style, as noise on it.
    ///
    /// # Errors
    /// When numbers stop being finite, or the noise has another shape.
    pub fn step_with(&mut self, noise: &Tensor) -> Result<StepReport> {
        let scale = self.deviation * self.options.style_noise_at(self.steps);
        let style = (self.style.value.as_tensor() + (noise * scale)?)?;
        let distance = self.goal.distance(&self.render(&style)?)?;
        let patterns = self.noise.iter().map(|(_, map)| pattern(map.value.as_tensor()));
        let patterns = patterns.collect::<candle_core::Result<Vec<_>>>()?;
        let mut loss = distance.to_dtype(style.dtype())?.to_device(style.device())?;
        let mut sum = 0.;
        if !patterns.is_empty() {
            let patterns = Tensor::stack(&patterns, 0)?.sum_all()?;
            loss = (loss + (&patterns * self.options.noise_weight)?)?;
            sum = number(&patterns)?;
        }
        let report = StepReport { step: self.steps + 1, distance: number(&distance)?, pattern: sum };
        if !report.distance.is_finite() || !report.pattern.is_finite() {
            return Err(Error::Config {
                place: format!("projection, step {}", report.step),
                problem: "the distance is no number any more; choose a smaller learning rate".into(),
            });
        }
        let gradients = backward(&loss)?;
        let options = AdamOptions { lr: self.options.lr_at(self.steps), beta1: 0.9, beta2: 0.999, eps: 1e-8 };
        self.steps += 1;
        for moving in self.noise.iter().map(|(_, map)| map).chain([&self.style]) {
            // A layer whose noise has no strength yet leaves its map to the regularisation.
            let gradient = match gradients.get(&moving.value) {
                Some(gradient) => gradient,
                None => moving.value.zeros_like()?,
            };
            adam_step(&moving.value, &gradient, &moving.m, &moving.v, self.steps as u64, options)?;
        }
        for (_, map) in &self.noise {
            normalize(&map.value)?;
        }
        Ok(report)
    }

    /// Style `[1 or num_ws, w_dim]` to the picture `[1, c, h, w]`.
    fn render(&self, style: &Tensor) -> Result<Tensor> {
        let options = SynthesisOptions { lod: self.lod, ..SynthesisOptions::with_noise(NoiseMode::Const) };
        Ok(self.generator.synthesis(&self.spread(style)?, &options)?)
    }

    /// Style `[1 or num_ws, w_dim]` to style rows `[1, num_ws, w_dim]`.
    fn spread(&self, style: &Tensor) -> Result<Tensor> {
        let rows = style.broadcast_as((self.generator.spec().num_ws, self.generator.spec().w_dim))?;
        Ok(rows.unsqueeze(0)?.contiguous()?)
    }

    /// The style rows found so far, `[1, num_ws, w_dim]`, in main memory; later steps leave them as they are.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn rows(&self) -> Result<Tensor> {
        // A copy: in W+ the rows would share the memory of what is moved.
        Ok(self.spread(&self.style.value.as_detached_tensor())?.copy()?.to_device(&Device::Cpu)?)
    }

    /// The picture `[1, c, h, w]` of style and noise maps found so far, in main memory. The official program shows the
    /// style with the network's own maps, as [`Model::synthesize`] does.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn image(&self) -> Result<Tensor> {
        Ok(self.render(&self.style.value.as_detached_tensor())?.detach().to_device(&Device::Cpu)?)
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Whether all steps are done.
    pub fn is_done(&self) -> bool {
        self.steps >= self.options.steps
    }

    /// All that moves, by name: `style`, the noise maps, and `m.` and `v.` with each.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let named = |name: &str, moving: &Moving| {
            [("", &moving.value), ("m.", &moving.m), ("v.", &moving.v)]
                .map(|(part, var)| (format!("{part}{name}"), var.as_detached_tensor()))
        };
        let noise = self.noise.iter().flat_map(|(name, map)| named(name, map));
        noise.chain(named("style", &self.style)).collect()
    }

    /// Takes up a saved state after `steps` steps: `find` gives the tensors by the names of [`state`](Self::state).
    ///
    /// # Errors
    /// When `find` fails or a tensor has another shape.
    pub fn restore(&mut self, steps: usize, find: impl Fn(&str) -> Result<Tensor>) -> Result<()> {
        let style = [("style", &self.style)];
        for (name, moving) in self.noise.iter().map(|(name, map)| (name.as_str(), map)).chain(style) {
            for (part, var) in [("", &moving.value), ("m.", &moving.m), ("v.", &moving.v)] {
                // A copy, as tensors of a state share the memory of what they are the state of.
                var.set(&find(&format!("{part}{name}"))?.copy()?.to_device(var.device())?)?;
            }
        }
        self.steps = steps;
        Ok(())
    }
}
