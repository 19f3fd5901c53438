//! A block of two by two tiles: what the loops of a convolution ask for.

use super::bf16::Pairs;
use super::{SIDE, twin::AddProduct};

/// Sums of 16 outputs for 16 pixels, `[pixel][output]`.
pub(crate) type Tile = [[f32; SIDE]; SIDE];

/// Four tiles of sums, `[left tile][right tile]`, on the boundary of a cache line.
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
const LINE: usize = size_of::<Pairs>();

impl Steps {
    /// Adds the product of the left tile that begins so many lines on and the right one so many lines on.
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
    fn contain(&self, left: [usize; 2], right: [usize; 2]) -> bool {
        let [last_left, last_right] = self.steps.last;
        let left_end = left[0].max(left[1]) + last_left + (SIDE - 1) * self.stride;
        let right_end = right[0].max(right[1]) + last_right + SIDE - 1;
        left_end < self.left.len() && right_end < self.right.len()
    }
}

/// Who multiplies tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// The processor. Only [`best`](Self::best) makes this, where it may.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx(super::amx::Permission),
    /// Plain Rust.
    Twin,
}

impl Engine {
    /// The processor's tiles where they are to be had. The system is asked once.
    pub(crate) fn best() -> Self {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if let Some(permission) = super::amx::Permission::of_this_process() {
            return Self::Amx(permission);
        }
        Self::Twin
    }

    /// Runs `work` with what it multiplies blocks by on this thread.
    pub(crate) fn with_multiplier<R>(self, work: impl FnOnce(&Multiplier) -> R) -> R {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Amx(permission) => work(&Multiplier::Amx(super::amx::Tiles::configured(permission))),
            Self::Twin => work(&Multiplier::Twin),
        }
    }
}

/// What multiplies blocks on one thread.
pub(crate) enum Multiplier {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx(super::amx::Tiles),
    Twin,
}

impl Multiplier {
    /// The sums of all steps for the left tiles that begin at these lines and the right tiles that begin at
    /// these. Of the left tiles so many `pixels` are wanted, and of two right tiles that are one, the sums of the first; other
    /// sums are of any value.
    ///
    /// # Panics
    /// When a tile lies outside.
    pub(crate) fn sums(
        &self,
        operands: &Operands,
        left: [usize; 2],
        right: [usize; 2],
        pixels: [usize; 2],
        sums: &mut Blocks,
    ) {
        *sums = Blocks::ZERO;
        if operands.steps.list.is_empty() {
            return;
        }
        assert!(operands.contain(left, right), "a tile lies outside its matrix");
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Amx(tiles) => {
                // SAFETY: there is a step, and all tiles lie inside, as was just checked.
                unsafe {
                    let left = left.map(|line| operands.left.as_ptr().add(line));
                    let right = right.map(|line| operands.right.as_ptr().add(line));
                    tiles.sums(left, operands.stride, right, &operands.steps.list, sums);
                }
            }
            Self::Twin => {
                for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    if j == 1 && right[1] == right[0] {
                        continue;
                    }
                    for step in &operands.steps.list {
                        let lines = &operands.left[left[i] + step.left / LINE..];
                        let left = lines.iter().step_by(operands.stride).take(pixels[i]);
                        if let Some(right) = operands.right[right[j] + step.right / LINE..].first_chunk() {
                            AddProduct { left, right, sums: &mut sums.0[i][j] }.run();
                        }
                    }
                }
            }
        }
    }
}
