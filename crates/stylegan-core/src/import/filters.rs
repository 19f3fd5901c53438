//! Low-pass filters, which are constants here, and which others store beside the parameters.

use super::ImportError;
use crate::Result as CoreResult;
use candle_core::{DType, Tensor};
use stylegan_kernels::Filter;

/// What the names of filters end with in the official PyTorch code.
pub(crate) const FILTER: &str = "resample_filter";

/// The tensors of the official PyTorch code without its filters, which must be the constant of networks here.
pub(super) fn without_filters(tensors: Vec<(String, Tensor)>) -> Result<Vec<(String, Tensor)>, ImportError> {
    let (filters, others): (Vec<_>, Vec<_>) = tensors.into_iter().partition(|(name, _)| name.ends_with(FILTER));
    for (name, filter) in &filters {
        check_filter(name, filter, 1.)?;
    }
    Ok(others)
}

/// Refuses a stored filter that is not the constant of networks here, times `gain`.
pub(crate) fn check_filter(name: &str, filter: &Tensor, gain: f64) -> CoreResult<()> {
    let expected = Filter::separable(&[1., 3., 3., 1.]);
    let found: Vec<f64> = filter.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
    let same = found.len() == expected.taps().len()
        && found.iter().zip(expected.taps()).all(|(found, tap)| (found - gain * tap).abs() < 1e-6);
    if same {
        return Ok(());
    }
    let problem = format!("its low-pass filter `{name}` is not [1, 3, 3, 1], the one known here");
    Err(crate::Error::Argument(problem))
}
