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
use stylegan_train::phase::Phase;
use stylegan_train::recipe::gan::{DMAIN, DREG, GMAIN, GREG, Gan, Latents};
use stylegan_train::recipe::{Recipe, step};

const SIZE: usize = 64;
const CHANNEL_BASE: usize = 8192;
const BATCH: usize = 8;

/// The phases of an iteration: forward and backward passes and Adam's step of each.
pub(crate) fn prepare(network: Network) -> Result<Work> {
    let config = config(network);
    let phases: &[(Phase, f64)] = match network {
        Network::StyleGan1 => &[(DMAIN, 1.), (GMAIN, 1.)],
        Network::StyleGan2 => &[(GMAIN, 1.), (GREG, 4.), (DMAIN, 1.), (DREG, 16.)],
    };
    let [g, d] = [0, 1].map(|seed| Params::new(seed, DType::F32, &Device::Cpu));
    let mut gan = Gan::new(&config, g, d).map_err(Error::wrap)?;
    let pictures = random(&[BATCH, 3, SIZE, SIZE], 3)?;
    Ok(Box::new(move || {
        let mut seconds = 0.;
        for &(phase, interval) in phases {
            let start = Instant::now();
            take(&mut gan, phase, &pictures, config.schedule.lr.base)?;
            seconds += start.elapsed().as_secs_f64() / interval;
        }
        let start = Instant::now();
        gan.advance(0, BATCH).map_err(Error::wrap)?;
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

fn take(gan: &mut Gan, phase: Phase, real: &Tensor, lr: f64) -> Result<()> {
    let samples = if phase == GREG { BATCH / 2 } else { BATCH };
    let latents = Latents { z: random(&[samples, 512], 1)?, labels: None, mixing: None };
    let keys = NoiseKeys::new(StreamKey::new(0, "noise", 0), 0..samples as u64);
    let options = SynthesisOptions::with_noise(NoiseMode::Random(&keys));
    let sums = match phase.name {
        "Gmain" => gan.gmain(&latents, &options, None),
        "Greg" => gan.greg(&latents, &options, &real.narrow(0, 0, samples)?, 4.),
        "Dmain" => {
            let blend = Tensor::zeros((samples, 1, 1, 1), DType::F32, &Device::Cpu)?;
            gan.dmain(&latents, &options, (real, None), &blend, None)
        }
        _ => gan.dreg((real, None), 0., 16., None),
    };
    let means = sums.map_err(Error::wrap)?.named.over(samples).map_err(Error::wrap)?;
    step(gan, &phase, &means, lr).map_err(Error::wrap)
}
