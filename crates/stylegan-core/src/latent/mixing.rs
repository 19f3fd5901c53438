//! Style mixing.

use crate::Result;
use crate::error::bad_argument;
use candle_core::Tensor;
use std::ops::Range;

/// Replaces ranges of style rows: the rows `range` of the result are those of `styles`, for each
/// pair in turn, all others those of `ws` (StyleGAN, section 3.1 and Figure 3, for any number of
/// latents). All are `[n, num_ws, w_dim]`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use stylegan_core::latent::mix;
///
/// let a = Tensor::new(&[[[1f32], [1.], [1.]]], &Device::Cpu)?;
/// let b = Tensor::new(&[[[2f32], [2.], [2.]]], &Device::Cpu)?;
/// let mixed = mix(&a, &[(&b, 1..2)])?;
/// assert_eq!(mixed.flatten_all()?.to_vec1::<f32>()?, [1., 2., 1.]);
/// # Ok::<(), stylegan_core::Error>(())
/// ```
///
/// # Errors
/// When shapes differ, or a range leaves the rows.
pub fn mix(ws: &Tensor, styles: &[(&Tensor, Range<usize>)]) -> Result<Tensor> {
    let [_, rows, _] = ws.dims() else {
        bad_argument!("style rows have shape {:?}, expected [n, num_ws, w_dim]", ws.dims())
    };
    let mut origin = vec![ws; *rows];
    for (other, range) in styles {
        if other.dims() != ws.dims() {
            bad_argument!("style rows of shape {:?} cannot be mixed into {:?}", other.dims(), ws.dims())
        }
        let Some(slots) = origin.get_mut(range.clone()) else {
            bad_argument!("style range {}..{} leaves the {rows} rows of this network", range.start, range.end)
        };
        slots.fill(other);
    }
    let picked: Vec<Tensor> =
        origin.iter().enumerate().map(|(row, ws)| ws.narrow(1, row, 1)).collect::<candle_core::Result<_>>()?;
    Ok(Tensor::cat(&picked, 1)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn later_ranges_win_and_bad_ones_are_named() {
        let rows = |v: f64| (Tensor::ones((2, 4, 1), DType::F64, &Device::Cpu).unwrap() * v).unwrap();
        let (a, b, c) = (rows(1.), rows(2.), rows(3.));
        let mixed = mix(&a, &[(&b, 1..4), (&c, 3..4)]).unwrap();
        assert_eq!(mixed.get(1).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap(), [1., 2., 2., 3.]);
        let error = mix(&a, &[(&b, 2..5)]).unwrap_err().to_string();
        assert!(error.contains("2..5") && error.contains('4'), "{error}");
        assert!(mix(&a, &[(&rows(1.).narrow(1, 0, 3).unwrap(), 0..1)]).is_err());
    }
}
