//! Launches of `instance_style.cu`, `pixel_norm.cu` and `minibatch_stddev.cu`: normalisations.

use super::launch::{Kernel, Launch, SCRATCH, THREADS, int};
use candle_core::Result;

/// Parameters of `instance_style` and `instance_style_gradient`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InstanceStyleParams {
    plane: i32,
    eps: f32,
}

/// (x `[rows, plane]`, scale `[rows]`, shift `[rows]`) -> y: see [`instance_style`](crate::instance_style()).
///
/// # Errors
/// When a size has more than 31 bits (so for all of these).
pub fn instance_style(rows: usize, plane: usize, eps: f64) -> Result<Launch<InstanceStyleParams>> {
    instance(Kernel::new("instance_style", "instance_style"), rows, plane, eps)
}

/// (g, x, scale) -> the gradients of x `[rows, plane]`, scale `[rows]` and shift `[rows]`.
///
/// # Errors
/// As [`instance_style`].
pub fn instance_style_gradient(rows: usize, plane: usize, eps: f64) -> Result<Launch<InstanceStyleParams>> {
    instance(Kernel::new("instance_style", "instance_style_gradient"), rows, plane, eps)
}

fn instance(kernel: Kernel, rows: usize, plane: usize, eps: f64) -> Result<Launch<InstanceStyleParams>> {
    Launch::new(kernel, rows, SCRATCH, InstanceStyleParams { plane: int(plane, "pixels")?, eps: eps as f32 })
}

/// Parameters of `pixel_norm` and `pixel_norm_rows`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PixelNormParams {
    pixels: i32,
    channels: i32,
    plane: i32,
    eps: f32,
}

/// (g, x), `[n, c, plane]` each -> [`pixel_norm`](crate::pixel_norm()) of x where g is left out, else its gradient.
///
/// # Errors
/// As [`instance_style`].
pub fn pixel_norm([n, c, plane]: [usize; 3], eps: f64) -> Result<Launch<PixelNormParams>> {
    let params = PixelNormParams {
        pixels: int(n * plane, "pixels")?,
        channels: int(c, "channels")?,
        plane: int(plane.max(1), "pixels")?,
        eps: eps as f32,
    };
    match plane {
        1 => Launch::new(Kernel::new("pixel_norm", "pixel_norm_rows"), n, SCRATCH, params),
        _ => Launch::new(Kernel::new("pixel_norm", "pixel_norm"), (n * plane).div_ceil(THREADS as usize), 0, params),
    }
}

/// Parameters of `minibatch_stddev` and `minibatch_stddev_gradient`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MinibatchStddevParams {
    members: i32,
    groups: i32,
    channels: i32,
    features: i32,
    plane: i32,
}

/// x `[n, c, plane]` -> `[n, c + features, plane]`: see [`minibatch_stddev`](crate::minibatch_stddev()). `members` of a
/// group divide n, `features` divide c.
///
/// # Errors
/// As [`instance_style`].
pub fn minibatch_stddev(dims: [usize; 3], members: usize, features: usize) -> Result<Launch<MinibatchStddevParams>> {
    stddev(Kernel::new("minibatch_stddev", "minibatch_stddev"), dims, members, features)
}

/// (g `[n, c + features, plane]`, x) -> the gradient of x.
///
/// # Errors
/// As [`instance_style`].
pub fn minibatch_stddev_gradient(
    dims: [usize; 3],
    members: usize,
    features: usize,
) -> Result<Launch<MinibatchStddevParams>> {
    stddev(Kernel::new("minibatch_stddev", "minibatch_stddev_gradient"), dims, members, features)
}

fn stddev(
    kernel: Kernel,
    [n, c, plane]: [usize; 3],
    members: usize,
    features: usize,
) -> Result<Launch<MinibatchStddevParams>> {
    let groups = n / members.max(1);
    let params = MinibatchStddevParams {
        members: int(members, "samples")?,
        groups: int(groups, "groups")?,
        channels: int(c, "channels")?,
        features: int(features, "features")?,
        plane: int(plane, "pixels")?,
    };
    Launch::new(kernel, groups * features, SCRATCH, params)
}
