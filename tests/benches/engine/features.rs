//! Feature networks of the metrics, with weights that follow from their names.

use crate::spec::Features;
use crate::worker::{Work, random, timed};
use candle_core::{Device, Error, Result, Tensor};
use std::path::Path;
use stylegan_metrics::features::{FeatureNetwork, Inception, Lpips, PerceptualDistance, Preparation, Trunk, Weights};

/// Features of 8 pictures of 299x299, or distances of 4 pairs of 256x256.
pub(crate) fn prepare(network: Features) -> Result<Work> {
    match network {
        Features::Inception => {
            let weights = weights("inception_torch_fidelity", "", &[])?;
            let network = Inception::new(&weights, Preparation::PytorchFid, &Device::Cpu).map_err(Error::wrap)?;
            let x = random(&[8, 3, 299, 299], 1)?.clamp(-1., 1.)?;
            Ok(timed(move || Ok(vec![network.features(&x).map_err(Error::wrap)?])))
        }
        Features::LpipsVgg => {
            let weights = weights("lpips_vgg", "net.", &[64, 128, 256, 512, 512])?;
            let network = Lpips::new(Trunk::Vgg16, &weights, &Device::Cpu).map_err(Error::wrap)?;
            let (a, b) = (random(&[4, 3, 256, 256], 1)?, random(&[4, 3, 256, 256], 2)?);
            Ok(timed(move || Ok(vec![network.distance(&a, &b).map_err(Error::wrap)?])))
        }
    }
}

/// The tensors that a golden case lists, small positive numbers all of them, and heads of these widths.
fn weights(case: &str, prefix: &str, heads: &[usize]) -> Result<Weights> {
    let listing = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/metrics_{case}/tensors.txt"));
    let mut tensors = Vec::new();
    for line in std::fs::read_to_string(listing)?.lines() {
        let mut words = line.split(' ').skip(1);
        let name = words.next().unwrap_or_default();
        let shape: Vec<usize> = words.filter_map(|side| side.parse().ok()).collect();
        let fan_in: usize = shape.iter().skip(1).product();
        let scale = (2. / fan_in as f64).sqrt();
        let values = random(&shape, tensors.len() as u32)?;
        // Variances are positive.
        let values = if name.ends_with("running_var") { values.abs()? } else { (values * scale)? };
        tensors.push((format!("{prefix}{name}"), values));
    }
    for (t, width) in heads.iter().enumerate() {
        tensors.push((format!("lin{t}.model.1.weight"), Tensor::full(0.1f32, (1, *width, 1, 1), &Device::Cpu)?));
    }
    Weights::new(case, tensors, &Device::Cpu).map_err(Error::wrap)
}
