//! The sheet of `stylegan data show`: pictures from all over a set, their classes and label maps.

use crate::layout::LayoutArgs;
use crate::map_picture::{beside, map_picture};
use crate::status::Progress;
use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage};
use stylegan_core::picture::{Band, Sheet, to_pictures};
use stylegan_train::data::{ClassTable, Dataset, SampleRequest, class_colour};

/// Pictures read at a time, of at most 512x512 pixels; fewer of larger ones.
const BATCH: usize = 32;

/// Pictures on a sheet are shrunk to this many pixels a side.
const LARGEST_CELL: u32 = 1024;

/// Lays out `count` pictures from all over the set, with their classes below and their label maps
/// beside them.
pub(super) fn contact_sheet(set: &Dataset, count: usize, layout: &LayoutArgs) -> anyhow::Result<Sheet> {
    let count = count.min(set.len());
    let [h, w] = set.image_size();
    let cell = if set.has_maps() { [h, 2 * w] } else { [h, w] };
    let across = layout.columns(count, cell)?;
    let requests: Vec<_> = (0..count).map(|i| SampleRequest::whole(i * set.len() / count)).collect();
    let progress = Progress::new("reading pictures", count);
    let mut pictures = Vec::with_capacity(count);
    let mut pixels = [0u64; 256];
    for requests in requests.chunks((BATCH * 512 * 512 / (h * w)).clamp(1, BATCH)) {
        let read: Vec<_> = to_pictures(&set.load(requests)?.images)?.into_iter().map(small).collect();
        if set.has_maps() {
            let maps = coloured(&set.load_maps(requests)?, set.class_table(), &mut pixels)?;
            pictures.extend(read.iter().zip(&maps).map(|(picture, map)| Some(beside(picture, map))));
        } else {
            pictures.extend(read.into_iter().map(Some));
        }
        progress.advance(requests.len());
    }
    let captions: Vec<_> = requests.iter().filter_map(|request| set.labels().class_name(request.index)).collect();
    let mut bands = vec![Band { across, pictures, captions, ..Band::default() }];
    if set.has_maps() {
        bands.push(legend(&pixels, set.class_table(), [h, w], 2 * across));
    }
    Ok(layout.sheet(bands))
}

/// Label maps `[n, h, w]` as pictures, each class in a colour of its own; `pixels` counts the classes'.
fn coloured(maps: &Tensor, table: Option<&ClassTable>, pixels: &mut [u64; 256]) -> anyhow::Result<Vec<RgbImage>> {
    let (_, h, w) = maps.dims3()?;
    let values = maps.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<u8>()?;
    values.iter().for_each(|&class| pixels[usize::from(class)] += 1);
    Ok(values.chunks_exact(h * w).map(|map| small(map_picture(map, [h, w], table))).collect())
}

/// A picture no larger than it is worth on a sheet.
fn small(picture: RgbImage) -> RgbImage {
    let (w, h) = picture.dimensions();
    let factor = w.max(h).div_ceil(LARGEST_CELL);
    if factor <= 1 { picture } else { image::imageops::thumbnail(&picture, (w / factor).max(1), (h / factor).max(1)) }
}

/// The colours of the classes on the sheet, with their share of the pixels there.
fn legend(pixels: &[u64; 256], table: Option<&ClassTable>, [h, w]: [usize; 2], across: usize) -> Band {
    let all: u64 = pixels.iter().sum();
    let present = (0..=255u8).filter(|&class| pixels[usize::from(class)] > 0);
    let swatch = |class| RgbImage::from_pixel(w as u32, h.div_ceil(6) as u32, Rgb(class_colour(class, table)));
    let name = |class: u8| match table.and_then(|table| table.classes().get(usize::from(class))) {
        Some(named) => named.name.clone(),
        None => class.to_string(),
    };
    let share = |class: u8| match 100.0 * pixels[usize::from(class)] as f64 / all as f64 {
        ..0.1 => format!("{}: 0.0 %", name(class)),
        share @ 9.95.. => format!("{}: {share:.0} %", name(class)),
        share => format!("{}: {share:.1} %", name(class)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_counted() -> anyhow::Result<()> {
        let maps = Tensor::new(&[0u8, 0, 0, 7], &Device::Cpu)?.reshape((2, 1, 2))?;
        let mut pixels = [0; 256];
        let pictures = coloured(&maps, None, &mut pixels)?;
        assert_eq!(pictures[1].get_pixel(1, 0), &Rgb(class_colour(7, None)));
        let legend = legend(&pixels, None, [6, 6], 4);
        assert_eq!(legend.captions, ["0: 75 %", "7: 25 %"]);
        Ok(())
    }
}
