//! A block of two by two tiles: what the loops of a convolution ask for.

use super::SIDE;
use super::bf16::Pairs;

/// Sums of 16 outputs for 16 pixels, `[pixel][output]`.
pub(crate) type Tile = [[f32; SIDE]; SIDE];

/// Four tiles of sums, `[left tile][right tile]`, on the boundary of a cache line.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Blocks(pub(crate) [[Tile; 2]; 2]);

impl Blocks {
    pub(crate) const ZERO: Self = Self([[[[0.; SIDE]; SIDE]; 2]; 2]);
}

/// Where the tiles of a step lie, counted in bytes from those of its first step.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) left: usize,
    pub(super) right: usize,
}

/// The tiles that are multiplied one after the other and summed up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps {
    pub(super) list: Vec<Step>,
    last: [usize; 2],
}

/// Bytes of a line of pairs.
pub(super) const LINE: usize = size_of::<Pairs>();

impl Steps {
    /// Adds the product of the left tile at line `left` and the right tile at line `right`, both counted from where the
    /// block begins.
    pub(crate) fn push(&mut self, left: usize, right: usize) {
        self.list.push(Step { left: left * LINE, right: right * LINE });
        self.last = [self.last[0].max(left), self.last[1].max(right)];
    }
}

/// What a block is made of: lines of pairs, and where its tiles begin in them.
pub(crate) struct Operands<'a> {
    /// The left side: a tile is 16 of these lines, `stride` apart.
    pub(crate) left: &'a [Pairs],
    pub(crate) stride: usize,
    /// The right side: a tile is 16 lines in a row.
    pub(crate) right: &'a [Pairs],
    pub(crate) steps: &'a Steps,
}

impl Operands<'_> {
    /// Whether the tiles of all steps that begin at these lines lie inside.
    pub(super) fn contain(&self, left: [usize; 2], right: [usize; 2]) -> bool {
        let [last_left, last_right] = self.steps.last;
        let left_end = left[0].max(left[1]) + last_left + (SIDE - 1) * self.stride;
        let right_end = right[0].max(right[1]) + last_right + SIDE - 1;
        left_end < self.left.len() && right_end < self.right.len()
    }
}
