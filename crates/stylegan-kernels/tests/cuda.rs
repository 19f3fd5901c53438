//! The CUDA kernels, run by the emulator, against the operations on the CPU: the same arguments, the same results up to
//! rounding, in every order of threads.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod emulator;
mod support;

#[path = "cuda/augment.rs"]
mod augment;
#[path = "cuda/bias_act.rs"]
mod bias_act;
#[path = "cuda/binaries.rs"]
mod binaries;
#[path = "cuda/conv.rs"]
mod conv;
#[path = "cuda/label.rs"]
mod label;
#[path = "cuda/launches.rs"]
mod launches;
#[path = "cuda/layers.rs"]
mod layers;
#[path = "cuda/modulate.rs"]
mod modulate;
#[path = "cuda/norm.rs"]
mod norm;
#[path = "cuda/optim.rs"]
mod optim;
#[path = "cuda/pad.rs"]
mod pad;
#[path = "cuda/resample.rs"]
mod resample;
#[path = "cuda/spade_norm.rs"]
mod spade_norm;
#[path = "cuda/upfirdn2d.rs"]
mod upfirdn2d;

use candle_core::{DType, Device, Tensor, Var};
use emulator::{Arg, Emulator};
use stylegan_kernels::autodiff;
use stylegan_kernels::cuda::Launch;
use support::{error, flat, values};

/// A tensor of single precision, without pattern.
fn single(shape: &[usize], seed: usize) -> Tensor {
    let numbers: Vec<f32> = values(shape.iter().product(), seed).iter().map(|&v| v as f32).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

/// Its numbers.
fn numbers(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

/// The gradients of the sum of products of `y` and `g`.
fn gradients(y: &Tensor, g: &Tensor, xs: &[&Var]) -> Vec<Tensor> {
    let xs: Vec<&Tensor> = xs.iter().map(|x| x.as_tensor()).collect();
    autodiff::grad(&(y * g).unwrap().sum_all().unwrap(), &xs, false).unwrap()
}

/// Largest difference of `actual` from `expected`, relative to the largest expected number: single precision's rounding.
#[track_caller]
fn close(name: &str, actual: &[f32], expected: &Tensor, tolerance: f64) {
    assert_eq!(actual.len(), expected.elem_count(), "{name}");
    if actual.is_empty() {
        return;
    }
    let e = error(&Tensor::new(actual, &Device::Cpu).unwrap(), &flat(expected));
    assert!(e <= tolerance, "{name} {:?}: off by {e:e}", expected.dims());
}

/// `x` in double precision.
fn double(x: &Tensor) -> Tensor {
    x.to_dtype(DType::F64).unwrap()
}

/// The one result of a launch.
#[track_caller]
fn one<P: Copy>(emulator: &mut Emulator, launch: &Launch<P>, args: &[Arg]) -> Vec<f32> {
    emulator.run(launch, args).pop().unwrap()
}

/// The sums of rows of slices.
#[track_caller]
fn row_sums(emulator: &mut Emulator, parts: &[f32], rows: usize, slices: usize) -> Vec<f32> {
    let launch = stylegan_kernels::cuda::bias_act::row_sum(rows, slices, 1.).unwrap();
    one(emulator, &launch, &[Arg::In(parts), Arg::Out(rows)])
}
