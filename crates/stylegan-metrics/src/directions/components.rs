//! Principal components of W (GANSpace, Härkönen et al. 2020, <https://arxiv.org/abs/2004.02546>).

use super::eigen::largest;
use super::styles::Styles;
use crate::Result;
use stylegan_core::directions::Direction;

/// The `count` directions in which styles deviate most (section 2.2): eigenvectors of their exact covariance, for the
/// style rows `rows`.
///
/// # Errors
/// When the eigendecomposition does not converge.
pub fn components(styles: &Styles, rows: &[usize], count: usize) -> Result<Vec<Direction>> {
    let dim = styles.mean().len();
    let total: f64 = (0..dim).map(|i| styles.covariance[(i, i)]).sum();
    let found = largest(&styles.covariance, count)?.into_iter().enumerate();
    let direction = found.map(|(k, (value, vector))| Direction {
        name: format!("pc-{k}"),
        rows: rows.to_vec(),
        channel: None,
        sigma: value.max(0.).sqrt(),
        vector: vector.iter().map(|v| *v as f32).collect(),
        how: format!(
            "GANSpace, principal component of {} styles, {:.2} % of their variance",
            styles.count,
            100. * value / total
        ),
    });
    Ok(direction.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Tensor};
    use stylegan_core::latent::StreamKey;
    use stylegan_core::stylegan2::{StyleGan2Config, StyleGan2Generator};
    use stylegan_core::{Condition, Generator, Params, Sampler};

    /// Power iteration on all styles at once finds the first component, and the deviation is that of the projections.
    #[test]
    fn the_first_component_is_that_of_power_iteration() {
        let config = StyleGan2Config {
            img_size: [8, 8],
            z_dim: 6,
            w_dim: 5,
            mapping_layers: 2,
            channel_max: 4,
            ..StyleGan2Config::default()
        };
        let params = Params::new(3, DType::F32, &Device::Cpu);
        let generator = StyleGan2Generator::new(&config, params.trainable()).unwrap();
        let n = 1500;
        let styles = Styles::new(&generator, None, n, 7, &mut |_| ()).unwrap();
        let found = components(&styles, &[0, 1], 2).unwrap();
        let indices: Vec<u64> = (0..n as u64).collect();
        let z = Sampler::new(&generator).latents(&StreamKey::new(7, "styles", 0), &indices, 0).unwrap();
        let w = generator.mapping(&z, Condition::None).unwrap().to_dtype(DType::F64).unwrap();
        let w: Tensor = w.broadcast_sub(&w.mean_keepdim(0).unwrap()).unwrap().detach();
        let mut v = Tensor::ones((5, 1), DType::F64, &Device::Cpu).unwrap();
        for _ in 0..2000 {
            v = w.t().unwrap().matmul(&w.matmul(&v).unwrap()).unwrap();
            v = v.broadcast_div(&v.sqr().unwrap().sum_all().unwrap().sqrt().unwrap()).unwrap();
        }
        let scores = w.matmul(&v).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let deviation = (scores.iter().map(|s| s * s).sum::<f64>() / (n as f64 - 1.)).sqrt();
        let v = v.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let along: f64 = v.iter().zip(&found[0].vector).map(|(a, b)| a * f64::from(*b)).sum();
        // The vector is kept as f32, each number to 2^-24 of itself or less; all else is f64.
        assert!((along.abs() - 1.).abs() < 1e-7, "{along}");
        assert!((found[0].sigma / deviation - 1.).abs() < 1e-9, "{} {deviation}", found[0].sigma);
        assert!((styles.deviation(&v) / deviation - 1.).abs() < 1e-9 && found[1].sigma < found[0].sigma);
    }
}
