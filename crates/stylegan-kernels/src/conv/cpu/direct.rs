//! Convolution by its definition: the reference that tests compare with.

use crate::conv::shape::{Kind, Shape};
use candle_core::WithDType;

/// Computes a member of the family, summing in the order of the loops.
pub(super) fn direct<T: WithDType + Send + Sync>(kind: Kind, a: &[T], b: &[T], shape: &Shape, gain: f64) -> Vec<T> {
    let &Shape { n, c, h, w, k, r, s, oh, ow, stride, padding: p } = shape;
    let result = shape.result(kind);
    let mut out = vec![T::zero(); result.iter().product()];
    let gain = T::from_f64(gain);
    // A task owns one plane of the result.
    crate::threads::for_each_chunk(&mut out, result[2] * result[3], |task, o| {
        let (i0, i1) = (task / result[1], task % result[1]);
        let (others, [mut ni, mut ki, mut ci]) = match kind {
            Kind::Forward => (c, [i0, i1, 0]),
            Kind::Input => (k, [i0, 0, i1]),
            Kind::Weight => (n, [0, i0, i1]),
        };
        for other in 0..others {
            match kind {
                Kind::Forward => ci = other,
                Kind::Input => ki = other,
                Kind::Weight => ni = other,
            }
            for u in 0..r {
                for y in (0..oh).filter(|y| (p..p + h).contains(&(y * stride + u))) {
                    for v in 0..s {
                        for x in (0..ow).filter(|x| (p..p + w).contains(&(x * stride + v))) {
                            let (iy, ix) = (y * stride + u - p, x * stride + v - p);
                            let xi = ((ni * c + ci) * h + iy) * w + ix;
                            let wi = ((ki * c + ci) * r + u) * s + v;
                            let yi = ((ni * k + ki) * oh + y) * ow + x;
                            match kind {
                                Kind::Forward => o[y * ow + x] += a[xi] * b[wi],
                                Kind::Input => o[iy * w + ix] += a[yi] * b[wi],
                                Kind::Weight => o[u * s + v] += a[xi] * b[yi],
                            }
                        }
                    }
                }
            }
        }
        o.iter_mut().for_each(|value| *value *= gain);
    });
    out
}
