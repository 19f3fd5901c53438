//! Finite differences and small deterministic tensors, shared by the derivative tests.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Device, Result, Tensor, Var};
use std::io::Write;
use stylegan_kernels::autodiff::{backward, grad};

/// Numbers in about [-1.7, 1.7] without pattern, from an additive recurrence.
pub fn values(len: usize, seed: usize) -> Vec<f64> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64.wrapping_mul(seed as u64 + 1);
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) as f64 / (1u64 << 31) as f64 - 0.5) * 3.4
        })
        .collect()
}

pub fn tensor(shape: &[usize], seed: usize) -> Tensor {
    Tensor::from_vec(values(shape.iter().product(), seed), shape, &Device::Cpu).unwrap()
}

pub fn var(shape: &[usize], seed: usize) -> Var {
    Var::from_tensor(&tensor(shape, seed)).unwrap()
}

pub fn flat(t: &Tensor) -> Vec<f64> {
    t.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

pub fn scalar(t: &Tensor) -> f64 {
    t.to_dtype(DType::F64).unwrap().to_scalar().unwrap()
}

/// Largest difference; infinite where one of the two has something that is no number, which `max` passes over.
pub fn largest_difference(actual: &Tensor, expected: &[f64]) -> f64 {
    let actual = flat(actual);
    assert_eq!(actual.len(), expected.len());
    actual.iter().zip(expected).fold(0f64, |largest, (a, b)| {
        let apart = (a - b).abs();
        if apart.is_nan() { f64::INFINITY } else { largest.max(apart) }
    })
}

/// Largest difference, relative to the largest expected value (at least 1e-12).
pub fn error(actual: &Tensor, expected: &[f64]) -> f64 {
    largest_difference(actual, expected) / expected.iter().fold(1e-12f64, |a, b| a.max(b.abs()))
}

/// Says something also where the test passes, of which `println!` is kept back.
pub fn tell(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Central differences of `f` with respect to every element of `x`.
pub fn numeric(x: &Var, f: &dyn Fn() -> Result<f64>) -> Vec<f64> {
    let step = 1e-5;
    let base = flat(x);
    let at = |i: usize, delta: f64| {
        let mut moved = base.clone();
        moved[i] += delta;
        x.set(&Tensor::from_vec(moved, x.dims(), &Device::Cpu).unwrap()).unwrap();
        f().unwrap()
    };
    let slopes = (0..base.len()).map(|i| (at(i, step) - at(i, -step)) / (2. * step)).collect();
    x.set(&Tensor::from_vec(base, x.dims(), &Device::Cpu).unwrap()).unwrap();
    slopes
}

/// Checks first derivatives of `net` (any shape) with respect to all `vars`, then derivatives of
/// the sum of squared gradients with respect to `penalised`.
pub fn check(name: &str, vars: &[&Var], penalised: &[&Var], net: impl Fn() -> Result<Tensor>) {
    let loss = || -> Result<Tensor> {
        let y = net()?;
        (y.tanh()? * tensor(y.dims(), 77))?.sum_all()
    };
    let value = || Ok(scalar(&loss()?));
    let grads = backward(&loss().unwrap()).unwrap();
    for (i, x) in vars.iter().enumerate() {
        let actual = grads.get(x).unwrap_or_else(|| panic!("{name}: no gradient for variable {i}"));
        let e = error(&actual, &numeric(x, &value));
        // Central differences in f64 with this step are good to about 1e-9.
        assert!(e < 1e-7, "{name}: first derivative {i} is off by {e:e}");
    }
    if penalised.is_empty() {
        return;
    }
    let penalty = || -> Result<Tensor> {
        let xs: Vec<&Tensor> = penalised.iter().map(|x| x.as_tensor()).collect();
        let gs = grad(&loss()?, &xs, true)?;
        gs.iter().try_fold(Tensor::zeros((), DType::F64, &Device::Cpu)?, |sum, g| sum + g.sqr()?.sum_all()?)
    };
    let value = || Ok(scalar(&penalty()?));
    let grads = backward(&penalty().unwrap()).unwrap();
    for (i, x) in vars.iter().enumerate() {
        let expected = numeric(x, &value);
        let actual = grads.get(x).unwrap_or_else(|| x.zeros_like().unwrap());
        let e = error(&actual, &expected);
        // Larger values, which round more, and steeper ones: ten times as far off as first derivatives.
        assert!(e < 1e-6, "{name}: second derivative {i} is off by {e:e}");
    }
}
