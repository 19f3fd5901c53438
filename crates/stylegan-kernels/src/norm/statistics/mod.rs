//! The means and variances that a normalisation takes out.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use candle_core::{DType, Device, Result, Storage, Tensor};
use std::sync::Arc;

/// Mean and biased variance of the channels or planes of a tensor `[n, c, h, w]`, kept where the tensor lies.
///
/// Those of [`batch`](Self::batch) and [`instances`](Self::instances) belong to the tensor that they
/// were taken of: operations that are given both follow the gradient through them.
#[derive(Debug, Clone)]
pub struct Statistics {
    source: Source,
    moments: Moments,
    /// Numbers that each was taken of.
    count: usize,
}

/// (mean, variance) of each channel, or of each plane.
#[derive(Debug, Clone)]
enum Moments {
    /// In main memory.
    Numbers(Arc<[(f64, f64)]>),
    /// On a GPU, `[2, channels or planes]`.
    OnGpu(Tensor),
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
    /// When their shapes or devices differ.
    pub fn fixed(mean: &Tensor, var: &Tensor) -> Result<Self> {
        if mean.rank() != 1 || mean.dims() != var.dims() {
            candle_core::bail!(
                "statistics: mean {:?} and variance {:?}, expected one number for each channel",
                mean.dims(),
                var.dims()
            )
        }
        let moments = if mean.device().is_cuda() {
            Moments::OnGpu(Tensor::stack(&[mean.detach(), var.detach()], 0)?)
        } else {
            let numbers = |t: &Tensor| t.detach().to_dtype(DType::F64)?.to_vec1::<f64>();
            Moments::Numbers(numbers(mean)?.into_iter().zip(numbers(var)?).collect())
        };
        Ok(Self { source: Source::Fixed, moments, count: 0 })
    }

    /// No statistics: what is normalised with them stays as it is.
    pub fn nothing() -> Self {
        Self { source: Source::Nothing, moments: Moments::Numbers(Arc::new([])), count: 0 }
    }

    /// Means `[c]`, or `[n * c]` of instances.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn mean(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        match &self.moments {
            Moments::Numbers(moments) => tensor(moments.iter().map(|&(mean, _)| mean), dtype, device),
            Moments::OnGpu(moments) => moments.get(0)?.to_device(device)?.to_dtype(dtype),
        }
    }

    /// Variances estimated for what the numbers were drawn from: the sum of squares divided by their
    /// count less 1 (of a single number: by 1). What running statistics keep.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn unbiased_variance(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        let correction = self.count as f64 / self.count.saturating_sub(1).max(1) as f64;
        match &self.moments {
            Moments::Numbers(moments) => {
                tensor(moments.iter().map(|&(_, variance)| variance * correction), dtype, device)
            }
            Moments::OnGpu(moments) => (moments.get(1)? * correction)?.to_device(device)?.to_dtype(dtype),
        }
    }

    fn of(x: &Tensor, source: Source) -> Result<Self> {
        let (n, c, h, w) = x.dims4()?;
        if x.elem_count() == 0 {
            candle_core::bail!("statistics: {:?} holds no numbers to take a mean of", x.dims())
        }
        let x = x.detach().contiguous()?;
        let (storage, layout) = x.storage_and_layout();
        let (groups, members) = if source == Source::Batch { (c, n) } else { (n * c, 1) };
        let moments = match &*storage {
            Storage::Cpu(storage) => Moments::Numbers(cpu::moments(storage, layout, groups, members, h * w)?.into()),
            #[cfg(feature = "cuda")]
            Storage::Cuda(storage) => Moments::OnGpu(cuda::moments(storage, layout, groups, members, h * w)?),
            _ => candle_core::bail!("statistics: the tensor is neither in main memory nor on a GPU"),
        };
        Ok(Self { source, moments, count: members * h * w })
    }

    /// Those in main memory.
    fn numbers(&self) -> &[(f64, f64)] {
        match &self.moments {
            Moments::Numbers(moments) => moments,
            Moments::OnGpu(_) => &[],
        }
    }

    /// Mean and reciprocal standard deviation of plane `plane` of a tensor in main memory with `c` channels.
    pub(crate) fn of_plane(&self, plane: usize, c: usize, eps: f64) -> (f64, f64) {
        let index = match self.source {
            Source::Nothing => return (0., 1.),
            Source::Instances => plane,
            Source::Batch | Source::Fixed => plane % c,
        };
        let (mean, variance) = self.numbers()[index];
        (mean, 1. / (variance + eps).sqrt())
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
        let (known, on_gpu) = match &self.moments {
            Moments::Numbers(moments) => (moments.len(), false),
            Moments::OnGpu(moments) => (moments.dim(1)?, true),
        };
        if (known, self.count) != (expected, count) {
            candle_core::bail!(
                "{op}: {known} statistics of {} numbers for input {:?}, expected {expected} of {count}",
                self.count,
                x.dims()
            )
        }
        if on_gpu != x.device().is_cuda() {
            candle_core::bail!(
                "{op}: input or statistics are on a GPU, and the others are not; move them with `to_device`"
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
        if let Moments::OnGpu(moments) = &self.moments {
            let row = |i: usize| moments.get(i)?.reshape((1, c, 1, 1));
            return Ok((x.broadcast_sub(&row(0)?)?, (row(1)? + eps)?.sqrt()?.recip()?));
        }
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

/// Numbers as a tensor.
fn tensor(numbers: impl Iterator<Item = f64>, dtype: DType, device: &Device) -> Result<Tensor> {
    let numbers: Vec<f64> = numbers.collect();
    let len = numbers.len();
    Tensor::from_vec(numbers, len, device)?.to_dtype(dtype)
}
