//! Which augmentations there are, how strong and how often, and how `p` moves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Augmentation of what the discriminator sees. The defaults are those of the paper and of the official
/// program (StyleGAN2-ADA, appendix B; pipe `bgc`, `p` adapted from 0).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Which groups of augmentations take part: `blit`, `geom`, `color`, `filter`, `noise`, `cutout`, or
    /// by their first letters `bg`, `bgc` (the paper's choice), `bgcf`, `bgcfn`, `bgcfnc`.
    pub pipe: Pipe,
    /// A probability `p` that never changes, 0 to 1. Where it is not given, `p` adapts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_p: Option<f64>,
    /// The mean sign of the logits of real images that `p` is moved towards, 0.6; or the value of r_v, where `p` follows
    /// that (0.5 is the paper's).
    pub target: f64,
    /// Pictures of the set that are held back, never trained on, to measure r_v by: how far their scores have come from
    /// those of the others towards those of generated ones. 0 for none.
    #[serde(skip_serializing_if = "is_none")]
    pub validation: usize,
    /// What `p` follows: `signs` of real images' logits (r_t, the paper's choice), or `validation` (r_v).
    #[serde(skip_serializing_if = "Heuristic::is_usual")]
    pub follows: Heuristic,
    /// Thousands of images over which `p` moves by 1; 500.
    pub kimg: f64,
    /// Steps between two moves of `p`; 4.
    pub interval: usize,
    /// How often images are mirrored (blit), as a multiple of `p`; half of them keep their side.
    pub xflip: f64,
    /// How often images are turned by quarters (blit), as a multiple of `p`; a quarter of them stay.
    pub rotate90: f64,
    /// How often images are moved by whole pixels (blit), as a multiple of `p`.
    pub xint: f64,
    /// How often images are scaled (geom), as a multiple of `p`.
    pub scale: f64,
    /// How often images are turned (geom), as a multiple of `p`, before or after they are stretched.
    pub rotate: f64,
    /// How often images are stretched (geom), as a multiple of `p`.
    pub aniso: f64,
    /// How often images are moved by fractions of pixels (geom), as a multiple of `p`.
    pub xfrac: f64,
    /// How often brightness changes (color), as a multiple of `p`.
    pub brightness: f64,
    /// How often contrast changes (color), as a multiple of `p`.
    pub contrast: f64,
    /// How often dark and light are exchanged (color), as a multiple of `p`; half of them stay.
    pub lumaflip: f64,
    /// How often hues are turned (color), as a multiple of `p`.
    pub hue: f64,
    /// How often saturation changes (color), as a multiple of `p`.
    pub saturation: f64,
    /// How often bands of frequencies are amplified (filter), as a multiple of `p`.
    pub imgfilter: f64,
    /// How often noise is added (noise), as a multiple of `p`.
    pub noise: f64,
    /// How often a square is cut out (cutout), as a multiple of `p`.
    pub cutout: f64,
    /// Largest move by whole pixels, as a share of the side; 0.125.
    pub xint_max: f64,
    /// Standard deviation of the base-2 logarithm of the scale; 0.2.
    pub scale_std: f64,
    /// Largest turn, as a share of half a circle; 1.
    pub rotate_max: f64,
    /// Standard deviation of the base-2 logarithm of the stretch; 0.2.
    pub aniso_std: f64,
    /// Standard deviation of moves by fractions, as a share of the side; 0.125.
    pub xfrac_std: f64,
    /// Standard deviation of what is added to brightness (images are -1 to 1); 0.2.
    pub brightness_std: f64,
    /// Standard deviation of the base-2 logarithm of the contrast; 0.5.
    pub contrast_std: f64,
    /// Largest turn of hues, as a share of half a circle; 1.
    pub hue_max: f64,
    /// Standard deviation of the base-2 logarithm of the saturation; 1.
    pub saturation_std: f64,
    /// How often each of four bands of frequencies takes part, the lowest first, as a multiple of
    /// `imgfilter`; 1 each.
    pub imgfilter_bands: [f64; 4],
    /// Standard deviation of the base-2 logarithm of a band's gain; 1.
    pub imgfilter_std: f64,
    /// Standard deviation of the noise's own standard deviation; 0.1.
    pub noise_std: f64,
    /// Side of the square that is cut out, as a share of the image's; 0.5.
    pub cutout_size: f64,
}

/// Whether no pictures are held back, of which configurations then say nothing.
fn is_none(pictures: &usize) -> bool {
    *pictures == 0
}

/// How overfitting is measured (section 3, equation 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Heuristic {
    /// r_t, the mean sign of the logits of real images.
    #[default]
    Signs,
    /// r_v, by pictures that are held back.
    Validation,
}

impl Heuristic {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Groups of augmentations, under the names of the official program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pipe {
    /// Mirrored, turned by quarters, moved by whole pixels.
    Blit,
    /// Scaled, turned, stretched, moved.
    Geom,
    /// Brightness, contrast, luma flip, hue, saturation.
    Color,
    /// Bands of frequencies.
    Filter,
    /// Noise.
    Noise,
    /// A hole.
    Cutout,
    /// `blit` and `geom`.
    Bg,
    /// And `color`.
    #[default]
    Bgc,
    /// And `filter`.
    Bgcf,
    /// And `noise`.
    Bgcfn,
    /// And `cutout`: everything.
    Bgcfnc,
}

impl Pipe {
    /// Whether each of blit, geom, color, filter, noise, cutout takes part.
    fn groups(self) -> [bool; 6] {
        let only = |group: usize| std::array::from_fn(|i| i == group);
        let first = |groups: usize| std::array::from_fn(|i| i < groups);
        match self {
            Self::Blit => only(0),
            Self::Geom => only(1),
            Self::Color => only(2),
            Self::Filter => only(3),
            Self::Noise => only(4),
            Self::Cutout => only(5),
            Self::Bg => first(2),
            Self::Bgc => first(3),
            Self::Bgcf => first(4),
            Self::Bgcfn => first(5),
            Self::Bgcfnc => first(6),
        }
    }
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            pipe: Pipe::default(),
            fixed_p: None,
            target: 0.6,
            validation: 0,
            follows: Heuristic::default(),
            kimg: 500.,
            interval: 4,
            xflip: 1.,
            rotate90: 1.,
            xint: 1.,
            scale: 1.,
            rotate: 1.,
            aniso: 1.,
            xfrac: 1.,
            brightness: 1.,
            contrast: 1.,
            lumaflip: 1.,
            hue: 1.,
            saturation: 1.,
            imgfilter: 1.,
            noise: 1.,
            cutout: 1.,
            xint_max: 0.125,
            scale_std: 0.2,
            rotate_max: 1.,
            aniso_std: 0.2,
            xfrac_std: 0.125,
            brightness_std: 0.2,
            contrast_std: 0.5,
            hue_max: 1.,
            saturation_std: 1.,
            imgfilter_bands: [1.; 4],
            imgfilter_std: 1.,
            noise_std: 0.1,
            cutout_size: 0.5,
        }
    }
}

impl AugmentConfig {
    /// The same with 0 for the multiples of all groups that the pipe leaves out.
    pub(super) fn in_force(&self) -> Self {
        let mut config = self.clone();
        let groups: [Vec<&mut f64>; 6] = [
            vec![&mut config.xflip, &mut config.rotate90, &mut config.xint],
            vec![&mut config.scale, &mut config.rotate, &mut config.aniso, &mut config.xfrac],
            vec![
                &mut config.brightness,
                &mut config.contrast,
                &mut config.lumaflip,
                &mut config.hue,
                &mut config.saturation,
            ],
            vec![&mut config.imgfilter],
            vec![&mut config.noise],
            vec![&mut config.cutout],
        ];
        for (multiples, taken) in groups.into_iter().zip(self.pipe.groups()) {
            if !taken {
                multiples.into_iter().for_each(|multiple| *multiple = 0.);
            }
        }
        config
    }

    /// Checks what the types cannot say; the name of the wrong setting, and what is wrong.
    ///
    /// # Errors
    /// When a number lies outside its range.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let within = |key, value: f64, low: f64, high: f64| match (low..=high).contains(&value) {
            true => Ok(()),
            false if high.is_finite() => Err((key, format!("expected {low} to {high}, found {value}"))),
            false => Err((key, format!("expected at least {low}, found {value}"))),
        };
        if let Some(p) = self.fixed_p {
            within("fixed_p", p, 0., 1.)?;
        }
        within("target", self.target, -1., 1.)?;
        if !(self.kimg > 0. && self.kimg.is_finite()) {
            return Err(("kimg", format!("expected a number above 0, found {}", self.kimg)));
        }
        if self.follows == Heuristic::Validation && self.validation == 0 {
            return Err(("follows", "validation needs pictures that are held back; set augment.validation".to_owned()));
        }
        if self.interval == 0 {
            return Err(("interval", "expected at least 1, found 0".to_owned()));
        }
        let [low, middle, high, top] = self.imgfilter_bands;
        for (key, value) in [
            ("xflip", self.xflip),
            ("rotate90", self.rotate90),
            ("xint", self.xint),
            ("scale", self.scale),
            ("rotate", self.rotate),
            ("aniso", self.aniso),
            ("xfrac", self.xfrac),
            ("brightness", self.brightness),
            ("contrast", self.contrast),
            ("lumaflip", self.lumaflip),
            ("hue", self.hue),
            ("saturation", self.saturation),
            ("imgfilter", self.imgfilter),
            ("noise", self.noise),
            ("cutout", self.cutout),
            ("scale_std", self.scale_std),
            ("aniso_std", self.aniso_std),
            ("xfrac_std", self.xfrac_std),
            ("brightness_std", self.brightness_std),
            ("contrast_std", self.contrast_std),
            ("saturation_std", self.saturation_std),
            ("imgfilter_bands", low),
            ("imgfilter_bands", middle),
            ("imgfilter_bands", high),
            ("imgfilter_bands", top),
            ("imgfilter_std", self.imgfilter_std),
            ("noise_std", self.noise_std),
        ] {
            // Far above what leaves anything of a picture; with more, numbers have no end.
            within(key, value, 0., 100.)?;
        }
        for (key, value) in [
            ("xint_max", self.xint_max),
            ("rotate_max", self.rotate_max),
            ("hue_max", self.hue_max),
            ("cutout_size", self.cutout_size),
        ] {
            within(key, value, 0., 1.)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pipes_take_their_groups() {
        let in_force = |pipe| {
            let config = AugmentConfig { pipe, hue: 0.3, ..Default::default() }.in_force();
            [config.rotate90, config.xfrac, config.hue, config.imgfilter, config.noise, config.cutout]
        };
        assert_eq!(in_force(Pipe::default()), [1., 1., 0.3, 0., 0., 0.]);
        assert_eq!(in_force(Pipe::Noise), [0., 0., 0., 0., 1., 0.]);
        assert_eq!(in_force(Pipe::Bgcfnc), [1., 1., 0.3, 1., 1., 1.]);
    }

    #[test]
    fn numbers_outside_their_range_are_named() {
        assert_eq!(AugmentConfig::default().check(), Ok(()));
        let wrong = |config: AugmentConfig| config.check().unwrap_err();
        assert_eq!(wrong(AugmentConfig { fixed_p: Some(1.5), ..Default::default() }).0, "fixed_p");
        assert_eq!(wrong(AugmentConfig { kimg: f64::NAN, ..Default::default() }).0, "kimg");
        assert_eq!(
            wrong(AugmentConfig { imgfilter_bands: [1., 1., -1., 1.], ..Default::default() }).0,
            "imgfilter_bands"
        );
        assert_eq!(wrong(AugmentConfig { follows: Heuristic::Validation, ..Default::default() }).0, "follows");
        let held_back = AugmentConfig { follows: Heuristic::Validation, validation: 9, ..Default::default() };
        assert_eq!(held_back.check(), Ok(()));
        assert_eq!(
            wrong(AugmentConfig { cutout_size: 2., ..Default::default() }),
            ("cutout_size", "expected 0 to 1, found 2".to_owned())
        );
    }
}
