//! Convolutions on a GPU: Winograd's transforms for 3x3 taps of stride 1 in f32, else columns, around products by cuBLAS.

use super::Conv;
use super::fused::FusedConv;
use super::shape::{Kind, Shape};
use crate::cuda::conv::{Columns, POINTS, Winograd, winograd_filter, winograd_filter_transposed};
use crate::cuda::end::{End, parts};
use crate::cuda::product::product;
use crate::cuda::{bias_act, device, modulate};
use crate::tiles::Precision;
use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::CudaView;
use candle_core::{CudaDevice, CudaStorage, Layout, Result, Tensor};

const OP: &str = "conv2d";

/// What is done on the way to a convolution's arguments and result.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// Factors `[n, c]` of the planes of a forward convolution's image.
    scale: Option<&'a CudaView<'a, f32>>,
    end: Option<&'a End<'a>>,
}

impl Conv {
    /// The operation's result for its two (contiguous) arguments, then `end`.
    pub(crate) fn cuda(
        &self,
        a: (&CudaStorage, &Layout),
        b: (&CudaStorage, &Layout),
        end: Option<&End>,
    ) -> Result<(CudaStorage, candle_core::Shape)> {
        let shape = self.shape(a.1.dims(), b.1.dims());
        let result = shape.checked_result(self.kind)?;
        let y = convolution(self, shape, a, b, Around { scale: None, end })?;
        Ok((y, candle_core::Shape::from(result.to_vec())))
    }
}

impl FusedConv<'_> {
    /// The operation's result, of these sizes, for its two (contiguous) arguments.
    pub(super) fn cuda(
        &self,
        shape: Shape,
        x: (&CudaStorage, &Layout),
        weight: (&CudaStorage, &Layout),
    ) -> Result<CudaStorage> {
        match self.epilogue {
            Some(epilogue) => epilogue.cuda(self.demodulation, |end| self.with_end(shape, x, weight, Some(end))),
            None => self.with_end(shape, x, weight, None),
        }
    }

    fn with_end(
        &self,
        shape: Shape,
        x: (&CudaStorage, &Layout),
        weight: (&CudaStorage, &Layout),
        end: Option<&End>,
    ) -> Result<CudaStorage> {
        let scale = self.scale.map(Tensor::contiguous).transpose()?;
        let scale = scale.as_ref().map(Tensor::storage_and_layout);
        let scale = device::view_if(OP, &scale)?;
        let (device, Shape { n, c, k, r, s, oh, ow, .. }) = (x.0.device(), shape);
        if self.conv.kind == Kind::Forward {
            return convolution(&self.conv, shape, x, weight, Around { scale: scale.as_ref(), end });
        }
        // The product of a transposed convolution takes its arguments as they are: small launches before it.
        let scaled = scale.as_ref().map(|scale| {
            let launch = modulate::channel_scale(n * k, oh * ow)?;
            device::one(device, &launch, &[Some(&device::view(OP, x.0, x.1)?), Some(scale)], n * k * oh * ow)
        });
        let turned = self.swapped.then(|| {
            let launch = modulate::flip_transpose([c, k, r * s], true, false)?;
            device::one(device, &launch, &[Some(&device::view(OP, weight.0, weight.1)?)], c * k * r * s)
        });
        let (scaled, turned) = (scaled.transpose()?, turned.transpose()?);
        let layouts = [Layout::contiguous((n, k, oh, ow)), Layout::contiguous((k, c, r, s))];
        let x = scaled.as_ref().map_or(x, |scaled| (scaled, &layouts[0]));
        let weight = turned.as_ref().map_or(weight, |turned| (turned, &layouts[1]));
        convolution(&self.conv, shape, x, weight, Around { scale: None, end })
    }
}

/// The result of a convolution of these sizes for its two (contiguous) arguments.
fn convolution(
    &Conv { kind, gain, precision, .. }: &Conv,
    shape: Shape,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
    around: Around,
) -> Result<CudaStorage> {
    let views = (device::view(OP, a, a_layout)?, device::view(OP, b, b_layout)?);
    let device = a.device();
    let (Shape { r, s, stride, padding, .. }, [n, c, h, w]) = (shape, shape.result(kind));
    let result = if n * c * h * w == 0 || a_layout.dims().contains(&0) || b_layout.dims().contains(&0) {
        device::storage(device.alloc_zeros::<f32>((n * c * h * w).max(1))?, device)
    } else if (r, s, stride) == (3, 3, 1) && padding <= 2 && precision == Precision::F32 {
        // Its sums and differences would make more of what rounded factors leave.
        return winograd(kind, shape, gain, device, views, around);
    } else {
        device::scaled(
            columns((kind, precision), shape, (a, a_layout), (b, b_layout), around.scale)?,
            [n * c, h * w],
            gain,
        )?
    };
    match around.end {
        Some(end) => end.apply(device, &result.as_cuda_slice::<f32>()?.as_view(), [n * c, h * w]),
        None => Ok(result),
    }
}

/// A batch of matrices `[batch, rows, columns]` that lie one after the other from `layout`'s first number on, or one
/// for the whole batch.
fn matrices(layout: &Layout, rows: usize, columns: usize, batch: usize, shared: bool) -> Layout {
    let stride = if shared { 0 } else { rows * columns };
    Layout::new((batch, rows, columns).into(), vec![stride, columns, 1], layout.start_offset())
}

/// Three kinds of products with the columns of the image, for each sample.
fn columns(
    (kind, precision): (Kind, Precision),
    shape: Shape,
    (a, a_layout): (&CudaStorage, &Layout),
    (b, b_layout): (&CudaStorage, &Layout),
    scale: Option<&CudaView<f32>>,
) -> Result<CudaStorage> {
    let (device, Shape { n, c, h, w, k, r, s, oh, ow, stride, padding }) = (a.device(), shape);
    let plan = Columns { x: [n, c, h, w], kernel: [r, s], out: [oh, ow], stride, padding };
    let (rows, pixels) = (c * r * s, oh * ow);
    let weight = |layout: &Layout| matrices(layout, k, rows, n, true);
    let whole = Layout::contiguous((n, rows, pixels));
    let image_columns =
        || device::one(device, &plan.im2col()?, &[Some(&device::view(OP, a, a_layout)?), scale], n * rows * pixels);
    match kind {
        Kind::Forward => {
            let columns = image_columns()?;
            product((b, &weight(b_layout)), (&columns, &whole), (n, k, pixels, rows), precision)
        }
        Kind::Input => {
            let (turned, dy) = (weight(b_layout).transpose(1, 2)?, matrices(a_layout, k, pixels, n, false));
            let columns = product((b, &turned), (a, &dy), (n, rows, pixels, k), precision)?;
            let columns = columns.as_cuda_slice::<f32>()?.as_view();
            device::one(device, &plan.col2im()?, &[Some(&columns)], n * c * h * w)
        }
        Kind::Weight => {
            let (dy, turned) = (matrices(b_layout, k, pixels, n, false), whole.transpose(1, 2)?);
            let columns = image_columns()?;
            let products = product((b, &dy), (&columns, &turned), (n, k, rows, pixels), precision)?;
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
    around: Around,
) -> Result<CudaStorage> {
    let Shape { n, c, h, w, k, oh, ow, padding, .. } = shape;
    // The points of `plan`'s tiles of an image with `channels` channels.
    let points = |plan: &Winograd, x: &CudaView<f32>, channels: usize| {
        device::one(device, &plan.input(channels)?, &[Some(x), around.scale], POINTS * channels * plan.tiles())
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
    let (end, [scale, noise, strength, bias]) = parts(around.end);
    let launch = plan.output(outs, end)?;
    let inputs = [Some(&products), scale, noise, strength, bias];
    device::one(device, &launch, &inputs, n * outs * out[0] * out[1])
}
