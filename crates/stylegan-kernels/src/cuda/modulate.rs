//! Launches of `modulate.cu`: styles.

use super::launch::{Elements, Kernel, Launch, SCRATCH, THREADS, int, slices};
use candle_core::Result;

/// Planes of at most this many elements are multiplied by a thread each.
const SHORT: usize = 16;

/// (x `[rows, plane]`, scale `[rows]`) -> x times scale.
///
/// # Errors
/// When a size has more than 31 bits (so for all of these).
pub fn channel_scale(rows: usize, plane: usize) -> Result<Launch<Elements>> {
    Launch::elementwise(Kernel::new("modulate", "channel_scale"), rows * plane, Elements::new(rows, plane)?)
}

/// Parameters of `plane_dot` and `plane_dot_short`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneDotParams {
    rows: i32,
    plane: i32,
    slices: i32,
}

/// (a, b), `[rows, plane]` each -> `[rows, slices]`: sums of products over each row; then
/// [`row_sum`](super::bias_act::row_sum) where there is more than one slice. The second number is that of slices.
///
/// # Errors
/// As [`channel_scale`].
pub fn plane_dot(rows: usize, plane: usize) -> Result<(Launch<PlaneDotParams>, usize)> {
    let slices = slices(plane);
    let params =
        PlaneDotParams { rows: int(rows, "planes")?, plane: int(plane, "pixels")?, slices: int(slices, "slices")? };
    let launch = match plane {
        1..=SHORT => {
            Launch::new(Kernel::new("modulate", "plane_dot_short"), rows.div_ceil(THREADS as usize), 0, params)?
        }
        _ => Launch::new(Kernel::new("modulate", "plane_dot"), rows * slices, SCRATCH, params)?,
    };
    Ok((launch, slices))
}

/// Parameters of `demodulation`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DemodulationParams {
    samples: i32,
    ins: i32,
    outs: i32,
}

/// (styles `[n, ins]`, energy `[outs, ins]`) -> `[n, outs]`: see [`demodulation`](crate::modulate::demodulation);
/// `energy` is the squared norm of each kernel of the weight.
///
/// # Errors
/// As [`channel_scale`].
pub fn demodulation(n: usize, ins: usize, outs: usize) -> Result<Launch<DemodulationParams>> {
    let params =
        DemodulationParams { samples: int(n, "samples")?, ins: int(ins, "channels")?, outs: int(outs, "channels")? };
    // A result for each warp.
    Launch::new(Kernel::new("modulate", "demodulation"), (n * outs).div_ceil(THREADS as usize / 32), 0, params)
}

/// Parameters of `flip_transpose`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlipTransposeParams {
    at: Elements,
    columns: i32,
    transpose: i32,
    flip: i32,
}

/// x `[a, b, kernel]` -> with a and b exchanged if `transpose`, kernels turned by 180 degrees if `flip`.
///
/// # Errors
/// As [`channel_scale`].
pub fn flip_transpose([a, b, kernel]: [usize; 3], transpose: bool, flip: bool) -> Result<Launch<FlipTransposeParams>> {
    let columns = int(if transpose { a } else { b }.max(1), "channels")?;
    let params = FlipTransposeParams {
        at: Elements::new(a * b, kernel)?,
        columns,
        transpose: transpose.into(),
        flip: flip.into(),
    };
    Launch::elementwise(Kernel::new("modulate", "flip_transpose"), a * b * kernel, params)
}
