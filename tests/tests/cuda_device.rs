//! Golden cases on a GPU: pictures and logits of StyleGAN2 of the official PyTorch code, see `golden/sg2/README.md`, and what is
//! recorded of its augmentation, numbers of feature networks, and networks that paint label maps, see `golden/spade/README.md`.
//! Needs the feature `cuda` and a GPU, or the library that stands for the driver (docs/cuda.md).
#![cfg(feature = "cuda")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ada_cases;
#[path = "spade/cases.rs"]
#[allow(dead_code)]
mod cases;
mod metrics_cases;
#[path = "spade/on_gpu.rs"]
mod on_gpu;
mod sg2_cases;

use candle_core::{DType, Device, Tensor, Var};
use sg2_cases::*;
use stylegan_core::stylegan2::{StyleGan2Discriminator, StyleGan2Generator};
use stylegan_core::{Condition, Discriminator, Generator, NoiseMode, SynthesisOptions, broadcast_ws};
use stylegan_kernels::autodiff;
use stylegan_kernels::cuda::gpu;
use stylegan_metrics::features::{FeatureNetwork, PerceptualDistance, StLpips, Trunk};

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

/// The bounds are those of the CPU; so for all of these.
#[test]
fn lpips() {
    let gpu = gpu::open(0).unwrap().device;
    let cases = [
        (Trunk::AlexNet, "lpips_alex"),
        (Trunk::SqueezeNet, "lpips_squeeze"),
        (Trunk::ShiftTolerantVgg16, "stlpips_vgg"),
    ];
    for (trunk, case) in cases {
        metrics_cases::lpips(trunk, case, &gpu).unwrap();
    }
}

#[test]
fn vgg16_of_edges() {
    metrics_cases::hed(&gpu::open(0).unwrap().device).unwrap();
}

#[test]
fn arcface() {
    metrics_cases::arcface(&gpu::open(0).unwrap().device).unwrap();
}

#[test]
fn inception() {
    metrics_cases::inception_of_torch_fidelity(&gpu::open(0).unwrap().device).unwrap();
}

/// The embedded network, and the gradient of its distance; sides that do not divide.
#[test]
fn stlpips() {
    let gpu = gpu::open(0).unwrap().device;
    let picture = |i: usize| -> Tensor {
        let values: Vec<f32> = (0..3 * 40 * 35).map(|p| ((p * (2 * i + 3)) % 101) as f32 / 50. - 1.).collect();
        Tensor::from_vec(values, (1, 3, 40, 35), &Device::Cpu).unwrap()
    };
    let of = |device: &Device| -> Vec<Tensor> {
        let network = StLpips::embedded(device).unwrap();
        let [a, b] = [0, 1].map(|i| picture(i).to_device(device).unwrap());
        let moved = Var::from_tensor(&a).unwrap();
        let [seen, target] = [moved.as_tensor(), &b].map(|x| network.activations(x).unwrap());
        let gradient = autodiff::backward(&network.between(&seen, &target).unwrap()).unwrap().get(&moved).unwrap();
        let found = [network.distance(&a, &b).unwrap(), network.features(&a).unwrap(), gradient];
        found.iter().map(|t| t.to_device(&Device::Cpu).unwrap()).collect()
    };
    for (i, (found, expected)) in of(&gpu).iter().zip(of(&Device::Cpu)).enumerate() {
        // Rounding of f32 in five layers, and of a gradient through them and back.
        metrics_cases::close(["distance", "features", "gradient"][i], found, &expected, [2e-5, 2e-5, 1e-4][i]).unwrap();
    }
}

/// Within the bounds that the CPU's f64 is held to.
#[test]
fn augmentation() {
    let place = ada_cases::Place { device: gpu::open(0).unwrap().device, dtype: DType::F32 };
    ada_cases::percentiles(&place);
    ada_cases::pipes(&place);
}
