//! The networks of a run, each with the views that its own phase and the other's need.

use crate::Result;
use crate::config::{SpadeTrainConfig, SpadeTransferConfig};
use crate::recipe::{prefixed, transfer};
use candle_core::{Device, Var};
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::layers::power_iteration;
use stylegan_core::spade::{MultiscaleDiscriminator, SpadeEncoder};
use stylegan_core::{Generator, Params, build_generator};

/// A network in training: its parameters, and those of its next pass.
///
/// Spectral normalisation moves its singular vectors before each pass in training mode (the original's
/// order), and a pass must not change what a checkpoint holds before its phase is through. So passes see
/// vectors of their own, one power iteration ahead of the stored ones; all else is shared.
pub(super) struct Trained {
    /// As a checkpoint holds them.
    pub(super) params: Params,
    /// As the next pass sees them.
    pub(super) pass: Params,
}

impl Trained {
    /// Before its first pass, or the first after a checkpoint.
    fn new(params: Params) -> Result<Self> {
        let pass = Params::from_vars(params.vars().into_iter().map(|(name, var)| {
            let var = if is_vector(&name) { Var::from_tensor(&var.as_detached_tensor())? } else { var };
            Ok((name, var))
        }))?;
        power_iteration(&pass)?;
        Ok(Self { params, pass })
    }

    /// Stores the vectors of the pass that is over, and makes ready for the next one.
    pub(super) fn end_pass(&self) -> Result<()> {
        for (name, vector) in self.params.vars().into_iter().filter(|(name, _)| is_vector(name)) {
            if let Some(passed) = self.pass.get(&name) {
                vector.set(&passed.as_detached_tensor())?;
            }
        }
        Ok(power_iteration(&self.pass)?)
    }
}

/// Whether it is one of the singular vectors of a weight.
fn is_vector(name: &str) -> bool {
    name.ends_with("weight_u") || name.ends_with("weight_v")
}

/// Parameters to train: generator, discriminator, and the encoder of a configuration that has one.
pub struct Parameters {
    /// Of the generator.
    pub g: Params,
    /// Of the discriminator.
    pub d: Params,
    /// Of the image encoder; not looked at where the configuration has none.
    pub e: Params,
}

/// All networks. A network's opponent is always the frozen view: same weights, no gradient.
pub(super) struct Networks {
    pub(super) g: Trained,
    pub(super) d: Trained,
    pub(super) e: Option<Trained>,
    /// `None` where no average is kept.
    pub(super) g_ema: Option<Params>,
    pub(super) g_trained: Box<dyn Generator>,
    pub(super) g_frozen: Box<dyn Generator>,
    pub(super) d_trained: MultiscaleDiscriminator,
    pub(super) d_frozen: MultiscaleDiscriminator,
    pub(super) e_trained: Option<SpadeEncoder>,
    pub(super) e_frozen: Option<SpadeEncoder>,
    /// What makes pictures.
    pub(super) painter: Box<dyn Generator>,
}

impl Networks {
    /// Networks on these parameters; missing ones are created. A transfer overwrites them with what its file holds.
    pub(super) fn new(config: &SpadeTrainConfig, Parameters { g, d, e }: Parameters) -> Result<Self> {
        build_generator(&config.generator.network(), g.trainable())?;
        MultiscaleDiscriminator::new(&config.discriminator, d.trainable())?;
        if let Some(encoder) = &config.encoder {
            SpadeEncoder::new(encoder, e.trainable())?;
        }
        let g_ema = (config.ema_kimg > 0.).then(|| g.copy()).transpose()?;
        if let Some(SpadeTransferConfig { from }) = &config.transfer {
            // Before the first pass, which sees singular vectors one power iteration ahead.
            let mut into: Vec<(&[&'static str], &Params)> = vec![(&[prefix::G, prefix::G_EMA], &g), (&[prefix::D], &d)];
            into.extend(config.encoder.iter().map(|_| (&[prefix::E][..], &e)));
            into.extend(g_ema.iter().map(|average| (&[prefix::G_EMA, prefix::G][..], average)));
            transfer::take(from, false, &into)?;
        }
        Self::on(config, Parameters { g, d, e }, g_ema)
    }

    /// The networks of a checkpoint, on a device.
    pub(super) fn load(config: &SpadeTrainConfig, checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        let part = |prefix: &str| checkpoint.params(prefix, device);
        let (g, d) = (part(prefix::G)?, part(prefix::D)?);
        build_generator(&config.generator.network(), g.frozen())?;
        MultiscaleDiscriminator::new(&config.discriminator, d.frozen())?;
        let e = match &config.encoder {
            Some(encoder) => {
                let e = part(prefix::E)?;
                SpadeEncoder::new(encoder, e.frozen())?;
                e
            }
            None => Params::new(0, g.dtype(), g.device()),
        };
        let g_ema = (config.ema_kimg > 0.).then(|| part(prefix::G_EMA)).transpose()?;
        Self::on(config, Parameters { g, d, e }, g_ema)
    }

    fn on(config: &SpadeTrainConfig, parameters: Parameters, g_ema: Option<Params>) -> Result<Self> {
        let (g, d) = (Trained::new(parameters.g)?, Trained::new(parameters.d)?);
        let e = config.encoder.as_ref().map(|_| Trained::new(parameters.e)).transpose()?;
        let generator = |vb| build_generator(&config.generator.network(), vb);
        let encoder = |vb: fn(&Params) -> candle_nn::VarBuilder<'static>| {
            let both = config.encoder.as_ref().zip(e.as_ref());
            both.map(|(config, e)| SpadeEncoder::new(config, vb(&e.pass))).transpose()
        };
        Ok(Self {
            g_trained: generator(g.pass.trainable())?,
            g_frozen: generator(g.pass.frozen())?,
            d_trained: MultiscaleDiscriminator::new(&config.discriminator, d.pass.trainable())?,
            d_frozen: MultiscaleDiscriminator::new(&config.discriminator, d.pass.frozen())?,
            e_trained: encoder(Params::trainable)?,
            e_frozen: encoder(Params::frozen)?,
            painter: generator(g_ema.as_ref().unwrap_or(&g.params).frozen())?,
            g,
            d,
            e,
            g_ema,
        })
    }

    /// Generator and encoder as one, for the optimiser that moves both.
    pub(super) fn generating(&self) -> Result<Params> {
        let e = self.e.iter().flat_map(|e| prefixed(prefix::E, &e.params));
        Ok(Params::from_vars(prefixed(prefix::G, &self.g.params).chain(e))?)
    }

    /// Stores the vectors of the passes that a phase made of all networks.
    pub(super) fn end_passes(&self) -> Result<()> {
        [Some(&self.g), Some(&self.d), self.e.as_ref()].into_iter().flatten().try_for_each(Trained::end_pass)
    }
}
