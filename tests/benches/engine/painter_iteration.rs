//! A training iteration of SPADE on maps of 17 classes: 64x64 pixels, `ngf` 16, `nhidden` 64, `ndf` 32, batch 8 in one
//! shard, hinge loss and feature matching, without a perceptual loss.

use crate::worker::{Work, random};
use candle_core::{DType, Device, Error, Result, Tensor};
use std::time::Instant;
use stylegan_core::Params;
use stylegan_core::spade::{MultiscaleDiscriminatorConfig, SpadeConfig};
use stylegan_kernels::Labels;
use stylegan_train::config::{PainterConfig, SpadeLossConfig, SpadeTrainConfig};
use stylegan_train::phase::Phase;
use stylegan_train::recipe::spade::{DMAIN, Example, GMAIN, Parameters, Spade};
use stylegan_train::recipe::{Recipe, step};

const SIZE: usize = 64;
const CLASSES: usize = 17;
const BATCH: usize = 8;

/// Both phases of an iteration: forward and backward passes and Adam's step of each.
pub(crate) fn prepare() -> Result<Work> {
    let config = config();
    let [g, d, e] = [0, 1, 2].map(|seed| Params::new(seed, DType::F32, &Device::Cpu));
    let mut spade = Spade::new(&config, Parameters { g, d, e }).map_err(Error::wrap)?;
    let class = |i: usize| ((i / SIZE / 8 + i % SIZE / 8) % CLASSES) as u32;
    let cells = Tensor::from_vec((0..BATCH * SIZE * SIZE).map(class).collect(), (BATCH, 1, SIZE, SIZE), &Device::Cpu)?;
    let map = Labels::new(&cells, None, CLASSES)?.into();
    let example = Example { images: random(&[BATCH, 3, SIZE, SIZE], 3)?, map };
    Ok(Box::new(move || {
        let start = Instant::now();
        for phase in [GMAIN, DMAIN] {
            take(&mut spade, phase, &example, config.schedule.lr)?;
        }
        spade.advance(0, BATCH).map_err(Error::wrap)?;
        Ok(start.elapsed().as_secs_f64())
    }))
}

fn config() -> SpadeTrainConfig {
    let img_size = [SIZE; 2];
    let generator =
        SpadeConfig { img_size, classes: CLASSES, edges: false, channels: 16, hidden: 64, ..SpadeConfig::default() };
    let discriminator = MultiscaleDiscriminatorConfig {
        img_size,
        classes: CLASSES,
        edges: false,
        channels: 32,
        ..MultiscaleDiscriminatorConfig::default()
    };
    SpadeTrainConfig {
        generator: PainterConfig::Spade(generator),
        discriminator,
        encoder: None,
        loss: SpadeLossConfig { perceptual: 0., ..SpadeLossConfig::default() },
        ..SpadeTrainConfig::default()
    }
}

fn take(spade: &mut Spade, phase: Phase, example: &Example, lr: f64) -> Result<()> {
    let noise = Tensor::zeros((BATCH, 0), DType::F32, &Device::Cpu)?;
    let sums = if phase == GMAIN { spade.gmain(example, &noise) } else { spade.dmain(example, &noise) };
    let means = sums.map_err(Error::wrap)?.named.over(BATCH).map_err(Error::wrap)?;
    step(spade, &phase, &means, lr).map_err(Error::wrap)
}
