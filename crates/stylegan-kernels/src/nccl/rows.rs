//! Exchange of numbers where candle has them: NCCL reads and writes the memory of tensors, behind what their stream does.

use super::group::{Group, Patience, Piece};
use crate::cuda::device::{memory, storage, tensor, view_kept};
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, DevicePtr, DevicePtrMut};
use candle_core::{CudaDevice, Device, Result, Tensor, bail};
use std::iter::repeat;

/// Bytes of a number.
const F32: usize = 4;

impl Group {
    /// Gives each rank rows of f32 on `device`, and takes from each as many as `lengths` has for it, of that many numbers.
    ///
    /// # Errors
    /// When `device` is not the GPU that this rank joined with, or has no room, rows are not on it, there are not rows for
    /// each rank, another rank is gone, or patience ends.
    pub fn exchange_rows(
        &mut self,
        device: &Device,
        given: &[Vec<Tensor>],
        lengths: &[Vec<usize>],
        patience: &mut Patience,
    ) -> Result<Vec<Vec<Tensor>>> {
        let (ranks, gpu) = (self.ranks()?, self.check(device)?);
        if given.len() != ranks || lengths.len() != ranks {
            bail!("exchange of rows: expected some for each of {ranks} ranks, and lengths of some of each")
        }
        let stream = gpu.cuda_stream();
        let rows = given.iter().enumerate().flat_map(|(rank, rows)| repeat(rank).zip(rows));
        let kept = rows.map(|(rank, row)| Ok((rank, on(device, row)?.storage_and_layout())));
        let kept = kept.collect::<Result<Vec<_>>>()?;
        let views = kept.iter().map(|(rank, (storage, layout))| Ok((*rank, view_kept("exchange", storage, layout)?)));
        let views = views.collect::<Result<Vec<_>>>()?;
        let room = |lengths: &Vec<usize>| lengths.iter().map(|len| memory(gpu, *len)).collect::<Result<Vec<_>>>();
        let mut got = lengths.iter().map(room).collect::<Result<Vec<_>>>()?;
        {
            let sent = views.iter().map(|(rank, view)| {
                let (at, used) = view.device_ptr(&stream);
                (Piece { rank: *rank, at, len: F32 * view.len() }, used)
            });
            let (sent, _read): (Vec<_>, Vec<_>) = sent.unzip();
            let received = got.iter_mut().zip(lengths).enumerate().flat_map(|(rank, (rows, lengths))| {
                rows.iter_mut().zip(lengths).map(move |(row, len)| (rank, row, len))
            });
            let received = received.map(|(rank, row, len)| {
                let (at, used) = row.device_ptr_mut(&stream);
                (Piece { rank, at, len: F32 * len }, used)
            });
            let (received, _written): (Vec<_>, Vec<_>) = received.unzip();
            // SAFETY: rows that are borrowed and room of that size, which nobody else knows yet, on this rank's GPU, as was
            // checked; what else uses that memory does in the same stream's order.
            unsafe { self.swap(stream.cu_stream().cast(), &sent, &received, patience)? }
        }
        let row = |(numbers, len): (CudaSlice<f32>, &usize)| tensor(storage(numbers, gpu), *len);
        Ok(got
            .into_iter()
            .zip(lengths)
            .map(|(rows, lengths)| rows.into_iter().zip(lengths).map(row).collect())
            .collect())
    }

    /// The sum over all ranks of each number of a row of f32, in an order of NCCL's own.
    ///
    /// # Errors
    /// As for [`exchange_rows`](Self::exchange_rows).
    pub fn sum_row(&mut self, row: &Tensor, patience: &mut Patience) -> Result<Tensor> {
        let gpu = self.check(row.device())?;
        let stream = gpu.cuda_stream();
        let (kept, layout) = row.storage_and_layout();
        let view = view_kept("sum over ranks", &kept, layout)?;
        let mut sums = memory(gpu, view.len())?;
        {
            let ((from, _read), (to, _written)) = (view.device_ptr(&stream), sums.device_ptr_mut(&stream));
            // SAFETY: as above, and of one length.
            unsafe { self.all_reduce(stream.cu_stream().cast(), (from, to), view.len(), patience)? }
        }
        Ok(tensor(storage(sums, gpu), view.len()))
    }

    /// A device that is the GPU of this rank, as candle has it.
    fn check<'a>(&self, device: &'a Device) -> Result<&'a CudaDevice> {
        let gpu = device.as_cuda_device()?;
        let stream = gpu.cuda_stream();
        if stream.context().cu_ctx().cast() != self.gpu.context {
            bail!(
                "rows are on cuda:{}, and this rank has joined its group with another GPU",
                stream.context().ordinal()
            )
        }
        Ok(gpu)
    }
}

/// A row that is on a device.
fn on<'a>(device: &Device, row: &'a Tensor) -> Result<&'a Tensor> {
    if !row.device().same_device(device) {
        bail!("exchange of rows: one is on another device than the rest; move it with `to_device`")
    }
    Ok(row)
}
