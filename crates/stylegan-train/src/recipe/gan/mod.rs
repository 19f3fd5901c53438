//! A generator and a discriminator that train each other: StyleGAN, StyleGAN2 and Progressive GAN.
//!
//! The [`phases`] are one file each: [`Gan::gmain`], [`greg`](Gan::greg), [`dmain`](Gan::dmain) and
//! [`dreg`](Gan::dreg) give a shard's [`ShardSums`]. They take all random inputs as arguments and work
//! in the element type of the parameters (f64 for checks); the [`Recipe`] draws these inputs for them.

mod config;
mod dmain;
mod dreg;
mod freeze;
mod gmain;
mod greg;
mod labels;
mod latents;
mod networks;
mod phases;
mod validate;

pub use latents::Latents;
pub use phases::{DMAIN, DREG, GMAIN, GREG, iteration, phases};

use super::{Recipe, sign, transfer, unknown};
use crate::augment::{AugmentConfig, Controller, ShardAugment};
use crate::config::TrainConfig;
use crate::inputs::ShardInput;
use crate::optim::{Adam, ema};
use crate::phase::{Action, Phase, stride};
use crate::sample_grid::{Cells, GridImages};
use crate::schedule::Stage;
use crate::shards::{ShardSums, Sums};
use crate::stats::Stats;
use crate::{Error, Result};
use candle_core::{Device, Tensor};
use networks::Networks;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::{Condition, Generator, NoiseMode, Params, Sampler, SynthesisOptions};
use stylegan_kernels::{in_precision, upsample_nearest2x};

/// The name among a shard's sums of its samples' styles, which move `w_avg`.
const W_SUM: &str = "w_avg";
/// The name among a shard's sums of its samples' path lengths, which move [`Gan::pl_mean`].
const PL_LENGTH: &str = "pl_length";
/// The name among a shard's sums of the signs of its real images' logits and of their number, which move
/// the probability of augmentation.
const REAL_SIGNS: &str = "real_signs";
/// The name among a shard's sums of the scores of its real images, of those that are held back, and of generated ones.
const SCORES: &str = "scores";

/// Generator, averaged generator and discriminator, their optimisers, and the running mean of path
/// lengths: all that training changes.
pub struct Gan {
    networks: Networks,
    opt_g: Adam,
    opt_d: Adam,
    /// The running mean of path lengths; 0 before the first were measured.
    pub pl_mean: f64,
    config: TrainConfig,
    iteration: Vec<Action>,
    augment: Option<(AugmentConfig, Controller)>,
    conditional: bool,
}

impl Gan {
    /// The recipe on the parameters `g` and `d`, of which missing ones are created; the averaged
    /// generator starts as a copy. A transfer overwrites all three with what its file holds.
    ///
    /// # Errors
    /// When a configuration describes no network, parameters do not fit it, or the transfer's do not.
    pub fn new(config: &TrainConfig, g: Params, d: Params) -> Result<Self> {
        let networks = Networks::new(&config.at_resolution(config.schedule()?.at(0).resolution), g, d)?;
        if let Some(transfer) = &config.transfer {
            let networks = &networks;
            let g: (&[_], _) = (&[prefix::G, prefix::G_EMA], &networks.g);
            let g_ema: (&[_], _) = (&[prefix::G_EMA, prefix::G], &networks.g_ema);
            transfer::take(&transfer.from, config.grows(), &[g, g_ema, (&[prefix::D], &networks.d)])?;
        }
        Self::on(config, networks)
    }

    /// The networks of a checkpoint on a device, with moments and path lengths still as at the start.
    fn load(config: &TrainConfig, checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        Self::on(config, Networks::load(config, checkpoint, device)?)
    }

    /// Training as at its start, on these networks.
    fn on(config: &TrainConfig, networks: Networks) -> Result<Self> {
        let phases = phases(config);
        let frozen = freeze::frozen(&networks.d, config.transfer.as_ref().map_or(0, |transfer| transfer.freeze_d));
        let opt_d = Adam::new(&networks.d, &config.adam, stride(&phases, prefix::D))?;
        Ok(Self {
            opt_g: Adam::new(&networks.g, &config.adam, stride(&phases, prefix::G))?,
            opt_d: opt_d.without(|name| frozen.contains(name)),
            networks,
            pl_mean: 0.,
            config: config.clone(),
            iteration: iteration(config),
            augment: config.augment.as_ref().map(|augment| (augment.clone(), Controller::new(augment))),
            conditional: config.generator.c_dim() > 0,
        })
    }

    /// The generator in training.
    pub fn g(&self) -> &Params {
        &self.networks.g
    }

    /// The averaged generator.
    pub fn g_ema(&self) -> &Params {
        &self.networks.g_ema
    }

    /// The discriminator.
    pub fn d(&self) -> &Params {
        &self.networks.d
    }

    /// A shard's part in a phase, whose networks compute in the precision of the configuration.
    fn part(&self, phase: &Phase, input: &ShardInput) -> Result<ShardSums> {
        let (random, generator) = (&input.random, self.networks.g_average.as_ref());
        let lod = lod(generator, input.stage.lod);
        let augment = self.augment.as_ref();
        let augment = augment.map(|(config, controller)| ShardAugment { config, p: controller.p(), random });
        let augment = augment.as_ref();
        let device = self.networks.g.device();
        if phase.name == DREG.name {
            let reals = input.reals()?.to_device(device)?;
            return self.dreg((&reals.images, reals.labels.as_ref()), lod, phase.gain, augment);
        }
        let labels = self.labels(phase, input)?;
        let latents =
            Latents::draw(random, generator, labels, lod, self.config.mixing_probability)?.to_device(device)?;
        let noise = random.noise();
        let precision = self.config.precision.products.into();
        let options = SynthesisOptions {
            lod,
            native_size: true,
            precision,
            ..SynthesisOptions::with_noise(NoiseMode::Random(&noise))
        };
        if phase.name == GMAIN.name {
            self.gmain(&latents, &options, augment)
        } else if phase.name == GREG.name {
            let directions = latents::directions(random, generator, lod)?.to_device(device)?;
            self.greg(&latents, &options, &directions, phase.gain)
        } else if phase.name == DMAIN.name {
            let reals = input.reals()?.to_device(device)?;
            let blend = random.uniform("D blend")?.to_device(device)?;
            let mut sums = self.dmain(&latents, &options, (&reals.images, reals.labels.as_ref()), &blend, augment)?;
            if let Some(held_back) = &input.held_back {
                self.validate(held_back, lod, augment, &mut sums)?;
            }
            if let Some((_, controller)) = &self.augment {
                sums.stats.extend("Progress/augment", [controller.p()]);
                sums.stats.extend("Progress/overfitting", controller.overfitting());
                sums.stats.extend("Progress/overfitting_held_back", controller.held_back());
            }
            Ok(sums)
        } else {
            Err(unknown(phase))
        }
    }
}

impl Recipe for Gan {
    fn iteration(&self) -> Vec<Action> {
        self.iteration.clone()
    }

    fn networks(&self) -> Vec<(&'static str, &Params)> {
        vec![(prefix::G_EMA, &self.networks.g_ema), (prefix::G, &self.networks.g), (prefix::D, &self.networks.d)]
    }

    fn optimizers(&self) -> Vec<(&'static str, &Adam)> {
        vec![(prefix::G, &self.opt_g), (prefix::D, &self.opt_d)]
    }

    fn optimizers_mut(&mut self) -> Vec<(&'static str, &mut Adam)> {
        vec![(prefix::G, &mut self.opt_g), (prefix::D, &mut self.opt_d)]
    }

    fn shard(&self, phase: &Phase, input: &ShardInput) -> Result<ShardSums> {
        // A synthesis is told by its options, a discriminator by the pass that it is part of.
        in_precision(self.config.precision.products.into(), None, || self.part(phase, input))
    }

    fn apply(&mut self, phase: &Phase, means: &Sums) -> Result<()> {
        if let (true, Some(config)) = (phase.name == GREG.name, &self.config.path_length) {
            let length = means.get(PL_LENGTH)?.first().copied().unwrap_or_default();
            self.pl_mean += config.decay * (f64::from(length) - self.pl_mean);
        }
        if let (true, Some((_, controller))) = (phase.reals, &mut self.augment)
            && let [signs, logits] = *means.get(REAL_SIGNS)?
        {
            controller.observe(signs.into(), logits.into());
        }
        if phase.name == DREG.name {
            return Ok(());
        }
        if let (true, Some((config, controller))) = (phase.name == DMAIN.name, &mut self.augment)
            && config.validation > 0
            && let [trained, held_back, generated] = *means.get(SCORES)?
        {
            controller.observe_scores([trained, held_back, generated].map(f64::from));
        }
        self.networks.track_w(means.get(W_SUM)?, self.config.w_avg_beta)
    }

    fn advance(&mut self, images: u64, batch: usize) -> Result<()> {
        if let Some((config, controller)) = &mut self.augment {
            controller.end_step(config, batch);
        }
        ema::update(&self.networks.g_ema, &self.networks.g, self.config.ema.beta(images, batch))
    }

    /// Networks of the stage's resolution take the place of those of StyleGAN2, with new optimisers, where these have
    /// another; others have grown in themselves.
    fn grow(&mut self, stage: &Stage) -> Result<()> {
        let config = self.config.at_resolution(stage.resolution);
        if self.networks.g_average.spec().img_size == config.generator.img_size() {
            return Ok(());
        }
        let Self { pl_mean, augment, .. } = self;
        let (pl_mean, augment) = (*pl_mean, augment.take());
        let grown = Self::on(&self.config, self.networks.resized(&config)?)?;
        *self = Self { pl_mean, augment, ..grown };
        Ok(())
    }

    fn resolution(&self, stage: &Stage) -> usize {
        let [found, next] =
            [self.networks.g_average.spec().img_size, self.config.at_resolution(stage.resolution).generator.img_size()];
        stage.resolution * found[0] / next[0]
    }

    fn buffers(&self) -> Vec<(&'static str, f64)> {
        let lengths = self.config.path_length.iter().map(|_| ("pl_mean", self.pl_mean));
        lengths.chain(self.augment.iter().flat_map(|(config, controller)| controller.buffers(config))).collect()
    }

    fn restore(&mut self, values: &[f64]) {
        let (lengths, augment) = values.split_at(usize::from(self.config.path_length.is_some()).min(values.len()));
        if let [pl_mean] = *lengths {
            self.pl_mean = pl_mean;
        }
        if let Some((config, controller)) = &mut self.augment
            && let Some(saved) = Controller::from_buffers(config, augment)
        {
            *controller = saved;
        }
    }

    fn grid(&self) -> Option<&dyn GridImages> {
        Some(self)
    }

    fn log_line(&self, stats: &Stats) -> String {
        let mean = |key: &str| stats.get(key).mean();
        let mut line = format!("G {:<7.3} D {:<7.3} ", mean("Loss/G/loss"), mean("Loss/D/loss"));
        // Some phases are in none of a tick's steps.
        for (name, key) in [("reg", "Loss/D/reg"), ("pl", "Loss/pl_length"), ("classes", "Loss/D/classes")] {
            if stats.get(key).count > 0. {
                line.push_str(&format!("{name} {:<8.4} ", mean(key)));
            }
        }
        let augment = match &self.augment {
            Some((_, controller)) => match controller.held_back() {
                Some(held_back) => format!(" augment {:.3} r_v {held_back:.2}", controller.p()),
                None => format!(" augment {:.3}", controller.p()),
            },
            None => String::new(),
        };
        line + &format!("signs {:>5.2} {:>5.2}{augment}", mean("Loss/signs/real"), mean("Loss/signs/fake"))
    }

    fn remedy(&self) -> &'static str {
        "resume from the last checkpoint with half of schedule.lr, or start anew with loss.r1_gamma two to four times \
         as large"
    }
}

impl GridImages for Gan {
    fn by_class(&self) -> bool {
        self.conditional
    }

    fn of_latents(&self) -> bool {
        true
    }

    /// What the averaged generator makes of the run's grid latents, without truncation and with its
    /// fixed noise.
    fn images(&self, cells: &Cells) -> Result<Tensor> {
        let generator = self.networks.g_average.as_ref();
        let labels = if self.conditional { cells.labels()? } else { None };
        let device = self.networks.g_ema.device();
        let labels = labels.map(|labels| labels.to_device(device)).transpose()?;
        let condition = Condition::from(labels.as_ref());
        let sampler = Sampler { lod: lod(generator, cells.lod), ..Sampler::new(generator) };
        let z = sampler.latents(&cells.key(), &cells.indices, 0)?.to_device(device)?;
        let mut images = sampler.images(&sampler.styles(&z, condition)?, condition, &[])?.to_device(&Device::Cpu)?;
        // Those of a network that is to grow are shown as large as those of one that grows in itself.
        while images.dim(2)? < self.config.generator.img_size()[0] {
            images = upsample_nearest2x(&images)?;
        }
        Ok(images)
    }
}

/// The level of detail at which a network of the run makes its pictures: networks that do not grow in themselves have
/// the size of what is trained.
fn lod(generator: &dyn Generator, lod: f64) -> f64 {
    lod.min(generator.spec().max_lod)
}

/// Images as the discriminator sees them.
fn seen(augment: Option<&ShardAugment>, purpose: &'static str, images: &Tensor) -> Result<Tensor> {
    match augment {
        Some(augment) => Ok(augment.apply(purpose, images)?),
        None => Ok(images.clone()),
    }
}

/// The sum of the signs of logits, and how many there are.
fn signs(logits: &[f64]) -> Vec<f32> {
    vec![logits.iter().map(|&logit| sign(logit)).sum::<f64>() as f32, logits.len() as f32]
}

/// A regulariser was asked for that the configuration does not have.
fn not_configured(what: &str, key: &str) -> Error {
    Error::Config { place: "this configuration".into(), problem: format!("has no {what}; give it the section `{key}`") }
}
