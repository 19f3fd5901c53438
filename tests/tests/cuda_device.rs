//! Golden cases on a GPU: pictures and logits of StyleGAN2's official PyTorch code, see `golden/sg2/README.md`, and what is
//! recorded of its augmentation. Needs the feature `cuda` and a GPU, or the library that stands for the driver (docs/cuda.md).
#![cfg(feature = "cuda")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ada_cases;
mod sg2_cases;

use candle_core::{DType, Device, Tensor};
use sg2_cases::*;
use stylegan_core::stylegan2::{StyleGan2Discriminator, StyleGan2Generator};
use stylegan_core::{Condition, Discriminator, Generator, NoiseMode, SynthesisOptions, broadcast_ws};
use stylegan_kernels::cuda::gpu;

/// The bound that the CPU is held to, in `sg2_golden.rs`: five times what the official code's f32 differs from its f64.
fn bound(case: &str) -> f64 {
    5. * json(case)["f32_vs_f64_maxabs"].as_f64().unwrap()
}

fn compare(what: &str, made: &Tensor, expected: &Tensor, bound: f64) {
    let apart = max_abs(&made.to_device(&Device::Cpu).unwrap(), expected);
    println!("{what}: {apart:.2e} of {bound:.2e}");
    within(what, apart, bound);
}

#[test]
fn pictures() {
    let gpu = gpu::open(0).unwrap().device;
    for case in ["g_skip", "g_resnet", "g_orig", "g_skip_clamp"] {
        let io = tensors(&format!("{case}.io"));
        let params = weights(case, DType::F32).to_device(&gpu).unwrap();
        let g = StyleGan2Generator::new(&generator_config(&json(case)["kwargs"]), params.frozen()).unwrap();
        let z = io.cast("z", DType::F32).to_device(&gpu).unwrap();
        let ws = broadcast_ws(&g.mapping(&z, Condition::None).unwrap(), g.spec().num_ws).unwrap();
        compare(&format!("{case} ws"), &ws, io.get("ws_f64"), bound(case));
        let picture = g.synthesis(&ws, &SynthesisOptions::with_noise(NoiseMode::Const)).unwrap();
        compare(&format!("{case} picture"), &picture, io.get("img_const_f64"), bound(case));
    }
}

#[test]
fn logits() {
    let gpu = gpu::open(0).unwrap().device;
    for case in ["d_resnet", "d_skip", "d_orig_clamp"] {
        let io = tensors(&format!("{case}.io"));
        let params = weights(case, DType::F32).to_device(&gpu).unwrap();
        let d = StyleGan2Discriminator::new(&discriminator_config(&json(case)["kwargs"]), params.frozen()).unwrap();
        let images = io.cast("img", DType::F32).to_device(&gpu).unwrap();
        for (n, stored) in [(8, "logits_n8_f64"), (1, "logits_n1")] {
            let logits = d.logits(&images.narrow(0, 0, n).unwrap(), Condition::None, 0.).unwrap();
            compare(&format!("{case} n {n}"), &logits, io.get(stored), bound(case));
        }
    }
}

/// Within the bounds that the CPU's f64 is held to.
#[test]
fn augmentation() {
    let place = ada_cases::Place { device: gpu::open(0).unwrap().device, dtype: DType::F32 };
    ada_cases::percentiles(&place);
    ada_cases::pipes(&place);
}
