//! Maxima of windows on the CPU: plane by plane.

use super::{MaxPool, Routed};
use crate::elementwise::Real;
use crate::threads::for_each_item;
use candle_core::{CpuStorage, Shape, WithDType};

impl MaxPool {
    pub(super) fn cpu<T: Real + WithDType>(self, x: &[T], dims: (usize, usize, usize, usize)) -> (CpuStorage, Shape) {
        let (_, _, h, w) = dims;
        planes::<T>(dims, [self.0.count(h), self.0.count(w)], |i, out| {
            let plane = &x[i * h * w..][..h * w];
            self.each_maximum(plane, [h, w], |window, at| out[window] = plane[at]);
        })
    }

    /// Calls `f` for each window of a plane with its number and the place of its maximum.
    fn each_maximum<T: Real>(self, plane: &[T], [h, w]: [usize; 2], mut f: impl FnMut(usize, usize)) {
        let (oh, ow) = (self.0.count(h), self.0.count(w));
        for y in 0..oh {
            let rows = self.0.span(y, h);
            for x in 0..ow {
                let columns = self.0.span(x, w);
                let mut best = rows.start * w + columns.start;
                for row in rows.clone() {
                    for at in row * w + columns.start..row * w + columns.end {
                        if plane[at] > plane[best] {
                            best = at;
                        }
                    }
                }
                f(y * ow + x, best);
            }
        }
    }
}

impl Routed {
    pub(super) fn cpu<T: Real + WithDType>(
        self,
        x: &[T],
        g: &[T],
        dims: (usize, usize, usize, usize),
    ) -> (CpuStorage, Shape) {
        let (_, _, h, w) = dims;
        let (oh, ow) = (self.pool.0.count(h), self.pool.0.count(w));
        let plane = |i: usize| &x[i * h * w..][..h * w];
        if self.back {
            planes::<T>(dims, [h, w], |i, out| {
                let g = &g[i * oh * ow..][..oh * ow];
                self.pool.each_maximum(plane(i), [h, w], |window, at| out[at] += g[window]);
            })
        } else {
            planes::<T>(dims, [oh, ow], |i, out| {
                let g = &g[i * h * w..][..h * w];
                self.pool.each_maximum(plane(i), [h, w], |window, at| out[window] = g[at]);
            })
        }
    }
}

/// `[n, c, …]` of planes that `f` makes of their numbers and of zeros.
fn planes<T: Real + WithDType>(
    (n, c, _, _): (usize, usize, usize, usize),
    [h, w]: [usize; 2],
    f: impl Fn(usize, &mut [T]) + Sync + Send,
) -> (CpuStorage, Shape) {
    let mut y = vec![T::zero(); n * c * h * w];
    for_each_item(y.chunks_mut((h * w).max(1)).enumerate(), |(i, plane)| f(i, plane));
    (T::to_cpu_storage_owned(y), (n, c, h, w).into())
}
