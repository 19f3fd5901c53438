//! Growth: the networks of each resolution that training computes.

use super::TrainConfig;
use super::place::Wrong;
use stylegan_core::layers::Pyramid;
use stylegan_core::{DiscriminatorConfig, GeneratorConfig};

impl TrainConfig {
    /// Whether training starts below the full resolution.
    pub(crate) fn grows(&self) -> bool {
        self.schedule.stable_kimg + self.schedule.fade_kimg > 0.
    }

    /// The resolutions that training computes, smallest first.
    pub(super) fn resolutions(&self) -> Vec<usize> {
        let full = self.resolution().unwrap_or(0);
        let first = if self.grows() { self.schedule.start_resolution.min(full) } else { full };
        up_to(full).skip_while(|&at| at < first).collect()
    }

    /// The configuration at each resolution below the full one that has networks of its own, also those at which
    /// training begins only under another schedule.
    pub(crate) fn sizes(&self) -> Vec<(usize, Self)> {
        let at = |resolution| (resolution, self.at_resolution(resolution));
        up_to(self.resolution().unwrap_or(0)).map(at).filter(|(_, sized)| sized.generator != self.generator).collect()
    }

    /// The configuration with the networks that train at a resolution: StyleGAN2's are smaller at smaller ones, all
    /// others grow in themselves.
    pub(crate) fn at_resolution(&self, resolution: usize) -> Self {
        let mut sized = self.clone();
        let full = self.resolution().unwrap_or(resolution);
        let smaller = |[h, w]: [usize; 2]| [h * resolution / full, w * resolution / full];
        if let (GeneratorConfig::StyleGan2(generator), DiscriminatorConfig::StyleGan2(discriminator)) =
            (&mut sized.generator, &mut sized.discriminator)
        {
            generator.img_size = smaller(generator.img_size);
            discriminator.img_size = smaller(discriminator.img_size);
        }
        sized
    }

    /// Growth is of a kind that the networks have.
    pub(super) fn check_growth(&self) -> Result<(), Wrong> {
        let (start, full) = (self.schedule.start_resolution, self.resolution().unwrap_or(usize::MAX));
        if self.grows() && start > full {
            return Err(Wrong::new(
                "schedule.start_resolution",
                format!("expected at most the {full} pixels of the pictures, found {start}"),
            ));
        }
        let (GeneratorConfig::StyleGan2(generator), true) = (&self.generator, self.grows()) else { return Ok(()) };
        if self.schedule.fade_kimg > 0. {
            return Err(Wrong::new(
                "schedule.fade_kimg",
                format!(
                    "expected 0 for StyleGAN2, whose networks are replaced by larger ones and do not fade in, found {}; with \
                     schedule.stable_kimg = 0 too, all trains at full size",
                    self.schedule.fade_kimg
                ),
            ));
        }
        if let Some(freeze_d) = self.transfer.as_ref().map(|transfer| transfer.freeze_d).filter(|layers| *layers > 0) {
            return Err(Wrong::new(
                "transfer.freeze_d",
                format!(
                    "expected 0 where StyleGAN2 grows, found {freeze_d}: the layers next to the pictures are new at each \
                     resolution; or set schedule.stable_kimg = 0"
                ),
            ));
        }
        let DiscriminatorConfig::StyleGan2(discriminator) = &self.discriminator else {
            return Err(Wrong::new(
                "discriminator.architecture",
                "expected \"stylegan2\", with which a generator of StyleGAN2 grows; or set schedule.stable_kimg = 0",
            ));
        };
        if generator.channels.is_some() || discriminator.channels.is_some() {
            return Err(Wrong::new(
                "schedule.stable_kimg",
                "expected 0 where channels are listed one by one: networks that grow have channel_base and channel_max",
            ));
        }
        for resolution in self.resolutions() {
            let sized = self.at_resolution(resolution);
            let fits = sized.generator.validate().and_then(|()| sized.discriminator.validate());
            fits.map_err(|error| {
                Wrong::new("schedule.start_resolution", format!("no network begins at {resolution} pixels: {error}"))
            })?;
        }
        Ok(())
    }
}

/// All resolutions up to one.
fn up_to(full: usize) -> impl Iterator<Item = usize> {
    (0..).map(Pyramid::resolution).take_while(move |&at| at <= full)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::config::{TrainConfig, read};

    fn config(more: &str) -> crate::Result<TrainConfig> {
        let text = "generator = { architecture = 'stylegan2', img_size = [24, 32] }\nschedule = { stable_kimg = 1, \
                    start_resolution = 8";
        read(&format!("{text}{more} }}"), "test", &[])
    }

    /// 24x32 is 6x8, 12x16 and 24x32: the smallest block has 3x4.
    #[test]
    fn networks_of_each_resolution() {
        let config = config("").unwrap();
        let sizes: Vec<_> = config.sizes().into_iter().map(|(at, sized)| (at, sized.picture_shape().0)).collect();
        assert_eq!(sizes, [(4, [3, 4]), (8, [6, 8]), (16, [12, 16])]);
        assert_eq!(config.resolutions(), [8, 16, 32]);
        assert_eq!(config.at_resolution(32), config);
        let schedule = config.schedule().unwrap();
        let trained = [0, 999, 1000, 1999, 2000, 9000].map(|images| schedule.at(images).resolution);
        assert_eq!(trained, [8, 8, 16, 16, 32, 32]);
        // StyleGAN's own grow in themselves; StyleGAN2's stay as they are unless that is asked for.
        assert!(TrainConfig::default().sizes().is_empty());
        assert_eq!(TrainConfig::stylegan2().resolutions(), [1024]);
    }

    #[test]
    fn what_cannot_grow_is_refused() {
        let refused = |more: &str, parts: [&str; 2]| {
            let error = config(more).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        };
        refused(", fade_kimg = 1", ["schedule.fade_kimg", "expected 0 for StyleGAN2"]);
        refused("}\ntransfer = { freeze_d = 2", ["transfer.freeze_d", "expected 0 where StyleGAN2 grows, found 2"]);
        config("}\ntransfer = { freeze_d = 0").unwrap();
        let text = "generator = { architecture = 'stylegan2', img_size = [8, 8], channels = [8, 8] }\nschedule = { \
                    stable_kimg = 1 }";
        let listed = read(text, "test", &[]).unwrap_err().to_string();
        assert!(listed.contains("channel_base"), "{listed}");
    }
}
