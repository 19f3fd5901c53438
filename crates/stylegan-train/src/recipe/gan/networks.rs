//! The networks of a run, each with the views that generator and discriminator need.

use crate::config::TrainConfig;
use crate::{Error, Result};
use candle_core::{Device, Tensor};
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::{Discriminator, Generator, NetworkConfig, Params, build_discriminator, build_generator};

/// Name of the moving average of styles in a generator's parameters.
const W_AVG: &str = "mapping.w_avg";

/// Generator, discriminator and averaged generator. A network's opponent is always the frozen view:
/// same weights, no gradient.
pub(crate) struct Networks {
    pub(crate) g: Params,
    pub(crate) d: Params,
    pub(crate) g_ema: Params,
    pub(crate) g_trained: Box<dyn Generator>,
    pub(crate) g_frozen: Box<dyn Generator>,
    pub(crate) d_trained: Box<dyn Discriminator>,
    pub(crate) d_frozen: Box<dyn Discriminator>,
    pub(crate) g_average: Box<dyn Generator>,
}

impl Networks {
    /// Networks on these parameters; missing ones are created.
    pub(crate) fn new(config: &TrainConfig, g: Params, d: Params) -> Result<Self> {
        build_generator(&config.generator, g.trainable())?;
        let g_ema = g.copy()?;
        Self::on(config, g, d, g_ema)
    }

    /// The networks of a checkpoint of the run, of whichever size it came to, on a device.
    pub(crate) fn load(config: &TrainConfig, checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        let part = |prefix: &str| checkpoint.params(prefix, device);
        let mut config = config.clone();
        for network in checkpoint.metadata().iter().flat_map(|about| about.networks.values()) {
            match network {
                NetworkConfig::Generator(generator) => config.generator = generator.clone(),
                NetworkConfig::Discriminator(discriminator) => config.discriminator = discriminator.clone(),
                NetworkConfig::Encoder(_) | NetworkConfig::Segmenter(_) => {}
            }
        }
        Self::on(&config, part(prefix::G)?, part(prefix::D)?, part(prefix::G_EMA)?)
    }

    /// Networks of another size, which begin with what they have in common with these, by name and shape.
    pub(crate) fn resized(&self, config: &TrainConfig) -> Result<Self> {
        let [g, d] = config.stores(self.g.dtype(), self.g.device());
        build_generator(&config.generator, g.trainable())?;
        build_discriminator(&config.discriminator, d.trainable())?;
        let g_ema = g.copy()?;
        for (new, old) in [(&g, &self.g), (&d, &self.d), (&g_ema, &self.g_ema)] {
            for (name, var) in new.vars() {
                if let Some(old) = old.get(&name).filter(|old| old.dims() == var.dims()) {
                    var.set(&old.as_detached_tensor())?;
                }
            }
        }
        Self::on(config, g, d, g_ema)
    }

    fn on(config: &TrainConfig, g: Params, d: Params, g_ema: Params) -> Result<Self> {
        Ok(Self {
            g_trained: build_generator(&config.generator, g.trainable())?,
            g_frozen: build_generator(&config.generator, g.frozen())?,
            d_trained: build_discriminator(&config.discriminator, d.trainable())?,
            d_frozen: build_discriminator(&config.discriminator, d.frozen())?,
            g_average: build_generator(&config.generator, g_ema.frozen())?,
            g,
            d,
            g_ema,
        })
    }

    /// Moves `w_avg` to a batch's mean style: `beta` of the old value stays.
    pub(crate) fn track_w(&self, mean: &[f32], beta: f64) -> Result<()> {
        let Some(w_avg) = self.g.get(W_AVG) else { return Ok(()) };
        let mean = Tensor::from_slice(mean, w_avg.shape(), &Device::Cpu)?;
        let mean = mean.to_dtype(w_avg.dtype())?.to_device(w_avg.device())?;
        stylegan_kernels::optim::ema_step(&w_avg, &mean, beta).map_err(Error::from)
    }
}
