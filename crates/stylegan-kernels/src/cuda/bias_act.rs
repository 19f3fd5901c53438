//! Launches of `bias_act.cu`: bias, activation and their derivatives.

use super::epilogue::{Epilogue, Map};
use super::launch::{Elements, Kernel, Launch, SCRATCH, int, slices, total};
use crate::bias_act::Activation;
use candle_core::Result;

/// Parameters of `bias_act`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BiasActParams {
    at: Elements,
    end: Epilogue,
}

/// (x `[rows, plane]`, scale, noise, strength, bias) -> y: `end` of each element.
///
/// # Errors
/// When a size has more than 31 bits (so for all of these).
pub fn bias_act(rows: usize, plane: usize, end: Epilogue) -> Result<Launch<BiasActParams>> {
    Launch::elementwise(
        Kernel::new("bias_act", "bias_act"),
        rows * plane,
        BiasActParams { at: Elements::new(rows, plane)?, end },
    )
}

/// Parameters of `bias_act_gradient`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BiasActGradientParams {
    total: i64,
    map: Map,
}

/// (g, y) -> g times the slope that the result y tells, for `elements` of each.
///
/// # Errors
/// As [`bias_act`].
pub fn bias_act_gradient(elements: usize, map: Map) -> Result<Launch<BiasActGradientParams>> {
    Launch::elementwise(
        Kernel::new("bias_act", "bias_act_gradient"),
        elements,
        BiasActGradientParams { total: total(elements), map },
    )
}

/// Parameters of `epilogue_gradient`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpilogueGradientParams {
    end: Epilogue,
    rows: i32,
    plane: i32,
    slices: i32,
}

/// (g, y, x, scale, noise) -> (gx, sums `[3, rows, slices]`): the gradient of `x` `[rows, plane]` before its layer's
/// end, and what sums to those of bias, strength and scale; zeros for the latter two where noise and x are left out. The
/// second number is that of slices.
///
/// # Errors
/// As [`bias_act`].
pub fn epilogue_gradient(rows: usize, plane: usize, end: Epilogue) -> Result<(Launch<EpilogueGradientParams>, usize)> {
    let slices = slices(plane);
    let params = EpilogueGradientParams {
        end,
        rows: int(rows, "planes")?,
        plane: int(plane, "pixels")?,
        slices: int(slices, "slices")?,
    };
    Ok((Launch::new(Kernel::new("bias_act", "epilogue_gradient"), rows * slices, SCRATCH, params)?, slices))
}

/// Parameters of `smooth`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmoothParams {
    total: i64,
    act: i32,
    order: i32,
    slope: f32,
    gain: f32,
    clamp: f32,
}

/// (h, x) -> `clamp(gain * act(x))` for order 0, where `h` is left out, else h times the derivative of that order.
///
/// # Errors
/// As [`bias_act`].
pub fn smooth(elements: usize, act: Activation, order: u8, gain: f64, clamp: f64) -> Result<Launch<SmoothParams>> {
    // As numbered in bias_act.cu.
    let (act, slope) = match act {
        Activation::Linear => (0, 1.),
        Activation::Relu => (0, 0.),
        Activation::Lrelu => (0, crate::bias_act::LRELU_ALPHA),
        Activation::Leaky(slope) => (0, slope),
        Activation::Tanh => (1, 0.),
        Activation::Sigmoid => (2, 0.),
        Activation::Elu => (3, 0.),
        Activation::Selu => (4, 0.),
        Activation::Softplus => (5, 0.),
        Activation::Swish => (6, 0.),
    };
    let (slope, gain, clamp) = (slope as f32, gain as f32, clamp as f32);
    let params = SmoothParams { total: total(elements), act, order: order.into(), slope, gain, clamp };
    Launch::elementwise(Kernel::new("bias_act", "smooth"), elements, params)
}

/// Parameters of `channel_sum`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelSumParams {
    samples: i32,
    channels: i32,
    plane: i32,
    slices: i32,
    noise_maps: i32,
    gain: f32,
}

/// (x `[n, c, plane]`, noise) -> `[c, slices]`: sums over all but the channels, weighted by noise if given, times
/// `gain`; then [`row_sum`] where there is more than one slice. The second number is that of slices.
///
/// # Errors
/// As [`bias_act`].
pub fn channel_sum(
    [n, c, plane]: [usize; 3],
    noise_maps: usize,
    gain: f64,
) -> Result<(Launch<ChannelSumParams>, usize)> {
    let slices = slices(n * plane).min(plane.max(1));
    let params = ChannelSumParams {
        samples: int(n, "samples")?,
        channels: int(c, "channels")?,
        plane: int(plane, "pixels")?,
        slices: int(slices, "slices")?,
        noise_maps: int(noise_maps, "noise maps")?,
        gain: gain as f32,
    };
    Ok((Launch::new(Kernel::new("bias_act", "channel_sum"), c * slices, SCRATCH, params)?, slices))
}

/// Parameters of `channel_spread`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelSpreadParams {
    at: Elements,
    channels: i32,
    noise_maps: i32,
    gain: f32,
}

/// (x `[c]`, noise) -> `[n, c, plane]`: the adjoint of [`channel_sum`].
///
/// # Errors
/// As [`bias_act`].
pub fn channel_spread([n, c, plane]: [usize; 3], noise_maps: usize, gain: f64) -> Result<Launch<ChannelSpreadParams>> {
    let params = ChannelSpreadParams {
        at: Elements::new(n * c, plane)?,
        channels: int(c.max(1), "channels")?,
        noise_maps: int(noise_maps, "noise maps")?,
        gain: gain as f32,
    };
    Launch::elementwise(Kernel::new("bias_act", "channel_spread"), n * c * plane, params)
}

/// Parameters of `row_sum`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowSumParams {
    len: i32,
    gain: f32,
}

/// (x `[rows, len]`) -> `[rows]`: sums of rows, times `gain`.
///
/// # Errors
/// As [`bias_act`].
pub fn row_sum(rows: usize, len: usize, gain: f64) -> Result<Launch<RowSumParams>> {
    Launch::new(
        Kernel::new("bias_act", "row_sum"),
        rows,
        SCRATCH,
        RowSumParams { len: int(len, "numbers of a row")?, gain: gain as f32 },
    )
}
