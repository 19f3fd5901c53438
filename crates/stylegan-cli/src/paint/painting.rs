//! A network that paints every map in every style.

use super::maps::Maps;
use super::painter::Painter;
use super::styles::Styles;
use crate::status::Progress;
use candle_core::Tensor;
use image::RgbImage;
use stylegan_core::picture::to_pictures;

pub(super) struct Painting {
    /// What it is called on sheets.
    pub(super) name: String,
    pub(super) painter: Painter,
    pub(super) maps: Maps,
    pub(super) styles: Styles,
}

impl Painting {
    /// How many pictures there are.
    pub(super) fn len(&self) -> usize {
        self.maps.all.len() * self.styles.len()
    }

    /// The map and the style of a picture.
    pub(super) fn pair(&self, i: usize) -> (usize, usize) {
        (i / self.styles.len(), i % self.styles.len())
    }

    /// Paints the pictures batch by batch; `f` receives the number of the first and `[n, c, h, w]`.
    pub(super) fn each_batch(&self, mut f: impl FnMut(usize, Tensor) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let progress = Progress::new("painting", self.len());
        let all: Vec<usize> = (0..self.len()).collect();
        for pictures in all.chunks(self.painter.batch()) {
            let (maps, styles): (Vec<_>, Vec<_>) = pictures.iter().map(|&i| self.pair(i)).unzip();
            let (classes, edges) = self.maps.batch(&maps)?;
            let z = self.styles.latents(&styles)?;
            f(pictures[0], self.painter.paint(&classes, edges.as_ref(), z.as_ref())?)?;
            progress.advance(pictures.len());
        }
        Ok(())
    }

    /// All pictures, map by map, each in all styles.
    pub(super) fn pictures(&self) -> anyhow::Result<Vec<RgbImage>> {
        let mut painted = Vec::with_capacity(self.len());
        self.each_batch(|_, images| {
            painted.extend(to_pictures(&images)?);
            Ok(())
        })?;
        Ok(painted)
    }
}
