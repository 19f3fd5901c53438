//! `avatars`: drawn faces, aligned, every attribute known, with exact label maps.

use super::style::{Paint, Style, grey};
use super::write::Sample;
use anyhow::Context;
use image::{GrayImage, RgbImage};
use resvg::{tiny_skia, usvg};
use std::collections::BTreeMap;
use stylegan_core::latent::StreamKey;

/// Classes of the label maps from 1 up; 0 is the background.
pub(crate) const CLASSES: [&str; 9] =
    ["rearHair", "body", "head", "clothes", "mouth", "eyes", "eyebrows", "hair", "beard"];

/// The background colours.
const BACKGROUNDS: [&str; 5] = ["#b6e3f4", "#c0aede", "#d1d4f9", "#ffd5dc", "#ffdfbf"];

/// What distinguishes one avatar from another, in the order of the columns of `attributes.csv`.
pub(crate) const ATTRIBUTES: [Attribute; 11] = [
    Attribute::Variant("hair"),
    Attribute::Variant("rearHair"),
    Attribute::Variant("beard"),
    Attribute::Variant("eyes"),
    Attribute::Variant("eyebrows"),
    Attribute::Variant("mouth"),
    Attribute::Variant("clothes"),
    Attribute::Color("skinColor", "skin"),
    Attribute::Color("hairColor", "hair"),
    Attribute::Color("clothesColor", "clothes"),
    Attribute::Background,
];

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// The variant of a component, or `none`.
    Variant(&'static str),
    /// The colour of a role.
    Color(&'static str, &'static str),
    /// The colour behind the head.
    Background,
}

impl Attribute {
    /// Its name in `attributes.csv` and for `--label`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Variant(name) | Self::Color(name, _) => name,
            Self::Background => "background",
        }
    }

    /// Its values, and the part of avatars that do not have the first one, `none`.
    fn values(self, style: &Style) -> (Vec<&str>, f64) {
        match self {
            Self::Variant(component) => {
                let (mut values, probability) = style.variants(component);
                if probability < 1.0 {
                    values.insert(0, "none");
                }
                (values, probability)
            }
            Self::Color(_, role) => (style.colors(role), 1.0),
            Self::Background => (BACKGROUNDS.to_vec(), 1.0),
        }
    }
}

/// Draws avatars.
pub(crate) struct Avatars {
    style: Style,
    size: u32,
    seed: u64,
    /// The attribute (its number in [`ATTRIBUTES`]) that becomes the class, if any.
    label: Option<usize>,
}

impl Avatars {
    /// Avatars of `size` pixels; the same seed draws the same ones.
    pub(crate) fn new(size: u32, seed: u64, label: Option<&str>) -> anyhow::Result<Self> {
        let label = label.and_then(|label| ATTRIBUTES.iter().position(|attribute| attribute.name() == label));
        Ok(Self { style: Style::toon_head()?, size, seed, label })
    }

    /// The header of `attributes.csv`.
    pub(crate) fn columns() -> Vec<&'static str> {
        ATTRIBUTES.iter().map(|attribute| attribute.name()).collect()
    }

    /// The names of the classes, if an attribute is the label.
    pub(crate) fn classes(&self) -> Vec<String> {
        let values = self.label.map(|i| ATTRIBUTES[i].values(&self.style).0).unwrap_or_default();
        values.into_iter().map(str::to_string).collect()
    }

    /// Draws one avatar: a pure function of the seed and its number.
    pub(crate) fn draw(&self, number: u64) -> anyhow::Result<Sample> {
        let chosen = self.choose(number);
        let value = |i: usize| ATTRIBUTES[i].values(&self.style).0[chosen[i]];
        let mut variants = BTreeMap::from([("body", "body"), ("head", "head")]);
        let mut colors = BTreeMap::new();
        let mut background = BACKGROUNDS[0];
        for (i, attribute) in ATTRIBUTES.iter().enumerate() {
            match attribute {
                Attribute::Variant(component) => drop(variants.insert(component, value(i))),
                Attribute::Color(_, role) => drop(colors.insert(*role, value(i))),
                Attribute::Background => background = value(i),
            }
        }
        let picture = self.raster(&self.style.svg(&variants, background, &Paint::Colors(&colors)))?;
        let map = self.raster(&self.style.svg(&variants, &grey(0), &Paint::Classes(&CLASSES)))?;
        let map = GrayImage::from_fn(self.size, self.size, |x, y| image::Luma([map.get_pixel(x, y).0[0]]));
        Ok(Sample {
            picture,
            map: Some(map),
            class: self.label.map(|i| chosen[i] as u32),
            attributes: (0..ATTRIBUTES.len()).map(|i| value(i).to_string()).collect(),
        })
    }

    /// The number of the value of each attribute.
    fn choose(&self, number: u64) -> Vec<usize> {
        let mut stream = StreamKey::new(self.seed, "avatars", 0).stream(number, 0);
        let choose = |attribute: &Attribute| {
            let (values, probability) = attribute.values(&self.style);
            // Two draws for every attribute, so that one attribute never shifts the next ones.
            let (present, pick) = (stream.uniform() < probability, stream.uniform());
            let nones = usize::from(probability < 1.0);
            if present { nones + (pick * (values.len() - nones) as f64) as usize } else { 0 }
        };
        ATTRIBUTES.iter().map(choose).collect()
    }

    fn raster(&self, svg: &str) -> anyhow::Result<RgbImage> {
        let tree = usvg::Tree::from_str(svg, &usvg::Options::default()).context("the drawing is not valid SVG")?;
        let mut pixels = tiny_skia::Pixmap::new(self.size, self.size).context("pictures need at least one pixel")?;
        let scale = self.size as f32 / self.style.width();
        resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
        // Every pixel is opaque: the background covers the canvas.
        let rgb = pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]).collect();
        RgbImage::from_raw(self.size, self.size, rgb).context("the renderer gave another size")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEARD: u8 = 9;
    const REAR_HAIR: u8 = 1;

    #[test]
    fn maps_show_what_the_attributes_say() -> anyhow::Result<()> {
        let avatars = Avatars::new(64, 5, None)?;
        for number in 0..60 {
            let sample = avatars.draw(number)?;
            let map = sample.map.context("avatars have label maps")?;
            let pixels = |class: u8| map.iter().filter(|&&c| c == class).count();
            assert!(map.iter().all(|&class| usize::from(class) <= CLASSES.len()), "no mixed values at edges");
            // Parts that every avatar shows: background, head, clothes, eyes, eyebrows, hair. A beard
            // can hide the mouth, and a long one the neck.
            for class in [0, 3, 4, 6, 7, 8] {
                assert!(pixels(class) > 0, "avatar {number} lacks class {class}: {:?}", sample.attributes);
            }
            let value = |name: &str| &sample.attributes[ATTRIBUTES.iter().position(|a| a.name() == name).unwrap_or(0)];
            assert_eq!(pixels(BEARD) > 0, value("beard") != "none", "avatar {number}");
            assert_eq!(pixels(REAR_HAIR) > 0, value("rearHair") != "none", "avatar {number}");
            // The corners show the background; the face is in the middle.
            let corner = sample.picture.get_pixel(0, 0).0;
            assert_eq!(hex(corner), *value("background"));
            assert_eq!(map.get_pixel(32, 34).0[0], 3, "avatar {number} has its nose in the middle");
        }
        Ok(())
    }

    fn hex([r, g, b]: [u8; 3]) -> String {
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    #[test]
    fn attributes_have_the_parts_that_the_style_says() -> anyhow::Result<()> {
        let avatars = Avatars::new(8, 0, None)?;
        let n = 4000u64;
        let chosen: Vec<_> = (0..n).map(|number| avatars.choose(number)).collect();
        for (i, attribute) in ATTRIBUTES.iter().enumerate() {
            let (values, present) = attribute.values(&avatars.style);
            let nones = usize::from(present < 1.0);
            for value in 0..values.len() {
                let part = if value < nones { 1.0 - present } else { present / (values.len() - nones) as f64 };
                let found = chosen.iter().filter(|chosen| chosen[i] == value).count() as f64;
                // Five standard deviations of a binomial count.
                let bound = 5.0 * (n as f64 * part * (1.0 - part)).sqrt();
                assert!((found - n as f64 * part).abs() < bound, "{} {}: {found}", attribute.name(), values[value]);
            }
        }
        Ok(())
    }

    #[test]
    fn an_avatar_depends_on_the_seed_and_its_number_alone() -> anyhow::Result<()> {
        let draw = |seed, number| anyhow::Ok(Avatars::new(16, seed, None)?.draw(number)?.picture);
        assert_eq!(draw(1, 7)?, draw(1, 7)?);
        assert_ne!(draw(1, 7)?, draw(1, 8)?);
        assert_ne!(draw(1, 7)?, draw(2, 7)?);
        Ok(())
    }
}
