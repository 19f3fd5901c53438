//! The networks of a run, each with the views that training and looking need.

use super::decoder::Decoder;
use crate::config::AdamConfig;
use crate::config::{EncoderTrainConfig, OptimizerKind};
use crate::inversion::StyleStatistics;
use crate::optim::Adam;
use crate::recipe::prefixed;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor, Var};
use std::collections::BTreeMap;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::import::state_dict;
use stylegan_core::psp::{AVERAGE, PspEncoder};
use stylegan_core::{Generator, GeneratorConfig, Model, NetworkConfig, Params, build_generator};

/// Styles whose mean is the average that rows are counted from.
const SAMPLES: usize = 10_000;

/// Parameters to train: encoder and generator.
pub struct Parameters {
    /// Of the encoder; with [`AVERAGE`] the style `[num_ws, w_dim]` that its rows are counted from, which is that of the
    /// generator where it is missing.
    pub e: Params,
    /// Of the generator.
    pub g: Params,
    /// What the generator is.
    pub generator: GeneratorConfig,
}

/// Encoder and generator.
pub(super) struct Networks {
    pub(super) e: Params,
    pub(super) g: Params,
    /// The encoder that learns.
    pub(super) encoder: PspEncoder,
    /// The same weights without gradients.
    pub(super) frozen: PspEncoder,
    /// The generator, which hands gradients on, and takes some itself where it learns.
    pub(super) generator: Box<dyn Generator>,
    /// `[num_ws, w_dim]`, where the networks are.
    pub(super) average: Tensor,
    /// Whether the generator is a StyleGAN2, whose convolutions are modulated.
    styled: bool,
}

impl Networks {
    /// Networks on these parameters; missing ones of the encoder are created.
    pub(super) fn new(config: &EncoderTrainConfig, Parameters { e, g, generator }: Parameters) -> Result<Self> {
        PspEncoder::new(&config.encoder, e.trainable())?;
        let average = match e.get(AVERAGE) {
            Some(average) => average,
            None => Var::from_tensor(&average(&generator, &g, config.encoder.num_ws)?)?,
        };
        let vars = e.vars().into_iter().filter(|(name, _)| name != AVERAGE);
        let vars = vars.chain([(AVERAGE.to_owned(), average.clone())]);
        let e = Params::from_vars(vars.map(Ok))?;
        Ok(Self {
            encoder: PspEncoder::new(&config.encoder, e.trainable())?,
            frozen: PspEncoder::new(&config.encoder, e.frozen())?,
            generator: build_generator(&generator, if config.train_generator { g.trainable() } else { g.frozen() })?,
            average: average.as_detached_tensor(),
            styled: matches!(generator, GeneratorConfig::StyleGan2(_)),
            e,
            g,
        })
    }

    /// A new encoder for the configuration's generator, on a device.
    pub(super) fn begin(config: &EncoderTrainConfig, device: &Device) -> Result<Self> {
        let Decoder { config: generator, params, .. } = Decoder::load(config)?;
        let (e, g) = (Params::new(config.seed, DType::F32, device), params.to_device(device)?);
        let networks = Self::new(config, Parameters { e, g, generator })?;
        if !config.backbone.is_empty() {
            start_backbone(config, &networks.e)?;
        }
        Ok(networks)
    }

    /// The networks of a checkpoint, on a device.
    pub(super) fn load(config: &EncoderTrainConfig, checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        let stated = checkpoint.metadata().and_then(|metadata| metadata.networks.get(prefix::G));
        let Some(NetworkConfig::Generator(generator)) = stated.cloned() else {
            return Err(Error::Run {
                folder: checkpoint.path().to_owned(),
                problem: "holds no generator G, which the checkpoints of an encoder's run have".into(),
            });
        };
        let part = |prefix: &str| checkpoint.params(prefix, device);
        Self::new(config, Parameters { e: part(prefix::E)?, g: part(prefix::G)?, generator })
    }

    /// The optimiser of the encoder, and of the synthesis network where that learns too: the mapping network has no part
    /// in a reconstruction. The encoder's parameters have the names that they have alone.
    pub(super) fn optimizer(&self, config: &EncoderTrainConfig) -> Result<Adam> {
        let of = |params: &Params| match config.schedule.optimizer {
            OptimizerKind::Adam => {
                Adam::new(params, &AdamConfig { beta1: 0.9, beta2: 0.999, eps: 1e-8, reset_on_growth: false }, 1.)
            }
            OptimizerKind::Ranger => Adam::ranger(params),
        };
        if !config.train_generator {
            return of(&self.e);
        }
        let synthesis = prefixed(prefix::G, &self.g).filter(|named: &stylegan_core::Result<(String, Var)>| {
            named.as_ref().is_ok_and(|(name, _)| !name.starts_with("G.mapping."))
        });
        let all = Params::from_vars(self.e.vars().into_iter().map(Ok).chain(synthesis))?;
        let styled = self.styled;
        Ok(of(&all)?.centralising(|name| styled && is_whole(name)))
    }
}

/// Whether Ranger takes the mean of the whole gradient off this parameter of a StyleGAN2: pixel2style2pixel's decoder holds
/// its constant, the weights of its modulated convolutions and the biases of its images with a dimension of 1 before the
/// others, and centralises over all but that.
fn is_whole(name: &str) -> bool {
    let Some(layer) = name.strip_prefix("G.synthesis.").and_then(|rest| rest.split_once('.')) else { return false };
    matches!(layer.1, "const" | "conv0.weight" | "conv1.weight" | "torgb.weight" | "torgb.bias")
}

/// Gives the backbone of an encoder the weights of the configuration's file.
fn start_backbone(config: &EncoderTrainConfig, e: &Params) -> Result<()> {
    let problem = |problem: String| Error::Config { place: format!("backbone = {}", config.backbone), problem };
    let missing =
        |error| problem(format!("{error}; --set backbone=FILE names another, --set backbone= begins at random"));
    let file = state_dict(&config.backbone).map_err(missing)?.into_iter();
    let file = file.map(|(name, tensor)| (name.strip_prefix("E.").map(str::to_owned).unwrap_or(name), tensor));
    let mut file: BTreeMap<String, Tensor> = file.collect();
    for (name, var) in e.vars() {
        if !name.starts_with("input_layer.") && !name.starts_with("body.") {
            continue;
        }
        match file.remove(&name) {
            Some(tensor) if tensor.dims() == var.dims() => {
                var.set(&tensor.to_dtype(var.dtype())?.to_device(var.device())?)?;
            }
            // Sketches and maps have a first layer of their own.
            Some(_) if name == "input_layer.0.weight" && config.encoder.img_channels != 3 => {}
            Some(tensor) => {
                return Err(problem(format!(
                    "has {name} {:?}, expected {:?}; set encoder.channels to those of the file",
                    tensor.dims(),
                    var.dims()
                )));
            }
            None => return Err(problem(format!("has no {name}; expected the weights of an IR-SE-50 backbone"))),
        }
    }
    Ok(())
}

/// The average style of a generator, once for each row.
fn average(generator: &GeneratorConfig, g: &Params, num_ws: usize) -> Result<Tensor> {
    let model = Model::from_params(generator.clone(), g.clone())?;
    let mean = StyleStatistics::new(&model, SAMPLES, None)?.mean;
    let w_dim = mean.dim(1)?;
    Ok(mean.broadcast_as((num_ws, w_dim))?.contiguous()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2Generator};

    /// What has a row of styles is modulated.
    #[test]
    fn modulated_weights_are_centralised_as_a_whole() {
        let config = StyleGan2Config { img_size: [16, 16], z_dim: 4, w_dim: 4, channel_max: 4, ..Default::default() };
        let g = Params::new(0, DType::F32, &Device::Cpu);
        StyleGan2Generator::new(&config, g.trainable()).unwrap();
        let mut whole = 0;
        for (name, _) in g.parameters() {
            let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
            let is_modulated = name.ends_with(".weight") && g.get(&format!("{layer}.affine.weight")).is_some();
            let expected = is_modulated || ["torgb.bias", "b4.const"].iter().any(|end| name.ends_with(end));
            assert_eq!(is_whole(&format!("G.{name}")), expected, "{name}");
            assert!(!is_whole(&name), "the encoder's {name}");
            whole += usize::from(expected);
        }
        // A constant, five convolutions, three layers to RGB with a bias.
        assert_eq!(whole, 12);
    }
}
