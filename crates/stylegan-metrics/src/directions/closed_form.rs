//! Directions in closed form (SeFa, Shen and Zhou 2021, <https://arxiv.org/abs/2007.06600>).

use super::eigen::largest;
use super::styles::Styles;
use crate::{Error, Result};
use candle_core::{DType, Tensor};
use faer::Mat;
use stylegan_core::directions::Direction;

/// The `count` directions in W that move the styles of layers most: eigenvectors of the sum of `A^T A` over the weights
/// `[c, w_dim]` of the layers that read `rows`, each row of a weight brought to unit length (section 3.2). Those
/// weights are `weights`, from style row 0 on; `styles` give the deviations.
///
/// # Errors
/// No rows, rows that do not exist, or an eigendecomposition that does not converge.
pub fn closed_form(weights: &[Tensor], rows: &[usize], styles: &Styles, count: usize) -> Result<Vec<Direction>> {
    let dim = styles.mean().len();
    let mut products = Mat::<f64>::zeros(dim, dim);
    for row in rows {
        let weight = weights.get(*row).ok_or_else(|| Error::Parameter {
            parameter: "style row",
            found: row.to_string(),
            expected: "one that the network has",
        })?;
        for values in weight.to_dtype(DType::F64)?.to_vec2::<f64>()? {
            let square: f64 = values.iter().map(|v| v * v).sum();
            // A channel that reads nothing has no direction.
            if square > 0. {
                for i in 0..dim {
                    for j in 0..dim {
                        products[(i, j)] += values[i] * values[j] / square;
                    }
                }
            }
        }
    }
    if rows.is_empty() {
        return Err(Error::Parameter { parameter: "style rows", found: "none".into(), expected: "at least one" });
    }
    let found = largest(&products, count)?.into_iter().enumerate();
    let direction = found.map(|(k, (value, vector))| Direction {
        name: format!("sefa-{k}"),
        rows: rows.to_vec(),
        channel: None,
        sigma: styles.deviation(&vector),
        vector: vector.iter().map(|v| *v as f32).collect(),
        how: format!("SeFa, eigenvalue {value:.6}"),
    });
    Ok(direction.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// Rows (2, 0), (0, 3), (0, -1), (1, 1) of unit length: products (1 + 1/2, 1/2; 1/2, 2 + 1/2), with eigenvalues
    /// 2 +- sqrt(1/2) and the vector (1/2, 1/2 + sqrt(1/2)) to the larger.
    #[test]
    fn by_hand() {
        let weights = [
            Tensor::new(&[[2f32, 0.], [0., 3.]], &Device::Cpu).unwrap(),
            Tensor::new(&[[5f32, -7.]], &Device::Cpu).unwrap(),
            Tensor::new(&[[0f32, -1.], [1., 1.], [0., 0.]], &Device::Cpu).unwrap(),
        ];
        let styles = Styles { count: 9, mean: vec![0.; 2], covariance: Mat::from_fn(2, 2, |i, j| [4., 0., 9.][i + j]) };
        let found = closed_form(&weights, &[0, 2], &styles, 5).unwrap();
        let root = 0.5f64.sqrt();
        let length = (0.25 + (0.5 + root).powi(2)).sqrt();
        let expected = [0.5 / length, (0.5 + root) / length];
        assert_eq!(found.len(), 2);
        assert!(found[0].vector.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6), "{found:?}");
        assert!(found[0].how.ends_with(&format!("{:.6}", 2. + root)), "{}", found[0].how);
        assert!((found[0].sigma - (4. * expected[0].powi(2) + 9. * expected[1].powi(2)).sqrt()).abs() < 1e-9);
        assert_eq!(found[1].rows, [0, 2]);
        assert!(closed_form(&weights, &[3], &styles, 1).is_err() && closed_form(&weights, &[], &styles, 1).is_err());
    }
}
