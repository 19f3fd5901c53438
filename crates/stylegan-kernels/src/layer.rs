//! Whole layers of synthesis networks. Where no argument is tracked (pictures are made, nothing is
//! trained), what follows a convolution or a filter is done to its result piece by piece, and no
//! feature map is stored in between (a GPU does it in the kernel that writes the result); else the operations are recorded
//! one by one.
//!
//! ```text
//!               fused: one feature map written       recorded: one per operation
//!   x ─ ∗ styles ─ conv ─ ∗ demodulation ─ + noise ─ + bias ─ act ─ ∗ gain ─ clamp
//!   └── in packing ──┘    └───────────── in the epilogue, strip by strip ────────┘
//! ```

pub use crate::bias_act::Epilogue;

use crate::conv::{conv_transpose2d_fused, conv2d, conv2d_fused, output_side};
use crate::modulate::{Resample, after_transpose, demodulation, modulated_conv2d};
use crate::upfirdn2d::{Filter, filter2d, filter2d_fused, filtered_size, upfirdn2d_fused};
use candle_core::{Result, Tensor};

/// [`modulated_conv2d`], then `epilogue`.
///
/// # Errors
/// As [`modulated_conv2d`] and [`noise_bias_act`](crate::noise_bias_act).
pub fn modulated_layer(
    x: &Tensor,
    weight: &Tensor,
    styles: &Tensor,
    demodulate: bool,
    resample: &Resample,
    epilogue: Epilogue,
) -> Result<Tensor> {
    let ((n, c, h, w), (k, i, _, _)) = (x.dims4()?, weight.dims4()?);
    let fuses = |size: Option<[usize; 2]>| {
        c == i && styles.dims() == [n, c] && epilogue.fuses(n, k, size, &[x, weight, styles])
    };
    let demodulation = || demodulate.then(|| demodulation(weight, styles)).transpose();
    match *resample {
        Resample { up: 1, down: 1, padding: [a, b, c, d], flip_weight: true, .. }
            if a >= 0 && [b, c, d] == [a; 3] && fuses(same_size(x, weight, a as usize)) =>
        {
            return conv2d_fused(x, weight, 1., a as usize, Some(styles), demodulation()?.as_ref(), epilogue);
        }
        Resample { up: 2, down: 1, flip_weight: false, filter: Some(filter), flip_filter, padding } => {
            if let Some(padding) = after_transpose(filter, padding, weight.dims4()?)
                && fuses(doubled([h, w], weight, filter, padding))
            {
                let y = conv_transpose2d_fused(x, weight, styles, 2)?;
                return upfirdn2d_fused(&y, filter, padding, flip_filter, 4., demodulation()?.as_ref(), epilogue);
            }
        }
        _ => {}
    }
    epilogue.apply(&modulated_conv2d(x, weight, styles, demodulate, resample)?)
}

/// [`conv2d`] of stride 1, then `epilogue`.
///
/// # Errors
/// As [`conv2d`] and [`noise_bias_act`](crate::noise_bias_act).
pub fn conv_layer(x: &Tensor, weight: &Tensor, padding: usize, gain: f64, epilogue: Epilogue) -> Result<Tensor> {
    let ((n, c, _, _), (k, i, _, _)) = (x.dims4()?, weight.dims4()?);
    if c == i && epilogue.fuses(n, k, same_size(x, weight, padding), &[x, weight]) {
        return conv2d_fused(x, weight, gain, padding, None, None, epilogue);
    }
    epilogue.apply(&conv2d(x, weight, 1, padding, gain)?)
}

/// [`filter2d`], then `epilogue`.
///
/// # Errors
/// As [`filter2d`] and [`noise_bias_act`](crate::noise_bias_act).
pub fn filter_layer(x: &Tensor, filter: &Filter, epilogue: Epilogue) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    if epilogue.fuses(n, c, Some([h, w]), &[x]) {
        return filter2d_fused(x, filter, epilogue);
    }
    epilogue.apply(&filter2d(x, filter, 1.)?)
}

/// Height and width of a convolution of stride 1; none where the kernel is larger than the image.
fn same_size(x: &Tensor, weight: &Tensor, padding: usize) -> Option<[usize; 2]> {
    let side = |i: usize| output_side(x.dims()[i], weight.dims()[i], 1, padding);
    Some([side(2)?, side(3)?])
}

/// Height and width of a transposed convolution of stride 2 that a filter follows; none where that is larger than the result.
fn doubled([h, w]: [usize; 2], weight: &Tensor, filter: &Filter, padding: [i64; 4]) -> Option<[usize; 2]> {
    let grown = |side: usize, taps: usize| Some(side.checked_sub(1)? * 2 + taps);
    filtered_size([grown(h, weight.dims()[2])?, grown(w, weight.dims()[3])?], filter, padding)
}
