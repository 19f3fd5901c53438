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

    /// How to gather what a range of positions meets at each tap.
    pub(super) fn plan(&self, positions: Range<usize>, taps: &[Tap]) -> Plan {
        let mut plan = Plan { step: self.step, pieces: Vec::new(), ends: Vec::with_capacity(taps.len()) };
        let plane = self.h * self.w;
        for tap in taps {
            let begin = plan.pieces.len();
            let mut add = |from: Option<usize>, len: usize| {
                let last = plan.pieces[begin..].last_mut();
                match (last, from) {
                    _ if len == 0 => {}
                    (Some(last), None) if last.from.is_none() => last.len += len,
                    (Some(last), Some(at)) if last.from.is_some_and(|from| from + last.len * self.step == at) => {
                        last.len += len;
                    }
                    _ => plan.pieces.push(Piece { from, len }),
                }
            };
            for segment in self.segments(positions.clone()) {
                let y = (segment.y * self.step) as isize + tap.dy;
                let x = (segment.x * self.step) as isize + tap.dx;
                let (first, last) = if y < 0 || y >= self.h as isize { (0, 0) } else { self.inside(x, segment.len) };
                add(None, first);
                if first < last {
                    let start = (x + (first * self.step) as isize) as usize;
                    add(Some(segment.image * self.channels * plane + y as usize * self.w + start), last - first);
                }
                add(None, segment.len - last);
            }
            plan.ends.push(plan.pieces.len());
        }
        plan
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

/// Copies that bring together what neighbouring output positions meet, of any channel.
pub(super) struct Plan {
    step: usize,
    pieces: Vec<Piece>,
    /// Where the pieces of each tap end.
    ends: Vec<usize>,
}

/// Numbers that lie a step apart.
struct Piece {
    /// Where they start in the first channel; zeros if they are outside the images.
    from: Option<usize>,
    len: usize,
}

impl Plan {
    /// Copies what the positions meet at tap number `tap`, end to end. `plane` is where the channel's plane
    /// of the first image starts in `from`.
    ///
    /// Whole vectors are written: up to `V::LANES - 1` elements behind the last position are spoilt.
    ///
    /// # Safety
    /// Inside `V::enter`; `to` has room, and `from` holds the images of the grid.
    #[inline(always)]
    pub(super) unsafe fn gather<V: Vector>(&self, from: &[V::Elem], plane: usize, tap: usize, mut to: *mut V::Elem) {
        let begin = if tap == 0 { 0 } else { self.ends[tap - 1] };
        for piece in &self.pieces[begin..self.ends[tap]] {
            // SAFETY: the plan's positions lie inside the images; what a vector reads behind them is
            // inside `from`.
            unsafe {
                match piece.from {
                    None => {
                        for i in (0..piece.len).step_by(V::LANES) {
                            V::splat(V::Elem::from_f64(0.)).store(to.add(i));
                        }
                    }
                    Some(start) => {
                        let start = plane + start;
                        let pixels = from.as_ptr().add(start);
                        if self.step == 1 && start + piece.len.next_multiple_of(V::LANES) <= from.len() {
                            for i in (0..piece.len).step_by(V::LANES) {
                                V::load(pixels.add(i)).store(to.add(i));
                            }
                        } else {
                            for i in 0..piece.len {
                                *to.add(i) = *pixels.add(i * self.step);
                            }
                        }
                    }
                }
                to = to.add(piece.len);
            }
        }
    }
}
