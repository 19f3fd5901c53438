//! Networks that paint label maps, and discriminators that see map and picture together: SPADE / GauGAN and
//! pix2pixHD.
//!
//! [`Spade::gmain`] and [`Spade::dmain`] give a shard's [`ShardSums`]. They take all random inputs as
//! arguments and work in the element type of the parameters (f64 for checks); the [`Recipe`] draws these
//! inputs for them.

mod config;
mod dmain;
mod gmain;
mod grid;
mod looks;
mod networks;
mod painting;
mod phases;

pub use networks::Parameters;
pub use painting::Example;
pub use phases::{DMAIN, GMAIN};

use super::{Recipe, running, unknown};
use crate::Result;
use crate::config::{AdamConfig, EmaConfig, SpadeLossConfig, SpadeTrainConfig};
use crate::inputs::ShardInput;
use crate::optim::{Adam, ema};
use crate::phase::{Action, Phase};
use crate::sample_grid::GridImages;
use crate::shards::{ShardSums, Sums};
use crate::stats::Stats;
use candle_core::Device;
use networks::Networks;
use painting::Classes;
use stylegan_core::Params;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_metrics::features::PerceptualDistance;

/// Generator, discriminator and image encoder, their optimisers, and the averaged generator: all that
/// training changes.
pub struct Spade {
    networks: Networks,
    /// Of generator and encoder together.
    opt_g: Adam,
    opt_d: Adam,
    loss: SpadeLossConfig,
    /// What the perceptual loss sees with, and what it is called in logs; none without that loss.
    looks: Option<Box<dyn PerceptualDistance>>,
    looks_key: String,
    ema: EmaConfig,
    classes: Classes,
}

impl Spade {
    /// The recipe on these parameters, of which missing ones are created; the averaged generator starts as
    /// a copy.
    ///
    /// # Errors
    /// When a configuration describes no network, parameters do not fit it, or the weights of the perceptual
    /// loss cannot be read.
    pub fn new(config: &SpadeTrainConfig, parameters: Parameters) -> Result<Self> {
        Self::on(config, Networks::new(config, parameters)?)
    }

    /// The same with another network behind the perceptual loss than the configuration's.
    #[must_use]
    pub fn with_looks(self, looks: Box<dyn PerceptualDistance>) -> Self {
        Self { looks_key: looks.name().to_owned(), looks: Some(looks), ..self }
    }

    /// The networks of a checkpoint on a device, with moments still as at the start.
    fn load(config: &SpadeTrainConfig, checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        Self::on(config, Networks::load(config, checkpoint, device)?)
    }

    fn on(config: &SpadeTrainConfig, networks: Networks) -> Result<Self> {
        let [beta1, beta2] = config.adam.betas.values();
        let adam = AdamConfig { beta1, beta2, eps: config.adam.eps, reset_on_growth: false };
        let [of_g, of_d] = config.adam.rates();
        let looks = looks::of(&config.loss, networks.g.params.device())?;
        let (count, edges) = config.generator.map();
        Ok(Self {
            opt_g: Adam::new(&networks.generating()?, &adam, 1.)?.at_rate(of_g),
            opt_d: Adam::new(&networks.d.params, &adam, 1.)?.at_rate(of_d),
            networks,
            loss: config.loss.clone(),
            looks_key: looks.as_ref().map(|looks| looks.name().to_owned()).unwrap_or_default(),
            looks,
            ema: EmaConfig::HalfLife { kimg: config.ema_kimg, ramp: 0. },
            classes: Classes { count, none: config.no_class(), edges },
        })
    }
}

impl Recipe for Spade {
    fn iteration(&self) -> Vec<Action> {
        phases::iteration()
    }

    fn networks(&self) -> Vec<(&'static str, &Params)> {
        let Networks { g, d, e, g_ema, .. } = &self.networks;
        let mut all = vec![(prefix::G, &g.params), (prefix::D, &d.params)];
        all.extend(e.iter().map(|e| (prefix::E, &e.params)));
        all.extend(g_ema.iter().map(|average| (prefix::G_EMA, average)));
        all
    }

    fn optimizers(&self) -> Vec<(&'static str, &Adam)> {
        vec![(prefix::G, &self.opt_g), (prefix::D, &self.opt_d)]
    }

    fn optimizers_mut(&mut self) -> Vec<(&'static str, &mut Adam)> {
        vec![(prefix::G, &mut self.opt_g), (prefix::D, &mut self.opt_d)]
    }

    fn shard(&self, phase: &Phase, input: &ShardInput) -> Result<ShardSums> {
        let example = Example::of(input.reals()?, &self.classes, &self.networks.g.params)?;
        let z_dim = self.networks.g_trained.spec().z_dim;
        let noise = input.random.normal(phase.streams.latent, 0, &[z_dim])?;
        if phase.name == GMAIN.name {
            self.gmain(&example, &noise)
        } else if phase.name == DMAIN.name {
            self.dmain(&example, &noise)
        } else {
            Err(unknown(phase))
        }
    }

    /// Stores what the phase's passes left: both phases run all networks in training mode.
    fn apply(&mut self, _phase: &Phase, means: &Sums) -> Result<()> {
        running::store(&self.networks.g.params, means.get(running::RUNNING)?, "generator")?;
        self.networks.end_passes()
    }

    fn advance(&mut self, images: u64, batch: usize) -> Result<()> {
        match &self.networks.g_ema {
            Some(average) => ema::update(average, &self.networks.g.params, self.ema.beta(images, batch)),
            None => Ok(()),
        }
    }

    fn grid(&self) -> Option<&dyn GridImages> {
        Some(self)
    }

    fn log_line(&self, stats: &Stats) -> String {
        let mean = |key: &str| stats.get(key).mean();
        let mut line = format!("G {:<7.3} D {:<7.3} ", mean("Loss/G/loss"), mean("Loss/D/loss"));
        for name in ["gan", "features", &self.looks_key, "kl"] {
            let term = stats.get(&format!("Loss/G/{name}"));
            if term.count > 0. {
                line.push_str(&format!("{name} {:<7.3} ", term.mean()));
            }
        }
        line + &format!("signs {:>5.2} {:>5.2}", mean("Loss/signs/real"), mean("Loss/signs/fake"))
    }
}
