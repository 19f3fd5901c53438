//! How precise the products of a run's convolutions are.

use crate::{Error, Result};
use candle_core::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_core::Precision;

/// How precise a run computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PrecisionConfig {
    /// The products of convolutions of both networks and of their gradients of any order, from and to at least 16
    /// channels: `"f32"`, `"bf16x3"` (each factor is the sum of two bf16 numbers, 16 bits) or `"bf16"` (8 bits), on a GPU
    /// `"f32"`, `"tf32"` (11 bits) or `"bf16"`; `"f32"`. Sums, weights, losses, optimisers and all else are f32. Products of bf16
    /// numbers are fast on processors with AMX tiles and slow on others; sample grids and evaluations are made in f32.
    pub products: Products,
}

/// How precise products are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Products {
    /// Single precision: 24 bits.
    #[default]
    F32,
    /// Two bf16 numbers for each factor: 16 bits.
    Bf16x3,
    /// bf16: 8 bits.
    Bf16,
    /// TF32: 11 bits.
    Tf32,
}

impl From<Products> for Precision {
    fn from(products: Products) -> Self {
        match products {
            Products::F32 => Self::F32,
            Products::Bf16x3 => Self::Bf16x3,
            Products::Bf16 => Self::Bf16,
            Products::Tf32 => Self::Tf32,
        }
    }
}

impl PrecisionConfig {
    /// Refuses products that a device does not have.
    pub(crate) fn check_device(self, device: &Device) -> Result<()> {
        let precision = Precision::from(self.products);
        if precision.is_of(device) {
            return Ok(());
        }
        let (has, other) = if device.is_cpu() {
            ("a CPU has no such products", "a GPU (--device cuda)")
        } else {
            ("a GPU computes in f32, tf32 or bf16", "the CPU (--device cpu)")
        };
        Err(Error::Config {
            place: "precision.products".into(),
            problem: format!(
                "is \"{precision}\", but {has}; leave it out (--set precision.products=f32), or train on {other}"
            ),
        })
    }
}
