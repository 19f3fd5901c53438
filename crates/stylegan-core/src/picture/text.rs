//! Text on pictures: Noto Sans Mono in two sizes, and whole multiples of the larger.

use deunicode::deunicode_char;
use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use std::borrow::Cow;

/// Stands for what neither the font has nor Latin letters spell.
const UNKNOWN: char = '?';

/// A text in letters that the font has: those of other scripts are spelt in Latin ones.
fn in_letters(text: &str) -> Cow<'_, str> {
    let has = |letter: char| get_raster(letter, FontWeight::Regular, RasterHeight::Size16).is_some();
    if text.chars().all(has) {
        return Cow::Borrowed(text);
    }
    let spell = |letter: char| match letter {
        letter if has(letter) => String::from(letter),
        letter => deunicode_char(letter).unwrap_or_default().into(),
    };
    let spelt: String = text.chars().map(spell).collect();
    // Spelt syllables come with a space behind them.
    Cow::Owned(spelt.trim_end().chars().map(|letter| if has(letter) { letter } else { UNKNOWN }).collect())
}

/// The lines that one text may take; the rest is cut off.
const MAX_LINES: usize = 3;

/// A size of the font.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Font {
    raster: RasterHeight,
    scale: u32,
}

impl Font {
    /// The size that reads well on a sheet of this many pixels across, seen whole on a screen.
    pub(super) fn for_width(pixels: u32) -> Self {
        match pixels {
            0..1600 => Font { raster: RasterHeight::Size16, scale: 1 },
            _ => Font { raster: RasterHeight::Size32, scale: ((pixels + 1000) / 2000).max(1) },
        }
    }

    /// Height of a line, in pixels.
    pub(super) fn height(self) -> u32 {
        self.raster.val() as u32 * self.scale
    }

    /// Width of `text`, in pixels.
    pub(super) fn width(self, text: &str) -> u32 {
        in_letters(text).chars().count() as u32 * self.advance()
    }

    fn advance(self) -> u32 {
        get_raster_width(FontWeight::Regular, self.raster) as u32 * self.scale
    }

    /// The lines in which `text` fits into `width` pixels: broken between words, in words longer than a line behind
    /// hyphens and the like, and what is longer still cut off. None where not three characters fit, which would say
    /// nothing.
    pub(super) fn wrap(self, text: &str, width: u32) -> Vec<String> {
        let (text, room) = (&*in_letters(text), (width / self.advance()) as usize);
        if room < 3 && text.chars().count() > room {
            return vec![];
        }
        let mut lines: Vec<String> = vec![];
        for word in text.split_whitespace() {
            let whole = word.chars().count() <= room;
            let parts = word.split_inclusive(|letter| !whole && ['-', '_', '/'].contains(&letter));
            for (i, part) in parts.enumerate() {
                let between = if i == 0 { " " } else { "" };
                match lines.last_mut() {
                    Some(line) if line.chars().count() + between.len() + part.chars().count() <= room => {
                        line.push_str(between);
                        line.push_str(part);
                    }
                    _ => lines.push(part.to_owned()),
                }
            }
        }
        let cut_off = lines.len() > MAX_LINES;
        lines.truncate(MAX_LINES);
        let last = lines.len().saturating_sub(1);
        for (i, line) in lines.iter_mut().enumerate() {
            let length = line.chars().count();
            if length > room || (cut_off && i == last) {
                *line = line.chars().take(length.min(room.saturating_sub(2))).chain("..".chars()).collect();
            }
        }
        lines
    }

    /// Draws one line in dark grey, its top left corner at (`left`, `top`); what is outside is cut off.
    pub(super) fn draw(self, sheet: &mut RgbImage, text: &str, left: u32, top: u32) {
        for (i, letter) in in_letters(text).chars().enumerate() {
            let Some(raster) = get_raster(letter, FontWeight::Regular, self.raster) else { continue };
            let (left, side) = (left + i as u32 * self.advance(), self.scale);
            for y in 0..raster.height() as u32 * side {
                for x in 0..raster.width() as u32 * side {
                    let ink = raster.pixel((x / side) as usize, (y / side) as usize).unwrap_or_default();
                    if let (1.., Some(pixel)) = (ink, sheet.get_pixel_mut_checked(left + x, top + y)) {
                        *pixel = Rgb([255 - (u32::from(ink) * 4 / 5) as u8; 3]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_fit() {
        let font = Font::for_width(1000);
        let room = |letters: u32| letters * font.advance();
        assert_eq!(font.wrap("evergreen needleleaf forest", room(20)), ["evergreen needleleaf", "forest"]);
        assert_eq!(font.wrap("evergreen needleleaf forest", room(9)), ["evergreen", "needlel..", "forest"]);
        assert_eq!(font.wrap("a b c d e", room(3)), ["a b", "c d", "e"]);
        assert_eq!(font.wrap("one two three four", room(5)), ["one", "two", "thr.."]);
        assert_eq!(font.wrap("IMG_holiday_beach_0001", room(14)), ["IMG_holiday_", "beach_0001"]);
        assert_eq!(font.wrap("of well-known", room(10)), ["of", "well-known"]);
        assert_eq!(font.wrap("265", room(3)), ["265"]);
        assert!(font.wrap("265", room(2)).is_empty() && font.wrap("", room(9)).is_empty());
        assert_eq!(font.wrap("7", room(1)), ["7"]);
    }

    #[test]
    fn other_scripts_are_spelt() {
        for (text, spelt) in [("Кошка 7", "Koshka 7"), ("猫", "Mao"), ("αβγ ü", "abg ü"), ("été", "été")]
        {
            assert_eq!(in_letters(text), spelt);
            let font = Font::for_width(1000);
            assert_eq!(font.width(text), font.width(spelt));
            assert_eq!(font.wrap(text, 1000), [spelt]);
        }
    }

    #[test]
    fn letters_leave_ink_and_stay_inside() {
        let font = Font::for_width(1000);
        let blank = RgbImage::from_pixel(font.width("ü"), font.height(), Rgb([255; 3]));
        let drawn = |text| {
            let mut picture = blank.clone();
            font.draw(&mut picture, text, 0, 0);
            picture
        };
        assert_ne!(drawn("ü"), blank);
        assert_ne!(drawn("ü"), drawn("u"));
        assert_eq!(drawn("\u{e000}"), drawn(""));
        assert_eq!(drawn("u more than fits"), drawn("u"));
        assert_eq!(Font::for_width(8000).height(), 128);
    }
}
