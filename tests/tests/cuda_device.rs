//! The golden cases on a GPU, in f32: the checks that the CPU passes, see `golden/*/README.md`. Needs the feature `cuda` and a
//! GPU, or the library that stands for the driver (docs/cuda.md).
#![cfg(feature = "cuda")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ada_cases;
mod metrics_cases;
mod pggan_cases;
mod projector_cases;
#[allow(dead_code)]
mod psp {
    pub(crate) mod cases;
    pub(crate) mod encoders;
    pub(crate) mod losses;
    pub(crate) mod ranger;
}
mod sg1_cases;
mod sg2_cases;
#[allow(dead_code)]
mod spade {
    pub(crate) mod cases;
    pub(crate) mod losses;
    pub(crate) mod networks;
    pub(crate) mod vgg;
}

use candle_core::{DType, Device, Tensor, Var};
use stylegan_kernels::autodiff;
use stylegan_kernels::cuda::gpu;
use stylegan_metrics::features::{FeatureNetwork, PerceptualDistance, StLpips, Trunk};
use stylegan_tests::golden::Place;

fn gpu() -> Place {
    Place { device: gpu::open(0).unwrap().device, dtype: DType::F32 }
}

#[test]
fn generators_of_stylegan2() {
    for case in ["g_skip", "g_skip_cond", "g_resnet", "g_orig", "g_skip_clamp"] {
        sg2_cases::networks::check_generator(case, &gpu());
    }
}

#[test]
fn mapping_of_stylegan2() {
    sg2_cases::networks::mapping_with_all_widths_different(&gpu());
}

#[test]
fn discriminators_of_stylegan2() {
    for case in ["d_resnet", "d_resnet_cond", "d_skip", "d_orig_clamp"] {
        sg2_cases::networks::check_discriminator(case, &gpu());
    }
}

#[test]
fn losses_and_gradients_of_stylegan2() {
    sg2_cases::training::check_losses(&gpu());
}

#[test]
fn generators_of_stylegan1() {
    for case in ["sg1_g64", "sg1_g64_fused", "sg1_g32_cond"] {
        sg1_cases::check_generator(case, &gpu());
    }
}

#[test]
fn discriminators_of_stylegan1() {
    for case in ["sg1_d64", "sg1_d64_fused", "sg1_d64_cond"] {
        sg1_cases::check_discriminator(case, &gpu());
    }
}

#[test]
fn generators_of_pggan() {
    for case in ["pggan_g64", "pggan_g32_fused", "pggan_g32_cond"] {
        pggan_cases::check_generator(case, &gpu());
    }
}

#[test]
fn discriminators_of_pggan() {
    for (case, pictures) in
        [("pggan_d64_group4", "sg1_d64"), ("pggan_d64_group16", "sg1_d64"), ("pggan_d32_fused", "pggan_d32_fused")]
    {
        pggan_cases::check_discriminator(case, pictures, &gpu());
    }
}

#[test]
fn losses_of_pggan() {
    pggan_cases::wasserstein_loss_with_gradient_penalty(&gpu());
    pggan_cases::wasserstein_loss_of_the_generator(&gpu());
    pggan_cases::logistic_loss_with_r1(&gpu());
}

#[test]
fn augmentation() {
    ada_cases::percentiles(&gpu());
    ada_cases::pipes(&gpu());
}

#[test]
fn projection() {
    projector_cases::the_official_trajectory(&gpu().device);
}

#[test]
fn encoders_of_psp() {
    psp::encoders::one_vector(&gpu());
    psp::encoders::faces(&gpu());
}

#[test]
fn losses_of_psp() {
    psp::losses::gradients(&gpu());
}

#[test]
fn ranger() {
    psp::ranger::trajectory(&gpu());
    psp::ranger::the_optimiser_of_training_resumes_on_the_trajectory(&gpu());
}

#[test]
fn networks_of_label_maps() {
    spade::networks::generator(&gpu());
    spade::networks::generators_with_other_normalisations_and_sizes(&gpu());
    spade::networks::image_encoder(&gpu());
    spade::networks::multiscale_discriminator(&gpu());
    spade::networks::pix2pixhd_of_the_spade_repository(&gpu());
    spade::networks::pix2pixhd_of_nvidia(&gpu());
}

#[test]
fn losses_of_spade() {
    spade::losses::the_discriminators_step_under_every_loss(&gpu());
    spade::losses::the_generators_step(&gpu());
    spade::losses::what_the_generator_gains_from_its_pictures(&gpu());
}

#[test]
fn lpips() {
    let cases = [
        (Trunk::Vgg16, "lpips_vgg"),
        (Trunk::AlexNet, "lpips_alex"),
        (Trunk::SqueezeNet, "lpips_squeeze"),
        (Trunk::ShiftTolerantVgg16, "stlpips_vgg"),
    ];
    for (trunk, case) in cases {
        metrics_cases::lpips(trunk, case, &gpu().device).unwrap();
    }
}

#[test]
fn vgg16() {
    metrics_cases::vgg16(&gpu().device).unwrap();
}

#[test]
fn vgg16_of_edges() {
    metrics_cases::hed(&gpu().device).unwrap();
}

#[test]
fn arcface() {
    metrics_cases::arcface(&gpu().device).unwrap();
}

#[test]
fn inception() {
    metrics_cases::inception_of_pytorch_fid(&gpu().device).unwrap();
    metrics_cases::inception_of_torch_fidelity(&gpu().device).unwrap();
}

/// The embedded network, and the gradient of its distance; sides that do not divide.
#[test]
fn stlpips() {
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
    for (i, (found, expected)) in of(&gpu().device).iter().zip(of(&Device::Cpu)).enumerate() {
        // Rounding of f32 in five layers, and of a gradient through them and back.
        metrics_cases::close(["distance", "features", "gradient"][i], found, &expected, [2e-5, 2e-5, 1e-4][i]).unwrap();
    }
}
