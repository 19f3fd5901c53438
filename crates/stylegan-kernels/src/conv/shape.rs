//! The sizes of a convolution.

use candle_core::Result;

/// What kind of member of the family an operation is, by its arguments and result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// (x, w) -> y
    Forward,
    /// (y, w) -> x
    Input,
    /// (x, y) -> w
    Weight,
}

/// `x` `[n, c, h, w]`, `w` `[k, c, r, s]`, `y` `[n, k, oh, ow]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) n: usize,
    pub(crate) c: usize,
    pub(crate) h: usize,
    pub(crate) w: usize,
    pub(crate) k: usize,
    pub(crate) r: usize,
    pub(crate) s: usize,
    pub(crate) oh: usize,
    pub(crate) ow: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

/// Pixels along a side of a convolution's result: none where the kernel is larger than the padded
/// image, the stride is 0, or the padded image is larger than any memory.
pub(crate) fn output_side(pixels: usize, taps: usize, stride: usize, padding: usize) -> Option<usize> {
    let padded = padding.checked_mul(2)?.checked_add(pixels).filter(|&side| isize::try_from(side).is_ok())?;
    Some(padded.checked_sub(taps)?.checked_div(stride)? + 1)
}

impl Shape {
    /// The shape of the result of a kind.
    pub(crate) fn result(&self, kind: Kind) -> [usize; 4] {
        match kind {
            Kind::Forward => [self.n, self.k, self.oh, self.ow],
            Kind::Input => [self.n, self.c, self.h, self.w],
            Kind::Weight => [self.k, self.c, self.r, self.s],
        }
    }

    /// The same.
    ///
    /// # Errors
    /// When no memory can hold the result.
    pub(crate) fn checked_result(&self, kind: Kind) -> Result<[usize; 4]> {
        let result = self.result(kind);
        let bytes = result.iter().try_fold(size_of::<f64>(), |bytes, &side| bytes.checked_mul(side));
        if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            candle_core::bail!("a convolution's result of shape {result:?} is larger than any memory")
        }
        Ok(result)
    }
}
