//! The sizes of a network that doubles its resolution block by block.

use crate::{Error, Result};

/// The largest number of blocks: 4 to 1024 pixels.
pub(crate) const MAX_LEVELS: usize = 9;
/// The longest side of the smallest block. StyleGAN's square pictures have 4; any other size is
/// halved until its longer side is between 4 and this (or a side is odd).
const MAX_BASE: usize = 15;

/// Heights and widths of the blocks: level 0 is the base (4x4 for square powers of two, 3x4 for
/// 384x512), each further level doubles both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pyramid {
    base: [usize; 2],
    levels: usize,
}

impl Pyramid {
    /// The pyramid under pictures of `[h, w]` pixels: both sides are halved as long as both are
    /// even and the longer one stays at 4 or more.
    ///
    /// # Errors
    /// When that leaves a base too large to start from, no level to double, or more than 9 levels.
    pub fn new([h, w]: [usize; 2]) -> Result<Self> {
        let (mut base, mut levels) = ([h, w], 1);
        while base[0].max(base[1]) >= 8 && base[0].is_multiple_of(2) && base[1].is_multiple_of(2) {
            base = base.map(|side| side / 2);
            levels += 1;
        }
        let [bh, bw] = base;
        if bh == 0 || bw == 0 || !(4..=MAX_BASE).contains(&bh.max(bw)) || !(2..=MAX_LEVELS).contains(&levels) {
            return Err(Error::Config(format!(
                "img_size {h}x{w} does not fit: halved {} times it leaves {bh}x{bw}; choose height and width as one \
                 power of two (2 to 256) times a small base such as 4x4 or 3x4, for example 64x64 or 384x512",
                levels - 1
            )));
        }
        Ok(Self { base, levels })
    }

    /// The number of blocks.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Height and width of a level.
    pub fn size(&self, level: usize) -> [usize; 2] {
        self.base.map(|side| side << level)
    }

    /// The resolution a level is named after, 4 for the base: block `b{r}` of the checkpoint.
    pub fn resolution(level: usize) -> usize {
        4 << level
    }

    /// The level of detail that leaves the base alone.
    pub fn max_lod(&self) -> f64 {
        (self.levels - 1) as f64
    }

    /// The highest level in use at `lod`, and the weight of the level below it in the picture.
    ///
    /// # Errors
    /// When `lod` lies outside `0..=max_lod`.
    pub fn at_lod(&self, lod: f64) -> Result<(usize, f64)> {
        if !(0. ..=self.max_lod()).contains(&lod) {
            return Err(Error::Argument(format!("lod {lod} lies outside 0 to {} of this network", self.max_lod())));
        }
        Ok((self.levels - 1 - lod.floor() as usize, lod.fract()))
    }
}

/// Channels of a block: `channel_base / resolution`, at most `channel_max`, at least 1.
pub fn channels(channel_base: usize, channel_max: usize, resolution: usize) -> usize {
    (channel_base / resolution).clamp(1, channel_max.max(1))
}

/// The `channel_base` and `channel_max` under which blocks have `widths`, from the smallest up. Any
/// base that the widest block reaches will do; the narrower ones tell it exactly.
pub(crate) fn channel_rule(widths: &[usize]) -> (usize, usize) {
    let base = widths.iter().enumerate().map(|(level, c)| c.saturating_mul(Pyramid::resolution(level)));
    (base.max().unwrap_or(1), widths.iter().copied().max().unwrap_or(1))
}

/// Whether [`channels`] gives these widths.
pub(crate) fn follows_rule(widths: &[usize], channel_base: usize, channel_max: usize) -> bool {
    let mut levels = widths.iter().enumerate();
    levels.all(|(level, &c)| c == channels(channel_base, channel_max, Pyramid::resolution(level)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (size, base, levels) in [
            ([8, 8], [4, 4], 2),
            ([1024, 1024], [4, 4], 9),
            ([384, 512], [3, 4], 8),
            ([256, 512], [2, 4], 8),
            ([96, 96], [6, 6], 5),
            ([16, 64], [1, 4], 5),
        ] {
            let pyramid = Pyramid::new(size).unwrap();
            assert_eq!((pyramid.base, pyramid.levels), (base, levels), "{size:?}");
            assert_eq!(pyramid.size(levels - 1), size);
        }
        for size in [[4, 4], [0, 8], [7, 7], [2048, 2048], [100, 100], [1, 64]] {
            assert!(Pyramid::new(size).is_err(), "{size:?}");
        }
    }

    #[test]
    fn level_of_detail() {
        let pyramid = Pyramid::new([32, 32]).unwrap();
        assert_eq!(pyramid.at_lod(0.).unwrap(), (3, 0.));
        assert_eq!(pyramid.at_lod(1.25).unwrap(), (2, 0.25));
        assert_eq!(pyramid.at_lod(3.).unwrap(), (0, 0.));
        for lod in [-0.1, 3.1, f64::NAN] {
            assert!(pyramid.at_lod(lod).is_err());
        }
    }

    #[test]
    fn published_widths() {
        let widths: Vec<usize> = (0..9).map(|l| channels(16384, 512, Pyramid::resolution(l))).collect();
        assert_eq!(widths, [512, 512, 512, 512, 256, 128, 64, 32, 16]);
    }
}
