//! The means and variances that a normalisation takes out.

use crate::cpu::slice;
use crate::elementwise::{Real, by_dtype, centred_squares, rows_per_task, sum};
use crate::threads::{for_each, for_each_chunk};
use candle_core::{CpuStorage, DType, Device, Layout, Result, Storage, Tensor};
use std::sync::Arc;

/// Mean and biased variance of the channels or planes of a tensor `[n, c, h, w]`.
///
/// Those of [`batch`](Self::batch) and [`instances`](Self::instances) belong to the tensor that they
/// were taken of: operations that are given both follow the gradient through them.
#[derive(Debug, Clone)]
pub struct Statistics {
    source: Source,
    /// (mean, variance) of each channel, or of each plane.
    moments: Arc<[(f64, f64)]>,
    /// Numbers that each was taken of.
    count: usize,
}

/// What the numbers were taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A channel of the whole batch.
    Batch,
    /// Each plane.
    Instances,
    /// Something else: constants for each channel.
    Fixed,
    /// Nothing: mean 0, and no division.
    Nothing,
}

impl Statistics {
    /// Of each channel of `x` `[n, c, h, w]` over the whole batch (batch normalisation, Ioffe and
    /// Szegedy 2015, algorithm 1).
    ///
    /// # Errors
    /// When `x` does not have four dimensions, or holds no numbers.
    pub fn batch(x: &Tensor) -> Result<Self> {
        Self::of(x, Source::Batch)
    }

    /// Of each plane of `x` `[n, c, h, w]` (instance normalisation, Ulyanov et al. 2016).
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    pub fn instances(x: &Tensor) -> Result<Self> {
        Self::of(x, Source::Instances)
    }

    /// These constants, `mean` and `var` `[c]` each: running statistics.
    ///
    /// # Errors
    /// When their shapes differ.
    pub fn fixed(mean: &Tensor, var: &Tensor) -> Result<Self> {
        if mean.rank() != 1 || mean.dims() != var.dims() {
            candle_core::bail!(
                "statistics: mean {:?} and variance {:?}, expected one number for each channel",
                mean.dims(),
                var.dims()
            )
        }
        let numbers = |t: &Tensor| t.detach().to_dtype(DType::F64)?.to_vec1::<f64>();
        let moments = numbers(mean)?.into_iter().zip(numbers(var)?).collect();
        Ok(Self { source: Source::Fixed, moments, count: 0 })
    }

    /// No statistics: what is normalised with them stays as it is.
    pub fn nothing() -> Self {
        Self { source: Source::Nothing, moments: Arc::new([]), count: 0 }
    }

    /// Means `[c]`, or `[n * c]` of instances.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn mean(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        self.tensor(|&(mean, _)| mean, dtype, device)
    }

    /// Variances estimated for what the numbers were drawn from: the sum of squares divided by their
    /// count less 1 (of a single number: by 1). What running statistics keep.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn unbiased_variance(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        let correction = self.count as f64 / self.count.saturating_sub(1).max(1) as f64;
        self.tensor(|&(_, variance)| variance * correction, dtype, device)
    }

    fn tensor(&self, number: impl Fn(&(f64, f64)) -> f64, dtype: DType, device: &Device) -> Result<Tensor> {
        let numbers: Vec<f64> = self.moments.iter().map(number).collect();
        Tensor::from_vec(numbers, self.moments.len(), device)?.to_dtype(dtype)
    }

    fn of(x: &Tensor, source: Source) -> Result<Self> {
        let (n, c, h, w) = x.dims4()?;
        if x.elem_count() == 0 {
            candle_core::bail!("statistics: {:?} holds no numbers to take a mean of", x.dims())
        }
        let x = x.detach().contiguous()?;
        let (storage, layout) = x.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else {
            candle_core::bail!("statistics: the tensor is not in main memory")
        };
        let (groups, members) = if source == Source::Batch { (c, n) } else { (n * c, 1) };
        let moments = moments(storage, layout, groups, members, h * w)?.into();
        Ok(Self { source, moments, count: members * h * w })
    }

    /// Mean and reciprocal standard deviation of plane `plane` of a tensor with `c` channels.
    pub(crate) fn of_plane(&self, plane: usize, c: usize, eps: f64) -> (f64, f64) {
        let index = match self.source {
            Source::Nothing => return (0., 1.),
            Source::Instances => plane,
            Source::Batch | Source::Fixed => plane % c,
        };
        let (mean, variance) = self.moments[index];
        (mean, 1. / (variance + eps).sqrt())
    }

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
    pub(super) fn for_each_gradient<T: Real>(
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

    /// Whether they belong to `x`.
    pub(crate) fn check(&self, op: &str, x: &Tensor) -> Result<()> {
        let (n, c, h, w) = x.dims4()?;
        let (expected, count) = match self.source {
            Source::Nothing => return Ok(()),
            Source::Fixed => (c, 0),
            Source::Batch => (c, n * h * w),
            Source::Instances => (n * c, h * w),
        };
        if (self.moments.len(), self.count) != (expected, count) {
            candle_core::bail!(
                "{op}: {} statistics of {} numbers for input {:?}, expected {expected} of {count}",
                self.moments.len(),
                self.count,
                x.dims()
            )
        }
        Ok(())
    }

    /// `x` less its mean, and the reciprocal standard deviation, from candle's operations: what
    /// second derivatives go through.
    pub(crate) fn composed(&self, x: &Tensor, eps: f64) -> Result<(Tensor, Tensor)> {
        if let Some(mean) = self.mean_over(x)? {
            let centred = x.broadcast_sub(&mean)?;
            let variance = centred.sqr()?;
            let variance = self.mean_over(&variance)?.unwrap_or(variance);
            return Ok((centred, (variance + eps)?.sqrt()?.recip()?));
        }
        let c = x.dim(1)?;
        let (mean, rstd): (Vec<f64>, Vec<f64>) = (0..c).map(|channel| self.of_plane(channel, c, eps)).unzip();
        let row = |numbers: Vec<f64>| Tensor::from_vec(numbers, (1, c, 1, 1), x.device())?.to_dtype(x.dtype());
        Ok((x.broadcast_sub(&row(mean)?)?, row(rstd)?))
    }

    /// The mean over what shares statistics, in the shape that [`composed`](Self::composed) divides by;
    /// `None` where no gradient flows through them.
    pub(crate) fn mean_over(&self, x: &Tensor) -> Result<Option<Tensor>> {
        match self.source {
            Source::Batch => x.mean_keepdim((0, 2, 3)).map(Some),
            Source::Instances => x.mean_keepdim((2, 3)).map(Some),
            Source::Fixed | Source::Nothing => Ok(None),
        }
    }
}

/// (mean, variance) of `groups` groups, each of `members` planes that lie `groups` planes apart.
fn moments(
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
