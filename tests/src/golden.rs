//! Golden cases: inputs, weights and outputs of other implementations, under `tests/golden`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::path::PathBuf;

/// One folder of `tests/golden`.
pub struct Case {
    /// Parameters under their original names.
    pub weights: HashMap<String, Tensor>,
    /// Inputs and outputs.
    pub io: HashMap<String, Tensor>,
    /// The arguments of the original networks, and notes.
    pub info: serde_json::Value,
}

impl Case {
    /// Reads `tests/golden/<name>`.
    pub fn load(name: &str) -> Self {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(name);
        let read = |file: &str| candle_core::safetensors::load(folder.join(file), &Device::Cpu).expect(file);
        let info = std::fs::read_to_string(folder.join("case.json")).expect("case.json");
        Self {
            weights: read("weights.safetensors"),
            io: read("io.safetensors"),
            info: serde_json::from_str(&info).expect("case.json"),
        }
    }

    /// An input or output in the given type.
    pub fn io(&self, name: &str, dtype: DType) -> Tensor {
        self.io.get(name).unwrap_or_else(|| panic!("no {name} in this case")).to_dtype(dtype).unwrap()
    }

    /// An argument of the original network that is a whole number.
    pub fn argument(&self, name: &str) -> Option<usize> {
        self.info["kwargs"][name].as_u64().map(|value| value as usize)
    }

    /// Outputs `prefix` and `prefix<number>` with the number, e.g. `img_lod1.4`.
    pub fn numbered(&self, prefix: &str) -> Vec<(String, f64)> {
        let mut found: Vec<_> =
            self.io.keys().filter_map(|name| Some((name.clone(), name.strip_prefix(prefix)?.parse().ok()?))).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }
}

/// The values of a tensor as f64.
pub fn values(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The largest magnitude.
pub fn max_abs(x: &Tensor) -> f64 {
    values(x).into_iter().fold(0., |max, x| max.max(x.abs()))
}

/// Fails when shapes differ, a value is not finite, or one differs by more than `tolerance`.
pub fn assert_close(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(found.dims(), expected.dims(), "{what}: shapes");
    let worst = values(found).into_iter().zip(values(expected)).fold(0f64, |worst, (a, b)| {
        let error = (a - b).abs();
        if error.is_nan() { f64::INFINITY } else { worst.max(error) }
    });
    println!("{what}: max error {worst:.3e} of {tolerance:.3e} allowed");
    assert!(worst <= tolerance, "{what}: max error {worst:e}, allowed {tolerance:e}");
}
