//! Minibatch standard deviation on a GPU: a launch of its own, and one for its gradient.

use crate::autodiff::{apply1, detached, wants_grad};
use crate::cuda::{device, norm};
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Tensor};

const OP: &str = "minibatch_stddev";

/// [`minibatch_stddev`](super::minibatch_stddev) of `x` `[n, c, h, w]` by groups and features that divide it.
pub(super) fn minibatch_stddev(x: &Tensor, group: usize, features: usize) -> Result<Tensor> {
    apply1(x, MinibatchStddev { group, features })
}

struct MinibatchStddev {
    /// Samples of a group.
    group: usize,
    features: usize,
}

impl CustomOp1 for MinibatchStddev {
    fn name(&self) -> &'static str {
        "stylegan-minibatch-stddev"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        candle_core::bail!("{OP}: this operation is for GPUs")
    }

    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let result = (n, c + self.features, h, w);
        let launch = norm::minibatch_stddev([n, c, h * w], self.group, self.features)?;
        let x = device::view(OP, storage, layout)?;
        Ok((device::one(storage.device(), &launch, &[Some(&x)], n * result.1 * h * w)?, result.into()))
    }

    fn bwd(&self, x: &Tensor, _res: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        wants_grad(x).then(|| if detached() { self.gradient(x, g) } else { self.composed_gradient(x, g) }).transpose()
    }
}

impl MinibatchStddev {
    /// Not recorded.
    fn gradient(&self, x: &Tensor, g: &Tensor) -> Result<Tensor> {
        let (n, c, h, w) = x.dims4()?;
        let (x, g) = (x.contiguous()?, g.contiguous()?);
        let ((xs, x_layout), (gs, g_layout)) = (x.storage_and_layout(), g.storage_and_layout());
        let views = [device::view_kept(OP, &gs, g_layout)?, device::view_kept(OP, &xs, x_layout)?];
        let launch = norm::minibatch_stddev_gradient([n, c, h * w], self.group, self.features)?;
        let device = x.device().as_cuda_device()?;
        Ok(device::tensor(device::one(device, &launch, &views.each_ref().map(Some), n * c * h * w)?, x.shape()))
    }

    /// From candle's operations, for second derivatives.
    fn composed_gradient(&self, x: &Tensor, g: &Tensor) -> Result<Tensor> {
        let (n, c, h, w) = x.dims4()?;
        let (groups, len) = (n / self.group, c / self.features * h * w);
        let grouped = x.reshape((self.group, groups, self.features, len))?;
        let centred = grouped.broadcast_sub(&grouped.mean_keepdim(0)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(0)? + 1e-8)?.sqrt()?;
        // All pixels of a group's maps are the mean over its deviations.
        let maps = g.narrow(1, c, self.features)?.reshape((self.group, groups, self.features, h * w))?;
        let each = (maps.sum_keepdim(3)?.sum_keepdim(0)? / (len * self.group) as f64)?;
        let along = centred.broadcast_div(&deviation)?.broadcast_mul(&each)?;
        g.narrow(1, 0, c)? + along.reshape((n, c, h, w))?
    }
}
