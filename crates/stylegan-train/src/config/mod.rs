//! What a run is: one plain structure, whose defaults are the published values.

mod base;
mod by_resolution;
mod check;
mod data;
mod encoder;
mod fill;
mod growth;
mod idle;
mod map_classes;
mod output;
mod overrides;
mod place;
mod precision;
mod read;
mod recipe;
mod settings;
mod spade;
mod unreadable;

pub use by_resolution::ByResolution;
pub use data::DataConfig;
pub use encoder::{EncoderLossConfig, EncoderScheduleConfig, EncoderTrainConfig, Input, OptimizerKind, TaskConfig};
pub use map_classes::MapClasses;
pub use output::{EvalConfig, OutputConfig};
pub use overrides::Override;
pub use precision::{PrecisionConfig, Products};
pub use read::{read, read_recipe};
pub use recipe::RecipeConfig;
pub use settings::{Setting, Table, encoder_tables, spade_tables, tables};
pub use spade::{
    Betas, PainterConfig, SpadeAdamConfig, SpadeEvalConfig, SpadeLossConfig, SpadeScheduleConfig, SpadeShardConfig,
    SpadeTrainConfig, SpadeTransferConfig,
};

use crate::augment::AugmentConfig;
use crate::shards::Reduction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_core::layers::Pyramid;
use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1DiscriminatorConfig};
use stylegan_core::{DiscriminatorConfig, GeneratorConfig};

/// A whole run. The defaults are StyleGAN's FFHQ run at 1024x1024 on 8 GPUs (configuration F;
/// Karras et al. 2019, appendix C, and the official `train.py`); a file whose generator has the
/// architecture `"stylegan2"` starts from [`stylegan2`](Self::stylegan2) instead.
///
/// With a data set's content hash and the seed this decides every bit of the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Seed of weights, latents, noise, mixing and data order; 1000.
    pub seed: u64,
    /// Length of the run in thousands of real pictures shown to the discriminator; 25,000.
    pub kimg: f64,
    /// Probability that a sample mixes two styles, 0.9 (section 3.1; Table 2 varies it).
    pub mixing_probability: f64,
    /// Share of the old value when `w_avg` moves to a batch's mean style, 0.995
    /// (`dlatent_avg_beta`).
    pub w_avg_beta: f64,
    /// The pictures.
    pub data: DataConfig,
    /// The generator; `architecture` may be left out for `"stylegan1"`.
    pub generator: GeneratorConfig,
    /// The discriminator; `architecture`, `img_size`, `img_channels` and `c_dim` are the
    /// generator's where left out.
    pub discriminator: DiscriminatorConfig,
    /// The objectives of generator and discriminator.
    pub loss: LossConfig,
    /// The generator's regularisation; none in StyleGAN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_length: Option<PathLengthConfig>,
    /// Augmentation of what the discriminator sees; none where the section is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub augment: Option<AugmentConfig>,
    /// What the run begins with; random weights where the section is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferConfig>,
    /// Growth, batch size and learning rate by pictures seen.
    pub schedule: ScheduleConfig,
    /// Adam.
    pub adam: AdamConfig,
    /// The averaged generator.
    pub ema: EmaConfig,
    /// How a batch is cut.
    pub shards: ShardConfig,
    /// How precise the products of both networks are.
    pub precision: PrecisionConfig,
    /// What is written, and how often.
    pub output: OutputConfig,
    /// What is measured on the way.
    pub eval: EvalConfig,
}

/// The objectives of generator and discriminator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LossConfig {
    /// Non-saturating logistic loss (Goodfellow et al. 2014) with the R1 penalty on real pictures
    /// (Mescheder et al. 2018), StyleGAN's choice for FFHQ.
    Logistic {
        /// Weight of the penalty: `r1_gamma / 2 · |∇D(x)|²` per picture; 10.
        #[serde(default = "defaults::r1_gamma")]
        r1_gamma: f64,
        /// Steps between penalties. 1 (StyleGAN): in every step, as a part of the loss. Above
        /// (StyleGAN2: 16): as a step of its own, `r1_interval` times as strong, and Adam's rate
        /// and decays are shortened to make up for the additional steps ("lazy regularisation").
        #[serde(default = "defaults::r1_interval")]
        r1_interval: usize,
    },
    /// Wasserstein loss with gradient penalty (Gulrajani et al. 2017) and drift term, of PGGAN and
    /// of StyleGAN's CelebA-HQ runs.
    WganGp {
        /// Weight of the gradient penalty; 10.
        #[serde(default = "defaults::lambda")]
        lambda: f64,
        /// Weight of `D(x)²` on real pictures; 0.001.
        #[serde(default = "defaults::drift")]
        drift: f64,
        /// The norm that the gradient is drawn to; 1.
        #[serde(default = "defaults::target")]
        target: f64,
        /// Discriminator steps per generator step; 1.
        #[serde(default = "defaults::n_critic")]
        n_critic: usize,
    },
}

/// Path length regularisation of the generator (StyleGAN2, section 3.2), lazily: a step of its own
/// after every `interval` steps, `interval` times as strong. Adam's rate and decays are shortened to
/// make up for the additional steps, even if `weight` is 0 and they are left out. `Default` holds
/// StyleGAN2's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PathLengthConfig {
    /// Weight of the penalty; 2. With 0 it is never computed.
    pub weight: f64,
    /// Steps between penalties; 4.
    pub interval: usize,
    /// How far the running mean of lengths moves to a batch's mean; 0.01.
    pub decay: f64,
    /// Which part of a shard's samples is looked at, to save memory: one in `shrink`; 2.
    pub shrink: usize,
}

/// Networks that a run begins with in place of random weights (transfer learning), with all counters at 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TransferConfig {
    /// A file with generator and discriminator: a checkpoint, the folder of a run (its newest), or one that another program
    /// released.
    pub from: String,
    /// Layers of the discriminator that stay as they are, counted from the images (Freeze-D; Mo et al.
    /// 2020): of each resolution `fromrgb`, `conv0`, `conv1` and `skip`, so far as there are any; 0.
    pub freeze_d: usize,
}

/// What changes with the number of real pictures seen, and with nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The resolution that training starts at where it grows, in pixels; 8 (4 in PGGAN). The full resolution
    /// trains without growing.
    pub start_resolution: usize,
    /// Thousands of pictures at each resolution before the next fades in; 600. If this and
    /// `fade_kimg` are 0, nothing grows, as in StyleGAN2. Above 0 and without `fade_kimg` (ours), its networks are
    /// replaced by larger ones, which keep the layers that they have in common; their checkpoints below the full resolution make
    /// smaller pictures.
    pub stable_kimg: f64,
    /// Thousands of pictures over which a resolution fades in; 600. 0 for StyleGAN2.
    pub fade_kimg: f64,
    /// Whether an iteration begins with the generator's step, false; true in StyleGAN2. It is the same
    /// circle, begun at another place.
    pub generator_first: bool,
    /// Samples per step, by resolution; the 8-GPU values.
    pub batch: ByResolution<usize>,
    /// Learning rate of both networks, by resolution; 0.001, more from 128 pixels.
    pub lr: ByResolution<f64>,
    /// Thousands of pictures at the end of the run (`kimg`) over which the learning rate falls linearly
    /// to 0, over all of it where it is shorter; 0 = it never falls.
    pub lr_decay_kimg: f64,
}

/// Adam's constants, the same for both networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// Decay of the first moment; 0.
    pub beta1: f64,
    /// Decay of the second moment; 0.99.
    pub beta2: f64,
    /// Added to the root of the second moment; 1e-8.
    pub eps: f64,
    /// Whether to forget the moments whenever a fade starts or ends; true (`reset_opt_for_new_lod`).
    pub reset_on_growth: bool,
}

/// The averaged generator `G_ema`, the one that makes pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EmaConfig {
    /// The share of old weights halves every `kimg` thousand pictures (StyleGAN: 10).
    HalfLife {
        /// Thousands of pictures.
        #[serde(default = "defaults::half_life")]
        kimg: f64,
        /// If above 0, the half-life is at most this share of the pictures seen so far, so that
        /// early averages are not held back by the first weights (0.05 in StyleGAN2-ADA; 0 = off).
        #[serde(default)]
        ramp: f64,
    },
    /// The share of old weights kept in each step (PGGAN: 0.999).
    PerStep {
        /// Share, in [0, 1).
        #[serde(default = "defaults::beta")]
        beta: f64,
    },
}

/// How a batch is cut into shards, the units whose gradients are summed in a fixed order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShardConfig {
    /// Samples per shard, by resolution; a multiple of the minibatch-stddev group, and a divisor of
    /// the batch. 4, the published batch of one GPU at 1024 pixels. Part of the result.
    pub size: ByResolution<usize>,
    /// Shards handled side by side on this machine, sharing its threads; 1. Changes memory and
    /// speed, never a bit of the result.
    pub at_once: usize,
    /// How the sums of several ranks become one: `"exact"`, the same bits on any number of them, or `"fast"`, by
    /// the all-reduce of the library that joins them, to 1e-5; `"exact"`.
    pub reduction: Reduction,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            seed: 1000,
            kimg: 25_000.,
            mixing_probability: 0.9,
            w_avg_beta: 0.995,
            data: DataConfig::default(),
            generator: GeneratorConfig::StyleGan1(StyleGan1Config::default()),
            discriminator: DiscriminatorConfig::StyleGan1(StyleGan1DiscriminatorConfig::default()),
            loss: LossConfig::default(),
            path_length: None,
            augment: None,
            transfer: None,
            schedule: ScheduleConfig::default(),
            adam: AdamConfig::default(),
            ema: EmaConfig::default(),
            shards: ShardConfig::default(),
            precision: PrecisionConfig::default(),
            output: OutputConfig::default(),
            eval: EvalConfig::default(),
        }
    }
}

impl Default for LossConfig {
    fn default() -> Self {
        Self::Logistic { r1_gamma: defaults::r1_gamma(), r1_interval: defaults::r1_interval() }
    }
}

impl Default for PathLengthConfig {
    fn default() -> Self {
        Self { weight: 2., interval: 4, decay: 0.01, shrink: 2 }
    }
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            start_resolution: 8,
            stable_kimg: 600.,
            fade_kimg: 600.,
            generator_first: false,
            batch: ByResolution::new(32, [(4, 512), (8, 256), (16, 128), (32, 64), (64, 32)]),
            lr: ByResolution::new(0.001, [(128, 0.0015), (256, 0.002), (512, 0.003), (1024, 0.003)]),
            lr_decay_kimg: 0.,
        }
    }
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { beta1: 0., beta2: 0.99, eps: 1e-8, reset_on_growth: true }
    }
}

impl Default for EmaConfig {
    fn default() -> Self {
        Self::HalfLife { kimg: defaults::half_life(), ramp: 0. }
    }
}

impl Default for ShardConfig {
    fn default() -> Self {
        Self { size: ByResolution::new(4, []), at_once: 1, reduction: Reduction::Exact }
    }
}

impl LossConfig {
    /// Discriminator steps per generator step.
    pub fn n_critic(&self) -> usize {
        match self {
            Self::Logistic { .. } => 1,
            Self::WganGp { n_critic, .. } => *n_critic,
        }
    }
}

impl TrainConfig {
    /// Height and width of the generator's pictures, their channels, and the width of labels.
    pub fn picture_shape(&self) -> ([usize; 2], usize, usize) {
        let generator = &self.generator;
        (generator.img_size(), generator.img_channels(), generator.c_dim())
    }

    /// The resolution of whole pictures: a power of two, near their longer side.
    ///
    /// # Errors
    /// When `img_size` is none of a network.
    pub fn resolution(&self) -> crate::Result<usize> {
        Ok(Pyramid::resolution(Pyramid::new(self.generator.img_size())?.levels() - 1))
    }

    /// The configuration with what no step depends on at its default: what is written and measured,
    /// where the pictures are, how many shards are handled at once. A run can be gone on with under any
    /// configuration that is equal in the rest, but for `kimg` and the precision of products.
    pub fn decisive(&self) -> Self {
        let mut config = self.clone();
        config.output = OutputConfig::default();
        config.eval = EvalConfig::default();
        config.data = config.data.decisive();
        config.shards.at_once = 1;
        config
    }

    /// The configuration as TOML with every value written out: what `config.toml` of a run holds.
    ///
    /// # Errors
    /// When a value has no TOML form (an integer above 2⁶³).
    pub fn to_toml(&self) -> crate::Result<String> {
        toml::to_string(self).map_err(|error| crate::Error::Config {
            place: "this configuration".into(),
            problem: format!("cannot be written as TOML: {error}"),
        })
    }
}

mod defaults {
    pub(super) fn r1_gamma() -> f64 {
        10.
    }
    pub(super) fn r1_interval() -> usize {
        1
    }
    pub(super) fn lambda() -> f64 {
        10.
    }
    pub(super) fn drift() -> f64 {
        0.001
    }
    pub(super) fn target() -> f64 {
        1.
    }
    pub(super) fn n_critic() -> usize {
        1
    }
    pub(super) fn half_life() -> f64 {
        10.
    }
    pub(super) fn beta() -> f64 {
        0.999
    }
}
