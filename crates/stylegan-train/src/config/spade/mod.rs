//! What a run of networks that paint label maps is: SPADE, and pix2pixHD, which it is compared with.

mod base;
mod check;
mod networks;

pub use networks::PainterConfig;

use super::{DataConfig, OutputConfig};
use crate::losses::scales::gan_loss::GanLoss;
use crate::shards::Reduction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_core::spade::{MultiscaleDiscriminatorConfig, SpadeEncoderConfig};

/// A whole run of the recipe `"spade"`: networks that paint label maps. The defaults are SPADE's run on
/// COCO-Stuff at 256x256 (Park et al. 2019, section 4 and appendix A, and the official code's options); a file
/// whose generator has the architecture `"pix2pixhd"` starts from [`pix2pixhd`](Self::pix2pixhd) instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpadeTrainConfig {
    /// Seed of weights, latents and data order; 1000.
    pub seed: u64,
    /// Length of the run in thousands of pictures shown; 11,800, which is 100 epochs of COCO-Stuff.
    pub kimg: f64,
    /// Half-life of the averaged generator `G_ema` in thousands of pictures, 10. The original keeps no
    /// average; with 0 there is none here either, and `G` itself makes the pictures. The image encoder is never
    /// averaged.
    pub ema_kimg: f64,
    /// Whether the last of `generator.classes` stands for pixels without a class, which are 255 in maps; false. It is
    /// so in the published runs on COCO-Stuff and ADE20K. Where it is false, such pixels are refused.
    pub dont_care: bool,
    /// The pictures and their label maps.
    pub data: DataConfig,
    /// The generator; `architecture` may be left out for `"spade"`.
    pub generator: PainterConfig,
    /// The discriminator; `img_size`, `img_channels`, `classes` and `edges` are the generator's where left out.
    pub discriminator: MultiscaleDiscriminatorConfig,
    /// The image encoder, which gives pictures a style; none where the section is missing. `z_dim` and
    /// `img_channels` are the generator's where left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<SpadeEncoderConfig>,
    /// The objectives.
    pub loss: SpadeLossConfig,
    /// What the run begins with; random weights where the section is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<SpadeTransferConfig>,
    /// Batch size and learning rate.
    pub schedule: SpadeScheduleConfig,
    /// Adam.
    pub adam: SpadeAdamConfig,
    /// How a batch is cut.
    pub shards: SpadeShardConfig,
    /// What is written, and how often.
    pub output: OutputConfig,
    /// What is measured on the way.
    pub eval: SpadeEvalConfig,
}

/// The objectives of generator, encoder and discriminator (Park et al. 2019, appendix A).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpadeLossConfig {
    /// What logits are driven to, `hinge`; `lsgan` in pix2pixHD, or `original`, `wgan`.
    pub gan: GanLoss,
    /// Weight of feature matching (`lambda_feat`), 10; 0 leaves it out.
    pub feature_matching: f64,
    /// Weight of the perceptual loss (`lambda_vgg`), 10; 0 leaves it out.
    pub perceptual: f64,
    /// torchvision's weights of VGG19 (`vgg19-dcbb9e9d.pth`, or a safetensors file of the same names), by
    /// which the perceptual loss of the paper sees. Empty: ST-LPIPS, the network that comes with the program;
    /// logs call it `stlpips`.
    pub vgg19: String,
    /// Weight of the Kullback-Leibler divergence of an encoder's latents, mean of the samples; 0.2. The official
    /// `lambda_kld` of 0.05 counts the sum over the samples of a device, of which there were 4.
    pub kl: f64,
}

/// What changes with the number of pictures seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpadeScheduleConfig {
    /// Samples per step, 32; 1 in pix2pixHD.
    pub batch: usize,
    /// Learning rate, 0.0002; see `adam.two_rates`.
    pub lr: f64,
    /// Thousands of pictures at the end of the run over which the learning rate falls linearly to 0, over all of it where it
    /// is shorter; 0 = it never falls. The papers' runs on ADE20K and Cityscapes do so in their second half. The original
    /// takes a step down after each epoch; here every picture counts.
    pub lr_decay_kimg: f64,
}

/// Networks that a run begins with in place of random weights (transfer learning), with all counters at 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpadeTransferConfig {
    /// A file with generator and discriminator, and with the image encoder where the run has one: a checkpoint, or the
    /// folder of a run (its newest).
    pub from: String,
}

/// What is measured on the way, of pictures that the network paints of the set's maps. No step depends on it:
/// evaluations read checkpoints and draw from random streams of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpadeEvalConfig {
    /// Metrics as `stylegan eval --metrics` names them, such as `fid` and `miou`; none, and nothing is measured. The
    /// checkpoint that is best by the first one is never removed.
    pub metrics: Vec<String>,
    /// Thousands of pictures between evaluations; 200. Each takes place at the first checkpoint that is
    /// due, so `output.checkpoint_kimg` should divide it.
    pub kimg: f64,
    /// Maps that are painted, 1000, or all if the set has fewer.
    pub count: usize,
    /// The file of `stylegan segmenter` that `miou` and `accuracy` ask; empty without these.
    pub segmenter: String,
}

/// Adam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpadeAdamConfig {
    /// The decays of both moments, by who used them: `code`.
    pub betas: Betas,
    /// Whether generator and encoder learn at half of the rate and the discriminator at twice the rate (Heusel
    /// et al. 2017), true; false in pix2pixHD, where both learn at `schedule.lr`.
    pub two_rates: bool,
    /// Added to the root of the second moment; 1e-8.
    pub eps: f64,
}

/// Decays of Adam's moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Betas {
    /// 0 and 0.9: SPADE's official code, by which its released networks were trained.
    Code,
    /// 0 and 0.999: the text of the SPADE paper.
    Paper,
    /// 0.5 and 0.999: pix2pixHD.
    Pix2PixHd,
}

/// How a batch is cut into shards, the units whose gradients are summed in a fixed order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SpadeShardConfig {
    /// Samples per shard, a divisor of the batch; the whole batch where it is left out. Batch normalisation
    /// looks at the whole batch, as the paper's does over all devices, and wants it so; networks with `norm =
    /// "instance"` may be cut. Part of the result.
    pub size: usize,
    /// Shards handled side by side on this machine, sharing its threads; 1. Changes memory and speed, never
    /// a bit of the result.
    pub at_once: usize,
    /// How the sums of several ranks become one: `"exact"`, the same bits on any number of them, or `"fast"`, by
    /// the all-reduce of the library that joins them, to 1e-5; `"exact"`.
    pub reduction: Reduction,
}

impl Default for SpadeTrainConfig {
    fn default() -> Self {
        Self {
            seed: 1000,
            kimg: 11_800.,
            ema_kimg: 10.,
            dont_care: false,
            data: DataConfig::default(),
            generator: PainterConfig::default(),
            discriminator: MultiscaleDiscriminatorConfig::default(),
            encoder: None,
            loss: SpadeLossConfig::default(),
            transfer: None,
            schedule: SpadeScheduleConfig::default(),
            adam: SpadeAdamConfig::default(),
            shards: SpadeShardConfig::default(),
            output: OutputConfig::default(),
            eval: SpadeEvalConfig::default(),
        }
    }
}

impl Default for SpadeLossConfig {
    fn default() -> Self {
        Self { gan: GanLoss::Hinge, feature_matching: 10., perceptual: 10., vgg19: String::new(), kl: 0.2 }
    }
}

impl Default for SpadeEvalConfig {
    fn default() -> Self {
        Self { metrics: vec![], kimg: 200., count: 1000, segmenter: String::new() }
    }
}

impl Default for SpadeScheduleConfig {
    fn default() -> Self {
        Self { batch: 32, lr: 0.0002, lr_decay_kimg: 0. }
    }
}

impl Default for SpadeAdamConfig {
    fn default() -> Self {
        Self { betas: Betas::Code, two_rates: true, eps: 1e-8 }
    }
}

impl Default for SpadeShardConfig {
    fn default() -> Self {
        Self { size: SpadeScheduleConfig::default().batch, at_once: 1, reduction: Reduction::Exact }
    }
}

impl Betas {
    /// Decays of the first and the second moment.
    pub fn values(self) -> [f64; 2] {
        match self {
            Self::Code => [0., 0.9],
            Self::Paper => [0., 0.999],
            Self::Pix2PixHd => [0.5, 0.999],
        }
    }
}

impl SpadeAdamConfig {
    /// The shares of the schedule's learning rate that the generator (with the encoder) and the discriminator
    /// learn at.
    pub fn rates(&self) -> [f64; 2] {
        if self.two_rates { [0.5, 2.] } else { [1., 1.] }
    }
}
