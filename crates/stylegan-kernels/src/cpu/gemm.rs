//! Matrix products of packed operands: `c = a b` or `c += a b`.
//!
//! The right operand is cut into panels of `V::COLS` columns, each stored step by step
//! (`[panel][depth][COLS]`): one step is `V::WIDTH` vector loads. The left operand comes in one of
//! two layouts, so that transforms that make vectors along the depth and transforms that make
//! vectors along the rows both store whole vectors: sliced, `[rows / ROWS][depth / LANES][ROWS][LANES]`,
//! or in panels `[rows / w][depth][w]` with `w` = [`row_panel`]. Each step of a tile multiplies `V::ROWS`
//! broadcast numbers of the left with the vectors of the right into registers.
//!
//! The order of all sums is fixed by the shapes.

use super::simd::{Tile, Vector};
use candle_core::WithDType;

/// The width of the panels of a left operand whose vectors run along the rows: the least common
/// multiple of a tile's rows and a vector.
pub(crate) const fn row_panel<V: Vector>() -> usize {
    let mut width = V::LANES;
    while !width.is_multiple_of(V::ROWS) {
        width += V::LANES;
    }
    width
}

/// A product of `rows` by `depth` by `cols`.
#[derive(Clone, Copy)]
pub(crate) struct Product<T> {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) depth: usize,
    pub(crate) a: *const T,
    /// Distance between row blocks (sliced) or panels of the left operand.
    pub(crate) a_block: usize,
    pub(crate) b: *const T,
    /// Distance between panels of the right operand.
    pub(crate) b_panel: usize,
    pub(crate) c: *mut T,
    pub(crate) c_stride: usize,
    pub(crate) accumulate: bool,
    /// Keep a block of rows in the first-level cache and run over all columns, or the reverse.
    pub(crate) rows_outside: bool,
}

/// The most elements a tile has on any instruction set.
const TILE: usize = 512;

/// Computes a product.
///
/// # Safety
/// The operands are packed for `V` as described above; `c` holds `rows` rows of `cols` elements at
/// a distance of `c_stride`. Padding of the operands is read but does not enter the result.
#[inline(always)]
pub(crate) unsafe fn product<V: Vector, const SLICED: bool>(p: Product<V::Elem>) {
    let panel = const { row_panel::<V>() };
    let mut rest = [<V::Elem as WithDType>::from_f64(0.); TILE];
    let (row_blocks, col_blocks) = (p.rows.div_ceil(V::ROWS), p.cols.div_ceil(V::COLS));
    let (outer, inner) = if p.rows_outside { (row_blocks, col_blocks) } else { (col_blocks, row_blocks) };
    for i in 0..outer {
        for j in 0..inner {
            let (row_block, col_block) = if p.rows_outside { (i, j) } else { (j, i) };
            let (row, col) = (row_block * V::ROWS, col_block * V::COLS);
            let (rows, cols) = ((p.rows - row).min(V::ROWS), (p.cols - col).min(V::COLS));
            // SAFETY: row blocks and column panels lie inside the packed operands; a tile that
            // reaches over the edge of `c` is computed aside and its part inside is copied.
            unsafe {
                let a = match SLICED {
                    true => p.a.add(row_block * p.a_block),
                    false => p.a.add(row / panel * p.a_block + row % panel),
                };
                let c = p.c.add(row * p.c_stride + col);
                let tile = Tile {
                    a,
                    a_step: panel,
                    b: p.b.add(col_block * p.b_panel),
                    depth: p.depth,
                    c,
                    c_stride: p.c_stride,
                    accumulate: p.accumulate,
                };
                if rows == V::ROWS && cols == V::COLS {
                    V::tile::<SLICED>(tile);
                    continue;
                }
                // The last rows in low tiles, if two of these are enough.
                let low = rows <= 2 * V::LOW;
                let height = if low { V::LOW } else { V::ROWS };
                for top in (0..rows).step_by(height) {
                    let height = height.min(rows - top);
                    let a = a.add(if SLICED { top * V::LANES } else { top });
                    let (tile, c) = (Tile { a, c: c.add(top * p.c_stride), ..tile }, c.add(top * p.c_stride));
                    if low && height == V::LOW && cols == V::COLS {
                        V::low_tile::<SLICED>(tile);
                        continue;
                    }
                    let aside = Tile { c: rest.as_mut_ptr(), c_stride: V::COLS, accumulate: false, ..tile };
                    match low {
                        true => V::low_tile::<SLICED>(aside),
                        false => V::tile::<SLICED>(aside),
                    }
                    for i in 0..height {
                        for j in 0..cols {
                            let (from, to) = (rest[i * V::COLS + j], c.add(i * p.c_stride + j));
                            *to = if p.accumulate { *to + from } else { from };
                        }
                    }
                }
            }
        }
    }
}

/// The micro-kernel: a tile of `R` rows (of the `V::ROWS` that are packed) by `W` vectors held in registers.
///
/// # Safety
/// As for [`product`], for one whole tile.
#[inline(always)]
pub(super) unsafe fn tile<V: Vector, const R: usize, const W: usize, const SLICED: bool>(t: Tile<V::Elem>) {
    // SAFETY: the loops stay inside the packed operands and the tile of `c`.
    unsafe {
        let mut sums = [[V::splat(<V::Elem as WithDType>::from_f64(0.)); W]; R];
        let (mut a, mut b) = (t.a, t.b);
        let (slice, row) = if SLICED { (V::LANES, V::LANES) } else { (t.depth, 1) };
        let step = if SLICED { 1 } else { t.a_step };
        let mut left = t.depth;
        while left > 0 {
            let steps = left.min(slice);
            for _ in 0..steps {
                let mut right = [V::splat(<V::Elem as WithDType>::from_f64(0.)); W];
                for j in 0..W {
                    right[j] = V::load(b.add(j * V::LANES));
                }
                for i in 0..R {
                    let factor = V::splat(*a.add(i * row));
                    for j in 0..W {
                        sums[i][j] = factor.mul_add(right[j], sums[i][j]);
                    }
                }
                // After the last step these lie behind the operands.
                a = a.wrapping_add(step);
                b = b.wrapping_add(W * V::LANES);
            }
            if SLICED {
                a = a.wrapping_add((V::ROWS - 1) * V::LANES);
            }
            left -= steps;
        }
        for i in 0..R {
            for j in 0..W {
                let c = t.c.add(i * t.c_stride + j * V::LANES);
                let sum = if t.accumulate { V::load(c).add(sums[i][j]) } else { sums[i][j] };
                sum.store(c);
            }
        }
    }
}
