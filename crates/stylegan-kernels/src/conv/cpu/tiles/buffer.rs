//! Lines of the cache in the workspace of a thread.

use crate::cpu::Scratch;
use crate::tiles::{Pairs, SIDE};

/// Lines of pairs, which hold whatever was left there until they are written.
pub(super) struct LineBuffer(Scratch<u32>);

impl LineBuffer {
    /// Room for `lines` lines.
    pub(super) fn take(lines: usize) -> Self {
        Self(Scratch::take(lines * SIDE))
    }

    /// Their pairs, 16 a line.
    pub(super) fn numbers_mut(&mut self) -> &mut [u32] {
        &mut self.0
    }

    /// The lines.
    pub(super) fn lines(&self) -> &[Pairs] {
        let lines = self.0.len() / SIDE;
        // SAFETY: `lines` lines of 16 numbers are in the workspace, which begins on the boundary of a line.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), lines) }
    }
}
