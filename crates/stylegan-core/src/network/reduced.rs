//! A generator in another precision.

use super::condition::Condition;
use super::generator::{Generator, SynthesisOptions};
use super::spec::GeneratorSpec;
use crate::Result;
use candle_core::Tensor;
use stylegan_kernels::{PackedWeights, Precision};

/// A generator whose convolutions are computed in this precision where the options of a synthesis leave them in f32. In
/// another precision than f32 its weights must not change: they are kept from pass to pass.
pub(crate) struct InPrecision {
    generator: Box<dyn Generator>,
    precision: Precision,
    packed: PackedWeights,
}

impl InPrecision {
    /// A generator as it is.
    pub(crate) fn new(generator: Box<dyn Generator>) -> Self {
        Self { generator, precision: Precision::F32, packed: PackedWeights::default() }
    }

    /// The same generator in another precision.
    pub(crate) fn with(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }
}

impl Generator for InPrecision {
    fn spec(&self) -> &GeneratorSpec {
        self.generator.spec()
    }

    fn w_avg(&self) -> Option<&Tensor> {
        self.generator.w_avg()
    }

    fn mapping(&self, z: &Tensor, condition: Condition) -> Result<Tensor> {
        self.generator.mapping(z, condition)
    }

    fn synthesis(&self, ws: &Tensor, options: &SynthesisOptions) -> Result<Tensor> {
        if options.precision != Precision::F32 {
            return self.generator.synthesis(ws, options);
        }
        let (precision, packed) = (self.precision, Some(&self.packed));
        self.generator.synthesis(ws, &SynthesisOptions { precision, packed, ..options.clone() })
    }

    fn precision(&self) -> Precision {
        self.precision
    }
}
