//! The size of pictures, as it is typed.

use std::ops::RangeInclusive;
use std::str::FromStr;

/// Pixels that a side can have.
pub(super) const SIDES: RangeInclusive<u32> = 4..=4096;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl FromStr for Size {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| match text.parse::<u32>() {
            Ok(side) if SIDES.contains(&side) => Ok(side),
            Ok(side) => Err(format!("{side} is not in {SIDES:?}")),
            Err(_) => Err("expected a number of pixels (64), or width and height (64x48)".to_string()),
        };
        let (width, height) = text.split_once(['x', 'X']).unwrap_or((text, text));
        Ok(Self { width: side(width)?, height: side(height)? })
    }
}

/// As it is typed: `64`, `64x48`.
impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.width == self.height {
            write!(f, "{}", self.width)
        } else {
            write!(f, "{}x{}", self.width, self.height)
        }
    }
}
