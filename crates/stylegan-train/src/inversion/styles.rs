//! Where the styles of a generator lie.

use crate::{Error, Result};
use candle_core::{D, DType, Device, Tensor};
use stylegan_core::Model;
use stylegan_core::latent::numpy_randn;

/// The seed of the latents, that of the official program.
const SEED: u32 = 123;
/// Latents that are mapped at a time.
const BATCH: usize = 1000;

/// Average and deviation of the styles of a generator.
#[derive(Debug, Clone)]
pub struct StyleStatistics {
    /// `[1, w_dim]`
    pub mean: Tensor,
    /// The root of the mean squared distance of a style from the average.
    pub deviation: f64,
}

impl StyleStatistics {
    /// Those of `samples` styles of `model`, under the label `[1, c_dim]` of a conditional one.
    ///
    /// # Errors
    /// A generator without styles, no samples, or a label that it does not take.
    pub fn new(model: &Model, samples: usize, label: Option<&Tensor>) -> Result<Self> {
        let generator = model.generator();
        let wrong = |problem: &str| Err(Error::Config { place: "projection".into(), problem: problem.into() });
        if samples == 0 {
            return wrong("samples is 0, expected at least 1");
        }
        if !generator.spec().mapping {
            return wrong(
                "the network makes pictures of latents as they are and has no styles to look for; take a StyleGAN or \
                 StyleGAN2",
            );
        }
        let z_dim = generator.spec().z_dim;
        let z = Tensor::from_vec(numpy_randn(SEED, samples * z_dim), (samples, z_dim), &Device::Cpu)?;
        let z = z.to_dtype(model.dtype())?.to_device(model.params().device())?;
        let mut styles = Vec::new();
        for first in (0..samples).step_by(BATCH) {
            let z = z.narrow(0, first, BATCH.min(samples - first))?;
            let label = label.map(|c| c.broadcast_as((z.dim(0)?, c.dim(1)?))?.contiguous()).transpose()?;
            styles.push(generator.mapping(&z, label.as_ref().into())?);
        }
        let styles = Tensor::cat(&styles, 0)?.to_dtype(DType::F64)?;
        let mean = styles.mean_keepdim(0)?;
        let squares: f64 = styles.broadcast_sub(&mean)?.sqr()?.sum(D::Minus1)?.sum_all()?.to_scalar()?;
        Ok(Self { mean: mean.to_dtype(model.dtype())?, deviation: (squares / samples as f64).sqrt() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_samples_are_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.safetensors");
        stylegan_core::doc::save_tiny_network(&path).unwrap();
        let model = Model::load(&path, &Device::Cpu).unwrap();
        let error = StyleStatistics::new(&model, 0, None).unwrap_err().to_string();
        assert!(error.ends_with("samples is 0, expected at least 1"), "{error}");
    }
}
