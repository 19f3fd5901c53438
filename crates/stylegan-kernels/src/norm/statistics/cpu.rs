//! Statistics of a tensor in main memory, and gradients through them.

use super::{Source, Statistics};
use crate::cpu::slice;
use crate::elementwise::{Real, by_dtype, centred_squares, rows_per_task, sum};
use crate::threads::{for_each, for_each_chunk};
use candle_core::{CpuStorage, Layout, Result};

impl Statistics {
    /// The planes of `[n, c, h, w]` that share statistics through which gradients flow, group by group:
    /// how many groups there are, and the planes of one.
    fn groups(&self, n: usize, c: usize) -> (usize, impl Fn(usize) -> Vec<usize> + Sync + Send + use<>) {
        let batch = self.source == Source::Batch;
        let planes = move |group: usize| if batch { (0..n).map(|i| i * c + group).collect() } else { vec![group] };
        (if batch { c } else { n * c }, planes)
    }

    /// Walks the planes of `[n, c, h, w]` with what their gradients are made of: for each `write` receives its number,
    /// its mean, and the factor, slope and level of `g factor - (x - mean) slope - level`. `sums(plane, mean)` are
    /// those of `g` and of `g (x - mean)`, added over what shares statistics. Each plane is written once.
    pub(in crate::norm) fn for_each_gradient<T: Real>(
        &self,
        dims: &[usize],
        eps: f64,
        sums: impl Fn(usize, T) -> (f64, f64) + Sync + Send,
        write: impl Fn(usize, T, [T; 3]) + Sync + Send,
    ) {
        let (n, c, plane) = (dims[0], dims[1], dims[2] * dims[3]);
        let (groups, planes_of) = self.groups(n, c);
        let follows = matches!(self.source, Source::Batch | Source::Instances);
        for_each(groups, |group| {
            let planes = planes_of(group);
            let (mean, rstd) = self.of_plane(planes[0], c, eps);
            let near = T::from_f64(mean);
            let (mut total, mut along) = (0., 0.);
            for &i in planes.iter().filter(|_| follows) {
                let (level, slope) = sums(i, near);
                total += level;
                along += slope;
            }
            let count = (planes.len() * plane) as f64;
            let parts = [rstd, rstd * rstd * rstd * along / count, rstd * total / count].map(T::from_f64);
            planes.iter().for_each(|&i| write(i, near, parts));
        });
    }
}

/// (mean, variance) of `groups` groups, each of `members` planes that lie `groups` planes apart.
pub(super) fn moments(
    storage: &CpuStorage,
    layout: &Layout,
    groups: usize,
    members: usize,
    plane: usize,
) -> Result<Vec<(f64, f64)>> {
    by_dtype!("statistics", storage, T => Ok(group_moments::<T>(slice(storage, layout)?, groups, members, plane)))
}

fn group_moments<T: Real>(x: &[T], groups: usize, members: usize, plane: usize) -> Vec<(f64, f64)> {
    let mut out = vec![(0., 0.); groups];
    let count = (members * plane) as f64;
    let each = rows_per_task(members * plane);
    for_each_chunk(&mut out, each, |task, out| {
        for (i, out) in out.iter_mut().enumerate() {
            let planes = (0..members).map(|member| &x[(member * groups + task * each + i) * plane..][..plane]);
            let mean = planes.clone().map(sum).sum::<f64>() / count;
            let near = T::from_f64(mean);
            let squares: f64 = planes.map(|plane| centred_squares(plane, near)).sum();
            *out = (mean, squares / count);
        }
    });
    out
}
