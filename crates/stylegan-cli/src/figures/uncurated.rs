//! Figure 2: uncurated pictures at several sizes.

use super::Drawn;
use crate::latents::Latents;
use crate::network::Network;
use crate::status::Progress;
use image::RgbImage;
use image::imageops::{FilterType, replace, resize};
use stylegan_core::picture::{Band, enlarge, to_pictures};

/// How often the side of each column's pictures is halved; a column is as high as three of the
/// largest.
const HALVINGS: [u32; 6] = [0, 1, 2, 2, 3, 3];

/// Large pictures in a column.
const LARGE: u32 = 3;

/// Pictures of the figure.
pub(super) const COUNT: usize = {
    let (mut count, mut i) = (0, 0);
    while i < HALVINGS.len() {
        count += LARGE << HALVINGS[i];
        i += 1;
    }
    count as usize
};

/// The place that the figure takes, in large pictures.
pub(super) const PLACES: usize = 7;

/// The width that a figure of small pictures is enlarged to, in pixels.
const SCREEN: f64 = 1000.0;

/// Draws these seeds, and after them the lowest others.
pub(super) fn uncurated(network: &Network, seeds: &[u32], zoom: Option<u32>) -> anyhow::Result<Drawn> {
    let others = (0..).filter(|seed| !seeds.contains(seed));
    let seeds: Vec<u32> = seeds.iter().copied().chain(others).take(COUNT).collect();
    let progress = Progress::new("drawing uncurated pictures", COUNT);
    let latents = Latents::Seeds(seeds.clone());
    let mut pictures = Vec::with_capacity(COUNT);
    for start in (0..COUNT).step_by(network.batch()) {
        let n = network.batch().min(COUNT - start);
        let indices: Vec<u64> = seeds[start..start + n].iter().map(|&seed| seed.into()).collect();
        pictures.extend(to_pictures(&network.synthesize(&latents.styles(network, start, n)?, &indices)?)?);
        progress.advance(n);
    }
    let picture = compose(&pictures, zoom.unwrap_or_else(|| fitting_zoom(network)));
    let psi = network.truncation();
    let title = format!("Figure 2: uncurated pictures, psi {psi}");
    let band = Band { title, across: 1, pictures: vec![Some(picture)], ..Band::default() };
    Ok(Drawn { bands: vec![band], seeds })
}

/// A power of two, so that the smaller columns' pixels are squares too.
fn fitting_zoom(network: &Network) -> u32 {
    let columns: f64 = HALVINGS.iter().map(|&halvings| 0.5f64.powi(halvings as i32)).sum();
    let zoom = SCREEN / (columns * network.size()[1] as f64);
    2u32.pow(zoom.log2().round().max(0.0) as u32)
}

/// Columns of ever smaller pictures beside one another.
fn compose(pictures: &[RgbImage], zoom: u32) -> RgbImage {
    let (w, h) = pictures.first().map_or((0, 0), |p| (p.width() * zoom, p.height() * zoom));
    let widths = HALVINGS.map(|halvings| (w >> halvings).max(1));
    let mut sheet = RgbImage::from_pixel(widths.iter().sum(), LARGE * h, image::Rgb([255; 3]));
    let (mut left, mut rest) = (0, pictures.iter());
    for (halvings, width) in HALVINGS.into_iter().zip(widths) {
        let height = (h >> halvings).max(1);
        for (row, picture) in rest.by_ref().take((LARGE << halvings) as usize).enumerate() {
            replace(&mut sheet, &to_size(picture, width, height), left.into(), row as i64 * i64::from(height));
        }
        left += width;
    }
    sheet
}

/// A picture at a size: its pixels as squares where that is exact, else smoothly.
fn to_size(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let zoom = width / picture.width().max(1);
    if zoom > 0 && (picture.width() * zoom, picture.height() * zoom) == (width, height) {
        return enlarge(picture, zoom);
    }
    resize(picture, width, height, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_full_and_equally_high() {
        assert_eq!(COUNT, 3 + 6 + 12 + 12 + 24 + 24);
        let pictures: Vec<_> = (0..COUNT).map(|i| RgbImage::from_pixel(8, 16, image::Rgb([i as u8; 3]))).collect();
        for zoom in [1, 2, 8] {
            let sheet = compose(&pictures, zoom);
            assert_eq!(sheet.dimensions(), (18 * zoom, 48 * zoom));
            let mut seen: Vec<u8> = sheet.pixels().map(|p| p.0[0]).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..COUNT as u8).collect::<Vec<_>>(), "each picture once, and no place is empty");
            assert_eq!(sheet.get_pixel(0, 16 * zoom).0[0], 1);
            assert_eq!(sheet.get_pixel(8 * zoom, 0).0[0], 3);
        }
    }
}
