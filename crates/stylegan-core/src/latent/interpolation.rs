//! Interpolation: along the sphere in Z, along the line in W.

use crate::Result;
use crate::error::bad_argument;
use candle_core::{DType, Tensor};

/// Spherical interpolation of latents `a` and `b` `[n, z_dim]`, each first scaled to length 1, at
/// `t` (one per row, or one for all); the result has length 1, which is as good as any to networks
/// that normalise latents (StyleGAN, section 4.1). Computed in f64; takes no part in gradients.
///
/// # Errors
/// When shapes do not fit.
pub fn slerp(a: &Tensor, b: &Tensor, t: &[f64]) -> Result<Tensor> {
    let n = check(a, b, t)?;
    let rows = |x: &Tensor| -> Result<Vec<Vec<f64>>> { Ok(x.to_dtype(DType::F64)?.to_vec2()?) };
    let dim = a.dim(1)?;
    let mut values = Vec::with_capacity(n * dim);
    for (i, (mut a, mut b)) in rows(a)?.into_iter().zip(rows(b)?).enumerate() {
        normalize(&mut a);
        normalize(&mut b);
        let cos = dot(&a, &b).clamp(-1., 1.);
        let angle = cos.acos() * t[i % t.len()];
        b.iter_mut().zip(&a).for_each(|(b, a)| *b -= cos * a);
        normalize(&mut b);
        let mut point: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a * angle.cos() + b * angle.sin()).collect();
        normalize(&mut point);
        values.extend(point);
    }
    Ok(Tensor::from_vec(values, (n, dim), a.device())?.to_dtype(a.dtype())?)
}

/// `a + (b - a) t` for tensors `[n, …]` of one shape, with one `t` per row or one for all.
///
/// # Errors
/// When shapes do not fit.
pub fn lerp(a: &Tensor, b: &Tensor, t: &[f64]) -> Result<Tensor> {
    check(a, b, t)?;
    let mut shape = vec![1; a.rank()];
    shape[0] = t.len();
    let t = Tensor::from_slice(t, shape, a.device())?.to_dtype(a.dtype())?;
    Ok((a + (b - a)?.broadcast_mul(&t)?)?)
}

fn check(a: &Tensor, b: &Tensor, t: &[f64]) -> Result<usize> {
    let n = a.dims().first().copied().unwrap_or(0);
    if a.dims() != b.dims() || a.rank() < 2 || n == 0 || (t.len() != n && t.len() != 1) {
        bad_argument!("cannot interpolate {:?} and {:?} at {} positions", a.dims(), b.dims(), t.len())
    }
    Ok(n)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn normalize(x: &mut [f64]) {
    let length = dot(x, x).sqrt();
    if length > 0. {
        x.iter_mut().for_each(|x| *x /= length);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn quarter_circle() {
        let a = Tensor::new(&[[2f64, 0.], [0., 3.]], &Device::Cpu).unwrap();
        let b = Tensor::new(&[[0f64, 5.], [0., 1.]], &Device::Cpu).unwrap();
        let s = slerp(&a, &b, &[1. / 3., 0.5]).unwrap().to_vec2::<f64>().unwrap();
        // 30 degrees up the circle; equal directions stay. Rounding of f64 only.
        let expected = [[3f64.sqrt() / 2., 0.5], [0., 1.]];
        for (row, expected) in s.iter().zip(expected) {
            assert!(row.iter().zip(expected).all(|(x, e)| (x - e).abs() < 1e-14), "{s:?}");
        }
        assert_eq!(lerp(&a, &b, &[0.5]).unwrap().to_vec2::<f64>().unwrap(), [[1., 2.5], [0., 2.]]);
        assert!(slerp(&a, &b, &[0.1, 0.2, 0.3]).is_err());
    }
}
