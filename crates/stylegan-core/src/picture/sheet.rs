//! Sheets: pictures in rows, with gaps, headings and captions.

use super::enlarge;
use super::text::Font;
use image::{Rgb, RgbImage};

/// Small pictures are enlarged by the whole factor that brings a sheet nearest to this, `[h, w]` in
/// pixels: what a screen shows at once.
const SCREEN: [f64; 2] = [1300.0, 1000.0];

const WHITE: Rgb<u8> = Rgb([255; 3]);

/// Pictures of one size in rows, all rows but the last full.
#[derive(Debug, Clone, Default)]
pub struct Band {
    /// What the band shows, above it; empty for no line.
    pub title: String,
    /// What each column shows, above it; empty for no headings.
    pub columns: Vec<String>,
    /// What each row shows, at its left; empty for no headings.
    pub rows: Vec<String>,
    /// Pictures in a row, at least 1.
    pub across: usize,
    /// The pictures row by row; `None` leaves a place empty.
    pub pictures: Vec<Option<RgbImage>>,
    /// What each picture shows, below it; empty for no captions.
    pub captions: Vec<String>,
}

impl Band {
    /// `[h, w]` of the largest picture, in pixels.
    fn cell(&self) -> [u32; 2] {
        let pictures = || self.pictures.iter().flatten();
        [pictures().map(RgbImage::height).max().unwrap_or(0), pictures().map(RgbImage::width).max().unwrap_or(0)]
    }

    fn across(&self) -> usize {
        self.across.max(1)
    }

    fn down(&self) -> usize {
        self.pictures.len().div_ceil(self.across())
    }
}

/// Bands below one another.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// From top to bottom.
    pub bands: Vec<Band>,
    /// How many times pictures are enlarged, each pixel to a square; `None` for as much as brings small
    /// ones to the size of a screen.
    pub zoom: Option<u32>,
    /// Whether titles, headings and captions are drawn.
    pub text: bool,
}

impl Sheet {
    /// A sheet of these bands, enlarged to the size of a screen, with their text.
    pub fn new(bands: Vec<Band>) -> Self {
        Sheet { bands, zoom: None, text: true }
    }

    /// A sheet of pictures in [`columns`] of their number, with a caption each or none.
    pub fn of(pictures: Vec<RgbImage>, captions: Vec<String>) -> Self {
        let size = pictures.first().map_or([1, 1], |p| [p.height() as usize, p.width() as usize]);
        let across = columns(pictures.len(), size);
        let pictures = pictures.into_iter().map(Some).collect();
        Sheet::new(vec![Band { across, pictures, captions, ..Band::default() }])
    }

    /// Draws the sheet.
    pub fn draw(&self) -> RgbImage {
        let zoom = self.zoom.unwrap_or_else(|| self.fitting_zoom()).max(1);
        let widest = self.bands.iter().map(|band| band.across() as u32 * band.cell()[1] * zoom).max().unwrap_or(0);
        let (font, gap) = (Font::for_width(widest), (widest / 250).max(2));
        let rows = self.bands.iter().flat_map(|band| &band.rows).filter(|_| self.text);
        let margin = rows.map(|text| font.width(text)).max().map_or(0, |width| width + 2 * gap);
        let layout = Layout { zoom, gap, font, margin, text: self.text };
        let size = |band: &Band| layout.place(band, [gap, gap], &mut |_| ());
        // A title keeps away from the band above it.
        let above = |i: usize| {
            let titled = self.text && i > 0 && !self.bands[i].title.is_empty();
            if titled { font.height() } else { 0 }
        };
        let ends: Vec<_> = self.bands.iter().map(size).collect();
        let width = ends.iter().map(|end| end[1]).max().unwrap_or(0) + gap;
        let height = gap + ends.iter().enumerate().map(|(i, end)| end[0] + above(i)).sum::<u32>();
        let mut sheet = RgbImage::from_pixel(width, height, WHITE);
        let mut top = gap;
        for (i, band) in self.bands.iter().enumerate() {
            top += above(i);
            let mut draw = |item: Item| match item {
                Item::Text(text, [top, left]) => font.draw(&mut sheet, text, left, top),
                Item::Picture(picture, [top, left]) => {
                    image::imageops::replace(&mut sheet, &enlarge(picture, zoom), left.into(), top.into());
                }
            };
            let [bottom, _] = layout.place(band, [top, gap], &mut draw);
            top = bottom + gap;
        }
        sheet
    }

    /// The factor that brings the pictures nearest to the size of a screen.
    fn fitting_zoom(&self) -> u32 {
        let height: u32 = self.bands.iter().map(|band| band.down() as u32 * band.cell()[0]).sum();
        let width = self.bands.iter().map(|band| band.across() as u32 * band.cell()[1]).max().unwrap_or(0);
        let [h, w] = [height, width].map(|side| f64::from(side.max(1)));
        (SCREEN[0] / h).min(SCREEN[1] / w).round() as u32
    }
}

/// What is drawn, with its top and left.
enum Item<'a> {
    Text(&'a str, [u32; 2]),
    Picture(&'a RgbImage, [u32; 2]),
}

/// The measures of a sheet, in pixels.
struct Layout {
    zoom: u32,
    gap: u32,
    font: Font,
    /// Room for the headings of rows.
    margin: u32,
    text: bool,
}

impl Layout {
    /// Places a band whose top left corner is given; returns its bottom and right.
    fn place(&self, band: &Band, [top, left]: [u32; 2], draw: &mut dyn FnMut(Item)) -> [u32; 2] {
        let (gap, line) = (self.gap, self.font.height());
        let [h, w] = band.cell().map(|side| side * self.zoom);
        let start = left + self.margin;
        let column = |i: usize| start + i as u32 * (w + gap);
        let right = column(band.across()) - gap;
        let lines = |texts: &[String]| if self.text { self.fit(texts, w) } else { vec![] };
        let depth = |lines: &[Vec<String>]| lines.iter().map(Vec::len).max().unwrap_or(0) as u32 * line;
        let centred = |lines: &[String], left: u32, top: u32, draw: &mut dyn FnMut(Item)| {
            for (i, text) in lines.iter().enumerate() {
                let indent = w.saturating_sub(self.font.width(text)) / 2;
                draw(Item::Text(text, [top + i as u32 * line, left + indent]));
            }
        };

        let mut top = top;
        if self.text {
            for text in self.font.wrap(&band.title, right - left) {
                draw(Item::Text(&text, [top, left]));
                top += line;
            }
            // The title belongs to the band, not to its first column.
            top += if band.title.is_empty() { 0 } else { gap };
        }
        let headings = lines(&band.columns);
        for (i, lines) in headings.iter().enumerate() {
            // Short headings stand on the pictures.
            let above = depth(&headings) - lines.len() as u32 * line;
            centred(lines, column(i), top + above, draw);
        }
        top += depth(&headings);
        let captions = lines(&band.captions);
        for (row, pictures) in band.pictures.chunks(band.across()).enumerate() {
            if let (true, Some(text)) = (self.text, band.rows.get(row)) {
                let indent = self.margin.saturating_sub(self.font.width(text) + 2 * gap);
                draw(Item::Text(text, [top + h.saturating_sub(line) / 2, left + indent]));
            }
            for (i, picture) in pictures.iter().enumerate() {
                if let Some(picture) = picture {
                    draw(Item::Picture(picture, [top, column(i)]));
                }
            }
            top += h + gap;
            let first = row * band.across();
            let captions = captions.get(first..captions.len().min(first + pictures.len())).unwrap_or_default();
            for (i, lines) in captions.iter().enumerate() {
                centred(lines, column(i), top - gap, draw);
            }
            // Captions stand nearer to their pictures than to the next row.
            top += if captions.iter().all(Vec::is_empty) { 0 } else { depth(captions) + line / 3 };
        }
        [top - gap, right]
    }

    /// The lines of each text that fit into `width` pixels. A first word that all share ("seed") goes
    /// where it does not fit on one line.
    fn fit(&self, texts: &[String], cell: u32) -> Vec<Vec<String>> {
        // Neighbours keep a letter apart, where there is room for that.
        let width = if cell > self.font.width("12345678") { cell - self.font.width(" ") } else { cell };
        let present = || texts.iter().filter(|text| !text.is_empty());
        let first = present().next().and_then(|text| text.split_once(' ')).map(|(word, _)| format!("{word} "));
        let shared = first.filter(|first| present().all(|text| text.starts_with(first.as_str())));
        let tight = present().any(|text| self.font.width(text) > cell);
        let without = shared.filter(|_| tight && present().count() > 1).unwrap_or_default();
        texts.iter().map(|text| self.font.wrap(text.strip_prefix(&without).unwrap_or(text), width)).collect()
    }
}

/// The number of columns for a sheet of `count` pictures of `[h, w]` pixels: full rows and a shape
/// between a square and 4:3 where both can be had; else a last row that lacks little.
pub fn columns(count: usize, [h, w]: [usize; 2]) -> usize {
    let cost = |columns: usize| {
        let rows = count.div_ceil(columns);
        let shape = (columns * w.max(1)) as f64 / (rows * h.max(1)) as f64;
        let stretched = (shape / (4.0 / 3.0)).ln().max(-shape.ln()).max(0.0);
        let lacking = columns * rows - count;
        // A ragged row is as bad as a sheet twice as wide, and worse the more it lacks.
        let ragged = if lacking == 0 { 0.0 } else { 0.65 + lacking as f64 / columns as f64 };
        stretched + ragged
    };
    (1..=count).min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_full_and_sheets_near_four_to_three() {
        let cases = [
            (1, 1, 1),
            (2, 2, 1),
            (3, 3, 1),
            (4, 2, 2),
            (5, 3, 2),
            (6, 3, 2),
            (7, 4, 2),
            (8, 4, 2),
            (9, 3, 3),
            (10, 5, 2),
            (11, 4, 3),
            (12, 4, 3),
            (13, 5, 3),
            (16, 4, 4),
            (20, 5, 4),
            (24, 6, 4),
            (25, 5, 5),
            (36, 6, 6),
            (48, 8, 6),
            (50, 10, 5),
            (64, 8, 8),
            (96, 12, 8),
            (100, 10, 10),
            (128, 16, 8),
            (256, 16, 16),
        ];
        for (count, across, down) in cases {
            let found = columns(count, [32, 32]);
            assert_eq!((found, count.div_ceil(found)), (across, down), "{count}");
        }
        // Primes: one place in five at most is empty from 17 on.
        for prime in [17usize, 19, 23, 29, 31, 37, 41, 43, 47, 97, 101, 997] {
            let across = columns(prime, [1, 1]);
            let places = across * prime.div_ceil(across);
            assert!((places - prime) * 5 <= across.max(5) * 2, "{prime}: {across} across, {places} places");
        }
        assert_eq!(columns(8, [10, 20]), 2, "wide pictures, high columns");
        assert_eq!(columns(0, [0, 0]), 1);
    }

    fn picture(value: u8) -> RgbImage {
        RgbImage::from_pixel(8, 4, Rgb([value; 3]))
    }

    #[test]
    fn pictures_keep_their_places() {
        let mut sheet = Sheet::of((1..=3).map(picture).collect(), vec![]);
        sheet.bands[0].across = 2;
        sheet.zoom = Some(2);
        let drawn = sheet.draw();
        // Two pixels around and between.
        assert_eq!(drawn.dimensions(), (2 + 16 + 2 + 16 + 2, 2 + 8 + 2 + 8 + 2));
        let at = |x, y| drawn.get_pixel(x, y).0[0];
        assert_eq!(
            [at(0, 0), at(2, 2), at(17, 9), at(18, 9), at(20, 2), at(2, 12), at(20, 12)],
            [255, 1, 1, 255, 2, 3, 255]
        );
    }

    #[test]
    fn small_pictures_fill_a_screen_and_large_ones_stay() {
        let width = |count: usize, side: u32| {
            let pictures = vec![RgbImage::new(side, side); count];
            Sheet::of(pictures, vec![]).draw().width()
        };
        for (count, side) in [(16, 32), (64, 32), (1, 16), (4, 64), (12, 64), (96, 32), (16, 256)] {
            assert!((750..1300).contains(&width(count, side)), "{count} of {side}: {}", width(count, side));
        }
        assert_eq!(width(4, 1024), 2 * 1024 + 3 * 8);
    }

    #[test]
    fn text_takes_room_only_where_there_is_some() {
        let band = |title: &str, columns: &[&str], rows: &[&str], captions: &[&str]| {
            let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            Band {
                title: title.to_owned(),
                columns: own(columns),
                rows: own(rows),
                across: 2,
                pictures: [1, 2, 3, 4].map(|v| Some(picture(v))).into(),
                captions: own(captions),
            }
        };
        let size = |band: Band, text| Sheet { zoom: Some(10), text, ..Sheet::new(vec![band]) }.draw().dimensions();
        let plain = size(band("", &[], &[], &[]), true);
        let grown = |band: Band| {
            assert_eq!(size(band.clone(), false), plain);
            let (w, h) = size(band, true);
            (w - plain.0, h - plain.1)
        };
        assert_eq!(grown(band("a title", &[], &[], &[])), (0, 16 + 2));
        assert_eq!(grown(band("", &["psi 1", "psi 0.7"], &[], &[])), (0, 16));
        assert_eq!(grown(band("", &[], &["seed 1", "seed 2"], &[])), (6 * 7 + 2 * 2, 0));
        assert_eq!(grown(band("", &[], &[], &["1", "2", "3", "4"])), (0, 32 + 2 * 5));
        // Eleven letters fit below a picture of 80 pixels: the word that is the same everywhere goes.
        let long = ["seed 1000000", "seed 2000000", "seed 3000000", "seed 4000000"];
        assert_eq!(grown(band("", &[], &[], &long)), (0, 32 + 2 * 5));
        assert_eq!(grown(band("", &[], &[], &["two words here", "x", "y", "z"])), (0, 48 + 2 * 5));
    }

    #[test]
    fn bands_follow_one_another() {
        let band = |value| Band { across: 1, pictures: vec![Some(picture(value)), None], ..Band::default() };
        let sheet = Sheet { zoom: Some(1), ..Sheet::new(vec![band(5), band(6)]) }.draw();
        assert_eq!(sheet.dimensions(), (12, 2 + (4 + 2 + 4) + 2 + (4 + 2 + 4) + 2));
        assert_eq!(sheet.get_pixel(2, 2).0[0], 5);
        assert_eq!(Sheet::new(vec![]).draw().dimensions(), (2, 2));
    }
}
