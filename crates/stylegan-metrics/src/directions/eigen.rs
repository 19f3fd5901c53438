//! Eigenvectors of symmetric matrices, in one order and with one sign.

use crate::{Error, Result};
use faer::{Mat, Side};

/// The `count` largest eigenvalues of a symmetric matrix, falling, with their unit eigenvectors; the largest entry of
/// a vector is positive.
pub(super) fn largest(matrix: &Mat<f64>, count: usize) -> Result<Vec<(f64, Vec<f64>)>> {
    let dim = matrix.nrows();
    let failed = |_| Error::Decomposition { what: "eigendecomposition", size: dim };
    let eigen = matrix.self_adjoint_eigen(Side::Lower).map_err(failed)?;
    let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let vector = |column: usize| {
        let vector: Vec<f64> = (0..dim).map(|i| eigen.U()[(i, column)]).collect();
        let largest = vector.iter().copied().fold(0f64, |largest, v| if v.abs() > largest.abs() { v } else { largest });
        vector.into_iter().map(|v| if largest < 0. { -v } else { v }).collect::<Vec<_>>()
    };
    Ok(order.into_iter().take(count).map(|column| (values[column], vector(column))).collect())
}
