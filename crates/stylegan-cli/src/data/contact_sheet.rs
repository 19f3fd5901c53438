//! The sheet of `stylegan data show`: pictures from all over a set, their classes and label maps.

use crate::layout::LayoutArgs;
use crate::status::Progress;
use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage};
use stylegan_core::picture::{Band, Sheet, to_pictures};
use stylegan_train::data::{Dataset, SampleRequest};

/// Pictures read at a time, of at most 512x512 pixels; fewer of larger ones.
const BATCH: usize = 32;

/// Pictures on a sheet are shrunk to this many pixels a side.
const LARGEST_CELL: u32 = 1024;

/// The value of pixels without a class, by custom.
const UNLABELLED: u8 = 255;

/// Lays out `count` pictures from all over the set, with their classes below and their label maps
/// beside them.
pub(super) fn contact_sheet(set: &Dataset, count: usize, layout: &LayoutArgs) -> anyhow::Result<Sheet> {
    let count = count.min(set.len());
    let [h, w] = set.image_size();
    let cell = if set.has_maps() { [h, 2 * w] } else { [h, w] };
    let across = layout.columns(count, cell)?;
    let requests: Vec<_> = (0..count).map(|i| SampleRequest { index: i * set.len() / count, mirror: false }).collect();
    let progress = Progress::new("reading pictures", count);
    let mut pictures = Vec::with_capacity(count);
    let mut pixels = [0u64; 256];
    for requests in requests.chunks((BATCH * 512 * 512 / (h * w)).clamp(1, BATCH)) {
        let read: Vec<_> = to_pictures(&set.load(requests)?.images)?.into_iter().map(small).collect();
        if set.has_maps() {
            let maps = coloured(&set.load_maps(requests)?, &mut pixels)?;
            pictures.extend(read.iter().zip(&maps).map(|(picture, map)| Some(beside(picture, map))));
        } else {
            pictures.extend(read.into_iter().map(Some));
        }
        progress.advance(requests.len());
    }
    let captions: Vec<_> = requests.iter().filter_map(|request| set.labels().class_name(request.index)).collect();
    let mut bands = vec![Band { across, pictures, captions, ..Band::default() }];
    if set.has_maps() {
        bands.push(legend(&pixels, [h, w], 2 * across));
    }
    Ok(layout.sheet(bands))
}

fn beside(picture: &RgbImage, map: &RgbImage) -> RgbImage {
    let mut both = RgbImage::new(picture.width() + map.width(), picture.height());
    image::imageops::replace(&mut both, picture, 0, 0);
    image::imageops::replace(&mut both, map, picture.width().into(), 0);
    both
}

/// Label maps `[n, h, w]` as pictures, each class in a colour of its own; `pixels` counts the classes'.
fn coloured(maps: &Tensor, pixels: &mut [u64; 256]) -> anyhow::Result<Vec<RgbImage>> {
    let (_, h, w) = maps.dims3()?;
    let values = maps.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<u8>()?;
    values.iter().for_each(|&class| pixels[usize::from(class)] += 1);
    let picture = |map: &[u8]| RgbImage::from_fn(w as u32, h as u32, |x, y| colour(map[y as usize * w + x as usize]));
    Ok(values.chunks_exact(h * w).map(picture).map(small).collect())
}

/// A picture no larger than it is worth on a sheet.
fn small(picture: RgbImage) -> RgbImage {
    let (w, h) = picture.dimensions();
    let factor = w.max(h).div_ceil(LARGEST_CELL);
    if factor <= 1 { picture } else { image::imageops::thumbnail(&picture, (w / factor).max(1), (h / factor).max(1)) }
}

/// The colours of the classes on the sheet, with their share of the pixels there.
fn legend(pixels: &[u64; 256], [h, w]: [usize; 2], across: usize) -> Band {
    let all: u64 = pixels.iter().sum();
    let present = (0..=255u8).filter(|&class| pixels[usize::from(class)] > 0);
    let swatch = |class| RgbImage::from_pixel(w as u32, h.div_ceil(6) as u32, colour(class));
    let share = |class: u8| match 100.0 * pixels[usize::from(class)] as f64 / all as f64 {
        ..0.1 => format!("{class}: 0.0 %"),
        share @ 9.95.. => format!("{class}: {share:.0} %"),
        share => format!("{class}: {share:.1} %"),
    };
    // Rows of the same length.
    let count = present.clone().count().max(1);
    let across = count.div_ceil(count.div_ceil(across));
    Band {
        title: "Values of the label maps and their share of these pixels".to_owned(),
        across,
        pictures: present.clone().map(|class| Some(swatch(class))).collect(),
        captions: present.map(share).collect(),
        ..Band::default()
    }
}

/// The colour of a class. Pixels without a class are grey; from 24 classes on colours come again.
fn colour(class: u8) -> Rgb<u8> {
    if class == UNLABELLED { Rgb([128; 3]) } else { Rgb(COLOURS[usize::from(class) % COLOURS.len()]) }
}

/// Calm colours, chosen one after the other to lie far from all before and from the grey of no class: in
/// OKLab (B. Ottosson, "A perceptual color space for image processing", 2020) of chroma up to 0.14.
#[rustfmt::skip]
const COLOURS: [[u8; 3]; 24] = [
    [91, 151, 211], [248, 208, 92], [147, 42, 51], [1, 123, 55], [253, 156, 221], [118, 66, 151],
    [158, 230, 204], [183, 145, 132], [58, 102, 109], [135, 107, 1], [135, 182, 81], [24, 167, 161],
    [178, 143, 239], [43, 213, 255], [227, 141, 61], [250, 135, 137], [230, 209, 176], [205, 209, 245],
    [42, 90, 171], [178, 80, 131], [128, 92, 85], [70, 94, 44], [86, 210, 152], [152, 124, 174],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_can_be_told_apart() {
        for a in 0..24u8 {
            for b in 0..a {
                let squares = colour(a).0.into_iter().zip(colour(b).0).map(|(a, b)| f64::from(a.abs_diff(b)).powi(2));
                let distance = squares.sum::<f64>().sqrt();
                assert!(distance > 50.0, "{a} {:?} and {b} {:?}", colour(a), colour(b));
            }
        }
        let greys = COLOURS.iter().filter(|[r, g, b]| r.max(g).max(b) - r.min(g).min(b) < 30);
        assert_eq!(greys.count(), 0);
    }

    #[test]
    fn maps_are_counted() -> anyhow::Result<()> {
        let maps = Tensor::new(&[0u8, 0, 0, 7], &Device::Cpu)?.reshape((2, 1, 2))?;
        let mut pixels = [0; 256];
        let pictures = coloured(&maps, &mut pixels)?;
        assert_eq!(pictures[1].get_pixel(1, 0), &colour(7));
        let legend = legend(&pixels, [6, 6], 4);
        assert_eq!(legend.captions, ["0: 75 %", "7: 25 %"]);
        Ok(())
    }
}
