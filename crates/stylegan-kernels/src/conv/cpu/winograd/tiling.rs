//! Where the tiles of a convolution lie.

use super::border::Border;
use super::tiles::Tiles;
use super::transforms::Scheme;
use crate::conv::shape::{Kind, Shape};

/// What transforming a filter to its points costs, in multiplications, and for each point transforming sums back to a filter.
const FILTER: usize = 200;
const SUMS: usize = 16;

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
            let (tiles, border) = (Tiles::new::<S>(s.n, s.oh, s.ow), Border([false; 2]));
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
            tiles: Tiles::new::<S>(s.n, places(s.h, out_padding[0]), places(s.w, out_padding[1])),
            padding: left_out.map(|left_out| S::TAPS as isize - 1 - reach / step - left_out),
            out_padding,
            lead,
            border,
        }
    }
}

/// Whether a scheme takes fewer multiplications for a pair of channels than the definition does.
pub(in crate::conv) fn pays_off<S: Scheme>(kind: Kind, s: &Shape) -> bool {
    let points = (S::STEP * S::SIDE - (S::STEP * S::TAPS - s.r)).pow(2);
    // How a picture is made must not depend on how many are made with it; gradients are sums over all anyway.
    let (images, filter) = if kind == Kind::Weight { (s.n, SUMS * points) } else { (1, FILTER) };
    let tiling = Tiling::new::<S>(&Shape { n: images, ..*s }, kind == Kind::Input);
    filter + tiling.tiles.count * points + images * tiling.border.cost(s) < images * s.r * s.r * s.oh * s.ow
}
