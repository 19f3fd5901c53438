//! Convolutions on a GPU: Winograd's transforms for 3x3 taps of stride 1, else columns, around products by cuBLAS.

use super::shape::{Kind, Shape};
use crate::cuda::conv::{Columns, POINTS, Winograd, winograd_filter, winograd_filter_transposed};
use crate::cuda::{Epilogue, bias_act, device};
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::CudaView;
use candle_core::{CudaDevice, CudaStorage, Layout, Result};

const OP: &str = "conv2d";

/// The result of a convolution of these sizes for its two (contiguous) arguments.
pub(super) fn convolution(
    kind: Kind,
    shape: Shape,
    gain: f64,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
) -> Result<CudaStorage> {
    let views = (device::view(OP, a, a_layout)?, device::view(OP, b, b_layout)?);
    let device = a.device();
    let Shape { r, s, stride, padding, .. } = shape;
    if shape.result(kind).contains(&0) || a_layout.dims().contains(&0) || b_layout.dims().contains(&0) {
        return Ok(device::storage(
            device.alloc_zeros::<f32>(shape.result(kind).iter().product::<usize>().max(1))?,
            device,
        ));
    }
    if (r, s, stride) == (3, 3, 1) && padding <= 2 {
        return winograd(kind, shape, gain, device, views);
    }
    let result = columns(kind, shape, device, (a, a_layout), (b, b_layout))?;
    device::scaled(result, shape.result(kind).iter().product(), gain)
}

/// A batch of matrices `[batch, rows, columns]` that lie one after the other from `layout`'s first number on, or one
/// for the whole batch.
fn matrices(layout: &Layout, rows: usize, columns: usize, batch: usize, shared: bool) -> Layout {
    let stride = if shared { 0 } else { rows * columns };
    Layout::new((batch, rows, columns).into(), vec![stride, columns, 1], layout.start_offset())
}

/// Three kinds of products with the columns of the image, for each sample.
fn columns(
    kind: Kind,
    shape: Shape,
    device: &CudaDevice,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
) -> Result<CudaStorage> {
    let Shape { n, c, h, w, k, r, s, oh, ow, stride, padding } = shape;
    let plan = Columns { x: [n, c, h, w], kernel: [r, s], out: [oh, ow], stride, padding };
    let (rows, pixels) = (c * r * s, oh * ow);
    let weight = |layout: &Layout| matrices(layout, k, rows, n, true);
    let whole = Layout::contiguous((n, rows, pixels));
    let image_columns =
        || device::one(device, &plan.im2col()?, &[Some(&device::view(OP, a, a_layout)?), None], n * rows * pixels);
    match kind {
        Kind::Forward => b.matmul(&image_columns()?, (n, k, pixels, rows), &weight(b_layout), &whole),
        Kind::Input => {
            let (turned, dy) = (weight(b_layout).transpose(1, 2)?, matrices(a_layout, k, pixels, n, false));
            let columns = b.matmul(a, (n, rows, pixels, k), &turned, &dy)?;
            let columns = columns.as_cuda_slice::<f32>()?.as_view();
            device::one(device, &plan.col2im()?, &[Some(&columns)], n * c * h * w)
        }
        Kind::Weight => {
            let (dy, turned) = (matrices(b_layout, k, pixels, n, false), whole.transpose(1, 2)?);
            let products = b.matmul(&image_columns()?, (n, k, rows, pixels), &dy, &turned)?;
            let (launch, slices) = bias_act::channel_sum([n, k * rows, 1], 1, 1.)?;
            let products = products.as_cuda_slice::<f32>()?.as_view();
            let parts = device::one(device, &launch, &[Some(&products), None], k * rows * slices)?;
            device::row_sums(parts, k * rows, slices)
        }
    }
}

/// The same by tiles of 4x4 outputs: 36 products over the channels.
fn winograd(
    kind: Kind,
    shape: Shape,
    gain: f64,
    device: &CudaDevice,
    (a, b): (CudaView<f32>, CudaView<f32>),
) -> Result<CudaStorage> {
    let Shape { n, c, h, w, k, oh, ow, padding, .. } = shape;
    // Points of an image with so many channels, of `plan`'s tiles.
    let points = |plan: &Winograd, x: &CudaView<f32>, channels: usize| {
        device::one(device, &plan.input(channels)?, &[Some(x), None], POINTS * channels * plan.tiles())
    };
    let product = |u: CudaStorage, v: CudaStorage, (m, p, inner): (usize, usize, usize), turned: bool| {
        let right = if turned {
            Layout::contiguous((POINTS, p, inner)).transpose(1, 2)?
        } else {
            Layout::contiguous((POINTS, inner, p))
        };
        u.matmul(&v, (POINTS, m, p, inner), &Layout::contiguous((POINTS, m, inner)), &right)
    };
    if kind == Kind::Weight {
        let plan = Winograd { n, out: [oh, ow], padding };
        let launch = plan.output_transposed(k)?;
        let e = device::one(device, &launch, &[Some(&b)], POINTS * k * plan.tiles())?;
        let products = product(e, points(&plan, &a, c)?, (k, c, plan.tiles()), true)?;
        let products = products.as_cuda_slice::<f32>()?.as_view();
        return device::one(device, &winograd_filter_transposed(k, c, gain)?, &[Some(&products)], k * c * 9);
    }
    // The input's gradient is a convolution with weights that are turned and transposed.
    let back = kind == Kind::Input;
    let (ins, outs, out, padding) = if back { (k, c, [h, w], 2 - padding) } else { (c, k, [oh, ow], padding) };
    let plan = Winograd { n, out, padding };
    let u = device::one(device, &winograd_filter(k, c, back, gain)?, &[Some(&b)], POINTS * k * c)?;
    let products = product(u, points(&plan, &a, ins)?, (outs, plan.tiles(), ins), false)?;
    let products = products.as_cuda_slice::<f32>()?.as_view();
    let launch = plan.output(outs, Epilogue::none())?;
    device::one(device, &launch, &[Some(&products), None, None, None, None], n * outs * out[0] * out[1])
}
