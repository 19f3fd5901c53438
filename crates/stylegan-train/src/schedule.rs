//! What training does after a number of real pictures: pure functions of that number.

use crate::Result;
use crate::config::{
    ByResolution, EmaConfig, EncoderTrainConfig, RecipeConfig, ScheduleConfig, ShardConfig, SpadeTrainConfig,
    TrainConfig,
};
use stylegan_core::layers::Pyramid;

/// What holds at one moment of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Level of detail: 0 is full size, each whole number halves it; the fraction is the share of
    /// the coarser picture while a finer one fades in.
    pub lod: f64,
    /// Resolution that is computed, in pixels: `full / 2^floor(lod)`.
    pub resolution: usize,
    /// Samples per step.
    pub batch: usize,
    /// Samples per shard.
    pub shard: usize,
    /// Learning rate, with its decay.
    pub lr: f64,
}

impl Stage {
    /// Share of the coarser picture in the blend, in [0, 1).
    pub fn fade(&self) -> f64 {
        self.lod.fract()
    }

    /// Whether the step of growth differs: another resolution, or a fade that started or ended.
    /// The optimiser's moments are forgotten there.
    pub fn grew_since(&self, earlier: &Stage) -> bool {
        self.lod.floor() != earlier.lod.floor() || self.lod.ceil() != earlier.lod.ceil()
    }
}

/// The schedule of a run (PGGAN, appendix A; StyleGAN, appendix C): training stays at a resolution
/// for `stable_kimg`, fades the next one in over `fade_kimg`, and so on up to full size.
///
/// ```
/// use stylegan_train::config::TrainConfig;
/// use stylegan_train::schedule::Schedule;
///
/// let config = TrainConfig::default();
/// let schedule = Schedule::new(&config, 1024, 8.);
/// assert_eq!(schedule.at(0).resolution, 8);
/// assert_eq!(schedule.at(900_000).lod, 6.5); // 16 pixels, half faded in
/// assert_eq!(schedule.at(8_400_000).lod, 0.);
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    config: ScheduleConfig,
    shards: ShardConfig,
    kimg: f64,
    resolution: usize,
    max_lod: f64,
}

impl Schedule {
    /// The schedule of networks of a full resolution in pixels, whose smallest pictures have level
    /// of detail `max_lod` (4 pixels).
    pub fn new(config: &TrainConfig, resolution: usize, max_lod: f64) -> Self {
        let kimg = config.kimg;
        Self { config: config.schedule.clone(), shards: config.shards.clone(), kimg, resolution, max_lod }
    }

    /// A schedule that stays as it begins: full size, one batch in shards of one size, one learning rate.
    pub fn constant(kimg: f64, resolution: usize, [batch, shard]: [usize; 2], lr: f64) -> Self {
        let config = ScheduleConfig {
            stable_kimg: 0.,
            fade_kimg: 0.,
            batch: ByResolution::new(batch, []),
            lr: ByResolution::new(lr, []),
            ..ScheduleConfig::default()
        };
        let shards = ShardConfig { size: ByResolution::new(shard, []), ..ShardConfig::default() };
        Self { config, shards, kimg, resolution, max_lod: 0. }
    }

    /// The same schedule, with a learning rate that falls linearly to 0 over the last `kimg` thousands of
    /// pictures; over all of a run that is shorter.
    #[must_use]
    pub fn with_decay(mut self, kimg: f64) -> Self {
        self.config.lr_decay_kimg = kimg;
        self
    }

    /// Length of the run in thousands of real pictures.
    pub fn kimg(&self) -> f64 {
        self.kimg
    }

    /// What holds after `images` real pictures.
    pub fn at(&self, images: u64) -> Stage {
        let lod = self.lod(images);
        let resolution = self.resolution >> lod.floor() as u32;
        Stage {
            lod,
            resolution,
            batch: self.config.batch.get(resolution),
            shard: self.shards.size.get(resolution),
            lr: self.config.lr.get(resolution) * self.lr_share(images),
        }
    }

    /// The share of the learning rate that the linear decay at the end of the run leaves, in [0, 1].
    fn lr_share(&self, images: u64) -> f64 {
        let decay = self.config.lr_decay_kimg.min(self.kimg);
        if decay <= 0. { 1. } else { ((self.kimg - images as f64 / 1000.) / decay).clamp(0., 1.) }
    }

    fn lod(&self, images: u64) -> f64 {
        let ScheduleConfig { start_resolution, stable_kimg, fade_kimg, .. } = self.config;
        let smaller = f64::from((start_resolution.max(4) / 4).ilog2());
        let first = (self.max_lod - smaller).max(0.);
        let kimg = images as f64 / 1000.;
        let octave = stable_kimg + fade_kimg;
        if octave <= 0. {
            return 0.;
        }
        let done = (kimg / octave).floor();
        let into = kimg - done * octave;
        let faded = if fade_kimg > 0. { (into - stable_kimg).max(0.) / fade_kimg } else { 0. };
        (first - done - faded).max(0.)
    }
}

impl TrainConfig {
    /// The schedule of the run, which may grow or not.
    ///
    /// # Errors
    /// When `img_size` is none of a network.
    pub fn schedule(&self) -> Result<Schedule> {
        let levels = if self.grows() { Pyramid::new(self.generator.img_size())?.levels() } else { 1 };
        Ok(Schedule::new(self, self.resolution()?, (levels - 1) as f64))
    }
}

impl SpadeTrainConfig {
    /// The schedule of the run: full size from the start, one batch, a learning rate that falls at the end.
    pub fn schedule(&self) -> Schedule {
        let ([h, w], batch) = (self.generator.network().img_size(), self.schedule.batch);
        Schedule::constant(self.kimg, h.max(w), [batch, self.shards.size], self.schedule.lr)
            .with_decay(self.schedule.lr_decay_kimg)
    }
}

impl EncoderTrainConfig {
    /// The schedule of the run: one batch, which is one shard, and one learning rate.
    pub fn schedule(&self) -> Schedule {
        let batch = self.schedule.batch;
        Schedule::constant(self.kimg, self.encoder.img_size[0], [batch; 2], self.schedule.lr)
    }
}

impl RecipeConfig {
    /// The schedule of the run.
    ///
    /// # Errors
    /// When `img_size` is none of a network.
    pub fn schedule(&self) -> Result<Schedule> {
        match self {
            Self::Gan(config) => config.schedule(),
            Self::Spade(config) => Ok(config.schedule()),
            Self::Encoder(config) => Ok(config.schedule()),
        }
    }
}

impl EmaConfig {
    /// The share of the old average that a step of `batch` pictures keeps, after `images` pictures.
    pub fn beta(&self, images: u64, batch: usize) -> f64 {
        match *self {
            EmaConfig::PerStep { beta } => beta,
            EmaConfig::HalfLife { kimg, ramp } => {
                let mut half_life = kimg * 1000.;
                if ramp > 0. {
                    half_life = half_life.min(images as f64 * ramp);
                }
                0.5f64.powf(batch as f64 / half_life.max(1e-8))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TrainConfig;

    fn published() -> Schedule {
        let config = TrainConfig::default();
        Schedule::new(&config, 1024, 8.)
    }

    #[test]
    fn published_growth() {
        // Appendix C and train.py: 600 + 600 kimg per octave from 8 pixels. A resolution is complete
        // (its fade over) at: 16 1.2 Mimg, …, 256 6.0, 512 7.2, 1024 8.4.
        let schedule = published();
        for (resolution, complete) in
            [(16, 1200), (32, 2400), (64, 3600), (128, 4800), (256, 6000), (512, 7200), (1024, 8400)]
        {
            let stage = schedule.at(complete * 1000);
            assert_eq!((stage.resolution, stage.fade()), (resolution, 0.), "at {complete} kimg");
            // The picture after the stable part starts the fade: computed at the next resolution.
            let before = schedule.at((complete - 600) * 1000);
            assert_eq!((before.resolution, before.fade()), (resolution / 2, 0.));
            let half = schedule.at((complete - 300) * 1000);
            assert_eq!((half.resolution, half.fade()), (resolution, 0.5));
        }
        assert_eq!(schedule.at(0).lod, 7.);
        assert_eq!(schedule.at(25_000_000).lod, 0.);
    }

    #[test]
    fn rates_fall_at_the_end_of_the_run() {
        let mut config = TrainConfig { kimg: 100., ..TrainConfig::stylegan2() };
        config.schedule.lr_decay_kimg = 40.;
        let schedule = Schedule::new(&config, 1024, 0.);
        let rates = [0, 60, 80, 90, 100, 110].map(|kimg| schedule.at(kimg * 1000).lr);
        assert_eq!(rates, [0.002, 0.002, 0.001, 0.0005, 0., 0.]);
        // A run that is shorter than the fall begins at the full rate all the same.
        config.kimg = 20.;
        let schedule = Schedule::new(&config, 1024, 0.);
        assert_eq!([0, 10, 20].map(|kimg| schedule.at(kimg * 1000).lr), [0.002, 0.001, 0.]);
    }

    #[test]
    fn published_batches_and_rates() {
        let schedule = published();
        let at = |kimg: u64| schedule.at(kimg * 1000);
        let expected = [
            (0, 8, 256, 0.001),
            (1200, 16, 128, 0.001),
            (2400, 32, 64, 0.001),
            (3600, 64, 32, 0.001),
            (4800, 128, 32, 0.0015),
            (6000, 256, 32, 0.002),
            (7200, 512, 32, 0.003),
            (8400, 1024, 32, 0.003),
        ];
        for (kimg, resolution, batch, lr) in expected {
            let stage = at(kimg);
            assert_eq!((stage.resolution, stage.batch, stage.lr), (resolution, batch, lr), "at {kimg} kimg");
        }
    }

    #[test]
    fn growth_is_seen_at_both_ends_of_a_fade() {
        let schedule = published();
        let grew = |a: u64, b: u64| schedule.at(b).grew_since(&schedule.at(a));
        assert!(!grew(0, 600_000) && grew(600_000, 600_032) && !grew(700_000, 1_100_000));
        assert!(grew(1_199_990, 1_200_000));
    }

    #[test]
    fn full_size_from_the_start_and_networks_that_do_not_grow() {
        let mut config = TrainConfig::default();
        config.schedule.start_resolution = 1024;
        assert_eq!(Schedule::new(&config, 1024, 8.).at(0).lod, 0.);
        config.schedule.start_resolution = 8;
        let fixed = Schedule::new(&config, 1024, 0.).at(0);
        assert_eq!((fixed.lod, fixed.resolution, fixed.batch, fixed.lr), (0., 1024, 32, 0.003));
        (config.schedule.stable_kimg, config.schedule.fade_kimg) = (0., 0.);
        assert_eq!(Schedule::new(&config, 1024, 8.).at(0).lod, 0.);
    }

    #[test]
    fn average_halves_after_its_half_life() {
        let ema = EmaConfig::HalfLife { kimg: 10., ramp: 0. };
        let kept = (0..10_000 / 32).fold(1., |kept, _| kept * ema.beta(0, 32));
        // 312 steps of 32 are 9,984 pictures.
        assert!((kept - 0.5f64.powf(0.9984)).abs() < 1e-9);
        assert!(EmaConfig::HalfLife { kimg: 10., ramp: 0.05 }.beta(0, 32) == 0.);
    }
}
