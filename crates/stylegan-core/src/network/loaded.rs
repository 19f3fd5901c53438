//! A generator as a file gave it: on its device, in the precision that was chosen.

use super::condition::Condition;
use super::generator::{Generator, SynthesisOptions};
use super::spec::GeneratorSpec;
use crate::Result;
use candle_core::{Device, Tensor};
use stylegan_kernels::{PackedWeights, Precision};

/// A generator that takes latents, labels, maps and style rows from any device and gives its results back there: they are moved
/// to the network's device and back.
///
/// One that was still growing makes pictures at the level of detail that it had come to, if no coarser one is asked for.
/// Its convolutions are computed in a precision of its own where the options of a synthesis leave them in f32. In another
/// precision than f32 its weights must not change: they are kept from pass to pass.
pub(crate) struct Loaded {
    generator: Box<dyn Generator>,
    device: Device,
    lod: f64,
    precision: Precision,
    packed: PackedWeights,
}

impl Loaded {
    /// A generator whose parameters lie on `device`.
    pub(crate) fn new(generator: Box<dyn Generator>, device: &Device) -> Self {
        let (precision, packed) = (Precision::F32, PackedWeights::default());
        Self { generator, device: device.clone(), lod: 0., precision, packed }
    }

    /// A tensor beside the parameters. One without elements stays, as GPUs have no memory of no bytes.
    fn beside(&self, x: &Tensor) -> Result<Tensor> {
        if x.elem_count() == 0 { Ok(x.clone()) } else { Ok(x.to_device(&self.device)?) }
    }

    /// The same generator at a level of detail.
    pub(crate) fn at(self, lod: f64) -> Self {
        Self { lod, ..self }
    }

    /// The level of detail that it had come to.
    pub(crate) fn lod(&self) -> f64 {
        self.lod
    }

    /// The same generator in another precision, or in f32 where its device has no such products.
    pub(crate) fn with(self, precision: Precision) -> Self {
        let precision = if precision.is_of(&self.device) { precision } else { Precision::F32 };
        Self { precision, ..self }
    }
}

impl Generator for Loaded {
    fn spec(&self) -> &GeneratorSpec {
        self.generator.spec()
    }

    fn w_avg(&self) -> Option<&Tensor> {
        self.generator.w_avg()
    }

    fn mapping(&self, z: &Tensor, condition: Condition) -> Result<Tensor> {
        let labels = match condition {
            Condition::Label(labels) => Some(labels.to_device(&self.device)?),
            _ => None,
        };
        let condition = labels.as_ref().map_or(condition, Condition::Label);
        Ok(self.generator.mapping(&self.beside(z)?, condition)?.to_device(z.device())?)
    }

    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        let (own, mut options) = (self.beside(ws)?, options.clone());
        let map = match options.condition {
            Condition::Map(map) => Some(map.to_device(&self.device)?),
            _ => None,
        };
        options.condition = map.as_ref().map_or(options.condition, Condition::Map);
        options.lod = options.lod.max(self.lod);
        let options = match options.precision {
            Precision::F32 => SynthesisOptions { precision: self.precision, packed: Some(&self.packed), ..options },
            _ => options,
        };
        Ok(self.generator.synthesis(&own, &options)?.to_device(ws.device())?)
    }

    fn precision(&self) -> Precision {
        self.precision
    }
}
