//! Convolution of label maps on a GPU.

use super::super::labels::EDGE;
use super::{LabelConv, WindowShape};
use crate::cuda::conv::Columns;
use crate::cuda::device;
use crate::cuda::label::LabelWindows;
use candle_core::backend::BackendStorage;
use candle_core::{CudaStorage, Device, Layout, Result, Shape, Tensor};

const OP: &str = "label_conv2d";

impl LabelConv {
    /// As on the CPU, of the weight or of the gradient; the maps go up for it.
    pub(super) fn cuda(&self, (storage, layout): (&CudaStorage, &Layout)) -> Result<(CudaStorage, Shape)> {
        let WindowShape { k, r, s, oh, ow, stride, padding } = self.shape;
        let (n, channels, [h, w]) = (self.labels.batch(), self.labels.channels(), self.labels.size());
        let (x, device) = (device::view(OP, storage, layout)?, storage.device());
        let cells = self.labels.cells().iter().map(|&cell| ((cell & !EDGE) * 2 + u32::from(cell & EDGE != 0)) as f32);
        let cells = Tensor::from_vec(cells.collect(), n * h * w, &Device::Cuda(device.clone()))?;
        let (kept, cells) = cells.storage_and_layout();
        let cells = device::view_kept(OP, &kept, cells)?;
        let columns = Columns { x: [n, channels, h, w], kernel: [r, s], out: [oh, ow], stride, padding };
        let windows = LabelWindows { columns, outputs: k, classes: self.labels.classes() };
        let inputs = [Some(&x), Some(&cells)];
        if !self.adjoint {
            return Ok((device::one(device, &windows.conv()?, &inputs, n * k * oh * ow)?, (n, k, oh, ow).into()));
        }
        let (launch, slices) = windows.adjoint()?;
        let rows = k * channels * r * s;
        let parts = device::one(device, &launch, &inputs, rows * slices)?;
        Ok((device::row_sums(parts, rows, slices)?, (k, channels, r, s).into()))
    }
}
