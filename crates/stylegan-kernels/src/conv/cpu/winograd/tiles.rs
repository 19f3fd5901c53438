//! How images are cut into square output tiles, and how strips of them are read and written.
//!
//! Transforms work on vectors along the channels: `V::LANES` channels of a strip of pixels are
//! transposed from planes to `[row][column][LANES]` once, and back after the output transform.

use super::transforms::Scheme;
use crate::cpu::Vector;
use std::ops::Range;

/// Tiles in a strip at most, if each step of a tile is `step` pixels: the strip of an input then
/// fits the nearest caches.
pub(super) const fn most(step: usize) -> usize {
    16 / step
}

/// The tiles of a batch, numbered image by image, row by row.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// Tiles down and across an image.
    pub(super) down: usize,
    pub(super) across: usize,
    pub(super) count: usize,
    /// Places along a side of a tile.
    side: usize,
}

/// Neighbouring tiles of one row of an image.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) image: usize,
    /// The first place.
    pub(super) y: usize,
    pub(super) x: usize,
    /// The number of tiles.
    pub(super) len: usize,
    /// The number of the first tile, from the start of the range.
    pub(super) first: usize,
}

impl Tiles {
    /// Tiles of `n` images of `h` by `w` places (output pixels, or groups of one per phase).
    pub(super) fn new<S: Scheme>(n: usize, h: usize, w: usize) -> Self {
        let (down, across) = (h.div_ceil(S::OUT), w.div_ceil(S::OUT));
        Self { down, across, count: n * down * across, side: S::OUT }
    }

    /// The runs of at most `most` tiles that make up a range of tiles.
    pub(super) fn runs(self, range: Range<usize>, most: usize) -> impl Iterator<Item = Run> {
        let mut tile = range.start;
        std::iter::from_fn(move || {
            (tile < range.end).then(|| {
                let (row, x) = (tile / self.across, tile % self.across);
                let len = (self.across - x).min(range.end - tile).min(most);
                let first = tile - range.start;
                tile += len;
                Run { image: row / self.down, y: row % self.down * self.side, x: x * self.side, len, first }
            })
        })
    }
}

/// The phases (1 or 4: rows and columns by parity) that take part in a point, as runs of neighbours.
/// Where `taps` are an odd number, the filters of the second phases have a single row (column): they are
/// absent from the last row (column) of points.
pub(super) fn taking_part<S: Scheme>(point: usize, phases: usize, taps: usize) -> impl Iterator<Item = Range<usize>> {
    let absent = |place: usize| taps < S::STEP * S::TAPS && phases > 1 && place + 1 == S::SIDE;
    let [row, col] = [point / S::SIDE, point % S::SIDE].map(absent);
    let rows = if row { phases / 2 } else { phases };
    let len = if col { 1 } else { rows };
    (0..rows).step_by(if col { 2 } else { rows }).map(move |first| first..first + len)
}

/// Whether a phase takes part in the last row, and in the last column of points.
pub(super) fn last<S: Scheme>(phase: usize, taps: usize) -> [bool; 2] {
    [phase / 2, phase % 2].map(|second| taps == S::STEP * S::TAPS || second == 0)
}

/// Some channels of one image: a strip is read from or written to these planes.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    /// Offset of the first plane, and the number of planes (at most `LANES`).
    pub(super) start: usize,
    pub(super) channels: usize,
    pub(super) h: usize,
    pub(super) w: usize,
}

/// Columns a strip buffer needs for `cols` columns: reads and writes work in blocks of `LANES`.
pub(super) const fn strip_len<V: Vector>(rows: usize, cols: usize) -> usize {
    rows * (cols + V::LANES) * V::LANES
}

/// Reads rows `y..` and columns `x..` of the planes to `strip` `[rows][cols][LANES]`; zero outside
/// the image. Lanes beyond the last channel hold anything.
///
/// # Safety
/// Inside `V::enter`; `strip` has [`strip_len`] elements.
#[inline(always)]
pub(super) unsafe fn read<V: Vector>(
    from: &[V::Elem],
    planes: Planes,
    [y, x]: [isize; 2],
    (rows, cols): (usize, usize),
    strip: *mut V::Elem,
    zero: V,
) {
    let (l, Planes { start, channels, h, w }) = (V::LANES, planes);
    // The part of the columns inside the image.
    let left = (-x).clamp(0, cols as isize) as usize;
    let right = (w as isize - x).clamp(left as isize, cols as isize) as usize;
    for r in 0..rows {
        // SAFETY: `strip` has room for LANES columns more than these; reads from the planes are
        // kept inside `from`, whole blocks or element by element.
        unsafe {
            let line = strip.add(r * cols * l);
            let row = y + r as isize;
            let inside = if row < 0 || row >= h as isize { left..left } else { left..right };
            for col in inside.clone().step_by(l) {
                let at = start + row as usize * w + (x + col as isize) as usize;
                let to = line.add(col * l);
                if at + (l - 1) * h * w + l <= from.len() {
                    V::transpose(from.as_ptr().add(at), h * w, to, l);
                } else {
                    for lane in 0..channels {
                        for i in 0..l.min(right - col) {
                            *to.add(i * l + lane) = from[at + lane * h * w + i];
                        }
                    }
                }
            }
            // After the blocks, which may have written over the right border.
            for col in (0..inside.start).chain(inside.end..cols) {
                zero.store(line.add(col * l));
            }
        }
    }
}

/// Writes `strip` `[rows][cols][LANES]` to the planes from row `y` and column `x` on; what lies
/// outside the image is left out.
///
/// # Safety
/// Inside `V::enter`; `strip` has [`strip_len`] elements, `to` is the whole output, and nobody else writes these pixels; `block` has
/// `LANES²` elements.
#[inline(always)]
pub(super) unsafe fn write<V: Vector>(
    strip: *const V::Elem,
    (rows, cols): (usize, usize),
    [y, x]: [isize; 2],
    planes: Planes,
    to: *mut V::Elem,
    block: *mut V::Elem,
) {
    let (l, Planes { start, channels, h, w }) = (V::LANES, planes);
    let inside = |at: isize, len: usize, side: usize| {
        let first = (-at).clamp(0, len as isize);
        (first as usize, (side as isize - at).clamp(first, len as isize) as usize)
    };
    let ((top, mut bottom), (left, mut right)) = (inside(y, rows, h), inside(x, cols, w));
    if (left, right) == (0, w) && cols == w && top < bottom {
        // Whole rows lie end to end, in the strip and in the image.
        (bottom, right) = (top + 1, (bottom - top) * cols);
    }
    for r in top..bottom {
        for col in (left..right).step_by(l) {
            // SAFETY: pixels and channels inside the image.
            unsafe {
                let from = strip.add((r * cols + col) * l);
                let to = to.add(start + (y + r as isize) as usize * w + (x + col as isize) as usize);
                if channels == l && col + l <= right {
                    V::transpose(from, l, to, h * w);
                } else {
                    V::transpose(from, l, block, l);
                    for lane in 0..channels {
                        std::ptr::copy_nonoverlapping(block.add(lane * l), to.add(lane * h * w), l.min(right - col));
                    }
                }
            }
        }
    }
}
