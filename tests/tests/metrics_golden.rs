//! Distances, path lengths and the embedded network against other programs' numbers.

use candle_core::{DType, Device, Tensor};
use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use stylegan_metrics::feature_table::FeatureTable;
use stylegan_metrics::features::{FeatureNetwork, PerceptualDistance, StLpips};
use stylegan_metrics::frechet::{self, Covariance};
use stylegan_metrics::kernel::KernelDistance;
use stylegan_metrics::path_length::{PathLength, Sampling, Space};
use stylegan_metrics::sliced_wasserstein::SlicedWasserstein;
use stylegan_metrics::{inception_score, precision_recall};
use stylegan_tests::golden::assert_close;

type Outcome = Result<(), Box<dyn Error>>;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

fn tensors(name: &str) -> Result<HashMap<String, Tensor>, Box<dyn Error>> {
    Ok(candle_core::safetensors::load(golden(name), &Device::Cpu)?)
}

fn json(name: &str) -> Result<serde_json::Value, Box<dyn Error>> {
    Ok(serde_json::from_slice(&std::fs::read(golden(name))?)?)
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn samples(t: &Tensor) -> Result<FeatureTable, Box<dyn Error>> {
    Ok(FeatureTable::new(t.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?, t.dim(1)?)?)
}

fn close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "found {found}, expected {expected}");
}

/// Features enter as f32 here and were f64 there: 1e-6. The second case has fewer samples than
/// dimensions, where the two references differ by 5e-9 among themselves.
#[test]
fn frechet_distance() -> Outcome {
    let (t, expected) =
        (tensors("metrics_distances/distances.safetensors")?, json("metrics_distances/distances.json")?);
    for case in ["fd0", "fd1", "fd2"] {
        let (a, b) = (samples(&t[&format!("{case}.A")])?, samples(&t[&format!("{case}.B")])?);
        let found = frechet::distance(&a, &b, Covariance::Unbiased)?;
        close(found, number(&expected[case]), 1e-6);
    }
    Ok(())
}

/// The kernel is a cubic of f32 features: 1e-5 of the largest subset value, 0.208, is 2e-6.
#[test]
fn kernel_distance() -> Outcome {
    let (t, expected) =
        (tensors("metrics_distances/distances.safetensors")?, json("metrics_distances/distances.json")?);
    let (a, b) = (samples(&t["kid.f1"])?, samples(&t["kid.f2"])?);
    let kid = KernelDistance::default();
    let (ia, ib) = (t["kid.idx1"].to_vec2::<i64>()?, t["kid.idx2"].to_vec2::<i64>()?);
    let index = |row: &[i64]| row.iter().map(|i| *i as usize).collect::<Vec<_>>();
    for (s, (ra, rb)) in ia.iter().zip(&ib).enumerate() {
        let found = kid.of_subsets(&a, &index(ra), &b, &index(rb))?;
        let value = number(&expected["kid_check_subsets"][s]);
        assert!((found - value).abs() < 2e-6, "subset {s}: found {found}, expected {value}");
    }
    let all = |s: &FeatureTable| (0..s.len()).collect::<Vec<_>>();
    let found = kid.of_subsets(&a, &all(&a), &b, &all(&b))?;
    assert!((found - number(&expected["kid_full_unbiased"])).abs() < 2e-6);
    Ok(())
}

/// Counts of samples: equal to the last one. (torch-fidelity names the sets the other way round.)
#[test]
fn precision_and_recall() -> Outcome {
    let (t, expected) =
        (tensors("metrics_distances/distances.safetensors")?, json("metrics_distances/distances.json")?);
    let (real, fake) = (samples(&t["prc.real"])?, samples(&t["prc.fake"])?);
    for k in [3, 5] {
        let (found, expected) = (precision_recall::compare(&real, &fake, k)?, &expected[format!("pr_nvlabs_k{k}")]);
        close(found.precision.value, number(&expected["precision"]), 1e-12);
        close(found.recall.value, number(&expected["recall"]), 1e-12);
    }
    Ok(())
}

/// f64 throughout.
#[test]
fn inception_score() -> Outcome {
    let (t, expected) =
        (tensors("metrics_distances/distances.safetensors")?, json("metrics_distances/distances.json")?);
    let logits = &t["isc.logits"];
    let (mean, deviation) = inception_score::score(&logits.flatten_all()?.to_vec1()?, logits.dim(1)?, 10)?;
    let expected = &expected["isc_splits10_noshuffle"];
    close(mean, number(&expected["inception_score_mean"]), 1e-12);
    close(deviation, number(&expected["inception_score_std"]), 1e-12);
    Ok(())
}

#[test]
fn path_length_filter_and_slerp() -> Outcome {
    let t = tensors("metrics_ppl/ppl.safetensors")?;
    let found = PathLength::new(Space::W, Sampling::End).summary(&t["dist"].to_vec1::<f64>()?, 0)?;
    // Summation order only.
    close(found.value, t["lo_hi_ppl"].to_vec1::<f64>()?[2], 1e-13);
    let positions = t["t"].flatten_all()?.to_vec1::<f64>()?;
    let found = stylegan_core::latent::slerp(&t["a"], &t["b"], &positions)?;
    assert_close("slerp", &found, &t["slerp"], 1e-13);
    Ok(())
}

/// The pictures of `metrics_stlpips/README.md`, `[1, 3, h, w]`.
fn picture(k: i64, h: i64, w: i64) -> candle_core::Result<Tensor> {
    let mut values = Vec::new();
    for c in 0..3i64 {
        for y in 0..h {
            for x in 0..w {
                let t = (x * (5 + 2 * c + k) + y * (3 + 3 * k - c) + 40 * c).rem_euclid(320);
                let base = if t < 160 { t } else { 320 - t };
                let disc = if (2 * y - h).pow(2) + (2 * x - w + 6 * k).pow(2) < h * w * (3 + c) / 8 { 60 } else { 0 };
                let seed = x * 7919 + y * 104_729 + c * 1_299_709 + k * 15_485_863;
                let grain = (seed * 2_654_435_761).rem_euclid(1 << 32) >> 27;
                values.push((base + disc + grain - 20).clamp(0, 255) as f32 / 127.5 - 1.);
            }
        }
    }
    Tensor::from_vec(values, (1, 3, h as usize, w as usize), &Device::Cpu)
}

/// f32 against f64 with the same rounded weights: 1e-5 of the value (sums of a few thousand
/// products). Against the unrounded weights: 5e-4, the effect of f16 that `assets/README.md` states.
#[test]
fn stlpips_distances_and_features() -> Outcome {
    let (network, expected) = (StLpips::embedded(&Device::Cpu)?, json("metrics_stlpips/values.json")?);
    let int = |v: &serde_json::Value| v.as_i64().unwrap_or(0);
    for pair in expected["pairs"].as_array().ok_or("pairs")? {
        let show = |i: usize| picture(int(&pair["pictures"][i]), int(&pair["size"][0]), int(&pair["size"][1]));
        let found = f64::from(network.distance(&show(0)?, &show(1)?)?.to_vec1::<f32>()?[0]);
        close(found, number(&pair["distance_f16_weights"]), 1e-5);
        close(found, number(&pair["distance_f32_weights"]), 5e-4);
    }
    for case in expected["pictures"].as_array().ok_or("pictures")? {
        let x = picture(int(&case["picture"]), int(&case["size"][0]), int(&case["size"][1]))?;
        for (i, tap) in network.taps(&x)?.iter().enumerate() {
            close(f64::from(tap.mean((2, 3))?.sum_all()?.to_scalar::<f32>()?), number(&case["tap_sums"][i]), 2e-5);
        }
        let found = network.features(&x)?.flatten_all()?.to_vec1::<f32>()?;
        for (i, found) in found.iter().enumerate() {
            let value = number(&case["features"][i]);
            // Features have length 34; 1e-6 of that.
            assert!((f64::from(*found) - value).abs() < 5e-5, "feature {i}: found {found}, expected {value}");
        }
    }
    Ok(())
}

/// SciPy's window means go through Fourier transforms, ours are sums: 1e-9 of the value, of which levels
/// rounded to f32 in [-1, 1] leave 1e-6.
#[test]
fn similarity_of_pairs() -> Outcome {
    let expected = json("metrics_pggan/values.json")?;
    let int = |v: &serde_json::Value| v.as_i64().unwrap_or(0);
    for pair in expected["ms_ssim"].as_array().ok_or("pairs")? {
        let (i, j) = (int(&pair["pictures"][0]), int(&pair["pictures"][1]));
        let (h, w) = (int(&pair["size"][0]), int(&pair["size"][1]));
        let (a, mut b) = (picture(i, h, w)?, picture(j, h, w)?);
        if i == j {
            let odd: Vec<f32> =
                (0..3 * h * w).map(|p| ((p / (h * w) + p / w % h + p % w) % 2) as f32 * 16. / 127.5).collect();
            b = (b + Tensor::from_vec(odd, (1, 3, h as usize, w as usize), &Device::Cpu)?)?.clamp(-1., 1.)?;
        }
        let found = stylegan_metrics::ms_ssim::pairs(&a, &b)?[0];
        let value = number(&pair["value"]);
        assert!((found - value).abs() < 1e-6, "{i} {j}: found {found}, expected {value}");
    }
    Ok(())
}

/// The last level of a pyramid is one patch of 16x16 pixels; those of the first level lie somewhere in it.
/// f32 against f64 of levels to 255: 1e-4.
#[test]
fn pyramids_of_patches() -> Outcome {
    let expected = &json("metrics_pggan/values.json")?["pyramid"];
    let level = |i: usize| -> Vec<f64> { expected["levels"][i].as_array().into_iter().flatten().map(number).collect() };
    let swd = SlicedWasserstein { patches: 1, side: 16, directions: 1 };
    let patches = swd.patches(&picture(1, 32, 32)?, 0, 0)?;
    // Levels of 255 there, 2 here; the mean is 127.5 there, 0 here, and details have none.
    let found = |i: usize, mean: f64| -> Vec<f64> {
        patches[i * 768..][..768].iter().map(|v| f64::from(*v) * 127.5 + mean).collect()
    };
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(near(&found(1, 127.5), &level(1)));
    let (first, whole) = (found(0, 0.), level(0));
    let at = |top: usize, left: usize| -> Vec<f64> {
        let rows = (0..3).flat_map(|c| (top..top + 16).map(move |y| (c * 32 + y) * 32 + left));
        rows.flat_map(|start| whole[start..start + 16].to_vec()).collect()
    };
    assert!((0..17).any(|top| (0..17).any(|left| near(&first, &at(top, left)))));
    Ok(())
}
