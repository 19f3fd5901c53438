//! `avatars`: drawn faces, aligned, every attribute known, with exact label maps.

use super::attributes::{self, ATTRIBUTES, Attribute, BACKGROUNDS};
use super::combinations::{Combination, Numbered};
use super::label::Label;
use super::style::{Paint, Style, grey};
use super::turn::Turn;
use super::write::Sample;
use anyhow::Context;
use image::{GrayImage, RgbImage};
use resvg::{tiny_skia, usvg};
use std::collections::BTreeMap;
use stylegan_core::latent::StreamKey;

/// Classes of the label maps from 1 up; 0 is the background.
pub(crate) const CLASSES: [&str; 9] =
    ["rearHair", "body", "head", "clothes", "mouth", "eyes", "eyebrows", "hair", "beard"];

/// Draws avatars.
pub(crate) struct Avatars {
    style: Style,
    size: u32,
    seed: u64,
    /// What becomes the class, if anything does.
    label: Option<Label>,
    /// The most degrees that heads are turned by, if they are.
    turn: Option<f64>,
    /// Combinations that no avatar has, by number.
    without: Vec<Numbered>,
}

/// The column of the table that has degrees.
const TURN: &str = "turn";

impl Avatars {
    /// Avatars of `size` pixels; the same seed draws the same ones.
    pub(crate) fn new(size: u32, seed: u64, label: Option<&str>) -> anyhow::Result<Self> {
        let style = Style::toon_head()?;
        let label = label.map(|typed| Label::of(typed, &style)).transpose()?;
        Ok(Self { style, size, seed, label, turn: None, without: vec![] })
    }

    /// The same avatars with their heads turned to a side, each by another angle of at most so many degrees.
    pub(super) fn turned(self, degrees: Option<f64>) -> Self {
        Self { turn: degrees, ..self }
    }

    /// Avatars of which none has all of such a combination: those that would are drawn again, the others are the same.
    pub(super) fn without(self, combinations: &[Combination]) -> anyhow::Result<Self> {
        let without = combinations.iter().map(|one| one.numbers("--without", &self.style));
        let without = without.collect::<anyhow::Result<_>>()?;
        Ok(Self { without, ..self })
    }

    /// The header of `attributes.csv`.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        attributes::names().into_iter().chain(self.turn.map(|_| TURN)).collect()
    }

    /// The names of the classes, if there are any.
    pub(crate) fn classes(&self) -> Vec<String> {
        self.label.as_ref().map(|label| label.classes(&self.style)).unwrap_or_default()
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
        let angle = self.angle(number);
        let picture = self.raster(&self.style.svg(&variants, background, &Paint::Colors(&colors)), angle)?;
        let map = self.raster(&self.style.svg(&variants, &grey(0), &Paint::Classes(&CLASSES)), angle)?;
        let map = GrayImage::from_fn(self.size, self.size, |x, y| image::Luma([map.get_pixel(x, y).0[0]]));
        Ok(Sample {
            picture,
            map: Some(map),
            class: self.label.as_ref().map(|label| label.class(&chosen)),
            attributes: (0..ATTRIBUTES.len())
                .map(|i| value(i).to_string())
                .chain(angle.map(|degrees| degrees.to_string()))
                .collect(),
        })
    }

    /// By how many degrees the head is turned, in tenths.
    fn angle(&self, number: u64) -> Option<f64> {
        self.turn.map(|most| {
            let part = 2. * StreamKey::new(self.seed, "avatars, turned", 0).stream(number, 0).uniform() - 1.;
            // Not -0.
            (10. * most * part).round() / 10. + 0.
        })
    }

    /// The number of the value of each attribute.
    fn choose(&self, number: u64) -> Vec<usize> {
        let is_left_out = |chosen: &Vec<usize>| self.without.iter().any(|one| one.is(chosen));
        let mut draws = (0..).map(|draw| self.choice(number, draw)).skip_while(is_left_out);
        draws.next().unwrap_or_default()
    }

    /// The number of the value of each attribute, in one of many draws.
    fn choice(&self, number: u64, draw: u64) -> Vec<usize> {
        let mut stream = StreamKey::new(self.seed, "avatars", 0).stream(number, draw);
        let choose = |attribute: &Attribute| {
            let (values, probability) = attribute.values(&self.style);
            // Two draws for every attribute, so that one attribute never shifts the next ones.
            let (present, pick) = (stream.uniform() < probability, stream.uniform());
            let nones = usize::from(probability < 1.0);
            if present { nones + (pick * (values.len() - nones) as f64) as usize } else { 0 }
        };
        ATTRIBUTES.iter().map(choose).collect()
    }

    fn raster(&self, svg: &str, angle: Option<f64>) -> anyhow::Result<RgbImage> {
        let tree = usvg::Tree::from_str(svg, &usvg::Options::default()).context("the drawing is not valid SVG")?;
        let mut pixels = tiny_skia::Pixmap::new(self.size, self.size).context("pictures need at least one pixel")?;
        let scale = self.size as f32 / self.style.width();
        match angle {
            Some(degrees) => Turn::new(degrees).render(&tree, scale, &mut pixels),
            None => resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut()),
        }
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

    /// Labels that ask for two classes are 1 where an avatar has all of the combination; those by which separability is
    /// measured are that for a quarter of the set or more, and for no more than three quarters.
    #[test]
    fn binary_labels_part_the_set() -> anyhow::Result<()> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/src/papers/attributes.txt");
        let text = std::fs::read_to_string(file)?;
        let lines: Vec<Vec<&str>> =
            text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines.len(), 8);
        // Those of the set that runs learn from: the usual number, of the usual seed.
        let n = 10_000;
        for line in &lines {
            let avatars = Avatars::new(8, 0, Some(line[1]))?;
            let label = avatars.label.as_ref().context("a label was asked for")?;
            let ones: u32 = (0..n).map(|number| label.class(&avatars.choose(number))).sum();
            let part = f64::from(ones) / n as f64;
            assert!((0.25..=0.75).contains(&part), "{}: {part}", line[0]);
            assert_eq!(avatars.classes(), ["other", line[1]]);
        }
        // A combination of two attributes needs both: half of half.
        let avatars = Avatars::new(8, 0, Some("beard=none,hair=bun+spiky"))?;
        let label = avatars.label.as_ref().context("a label was asked for")?;
        let ones: u32 = (0..n).map(|number| label.class(&avatars.choose(number))).sum();
        // Five deviations of a binomial count.
        assert!((f64::from(ones) - 2500.).abs() < 5. * (n as f64 * 0.25 * 0.75).sqrt(), "{ones}");
        Ok(())
    }

    /// Heads that are turned by nothing are those from the front, as far as another way of cutting curves goes; turned
    /// ones have the same parts, maps that show them, and a face at the side that the angle says.
    #[test]
    fn turned_heads_have_twins() -> anyhow::Result<()> {
        let front = Avatars::new(64, 5, None)?;
        let still = Avatars::new(64, 5, None)?.turned(Some(0.));
        let turned = Avatars::new(64, 5, None)?.turned(Some(30.));
        let mut sides = [0; 2];
        for number in 0..40 {
            let (a, b, c) = (front.draw(number)?, still.draw(number)?, turned.draw(number)?);
            let values = a.picture.iter().zip(b.picture.iter()).map(|(a, b)| a.abs_diff(*b));
            let (most, others) = (values.clone().max(), values.filter(|far| *far > 4).count());
            // At edges alone: of 12288 values.
            assert!(most <= Some(50) && others < 400, "avatar {number}: {most:?}, {others}");
            assert_eq!(a.attributes, b.attributes[..11]);
            assert_eq!(a.attributes, c.attributes[..11]);
            let degrees: f64 = c.attributes[11].parse()?;
            assert!(degrees.abs() <= 30. && c.attributes.len() == turned.columns().len());
            let maps = [a.map, b.map, c.map].map(Option::unwrap_or_default);
            assert!(maps[2].iter().all(|&class| usize::from(class) <= CLASSES.len()), "no mixed values at edges");
            let other = maps[0].iter().zip(maps[1].iter()).filter(|(a, b)| a != b).count();
            assert!(other < 40, "avatar {number}: {other} pixels of the map are others");
            // Where the eyes are, in the mean.
            let eyes = |map: &GrayImage| {
                let found: Vec<u32> = map.enumerate_pixels().filter(|(.., p)| p.0[0] == 6).map(|(x, ..)| x).collect();
                found.iter().sum::<u32>() as f64 / found.len() as f64
            };
            let shift = eyes(&maps[2]) - eyes(&maps[0]);
            if degrees.abs() > 10. {
                sides[usize::from(degrees > 0.)] += 1;
                assert!(shift * degrees.signum() > 1., "avatar {number}, {degrees}: {shift}");
            }
        }
        assert!(sides[0] > 5 && sides[1] > 5, "{sides:?}");
        Ok(())
    }

    /// Combinations that are left out are drawn again, and no other avatar is another.
    #[test]
    fn combinations_are_left_out() -> anyhow::Result<()> {
        let all = Avatars::new(8, 0, None)?;
        let combination: Combination =
            "beard=fullBeard+longBeard,rearHair=longStraight+longWavy".parse().map_err(anyhow::Error::msg)?;
        let some = Avatars::new(8, 0, None)?.without(std::slice::from_ref(&combination))?;
        let numbers = combination.numbers("--without", &all.style)?;
        let has_all = |chosen: &[usize]| numbers.is(chosen);
        let n = 4000;
        let drawn = (0..n).map(|number| (all.choose(number), some.choose(number)));
        let (out, kept): (Vec<_>, Vec<_>) = drawn.partition(|(chosen, _)| has_all(chosen));
        assert!(kept.iter().all(|(a, b)| a == b) && out.iter().all(|(_, again)| !has_all(again)));
        // Half have a beard, two of five kinds; half have hair behind, two of four kinds: a twentieth has both. Five
        // deviations of a binomial count to either side.
        let part = out.len() as f64 / n as f64;
        assert!((part - 0.05).abs() < 5. * (0.05 * 0.95 / n as f64).sqrt(), "{part}");
        for wrong in ["beard=none+chin+chinMoustache+fullBeard+longBeard+moustacheTwirl", "age=1", "beard=red"] {
            let wrong: Combination = wrong.parse().map_err(anyhow::Error::msg)?;
            assert!(wrong.numbers("--without", &all.style).is_err(), "{wrong}");
        }
        assert!("beard".parse::<Combination>().is_err() && "beard=".parse::<Combination>().is_err());
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
