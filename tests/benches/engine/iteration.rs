//! A training iteration: 64x64 pixels, `channel_base` 8192, latents of 512, 8 mapping layers,
//! batch 8 in one shard. What comes only every few iterations counts by its share.

use crate::spec::Network;
use crate::worker::{Work, generator, random};
use candle_core::{DType, Device, Error, Result, Tensor};
use std::time::Instant;
use stylegan_core::latent::StreamKey;
use stylegan_core::stylegan1::StyleGan1DiscriminatorConfig;
use stylegan_core::stylegan2::StyleGan2DiscriminatorConfig;
use stylegan_core::{DiscriminatorConfig, NoiseKeys, NoiseMode, Params, SynthesisOptions};
use stylegan_train::config::TrainConfig;
use stylegan_train::players::{Latents, Players, Turn};

const SIZE: usize = 64;
const CHANNEL_BASE: usize = 8192;
const BATCH: usize = 8;

/// The turns of an iteration: forward and backward passes and Adam's step of each.
pub(crate) fn prepare(network: Network) -> Result<Work> {
    let config = config(network);
    let turns: &[(Turn, f64)] = match network {
        Network::StyleGan1 => &[(Turn::Discriminator, 1.), (Turn::Generator, 1.)],
        Network::StyleGan2 => {
            &[(Turn::Generator, 1.), (Turn::PathLength, 4.), (Turn::Discriminator, 1.), (Turn::R1, 16.)]
        }
    };
    let [g, d] = [0, 1].map(|seed| Params::new(seed, DType::F32, &Device::Cpu));
    let mut players = Players::new(&config, g, d).map_err(Error::wrap)?;
    let pictures = random(&[BATCH, 3, SIZE, SIZE], 3)?;
    Ok(Box::new(move || {
        let mut seconds = 0.;
        for &(turn, interval) in turns {
            let start = Instant::now();
            take(&mut players, turn, &pictures, config.schedule.lr.base)?;
            seconds += start.elapsed().as_secs_f64() / interval;
        }
        let start = Instant::now();
        players.average(0.999).map_err(Error::wrap)?;
        Ok(seconds + start.elapsed().as_secs_f64())
    }))
}

fn config(network: Network) -> TrainConfig {
    let (generator, img_size) = (generator(network, SIZE, CHANNEL_BASE), [SIZE; 2]);
    match network {
        Network::StyleGan1 => TrainConfig {
            generator,
            discriminator: DiscriminatorConfig::StyleGan1(StyleGan1DiscriminatorConfig {
                img_size,
                channel_base: CHANNEL_BASE,
                ..Default::default()
            }),
            ..TrainConfig::default()
        },
        Network::StyleGan2 => TrainConfig {
            generator,
            discriminator: DiscriminatorConfig::StyleGan2(StyleGan2DiscriminatorConfig {
                img_size,
                channel_base: CHANNEL_BASE,
                ..Default::default()
            }),
            ..TrainConfig::stylegan2()
        },
    }
}

fn take(players: &mut Players, turn: Turn, real: &Tensor, lr: f64) -> Result<()> {
    let samples = if turn == Turn::PathLength { BATCH / 2 } else { BATCH };
    let latents = Latents { z: random(&[samples, 512], 1)?, labels: None, mixing: None };
    let keys = NoiseKeys::new(StreamKey::new(0, "noise", 0), 0..samples as u64);
    let options = SynthesisOptions::with_noise(NoiseMode::Random(&keys));
    let share = match turn {
        Turn::Generator => players.generator(&latents, &options),
        Turn::PathLength => players.path_length(&latents, &options, &real.narrow(0, 0, samples)?),
        Turn::Discriminator => {
            let blend = Tensor::zeros((samples, 1, 1, 1), DType::F32, &Device::Cpu)?;
            players.discriminator(&latents, &options, (real, None), &blend)
        }
        Turn::R1 => players.r1(real, None, 0.),
    };
    let mut mean = share.map_err(Error::wrap)?.values;
    mean.iter_mut().for_each(|value| *value /= samples as f32);
    players.step(turn, &mean, lr).map_err(Error::wrap)
}
