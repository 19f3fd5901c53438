//! How precise the products of a convolution are.

use super::engine::available;
use candle_core::Device;
use std::fmt;

/// How precise the products of convolutions are; all sums are f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Single precision: 24 bits.
    #[default]
    F32,
    /// Each factor is the sum of two bf16 numbers, of which three products are taken: about 16 bits, an error like that of
    /// a fast f32 algorithm.
    Bf16x3,
    /// Factors are rounded to bf16: 8 bits; on GPUs tensor cores from compute capability 8.0 on take them.
    Bf16,
    /// Factors are rounded to TF32, 11 bits, as tensor cores of GPUs from compute capability 8.0 on take them.
    Tf32,
}

impl Precision {
    /// The fastest precision on this machine whose pictures no eye tells from those of f32: [`Bf16x3`](Self::Bf16x3)
    /// where products of tiles are [available](super::available), else [`F32`](Self::F32).
    pub fn fast() -> Self {
        if available() { Self::Bf16x3 } else { Self::F32 }
    }

    /// Itself where it is less than f32, which goes without saying.
    pub fn reduced(self) -> Option<Self> {
        (self != Self::F32).then_some(self)
    }

    /// Whether there are such products on a device: sums of two bf16 numbers on CPUs, TF32 on GPUs, the others on both.
    pub fn is_of(self, device: &Device) -> bool {
        match self {
            Self::F32 => true,
            Self::Bf16x3 => device.is_cpu(),
            Self::Bf16 => device.is_cpu() || device.is_cuda(),
            Self::Tf32 => device.is_cuda(),
        }
    }

    /// Its name: `f32`, `bf16x3`, `bf16` or `tf32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16x3 => "bf16x3",
            Self::Bf16 => "bf16",
            Self::Tf32 => "tf32",
        }
    }

    /// How many bf16 numbers stand for a factor; none where none do.
    pub(crate) fn parts(self) -> Option<usize> {
        match self {
            Self::F32 | Self::Tf32 => None,
            Self::Bf16x3 => Some(2),
            Self::Bf16 => Some(1),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
