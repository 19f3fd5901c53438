//! Who multiplies blocks: the processor, or its twin.

use super::block::{Blocks, LINE, Operands};
use super::twin::AddProduct;

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

/// Whether the processor multiplies tiles of bf16 numbers (AMX-BF16), and the system lets this process do it.
pub fn available() -> bool {
    Engine::best() != Engine::Twin
}

/// What multiplies blocks on one thread.
pub(crate) enum Multiplier {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx(super::amx::Tiles),
    Twin,
}

impl Multiplier {
    /// The sums of all steps for the left tiles that begin at the lines `left` and the right tiles that begin at the lines
    /// `right`. `pixels` says how many rows of each left tile are wanted. Where both right tiles begin at one line, only the
    /// sums of the first are. All other sums are unspecified.
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
        if operands.steps.list.is_empty() {
            *sums = Blocks::ZERO;
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
                *sums = Blocks::ZERO;
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
