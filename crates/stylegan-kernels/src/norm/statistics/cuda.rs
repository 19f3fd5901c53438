//! Statistics of a tensor on a GPU, what is normalised by them, and gradients through them.

use super::{Moments, Source, Statistics};
use crate::cuda::device;
use crate::cuda::spade_norm::Groups;
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Layout, Result, Tensor};

/// An argument of an operation.
type Argument<'a> = (&'a CudaStorage, &'a Layout);

/// Mean and variance `[2, groups]` of `groups` groups, each of `members` planes that lie `groups` planes apart.
pub(super) fn moments(
    storage: &CudaStorage,
    layout: &Layout,
    groups: usize,
    members: usize,
    plane: usize,
) -> Result<Tensor> {
    let (x, device) = (device::view("statistics", storage, layout)?, storage.device());
    let of = Groups { samples: members, groups, plane };
    let (launch, slices) = of.moments()?;
    let mut moments = device::one(device, &launch, &[Some(&x)], 2 * groups * slices)?;
    if slices > 1 {
        let parts = moments.as_cuda_slice::<f32>()?.as_view();
        moments = device::one(device, &of.join()?, &[Some(&parts)], 2 * groups)?;
    }
    Ok(device::tensor(moments, (2, groups)))
}

impl Statistics {
    /// `x` normalised, scaled and shifted by gamma and beta if there are such, activated.
    pub(in crate::norm) fn cuda(
        &self,
        op: &str,
        x: Argument,
        maps: Option<[Argument; 2]>,
        eps: f64,
        slope: f64,
    ) -> Result<CudaStorage> {
        let view = |(storage, layout)| device::view(op, storage, layout);
        let (of, device) = (self.groups_of(x.1)?, x.0.device());
        let (x, gamma, beta) = match maps {
            Some([gamma, beta]) => (view(x)?, Some(view(gamma)?), Some(view(beta)?)),
            None => (view(x)?, None, None),
        };
        let kept = self.moments().map(Tensor::storage_and_layout);
        let statistics = device::view_if(op, &kept)?;
        let inputs = [Some(&x), gamma.as_ref(), beta.as_ref(), statistics.as_ref()];
        device::one(device, &of.spade_norm(eps, slope)?, &inputs, of.len())
    }

    /// The gradient of `x` from that before the activation, and that of gamma, if there is one, behind it.
    pub(in crate::norm) fn cuda_gradient(
        &self,
        op: &str,
        g: Argument,
        x: Argument,
        gamma: Option<Argument>,
        eps: f64,
    ) -> Result<CudaStorage> {
        let view = |(storage, layout)| device::view(op, storage, layout);
        let (of, device) = (self.groups_of(x.1)?, x.0.device());
        let (g, x, gamma) = (view(g)?, view(x)?, gamma.map(view).transpose()?);
        let kept = self.moments().map(Tensor::storage_and_layout);
        let statistics = device::view_if(op, &kept)?;
        let inputs = [Some(&g), gamma.as_ref(), Some(&x), statistics.as_ref()];
        let sums = match self.source {
            Source::Batch | Source::Instances => {
                let (launch, slices) = of.sums()?;
                let parts = device::one(device, &launch, &inputs, 2 * of.groups * slices)?;
                Some(device::row_sums(parts, 2 * of.groups, slices)?)
            }
            Source::Fixed | Source::Nothing => None,
        };
        let sums = sums.as_ref().map(|sums| sums.as_cuda_slice::<f32>()).transpose()?.map(|sums| sums.as_view());
        let len = of.len();
        let mut gradients = device::memory(device, if gamma.is_some() { 2 * len } else { len })?;
        let (gx, ggamma) = gradients.split_at_mut(len);
        let [g, gamma, x, statistics] = inputs;
        let inputs = [g, gamma, x, statistics, sums.as_ref()];
        device::run(device, &of.gradient(eps)?, &inputs, &mut [gx, ggamma])?;
        Ok(device::storage(gradients, device))
    }

    /// What shares statistics among the planes of a tensor.
    fn groups_of(&self, layout: &Layout) -> Result<Groups> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let (samples, groups) = if self.source == Source::Instances { (1, n * c) } else { (n, c) };
        Ok(Groups { samples, groups, plane: h * w })
    }

    /// Mean and variance, if there are such.
    fn moments(&self) -> Option<&Tensor> {
        match &self.moments {
            Moments::OnGpu(moments) => Some(moments),
            Moments::Numbers(_) => None,
        }
    }
}
