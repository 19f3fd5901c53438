//! The turns of a StyleGAN2 training iteration: 64x64 pixels, `channel_base` 8192, latents of 512,
//! 8 mapping layers, batch 8, in one shard. An iteration is Gmain + Greg / 4 + Dmain + Dreg / 16.

use crate::cases::{Case, random};
use crate::measure::Work;
use candle_core::{DType, Device, Error, Result, Tensor};
use std::cell::RefCell;
use stylegan_core::latent::StreamKey;
use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2DiscriminatorConfig};
use stylegan_core::{DiscriminatorConfig, GeneratorConfig, NoiseKeys, NoiseMode, Params, Synthesis};
use stylegan_train::config::TrainConfig;
use stylegan_train::players::{Latents, Players, Turn};

const SIZE: usize = 64;
const BATCH: usize = 8;

/// A case per turn: a shard's forward and backward passes and Adam's step.
pub(crate) fn turns() -> impl Iterator<Item = Case> {
    [Turn::Generator, Turn::PathLength, Turn::Discriminator, Turn::R1]
        .into_iter()
        .map(|turn| Case::new(format!("stylegan2 train {SIZE} b{BATCH} {}", turn.name()), None, move || work(turn)))
}

fn config() -> TrainConfig {
    let (img_size, channel_base) = ([SIZE; 2], 8192);
    TrainConfig {
        generator: GeneratorConfig::StyleGan2(StyleGan2Config { img_size, channel_base, ..Default::default() }),
        discriminator: DiscriminatorConfig::StyleGan2(StyleGan2DiscriminatorConfig {
            img_size,
            channel_base,
            ..Default::default()
        }),
        ..TrainConfig::stylegan2()
    }
}

/// Latents of which each mixes at a layer of its own.
fn latents(samples: usize, num_ws: usize) -> Result<Latents> {
    let mask = (0..samples * num_ws).map(|i| f32::from(u8::from(i % num_ws < 1 + i / num_ws))).collect();
    let mask = Tensor::from_vec(mask, (samples, num_ws, 1), &Device::Cpu)?;
    Ok(Latents { z: random(&[samples, 512], 1)?, labels: None, mixing: Some((random(&[samples, 512], 2)?, mask)) })
}

fn work(turn: Turn) -> Result<Work> {
    let config = config();
    let [g, d] = [0, 1].map(|seed| Params::new(seed, DType::F32, &Device::Cpu));
    let players = RefCell::new(Players::new(&config, g, d).map_err(Error::wrap)?);
    let samples = if turn == Turn::PathLength { BATCH / 2 } else { BATCH };
    let latents = latents(samples, 10)?;
    let keys = NoiseKeys::new(StreamKey::new(0, "noise", 0), 0..samples as u64);
    let pictures = random(&[samples, 3, SIZE, SIZE], 3)?;
    let blend = Tensor::zeros((samples, 1, 1, 1), DType::F32, &Device::Cpu)?;
    Ok(Box::new(move || {
        let options = Synthesis::with_noise(NoiseMode::Random(&keys));
        let share = {
            let players = players.borrow();
            match turn {
                Turn::Generator => players.generator(&latents, &options),
                Turn::PathLength => players.path_length(&latents, &options, &pictures),
                Turn::Discriminator => players.discriminator(&latents, &options, (&pictures, None), &blend),
                Turn::R1 => players.r1(&pictures, None, 0.),
            }
        };
        let mut mean = share.map_err(Error::wrap)?.values;
        mean.iter_mut().for_each(|value| *value /= samples as f32);
        players.borrow_mut().step(turn, &mean, config.schedule.lr.base).map_err(Error::wrap)?;
        Ok(vec![])
    }))
}
