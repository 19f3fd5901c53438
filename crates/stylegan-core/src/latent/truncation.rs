//! The truncation trick in W.

use crate::Result;
use crate::error::bad_argument;
use candle_core::Tensor;

/// Moves style rows towards the average: `w_avg + psi (w - w_avg)` (StyleGAN, appendix B). `ws` is
/// `[n, num_ws, w_dim]`, `w_avg` `[w_dim]`. With a cutoff only rows below it move (the official
/// StyleGAN figures use psi 0.7 and cutoff 8); psi 1 changes nothing, 0 gives the average picture,
/// negative values its "anti-face".
///
/// ```
/// use candle_core::{Device, Tensor};
/// use stylegan_core::latent::truncate;
///
/// let ws = Tensor::new(&[[[3f32], [3.]]], &Device::Cpu)?;
/// let w_avg = Tensor::new(&[1f32], &Device::Cpu)?;
/// assert_eq!(truncate(&ws, &w_avg, 0.5, Some(1))?.flatten_all()?.to_vec1::<f32>()?, [2., 3.]);
/// # Ok::<(), stylegan_core::Error>(())
/// ```
///
/// # Errors
/// When shapes do not fit.
pub fn truncate(ws: &Tensor, w_avg: &Tensor, psi: f64, cutoff: Option<usize>) -> Result<Tensor> {
    let [_, rows, w_dim] = ws.dims() else {
        bad_argument!("style rows have shape {:?}, expected [n, num_ws, w_dim]", ws.dims())
    };
    if w_avg.dims() != [*w_dim] {
        bad_argument!("the average style has shape {:?}, expected [{w_dim}]", w_avg.dims())
    }
    let rows = *rows;
    let cutoff = cutoff.unwrap_or(rows).min(rows);
    if psi == 1. || cutoff == 0 {
        return Ok(ws.clone());
    }
    let moved = ((ws.narrow(1, 0, cutoff)? * psi)?.broadcast_add(&(w_avg * (1. - psi))?))?;
    if cutoff == rows {
        return Ok(moved);
    }
    Ok(Tensor::cat(&[moved, ws.narrow(1, cutoff, rows - cutoff)?], 1)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn cutoffs_and_ends() {
        let ws = Tensor::new(&[[[4f64], [8.], [16.]]], &Device::Cpu).unwrap();
        let avg = Tensor::new(&[2f64], &Device::Cpu).unwrap();
        let run =
            |psi, cutoff| truncate(&ws, &avg, psi, cutoff).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(run(0.5, None), [3., 5., 9.]);
        assert_eq!(run(0.5, Some(2)), [3., 5., 16.]);
        assert_eq!(run(0.5, Some(9)), [3., 5., 9.]);
        assert_eq!(run(0.5, Some(0)), [4., 8., 16.]);
        assert_eq!(run(1., None), [4., 8., 16.]);
        assert_eq!(run(0., None), [2., 2., 2.]);
        assert_eq!(run(-1., None), [0., -4., -12.]);
        assert!(truncate(&ws, &Tensor::new(&[1f64, 1.], &Device::Cpu).unwrap(), 0.5, None).is_err());
    }
}
