//! The golden cases: files, weights, comparisons.

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use stylegan_core::Params;

pub(crate) type Tensors = HashMap<String, Tensor>;

pub(crate) fn load(file: &str) -> Tensors {
    let path = format!("{}/golden/psp/{file}.safetensors", env!("CARGO_MANIFEST_DIR"));
    candle_core::safetensors::load(path, &Device::Cpu).expect(file)
}

/// The tensors of these files of weights together, in `dtype`.
pub(crate) fn weights(files: &[&str], dtype: DType) -> Vec<(String, Tensor)> {
    let all = files.iter().flat_map(|file| load(&format!("{file}.weights")));
    all.map(|(name, t)| (name, t.to_dtype(dtype).unwrap())).collect()
}

pub(crate) fn params(tensors: Vec<(String, Tensor)>) -> Params {
    Params::from_tensors(tensors).unwrap()
}

pub(crate) fn numbers(t: &Tensor) -> Vec<f64> {
    t.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Fails when shapes differ or the difference is longer than `bound` times what is expected.
#[track_caller]
pub(crate) fn close(what: &str, found: &Tensor, expected: &Tensor, bound: f64) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let length = |numbers: &[f64]| numbers.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (found, expected) = (numbers(found), numbers(expected));
    let apart: Vec<f64> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
    let error = length(&apart) / length(&expected).max(1e-30);
    println!("{what}: {error:.2e} of {bound:.0e}");
    assert!(error <= bound, "{what} is off by {error:e} of its length, allowed {bound:e}");
}
