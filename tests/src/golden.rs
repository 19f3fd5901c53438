//! Golden cases: inputs, weights and outputs of other implementations, under `tests/golden`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::path::PathBuf;
use stylegan_kernels::cpu_info::InstructionSet;

/// Runs a check with each instruction set of this machine that the kernels know.
pub fn with_each_instruction_set(check: impl Fn()) {
    for set in InstructionSet::all() {
        println!("{}", set.name());
        set.run(&check);
    }
}

/// Where a case is computed, and in which type.
#[derive(Clone)]
pub struct Place {
    /// The device of parameters and inputs.
    pub device: Device,
    /// Their type.
    pub dtype: DType,
}

impl Place {
    /// The CPU, computing in `dtype`.
    pub const fn cpu(dtype: DType) -> Self {
        Self { device: Device::Cpu, dtype }
    }

    /// `x` in this type and on this device.
    pub fn take(&self, x: &Tensor) -> Tensor {
        x.to_dtype(self.dtype).unwrap().to_device(&self.device).unwrap()
    }

    /// `exact` where the type is f64, else `single`.
    pub fn bound(&self, exact: f64, single: f64) -> f64 {
        if self.dtype == DType::F64 { exact } else { single }
    }
}

/// For messages.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{:?} on {:?}", self.dtype, self.device.location())
    }
}

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

    /// An input or output at the given place.
    pub fn io(&self, name: &str, place: &Place) -> Tensor {
        place.take(self.io.get(name).unwrap_or_else(|| panic!("no {name} in this case")))
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
    x.to_device(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Uniform numbers in [0, 1) of a name: its FNV-1a hash starts a splitmix64 sequence.
pub fn uniforms(name: &str, count: usize) -> impl Iterator<Item = f64> + Clone + use<> {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    (1..=count as u64).map(move |i| {
        let z = hash.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 24)
    })
}

/// Fails when the difference of the numbers is longer than `bound` times the expected ones.
#[track_caller]
pub fn assert_near(what: &str, found: &[f64], expected: &[f64], bound: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let length = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let apart = length(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    let error = apart / length(&mut expected.iter().copied()).max(1e-30);
    println!("{what}: {error:.2e} of {bound:.0e}");
    assert!(error <= bound, "{what} is off by {error:e} of its length, allowed {bound:e}");
}

/// The largest magnitude.
pub fn max_abs(x: &Tensor) -> f64 {
    values(x).into_iter().fold(0., |max, x| max.max(x.abs()))
}

/// The largest difference of two tensors of one shape; infinite where one has something that is no number, which `max` of
/// numbers and of tensors passes over.
pub fn largest_difference(found: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(found.dims(), expected.dims(), "shapes");
    values(found).into_iter().zip(values(expected)).fold(0f64, |worst, (a, b)| {
        let apart = (a - b).abs();
        if apart.is_nan() { f64::INFINITY } else { worst.max(apart) }
    })
}

/// Fails when shapes differ, a value is not finite, or one differs by more than `tolerance`.
#[track_caller]
pub fn assert_close(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_eq!(found.dims(), expected.dims(), "{what}: shapes");
    let worst = largest_difference(found, expected);
    println!("{what}: max error {worst:.3e} of {tolerance:.3e} allowed");
    assert!(worst <= tolerance, "{what}: max error {worst:e}, allowed {tolerance:e}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_near_to_what_is_no_number() {
        let numbers = |middle: f32| Tensor::new(&[1., middle, 3.], &Device::Cpu).unwrap();
        let (found, expected) = (numbers(f32::NAN), numbers(2.));
        assert_eq!(largest_difference(&found, &expected), f64::INFINITY);
        assert_eq!(largest_difference(&expected, &found), f64::INFINITY);
        assert_eq!(largest_difference(&numbers(f32::INFINITY), &numbers(f32::INFINITY)), f64::INFINITY);
        assert_eq!(largest_difference(&numbers(2.5), &expected), 0.5);
    }
}
