//! How much the pictures of a sample grid differ from each other, beside how much real ones do: a generator that has
//! collapsed makes nearly the same picture of all latents.

use crate::Result;
use crate::data::Dataset;
use crate::health::{Verdict, of_variety};
use crate::sample_grid::SampleGrid;
use crate::stats::Stats;
use candle_core::{DType, Device, Tensor};
use image::RgbImage;
use stylegan_core::picture::to_image;
use stylegan_kernels::resize_area;
use stylegan_metrics::features::{PerceptualDistance, StLpips};

/// Mean distance of generated pictures in statistics.
pub(crate) const FAKE: &str = "Variety/fake";
/// That of real ones.
pub(crate) const REAL: &str = "Variety/real";

/// The most pairs that are compared.
const PAIRS: usize = 32;
/// The side to which pictures are made smaller before, in pixels: whether they are alike is seen in small ones too, and all
/// sizes take the same time.
const SIDE: usize = 64;
/// Pairs that are compared at a time.
const BATCH: usize = 8;

/// What pictures of a grid are compared with: the real ones in the same cells.
pub(crate) struct Variety {
    /// Cells that are compared.
    pairs: Vec<[usize; 2]>,
    /// The real picture of each cell, `[1, 3, h, w]`, no larger than is looked at.
    reals: Vec<Tensor>,
    /// Their distances, and the side of the pictures that were compared: the same at each grid until pictures grow.
    of_reals: Option<(usize, Vec<f64>)>,
    /// Whether a grid has been varied since the run began or went on: pictures of young networks are all alike.
    has_varied: bool,
}

impl Variety {
    /// Reads the real pictures, once for all snapshots.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(crate) fn new(grid: &SampleGrid, dataset: &Dataset) -> Result<Self> {
        let reals = grid.reals(dataset)?.iter().map(|real| small(&image(real)?, SIDE)).collect::<Result<_>>()?;
        Ok(Self { pairs: grid.pairs(PAIRS), reals, of_reals: None, has_varied: false })
    }

    /// The perceptual distances (LPIPS, by the network that comes with the program) of pairs of the generated pictures
    /// `fakes` of all cells, and of the real ones, both as small as the `resolution` that trains. The pictures of a pair stand
    /// in one row, which in a set with classes is of one class. There are none where all real pictures of each row are one.
    ///
    /// # Errors
    /// When the device has no room.
    pub(crate) fn measure(&mut self, fakes: &[RgbImage], resolution: usize, device: &Device) -> Result<Stats> {
        let (network, side) = (StLpips::embedded(device)?, resolution.min(SIDE));
        let fakes = fakes.iter().map(image).collect::<Result<Vec<_>>>()?;
        let of_reals = match self.of_reals.take() {
            Some((known, found)) if known == side => found,
            _ => distances(&network, &self.reals, &self.pairs, side)?,
        };
        let mut stats = Stats::default();
        stats.extend(FAKE, distances(&network, &fakes, &self.pairs, side)?);
        stats.extend(REAL, of_reals.iter().copied());
        self.of_reals = Some((side, of_reals));
        Ok(stats)
    }

    /// Judges the mean distances of a grid: pictures that are alike are odd once they have not been.
    pub(crate) fn judge(&mut self, fake: f64, real: f64, by_class: bool) -> Verdict {
        let verdict = of_variety(fake, real, by_class);
        let had_varied = self.has_varied;
        self.has_varied |= verdict == Verdict::Good;
        if had_varied { verdict } else { Verdict::Good }
    }
}

/// A picture as an image `[1, 3, h, w]`.
fn image(picture: &RgbImage) -> Result<Tensor> {
    let size = [picture.height(), picture.width()].map(|pixels| pixels as usize);
    Ok(to_image(picture.as_raw(), size, 3)?)
}

/// Images `[n, 3, h, w]`, smaller where a side has more than `side` pixels.
fn small(images: &Tensor, side: usize) -> Result<Tensor> {
    let (_, _, h, w) = images.dims4()?;
    let to = |pixels: usize| (pixels * side.min(w.max(h))).div_ceil(w.max(h));
    Ok(resize_area(images, to(h), to(w))?)
}

/// The distances of pairs of images `[1, 3, h, w]`, which are made as small as `side` before.
fn distances(
    network: &dyn PerceptualDistance,
    images: &[Tensor],
    pairs: &[[usize; 2]],
    side: usize,
) -> Result<Vec<f64>> {
    let mut found = Vec::with_capacity(pairs.len());
    for pairs in pairs.chunks(BATCH) {
        let of_pairs = |at: usize| -> Result<Tensor> {
            small(&Tensor::cat(&pairs.iter().map(|pair| &images[pair[at]]).collect::<Vec<_>>(), 0)?, side)
        };
        let distances = network.distance(&of_pairs(0)?, &of_pairs(1)?)?;
        found.extend(distances.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec1::<f64>()?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use image::Rgb;

    /// A square of some place, size and colour on a background of another, with noise of its own.
    fn picture(kind: u32, noise: u32) -> RgbImage {
        let (x0, y0, side) = (kind * 7 % 20, kind * 5 % 18, 8 + kind * 3 % 9);
        let colour = |i: u32| Rgb([i * 53 % 200, i * 97 % 200, i * 31 % 200]);
        RgbImage::from_fn(32, 32, |x, y| {
            let inside = (x0..x0 + side).contains(&x) && (y0..y0 + side).contains(&y);
            let Rgb(levels) = colour(if inside { kind + 1 } else { 3 * kind + 7 });
            Rgb(levels.map(|level| (level + (x * 7 + y * 13 + noise * 5) % 11) as u8))
        })
    }

    #[test]
    fn a_collapsed_grid_is_told_from_a_varied_one() {
        let network = StLpips::embedded(&Device::Cpu).unwrap();
        let pairs: Vec<_> = (0..12).step_by(2).map(|i| [i, i + 1]).collect();
        let of = |kind: fn(u32) -> u32, side| {
            let images: Vec<_> = (0..12).map(|i| image(&picture(kind(i), i)).unwrap()).collect();
            distances(&network, &images, &pairs, side).unwrap()
        };
        for side in [32, 16] {
            let mean = |kind| {
                let found = of(kind, side);
                found.iter().sum::<f64>() / found.len() as f64
            };
            let verdict = |kind| of_variety(mean(kind), mean(|i| i), false);
            assert_eq!(verdict(|i| i + 30), Verdict::Good, "{side}");
            assert!(matches!(verdict(|_| 4), Verdict::Odd(_)), "{side}");
        }
    }
}
