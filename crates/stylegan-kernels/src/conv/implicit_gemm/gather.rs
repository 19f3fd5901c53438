//! Which input pixels an output position meets, and how rows of them are copied.

use crate::cpu::Vector;
use candle_core::WithDType;
use std::ops::Range;

/// One tap of the kernel: output position `(y, x)` meets input pixel `(y step + dy, x step + dx)`.
#[derive(Clone, Copy)]
pub(super) struct Tap {
    pub(super) dy: isize,
    pub(super) dx: isize,
    /// Its place in the `r s` weights of a channel pair.
    pub(super) index: usize,
}

/// The output positions of a batch, in row-major order, and the input images they read.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    /// Output rows and columns.
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Input channels, height and width.
    pub(super) channels: usize,
    pub(super) h: usize,
    pub(super) w: usize,
    pub(super) step: usize,
}

/// Neighbouring output positions in one row of one image.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    pub(super) image: usize,
    pub(super) y: usize,
    pub(super) x: usize,
    pub(super) len: usize,
}

impl Grid {
    /// The segments that make up a range of positions.
    pub(super) fn segments(self, range: Range<usize>) -> impl Iterator<Item = Segment> {
        let mut at = range.start;
        std::iter::from_fn(move || {
            (at < range.end).then(|| {
                let (row, x) = (at / self.cols, at % self.cols);
                let len = (self.cols - x).min(range.end - at);
                at += len;
                Segment { image: row / self.rows, y: row % self.rows, x, len }
            })
        })
    }

    /// Copies what `segments` meet of one channel at one tap to `to`, end to end, zero outside the
    /// images.
    ///
    /// # Safety
    /// Inside `V::enter`; `to` has room, and `from` holds the images of the grid.
    #[inline(always)]
    pub(super) unsafe fn gather<V: Vector>(
        &self,
        from: &[V::Elem],
        channel: usize,
        tap: Tap,
        segments: &[Segment],
        mut to: *mut V::Elem,
    ) {
        let zero = V::Elem::from_f64(0.);
        for segment in segments {
            let len = segment.len;
            let y = (segment.y * self.step) as isize + tap.dy;
            let x = (segment.x * self.step) as isize + tap.dx;
            let (first, last) = if y < 0 || y >= self.h as isize { (0, 0) } else { self.inside(x, len) };
            // SAFETY: positions `first..last` of the segment lie inside the image.
            unsafe {
                for i in 0..first {
                    *to.add(i) = zero;
                }
                if first < last {
                    let line = ((segment.image * self.channels + channel) * self.h + y as usize) * self.w;
                    let start = (x + (first * self.step) as isize) as usize;
                    copy::<V>(from.as_ptr().add(line + start), self.step, to.add(first), last - first);
                }
                for i in last..len {
                    *to.add(i) = zero;
                }
                to = to.add(len);
            }
        }
    }

    /// Which of `len` positions from input column `x` on fall into the image.
    #[inline(always)]
    fn inside(&self, x: isize, len: usize) -> (usize, usize) {
        let (w, step) = (self.w as isize, self.step as isize);
        // Strides other than 1 and 2 are rare; these need no division.
        let up = |v: isize| match step {
            1 => v,
            2 => (v + 1) >> 1,
            _ => (v + step - 1) / step,
        };
        let first = (up((-x).max(0)) as usize).min(len);
        let last = (up((w - x).max(0)) as usize).clamp(first, len);
        (first, last)
    }
}

/// Copies `len` elements at a distance of `step`.
#[inline(always)]
unsafe fn copy<V: Vector>(from: *const V::Elem, step: usize, to: *mut V::Elem, len: usize) {
    // SAFETY: the caller's ranges.
    unsafe {
        if step == 1 && len >= V::LANES {
            let mut i = 0;
            while i + V::LANES <= len {
                V::load(from.add(i)).store(to.add(i));
                i += V::LANES;
            }
            // The rest by one more vector that overlaps the last.
            V::load(from.add(len - V::LANES)).store(to.add(len - V::LANES));
        } else if step == 1 {
            for i in 0..len {
                *to.add(i) = *from.add(i);
            }
        } else {
            for i in 0..len {
                *to.add(i) = *from.add(i * step);
            }
        }
    }
}
