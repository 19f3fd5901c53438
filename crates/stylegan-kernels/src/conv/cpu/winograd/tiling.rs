//! Where the tiles of a convolution lie.

use super::border::Border;
use super::tiles::Tiles;
use super::transforms::{F4x2, Scheme};
use crate::conv::shape::{Kind, Shape};

/// What transforming a filter to the points of [`F4x2`] costs, in multiplications.
const FILTER: usize = 200;

/// The tiles of a convolution, or with turned filters of its input gradient.
#[derive(Clone, Copy)]
pub(super) struct Tiling {
    pub(super) tiles: Tiles,
    /// How far the first tiles reach over the first row and column, in and out.
    pub(super) padding: [isize; 2],
    pub(super) out_padding: [isize; 2],
    /// The place of the first tap among those of all phases.
    pub(super) lead: usize,
    /// What is left to direct products.
    pub(super) border: Border,
}

impl Tiling {
    pub(super) fn new<S: Scheme>(s: &Shape, turned: bool) -> Self {
        let padding = s.padding as isize;
        if !turned {
            let (tiles, border) = (Tiles::new(s.n, s.oh, s.ow), Border([false; 2]));
            return Self { tiles, padding: [padding; 2], out_padding: [0; 2], lead: 0, border };
        }
        // With an odd number of taps the first phase has one less: then the tiles begin with it.
        let lead = S::STEP * S::TAPS - s.r;
        let (step, reach) = (S::STEP as isize, padding + lead as isize);
        let border = Border::new(s, reach % step == 1);
        let left_out = border.0.map(isize::from);
        let out_padding = left_out.map(|left_out| reach % step - step * left_out);
        let places = |side: usize, over: isize| side.saturating_add_signed(over).div_ceil(S::STEP);
        Self {
            tiles: Tiles::new(s.n, places(s.h, out_padding[0]), places(s.w, out_padding[1])),
            padding: left_out.map(|left_out| S::TAPS as isize - 1 - reach / step - left_out),
            out_padding,
            lead,
            border,
        }
    }
}

/// Multiplications that [`F4x2`] takes for a pair of channels of one image.
pub(in crate::conv) fn f4x2_cost(kind: Kind, s: &Shape) -> usize {
    let tiling = Tiling::new::<F4x2>(&Shape { n: 1, ..*s }, kind == Kind::Input);
    FILTER + tiling.tiles.count * if s.r == 3 { 81 } else { 100 } + tiling.border.cost(s)
}
