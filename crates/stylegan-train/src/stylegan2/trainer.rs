//! Phases, optimisers and averages in the official order.

use super::phases::{self, Latents, Phase};
use crate::{Result, ema};
use candle_core::{Tensor, Var};
use stylegan_core::{
    Discriminator, DiscriminatorConfig, Generator, GeneratorConfig, Params, Synthesis, build_discriminator,
    build_generator,
};
use stylegan_kernels::optim::{AdamConfig, adam_step, ema_step};

/// Constants of the training step. `Default` holds StyleGAN2's (section 3.1, appendix B).
#[derive(Debug, Clone, PartialEq)]
pub struct LazyOptions {
    /// Learning rate of both networks, 0.002.
    pub lr: f64,
    /// Adam's decays of the first and second moment, 0 and 0.99.
    pub betas: [f64; 2],
    /// Added to the root of the second moment, 1e-8.
    pub eps: f64,
    /// Steps between path length regularisations, 4.
    pub g_interval: usize,
    /// Steps between R1 regularisations, 16.
    pub d_interval: usize,
    /// Weight of R1, 10.
    pub r1_gamma: f64,
    /// Weight of path length regularisation, 2.
    pub pl_weight: f64,
    /// How far the running mean of path lengths moves in each measurement, 0.01.
    pub pl_decay: f64,
    /// Share of its old value that `w_avg` keeps at each batch of latents, 0.995.
    pub w_avg_beta: f64,
    /// Pictures over which an old weight's share of the averaged generator halves, 10,000.
    pub ema_images: f64,
}

impl Default for LazyOptions {
    fn default() -> Self {
        Self {
            lr: 0.002,
            betas: [0., 0.99],
            eps: 1e-8,
            g_interval: 4,
            d_interval: 16,
            r1_gamma: 10.,
            pl_weight: 2.,
            pl_decay: 0.01,
            w_avg_beta: 0.995,
            ema_images: 10_000.,
        }
    }
}

/// Generator, discriminator and averaged generator with their optimisers.
///
/// One step calls [`generator_main`](Self::generator_main), every `g_interval` steps
/// [`generator_path_length`](Self::generator_path_length), then
/// [`discriminator_main`](Self::discriminator_main), every `d_interval` steps
/// [`discriminator_r1`](Self::discriminator_r1), and last [`average`](Self::average). The main and
/// the regularising phase of a network share one optimiser.
pub struct PlainTrainer {
    options: LazyOptions,
    /// The generator in training.
    pub g: Params,
    /// The averaged generator.
    pub g_ema: Params,
    /// The discriminator.
    pub d: Params,
    generator: [Box<dyn Generator>; 2],
    discriminator: [Box<dyn Discriminator>; 2],
    adam_g: Adam,
    adam_d: Adam,
    pl_mean: f64,
}

/// Places of the two views of a network.
const TRAINED: usize = 0;
const FROZEN: usize = 1;

impl PlainTrainer {
    /// Networks on the parameters `g` and `d`; missing parameters are created.
    ///
    /// # Errors
    /// When a configuration describes no network, or parameters do not fit it.
    pub fn new(
        (g_config, g): (&GeneratorConfig, Params),
        (d_config, d): (&DiscriminatorConfig, Params),
        options: LazyOptions,
    ) -> Result<Self> {
        let generator = [build_generator(g_config, g.trainable())?, build_generator(g_config, g.frozen())?];
        let discriminator = [build_discriminator(d_config, d.trainable())?, build_discriminator(d_config, d.frozen())?];
        Ok(Self {
            adam_g: Adam::new(&g, &options, options.g_interval)?,
            adam_d: Adam::new(&d, &options, options.d_interval)?,
            g_ema: g.copy()?,
            g,
            d,
            generator,
            discriminator,
            options,
            pl_mean: 0.,
        })
    }

    /// The running mean of path lengths; 0 before the first measurement.
    pub fn pl_mean(&self) -> f64 {
        self.pl_mean
    }

    /// The generator's main phase. Returns its loss.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn generator_main(&mut self, latents: Latents, options: &Synthesis) -> Result<f64> {
        let (g, d) = (self.generator[TRAINED].as_ref(), self.discriminator[FROZEN].as_ref());
        let phase = phases::generator_main(g, d, latents, options)?;
        self.adam_g.step(&phase)?;
        self.track_styles(&phase)?;
        Ok(phase.loss)
    }

    /// The generator's path length phase; `noise` is standard normal, `[n, channels, h, w]`. The
    /// official code gives it the first half of the batch. Returns its loss.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn generator_path_length(&mut self, latents: Latents, noise: &Tensor, options: &Synthesis) -> Result<f64> {
        let LazyOptions { pl_decay, pl_weight, g_interval, .. } = self.options;
        let g = self.generator[TRAINED].as_ref();
        let (mean, weight) = ((self.pl_mean, pl_decay), (pl_weight, g_interval));
        let phase = phases::generator_path_length(g, latents, noise, options, mean, weight)?;
        self.pl_mean = phase.path_length.unwrap_or(self.pl_mean);
        self.adam_g.step(&phase)?;
        self.track_styles(&phase)?;
        Ok(phase.loss)
    }

    /// The discriminator's main phase on `real` pictures `[n, c, h, w]` with their labels. Returns
    /// its loss.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn discriminator_main(
        &mut self,
        latents: Latents,
        real: (&Tensor, Option<&Tensor>),
        options: &Synthesis,
    ) -> Result<f64> {
        let (d, g) = (self.discriminator[TRAINED].as_ref(), self.generator[FROZEN].as_ref());
        let phase = phases::discriminator_main(d, g, latents, options, real)?;
        self.adam_d.step(&phase)?;
        self.track_styles(&phase)?;
        Ok(phase.loss)
    }

    /// The discriminator's R1 phase. Returns its loss.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn discriminator_r1(&mut self, real: (&Tensor, Option<&Tensor>)) -> Result<f64> {
        let LazyOptions { r1_gamma, d_interval, .. } = self.options;
        let d = self.discriminator[TRAINED].as_ref();
        let phase = phases::discriminator_r1(d, real, r1_gamma, d_interval)?;
        self.adam_d.step(&phase)?;
        Ok(phase.loss)
    }

    /// Moves the averaged generator after a step of `batch` pictures; buffers are copied.
    ///
    /// # Errors
    /// When the device fails.
    pub fn average(&mut self, batch: usize) -> Result<()> {
        ema::update(&self.g_ema, &self.g, 0.5f64.powf(batch as f64 / self.options.ema_images))
    }

    fn track_styles(&self, phase: &Phase) -> Result<()> {
        match (self.g.get("mapping.w_avg"), &phase.style) {
            (Some(w_avg), Some(style)) => Ok(ema_step(&w_avg, style, self.options.w_avg_beta)?),
            _ => Ok(()),
        }
    }
}

/// Adam for both phases of a network.
struct Adam {
    config: AdamConfig,
    /// Weight, first and second moment.
    entries: Vec<[Var; 3]>,
    steps: u64,
}

impl Adam {
    /// A network that is stepped `interval + 1` times in `interval` steps takes shorter ones: the
    /// learning rate times `interval / (interval + 1)`, the decays to that power.
    fn new(params: &Params, options: &LazyOptions, interval: usize) -> Result<Self> {
        let share = interval as f64 / (interval as f64 + 1.);
        let [beta1, beta2] = options.betas.map(|beta| beta.powf(share));
        let entries = params.parameters().into_iter().map(|(_, weight)| {
            let moment = || Var::from_tensor(&weight.zeros_like()?);
            Ok([weight.clone(), moment()?, moment()?])
        });
        let entries = entries.collect::<candle_core::Result<_>>()?;
        Ok(Self { config: AdamConfig { lr: options.lr * share, beta1, beta2, eps: options.eps }, entries, steps: 0 })
    }

    fn step(&mut self, phase: &Phase) -> Result<()> {
        self.steps += 1;
        // All gradients before the first weight moves: they read the weights' storage.
        let gradients: Vec<Tensor> =
            self.entries.iter().map(|[weight, ..]| finite(phase.gradient(weight)?)).collect::<Result<_>>()?;
        for ([weight, m, v], gradient) in self.entries.iter().zip(&gradients) {
            adam_step(weight, gradient, m, v, self.steps, self.config)?;
        }
        Ok(())
    }
}

/// Replaces NaN by 0 and infinities by ±1e5, as the official code does before each step.
fn finite(gradient: Tensor) -> Result<Tensor> {
    let magnitude = gradient.abs()?;
    // A sum is finite only if all terms are (or it overflowed, which the slow path survives).
    if magnitude.sum_all()?.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?.is_finite() {
        return Ok(gradient);
    }
    let zeros = gradient.zeros_like()?;
    let numbers = gradient.eq(&gradient)?.where_cond(&gradient, &zeros)?;
    let bound = (numbers.sign()? * 1e5)?;
    Ok(magnitude.eq(f64::INFINITY)?.where_cond(&bound, &numbers)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn gradients_that_are_not_finite() {
        let x = [1f32, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -3e38, 3e38];
        let cleaned = |x: &[f32]| finite(Tensor::new(x, &Device::Cpu).unwrap()).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(cleaned(&x), [1., 0., 1e5, -1e5, -3e38, 3e38]);
        // Finite values whose sum is not stay as they are.
        assert_eq!(cleaned(&x[4..]), [-3e38, 3e38]);
    }
}
