//! Encoders of pictures into the styles of a trained generator: pixel2style2pixel (Richardson et al. 2021,
//! <https://arxiv.org/abs/2008.00951>).
//!
//! [`Psp::emain`] and [`Psp::pretrain`] give a batch's [`ShardSums`]. They take all random inputs as arguments and work in
//! the element type of the parameters (f64 for checks); the [`Recipe`] draws these inputs for them.

mod config;
mod decoder;
mod emain;
mod grid;
mod identity;
mod input;
mod losses;
mod networks;

pub use emain::Example;
pub use identity::Identity;
pub use input::{Source, input, sketch, visible};
pub use losses::{Losses, Term};
pub use networks::Parameters;

use super::{Recipe, running, unknown};
use crate::Result;
use crate::config::{EncoderTrainConfig, TaskConfig};
use crate::inputs::ShardInput;
use crate::inputs::random::Streams;
use crate::optim::Adam;
use crate::phase::{Action, Phase};
use crate::sample_grid::GridImages;
use crate::shards::{ShardSums, Sums};
use crate::stats::Stats;
use candle_core::{Device, Tensor};
use networks::Networks;
use stylegan_core::checkpoint::prefix;
use stylegan_core::{Condition, NoiseMode, Params, SynthesisOptions, broadcast_ws};
use stylegan_kernels::resize_area;

/// The encoder along its loss.
pub const EMAIN: Phase = Phase::new("Emain", prefix::E, Streams::UNNAMED).with_reals();

/// The purposes of random numbers beside those of the phase: what pictures are shown by, and the styles that are drawn.
const SHOWN: &str = "shown";
const DRAWN: &str = "drawn";

/// An encoder, the generator that it finds styles for, and their optimiser: all that training changes.
pub struct Psp {
    networks: Networks,
    /// Of the encoder, and of the generator where that learns.
    optimizer: Adam,
    losses: Losses,
    task: TaskConfig,
    /// Channels of what the encoder is shown.
    channels: usize,
    /// Pictures at the start of the run that are drawn.
    drawn: u64,
}

impl Psp {
    /// The recipe on these parameters, of which missing ones of the encoder are created, with losses at hand.
    ///
    /// # Errors
    /// When a configuration describes no network, or parameters do not fit it.
    pub fn new(config: &EncoderTrainConfig, parameters: Parameters, losses: Losses) -> Result<Self> {
        Self::on(config, Networks::new(config, parameters)?, losses)
    }

    fn on(config: &EncoderTrainConfig, networks: Networks, losses: Losses) -> Result<Self> {
        Ok(Self {
            optimizer: networks.optimizer(config)?,
            networks,
            losses,
            task: config.task.clone(),
            channels: config.encoder.img_channels,
            drawn: config.drawn(),
        })
    }

    /// A batch's part in `Emain` on pictures that the generator draws.
    fn draw(&self, input: &ShardInput, [h, w]: [usize; 2]) -> Result<ShardSums> {
        let generator = &self.networks.generator;
        let z = input.random.normal(DRAWN, 0, &[generator.spec().z_dim])?.to_device(self.device())?;
        let w_drawn = generator.mapping(&z, Condition::None)?.detach();
        let noise = input.random.noise();
        let options = SynthesisOptions::with_noise(NoiseMode::Random(&noise));
        let pictures = generator.synthesis(&broadcast_ws(&w_drawn, generator.spec().num_ws)?, &options)?.detach();
        let pictures = resize_area(&pictures, h, w)?.clamp(-1., 1.)?;
        let shown = self.show(&pictures, None, input)?;
        self.pretrain(&shown, &w_drawn)
    }

    /// What the networks compute on.
    fn device(&self) -> &Device {
        self.networks.e.device()
    }

    /// What the encoder is shown of pictures `[n, 3, h, w]`.
    fn show(&self, pictures: &Tensor, maps: Option<&Tensor>, shard: &ShardInput) -> Result<Tensor> {
        let (key, indices) = (shard.random.key(SHOWN), &shard.random.indices);
        Ok(input(&self.task, self.channels, &Source { pictures, maps, key, indices })?.to_device(self.device())?)
    }
}

impl Recipe for Psp {
    fn iteration(&self) -> Vec<Action> {
        vec![Action::Phase(EMAIN), Action::Advance]
    }

    fn networks(&self) -> Vec<(&'static str, &Params)> {
        vec![(prefix::E, &self.networks.e), (prefix::G, &self.networks.g)]
    }

    /// What the encoder is shown of pictures is made on the CPU.
    fn sees_on(&self) -> Device {
        Device::Cpu
    }

    fn optimizers(&self) -> Vec<(&'static str, &Adam)> {
        vec![(prefix::E, &self.optimizer)]
    }

    fn optimizers_mut(&mut self) -> Vec<(&'static str, &mut Adam)> {
        vec![(prefix::E, &mut self.optimizer)]
    }

    fn shard(&self, phase: &Phase, input: &ShardInput) -> Result<ShardSums> {
        if phase.name != EMAIN.name {
            return Err(unknown(phase));
        }
        let reals = input.reals()?;
        let (_, _, h, w) = reals.images.dims4()?;
        if input.random.indices.first().is_some_and(|&first| first < self.drawn) {
            return self.draw(input, [h, w]);
        }
        let shown = self.show(&reals.images, reals.maps.as_ref(), input)?;
        let noise = input.random.noise();
        let target = reals.images.to_device(self.device())?;
        self.emain(&Example { input: shown, target }, NoiseMode::Random(&noise))
    }

    /// Stores what the pass left of the encoder's normalisations.
    fn apply(&mut self, _phase: &Phase, means: &Sums) -> Result<()> {
        running::store(&self.networks.e, means.get(running::RUNNING)?, "encoder")
    }

    fn grid(&self) -> Option<&dyn GridImages> {
        Some(self)
    }

    fn log_line(&self, stats: &Stats) -> String {
        let mut line = String::from("E ");
        let parts = ["loss", "w", "l2", "l2_crop", "w_norm"].into_iter().map(str::to_owned);
        let by_networks = self.losses.networks().into_iter().flat_map(|name| [name.to_owned(), format!("{name}_crop")]);
        for name in parts.chain(by_networks) {
            let term = stats.get(&format!("Loss/E/{name}"));
            if term.count > 0. {
                line.push_str(&format!("{name} {:<8.4} ", term.mean()));
            }
        }
        line.trim_end().to_owned()
    }
}
