//! How fast a run is, and how long the rest of it takes.

use std::time::{Duration, Instant};
use stylegan_core::GeneratorConfig;
use stylegan_core::layers::{Pyramid, channels};
use stylegan_train::config::RecipeConfig;
use stylegan_train::observer::Position;
use stylegan_train::schedule::Schedule;

/// The share of the old pace that one step leaves in the smoothed one.
const SMOOTHING: f64 = 0.95;

/// Moments that the rest of a run is looked at.
const LOOKS: u64 = 500;

/// The work of a picture that an encoder's generator draws, beside one of the set, whose loss is taken through the generator and
/// a network that judges: 19.5 s beside 52 s for a thousand, measured for psp/avatars-64-invert.
const DRAWN: f64 = 0.4;

/// Measures steps. A network that grows does more work at each resolution: what was measured at one
/// is carried over to those that come by the work of their layers; so it is for pictures that a generator draws.
pub(crate) struct Pace {
    schedule: Schedule,
    /// Channels at a resolution follow this base and bound.
    channels: [usize; 2],
    /// Pictures at the start that an encoder's generator draws.
    drawn: u64,
    last_step: Option<(Instant, u64)>,
    /// Seconds per picture and unit of work, smoothed.
    seconds: Option<f64>,
}

impl Pace {
    /// Nothing is measured yet.
    pub(crate) fn new(config: &RecipeConfig) -> anyhow::Result<Self> {
        let of_generator = |generator: GeneratorConfig| match generator {
            GeneratorConfig::StyleGan1(g) => [g.channel_base, g.channel_max],
            GeneratorConfig::StyleGan2(g) => [g.channel_base, g.channel_max],
            GeneratorConfig::Pggan(g) => [g.channel_base, g.channel_max],
            GeneratorConfig::Spade(g) => [g.channels; 2],
            GeneratorConfig::Pix2PixHd(g) => [g.channels; 2],
        };
        let channels = match config {
            RecipeConfig::Gan(config) => of_generator(config.generator.clone()),
            RecipeConfig::Spade(config) => of_generator(config.generator.network()),
            // Of one size from start to end.
            RecipeConfig::Encoder(config) => [config.encoder.channels; 2],
        };
        let drawn = match config {
            RecipeConfig::Encoder(config) => config.drawn(),
            RecipeConfig::Gan(_) | RecipeConfig::Spade(_) => 0,
        };
        Ok(Self { schedule: config.schedule()?, channels, drawn, last_step: None, seconds: None })
    }

    /// The clock starts again at `images`: what was done since the last step was no training.
    pub(crate) fn restart(&mut self, images: u64) {
        self.last_step = Some((Instant::now(), images));
    }

    /// A step is done.
    pub(crate) fn step(&mut self, at: &Position) {
        let now = Instant::now();
        if let Some((before, images)) = self.last_step.replace((now, at.images))
            && at.images > images
        {
            let work = (at.images - images) as f64 * self.work(images);
            let seconds = (now - before).as_secs_f64() / work;
            self.seconds = Some(self.seconds.map_or(seconds, |old| SMOOTHING * old + (1.0 - SMOOTHING) * seconds));
        }
    }

    /// Pictures at the last step.
    pub(crate) fn images(&self) -> Option<u64> {
        self.last_step.map(|(_, images)| images)
    }

    /// Seconds for a thousand pictures, as things are.
    pub(crate) fn seconds_per_kimg(&self, at: &Position) -> Option<f64> {
        Some(self.seconds? * self.work(at.images) * 1e3)
    }

    /// How long the rest of the run takes.
    pub(crate) fn remaining(&self, at: &Position) -> Option<Duration> {
        let rest = at.total_images.saturating_sub(at.images);
        let work: f64 = (0..LOOKS).map(|i| self.work(at.images + rest * i / LOOKS)).sum();
        Duration::try_from_secs_f64(self.seconds? * work / LOOKS as f64 * rest as f64).ok()
    }

    /// Multiplications for the picture that comes after so many, up to a factor: of convolutions, channels squared at every
    /// pixel of every resolution up to that of the picture.
    fn work(&self, images: u64) -> f64 {
        let [base, max] = self.channels;
        let resolution = self.schedule.at(images).resolution;
        let levels = (0..).map(Pyramid::resolution).take_while(|side| *side <= resolution);
        let work: f64 = levels.map(|side| (channels(base, max, side) * side).pow(2) as f64).sum();
        if images < self.drawn { work * DRAWN } else { work }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stylegan_train::config::read_recipe;

    /// From 8 to 32 pixels with as many channels everywhere, work is 5, 21 and 85 units of 16 pixels.
    #[test]
    fn the_rest_is_measured_in_work() -> anyhow::Result<()> {
        let text = "kimg = 10\n[generator]\nimg_size = [32, 32]\nchannel_base = 64\nchannel_max = 2\n\
                    [schedule]\nstable_kimg = 1\nfade_kimg = 0.5\n";
        let mut pace = Pace::new(&read_recipe(text, "test", &[])?)?;
        let at =
            |images| Position { step: 0, images, total_images: 10_000, measured: 0, stage: pace.schedule.at(images) };
        let (start, end) = (at(0), at(9_000));
        assert_eq!((start.stage.resolution, end.stage.resolution), (8, 32));
        assert!((pace.work(2_400) / pace.work(0) - 21. / 5.).abs() < 1e-9);
        assert_eq!(pace.remaining(&start), None);
        pace.seconds = Some(1. / pace.work(0));
        assert!(pace.seconds_per_kimg(&start).is_some_and(|seconds| (seconds - 1e3).abs() < 1e-6));
        // The last thousand at 32 pixels takes 17 times as long as a thousand at 8.
        let last = pace.remaining(&end).unwrap_or_default().as_secs_f64();
        assert!((last - 17e3).abs() < 1., "{last}");
        // 1 kimg at 8, 1.5 kimg at 16 (fade in, stay), the rest at 32.
        let all = pace.remaining(&start).unwrap_or_default().as_secs_f64();
        let expected = 1e3 * (1. + 1.5 * 21. / 5. + 7.5 * 17.);
        assert!((all / expected - 1.).abs() < 0.01, "{all} not {expected}");
        Ok(())
    }

    /// A run of which half is drawn: what was measured of drawn pictures stands for the others, which take longer.
    #[test]
    fn drawn_pictures_are_less_work() -> anyhow::Result<()> {
        let text = "recipe = \"encoder\"\nkimg = 2\npretrain_kimg = 1\n[encoder]\nimg_size = [32, 32]\nnum_ws = 8\n";
        let mut pace = Pace::new(&read_recipe(text, "test", &[])?)?;
        pace.seconds = Some(1. / pace.work(0));
        let at = Position { step: 0, images: 0, total_images: 2000, measured: 0, stage: pace.schedule.at(0) };
        let all = pace.remaining(&at).unwrap_or_default().as_secs_f64();
        assert!((all / (1e3 + 1e3 / DRAWN) - 1.).abs() < 0.01, "{all}");
        Ok(())
    }
}
