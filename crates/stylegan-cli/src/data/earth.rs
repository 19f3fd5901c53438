//! `earth`: satellite photographs of the Earth's land with the land cover of every pixel.

use super::write::Sample;
use anyhow::Context;
use image::{GrayImage, RgbImage, imageops};
use stylegan_core::latent::StreamKey;

/// The whole Earth, 2700x1350 pixels (see `assets/earth/README.md`).
const PHOTO: &[u8] = include_bytes!("../../assets/earth/blue-marble.jpg");
/// Its land cover: IGBP classes 0 to 16.
const COVER: &[u8] = include_bytes!("../../assets/earth/land-cover.png");

/// The IGBP land-cover classes.
pub(crate) const CLASSES: [&str; 17] = [
    "water",
    "evergreen needleleaf forest",
    "evergreen broadleaf forest",
    "deciduous needleleaf forest",
    "deciduous broadleaf forest",
    "mixed forest",
    "closed shrubland",
    "open shrubland",
    "woody savanna",
    "savanna",
    "grassland",
    "wetland",
    "cropland",
    "urban",
    "cropland mosaic",
    "snow and ice",
    "barren",
];

/// Rows between which crops lie: 82.5 degrees north to 60 degrees south. Beyond there is only ice,
/// stretched by the projection.
const ROWS: std::ops::Range<u32> = 75..1125;
/// Pixels from one crop to the next, in both directions.
const STRIDE: usize = 8;
/// A crop needs more land than this part of it.
const MIN_LAND: f64 = 0.3;
/// Stripes from pole to pole that no picture of [`Part::Train`] touches: each so many columns wide, one at every so many, the
/// first from this column on: 120 to 100 degrees west, 0 to 20 and 120 to 140 east, across North America, Europe and Africa,
/// and Siberia, China and Australia. There is some of every class in them.
const HELD_WIDTH: u32 = 150;
const HELD_EVERY: u32 = 900;
const HELD_FIRST: u32 = 450;
/// The photograph is dark; brightening by this power shows what is on the land.
const GAMMA: f64 = 1.0 / 1.8;

/// Which crops of the Earth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All.
    All,
    /// Those that lie beside all stripes that are held back.
    Train,
    /// Those that lie within one.
    Held,
}

impl Part {
    /// The part that the built-in set `name` is.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "earth" => Self::All,
            "earth-train" => Self::Train,
            "earth-held" => Self::Held,
            _ => return None,
        })
    }

    /// The largest crops that it has, in pixels.
    pub(crate) fn largest(self) -> u32 {
        match self {
            Self::All | Self::Train => 512,
            Self::Held => 128,
        }
    }

    /// Whether it has the crop of `size` columns from `x` on.
    fn has(self, x: u32, size: u32) -> bool {
        // The crop and the stripe that begins last at or before the crop's end.
        let end = x + size - 1;
        let into = |column: u32| (column + HELD_EVERY - HELD_FIRST) % HELD_EVERY;
        let touches = into(end) < HELD_WIDTH + size - 1;
        let within = into(x) < HELD_WIDTH && into(x) + size <= HELD_WIDTH;
        match self {
            Self::All => true,
            Self::Train => !touches,
            Self::Held => within,
        }
    }
}

/// Cuts crops out of the Earth.
pub(crate) struct Earth {
    photo: RgbImage,
    cover: GrayImage,
    size: u32,
    /// The top left corner of each crop, in the order of the set.
    corners: Vec<(u32, u32)>,
    labelled: bool,
}

impl Earth {
    /// Finds all crops of `size` pixels that show land, in an order shuffled by `seed`, so that the
    /// first few of a set are from everywhere.
    pub(crate) fn new(size: u32, seed: u64, labelled: bool, part: Part) -> anyhow::Result<Self> {
        let mut photo = image::load_from_memory(PHOTO).context("the photograph of the Earth")?.to_rgb8();
        let brighter: [u8; 256] = std::array::from_fn(|v| ((v as f64 / 255.0).powf(GAMMA) * 255.0).round() as u8);
        photo.iter_mut().for_each(|v| *v = brighter[usize::from(*v)]);
        let cover = image::load_from_memory(COVER).context("the land cover of the Earth")?.to_luma8();
        let (photo, cover) = (wrapped(photo, size), wrapped(cover, size));
        let mut earth = Self { photo, cover, size, corners: Vec::new(), labelled };
        let width = earth.photo.width() - size;
        let mut corners = Vec::new();
        for y in (ROWS.start..=ROWS.end.saturating_sub(size)).step_by(STRIDE) {
            for x in (0..width).step_by(STRIDE).filter(|&x| part.has(x, size)) {
                let counts = earth.counts(x, y);
                let classes = counts.iter().filter(|&&count| count > 0).count();
                if land(&counts) > MIN_LAND && classes >= 2 {
                    corners.push((x, y));
                }
            }
        }
        let key = StreamKey::new(seed, "earth", 0);
        corners.sort_by_cached_key(|&(x, y)| (key.stream(u64::from(x), u64::from(y)).bits(), x, y));
        earth.corners = corners;
        Ok(earth)
    }

    /// Number of crops.
    pub(crate) fn len(&self) -> u64 {
        self.corners.len() as u64
    }

    /// The header of `attributes.csv`: where the crop lies (degrees of its centre), the part of it
    /// that is land, and its most frequent land cover.
    pub(crate) fn columns() -> Vec<&'static str> {
        vec!["latitude", "longitude", "land", "cover"]
    }

    /// Cuts one crop.
    pub(crate) fn cut(&self, number: u64) -> anyhow::Result<Sample> {
        let (x, y) = *self.corners.get(number as usize).context("there are not that many crops of the Earth")?;
        let counts = self.counts(x, y);
        let class = (1..CLASSES.len()).rev().max_by_key(|&class| counts[class]).unwrap_or_default();
        let half = f64::from(self.size) / 2.0;
        let degrees = 180.0 / f64::from(self.photo.height());
        let longitude = ((f64::from(x) + half) * degrees).rem_euclid(360.0) - 180.0;
        let latitude = 90.0 - (f64::from(y) + half) * degrees;
        Ok(Sample {
            picture: imageops::crop_imm(&self.photo, x, y, self.size, self.size).to_image(),
            map: Some(imageops::crop_imm(&self.cover, x, y, self.size, self.size).to_image()),
            class: self.labelled.then_some(class as u32),
            attributes: vec![
                format!("{latitude:.2}"),
                format!("{longitude:.2}"),
                format!("{:.3}", land(&counts)),
                CLASSES[class].to_string(),
            ],
        })
    }

    /// Pixels of each class in the crop at `(x, y)`.
    fn counts(&self, x: u32, y: u32) -> [u32; 17] {
        let mut counts = [0; CLASSES.len()];
        for row in y..y + self.size {
            let start = (row * self.cover.width() + x) as usize;
            for &class in &self.cover.as_raw()[start..start + self.size as usize] {
                counts[usize::from(class).min(CLASSES.len() - 1)] += 1;
            }
        }
        counts
    }
}

fn land(counts: &[u32]) -> f64 {
    f64::from(counts.iter().skip(1).sum::<u32>()) / f64::from(counts.iter().sum::<u32>())
}

/// The picture with its first `size` columns repeated at its right, so that crops pass the date line.
fn wrapped<P>(picture: image::ImageBuffer<P, Vec<u8>>, size: u32) -> image::ImageBuffer<P, Vec<u8>>
where
    P: image::Pixel<Subpixel = u8> + 'static,
{
    let (w, h) = picture.dimensions();
    image::ImageBuffer::from_fn(w + size, h, |x, y| *picture.get_pixel(x % w, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_show_land_and_know_it() -> anyhow::Result<()> {
        let earth = Earth::new(64, 3, true, Part::All)?;
        assert!(earth.len() > 10_000);
        for number in (0..earth.len()).step_by(500) {
            let sample = earth.cut(number)?;
            let map = sample.map.context("crops have label maps")?;
            assert_eq!((sample.picture.dimensions(), map.dimensions()), ((64, 64), (64, 64)));
            let pixels = |class: usize| map.iter().filter(|&&c| usize::from(c) == class).count();
            assert!(map.iter().all(|&class| usize::from(class) < CLASSES.len()));
            assert!(pixels(0) as f64 <= (1.0 - MIN_LAND) * 4096.0);
            let class = sample.class.context("labels were asked for")? as usize;
            assert!(class > 0 && (1..CLASSES.len()).all(|other| pixels(other) <= pixels(class)));
            assert_eq!(sample.attributes[3], CLASSES[class]);
        }
        Ok(())
    }

    /// No pixel of what is held back is in a picture to train on, however large crops are, and what is held back shows every
    /// class.
    #[test]
    fn what_is_held_back_is_nowhere_else() -> anyhow::Result<()> {
        for size in [8, 64, Part::Held.largest()] {
            let columns = |part: Part| {
                let mut found = vec![false; 2700];
                for x in (0..2700).filter(|&x| part.has(x, size)) {
                    (x..x + size).for_each(|column| found[column as usize % 2700] = true);
                }
                found
            };
            let (train, held) = (columns(Part::Train), columns(Part::Held));
            assert_eq!(train.iter().zip(&held).filter(|(train, held)| **train && **held).count(), 0, "{size}");
            assert_eq!(held.iter().filter(|held| **held).count(), 450, "{size}");
            assert_eq!(train.iter().filter(|train| **train).count(), 2250, "{size}");
        }
        let [all, train, held] = [Part::All, Part::Train, Part::Held].map(|part| Earth::new(64, 0, false, part));
        let (all, train, held) = (all?, train?, held?);
        assert!(held.len() > 1000 && train.len() > 4 * held.len() && train.len() + held.len() < all.len());
        let mut pixels = [0u64; CLASSES.len()];
        for &(x, y) in &held.corners {
            pixels.iter_mut().zip(held.counts(x, y)).for_each(|(sum, count)| *sum += u64::from(count));
        }
        assert!(pixels.iter().all(|&count| count > 4096), "{pixels:?}");
        Ok(())
    }

    #[test]
    fn the_photograph_and_the_map_lie_on_each_other() -> anyhow::Result<()> {
        let earth = Earth::new(8, 0, false, Part::All)?;
        // Water is bluer than land: by the difference of blue and red, over the whole Earth.
        let mut sums = [(0i64, 0i64); 2];
        for y in ROWS {
            for x in 0..2700 {
                let [r, _, b] = earth.photo.get_pixel(x, y).0.map(i64::from);
                let side = &mut sums[usize::from(earth.cover.get_pixel(x, y).0[0] > 0)];
                *side = (side.0 + b - r, side.1 + 1);
            }
        }
        let [water, land] = sums.map(|(sum, count)| sum as f64 / count as f64);
        assert!(water > 40.0 && land < 0.0, "water {water}, land {land}");
        Ok(())
    }
}
