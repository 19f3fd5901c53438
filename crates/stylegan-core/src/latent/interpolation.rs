//! Interpolation: along the sphere in Z, along the line in W.

use crate::Result;
use crate::error::bad_argument;
use candle_core::{DType, Tensor};

/// Spherical interpolation of latents `a` and `b` `[n, z_dim]`, each first scaled to length 1, at
/// `t` (one per row, or one for all); the result has length 1, as perceptual path lengths are measured
/// (StyleGAN, section 4.1). It makes other pictures than `a` and `b` where a network does not normalise latents,
/// or only together with labels: [`arc`] ends at `a` and `b` themselves. Computed in f64; takes no part in gradients.
///
/// # Errors
/// When shapes do not fit.
pub fn slerp(a: &Tensor, b: &Tensor, t: &[f64]) -> Result<Tensor> {
    turned(a, b, t, |_, _, _| 1.)
}

/// From latent `a` to latent `b` `[n, z_dim]` by way of [`slerp`]'s directions, at the length `|a| + (|b| - |a|) t`: what
/// networks make of its ends is what they make of `a` and `b`, labels or not.
///
/// # Errors
/// When shapes do not fit.
pub fn arc(a: &Tensor, b: &Tensor, t: &[f64]) -> Result<Tensor> {
    turned(a, b, t, |a, b, t| a + (b - a) * t)
}

/// [`slerp`] at the length that `length` makes of those of `a` and `b`, and of `t`.
fn turned(a: &Tensor, b: &Tensor, t: &[f64], length: fn(f64, f64, f64) -> f64) -> Result<Tensor> {
    let n = check(a, b, t)?;
    let rows = |x: &Tensor| -> Result<Vec<Vec<f64>>> { Ok(x.to_dtype(DType::F64)?.to_vec2()?) };
    let dim = a.dim(1)?;
    let mut values = Vec::with_capacity(n * dim);
    for (i, (mut a, mut b)) in rows(a)?.into_iter().zip(rows(b)?).enumerate() {
        let t = t[i % t.len()];
        let length = length(normalize(&mut a), normalize(&mut b), t);
        let cos = dot(&a, &b).clamp(-1., 1.);
        let angle = cos.acos() * t;
        b.iter_mut().zip(&a).for_each(|(b, a)| *b -= cos * a);
        normalize(&mut b);
        let mut point: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a * angle.cos() + b * angle.sin()).collect();
        normalize(&mut point);
        values.extend(point.into_iter().map(|x| x * length));
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

/// Scales to length 1, and returns the length that it was.
fn normalize(x: &mut [f64]) -> f64 {
    let length = dot(x, x).sqrt();
    if length > 0. {
        x.iter_mut().for_each(|x| *x /= length);
    }
    length
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
        // Lengths from 2 to 5 and from 3 to 1.
        let arc = |t: &[f64]| arc(&a, &b, t).unwrap().to_vec2::<f64>().unwrap();
        for ((row, on_sphere), length) in arc(&[1. / 3., 0.5]).iter().zip(&s).zip([3., 2.]) {
            assert!(row.iter().zip(on_sphere).all(|(x, e)| (x - e * length).abs() < 1e-14), "{row:?}");
        }
        for (t, end) in [(0., &a), (1., &b)] {
            let end = end.to_vec2::<f64>().unwrap();
            let near = arc(&[t]).concat().iter().zip(end.concat()).all(|(x, e)| (x - e).abs() < 1e-14);
            assert!(near, "{t}");
        }
    }
}
