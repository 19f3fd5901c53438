//! The golden cases: files, weights, comparisons.

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use stylegan_core::Params;
use stylegan_tests::golden::{assert_near, values};

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

/// Fails when shapes differ or the difference is longer than `bound` times what is expected.
#[track_caller]
pub(crate) fn close(what: &str, found: &Tensor, expected: &Tensor, bound: f64) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    assert_near(what, &values(found), &values(expected), bound);
}
