//! Launches of `upfirdn2d.cu`: upsampling, filtering and downsampling.

use super::epilogue::Epilogue;
use super::launch::{Kernel, Launch, MOST_SHARED, int};
use crate::upfirdn2d::Filter;
use candle_core::Result;

/// Outputs of a tile along each axis; a warp has as many lanes.
const SIDE: usize = 32;

/// One axis of the operation, and of its tiles.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    input: i32,
    output: i32,
    up: i32,
    down: i32,
    pad: i32,
    taps: i32,
    outs: i32,
    ins: i32,
}

/// Parameters of the kernels of this family.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpFirDnParams {
    x: Axis,
    y: Axis,
    tiles_x: i32,
    tiles_y: i32,
    end: Epilogue,
}

/// What is done to planes, as in [`upfirdn2d`](crate::upfirdn2d()); `x` before `y`.
#[derive(Debug, Clone, Copy)]
pub struct UpFirDn<'a> {
    /// The filter.
    pub filter: &'a Filter,
    /// Factors of upsampling.
    pub up: [usize; 2],
    /// Factors of downsampling.
    pub down: [usize; 2],
    /// Pixels added before the first, negative to crop.
    pub pad: [i64; 2],
    /// Correlate instead of convolving.
    pub flip: bool,
    /// Factor of the result.
    pub gain: f64,
}

/// (x `[planes, h, w]`, taps, scale, noise, strength, bias) -> `[planes, oh, ow]`, then `end`. The second result are the
/// taps, as the kernel reads them.
///
/// # Errors
/// When a size has more than 31 bits, or the filter is larger than a tile can be.
pub fn upfirdn2d(
    planes: usize,
    [h, w]: [usize; 2],
    [oh, ow]: [usize; 2],
    op: UpFirDn,
    end: Epilogue,
) -> Result<(Launch<UpFirDnParams>, Vec<f32>)> {
    let filter = if op.flip { op.filter.clone() } else { op.filter.flipped() };
    let (fh, fw) = filter.size();
    let single = |taps: &[f64], gain: f64| -> Vec<f32> { taps.iter().map(|t| (t * gain) as f32).collect() };
    let (kernel, taps) = match filter.factors() {
        Some((column, row)) => {
            let kernel = match (op.up, op.down) {
                ([1, 1], [1, 1]) => Kernel::new("upfirdn2d", "upfirdn2d_same"),
                ([2, 2], [1, 1]) => Kernel::new("upfirdn2d", "upfirdn2d_up2"),
                ([1, 1], [2, 2]) => Kernel::new("upfirdn2d", "upfirdn2d_down2"),
                _ => Kernel::new("upfirdn2d", "upfirdn2d_separable"),
            };
            (kernel, [single(row, 1.), single(column, op.gain)].concat())
        }
        None => (Kernel::new("upfirdn2d", "upfirdn2d"), single(filter.taps(), op.gain)),
    };
    let separable = filter.factors().is_some();
    // The inputs that reach `outs` outputs in a row.
    let ins = |outs: usize, i: usize, taps: usize| ((outs - 1) * op.down[i] + taps).div_ceil(op.up[i]);
    let floats = |[columns, rows]: [usize; 2]| {
        let (wide, high) = (ins(columns, 0, fw), ins(rows, 1, fh));
        taps.len() + high * (wide + if separable { columns } else { 0 })
    };
    let mut outs = [SIDE.min(ow.max(1)), SIDE.min(oh.max(1))];
    while floats(outs) * size_of::<f32>() > MOST_SHARED {
        let longer = usize::from(outs[1] >= outs[0]);
        if outs[longer] == 1 {
            candle_core::bail!("upfirdn2d: a filter of {fh}x{fw} taps is larger than the GPU's shared memory holds")
        }
        outs[longer] = outs[longer].div_ceil(2);
    }
    let axis = |i: usize, input: usize, output: usize, taps: usize| -> Result<Axis> {
        let pad = i32::try_from(op.pad[i]).map_err(candle_core::Error::wrap)?;
        Ok(Axis {
            input: int(input, "pixels")?,
            output: int(output, "pixels")?,
            up: int(op.up[i], "pixels")?,
            down: int(op.down[i], "pixels")?,
            pad,
            taps: int(taps, "taps")?,
            outs: int(outs[i], "pixels")?,
            ins: int(ins(outs[i], i, taps), "pixels")?,
        })
    };
    int(oh * ow, "pixels")?;
    int((ow + SIDE) * op.down[0] + fw, "pixels")?;
    int((oh + SIDE) * op.down[1] + fh, "pixels")?;
    let tiles = [ow.div_ceil(outs[0]), oh.div_ceil(outs[1])];
    let params = UpFirDnParams {
        x: axis(0, w, ow, fw)?,
        y: axis(1, h, oh, fh)?,
        tiles_x: int(tiles[0], "tiles")?,
        tiles_y: int(tiles[1], "tiles")?,
        end,
    };
    let shared = int(floats(outs) * size_of::<f32>(), "bytes")? as u32;
    Ok((Launch::new(kernel, planes * tiles[0] * tiles[1], shared, params)?, taps))
}
