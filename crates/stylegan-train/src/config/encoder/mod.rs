//! What a run of an encoder into the styles of a trained generator is: pixel2style2pixel.

mod base;
mod check;

use super::{DataConfig, OutputConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stylegan_core::psp::PspConfig;

/// A whole run of the recipe `"encoder"`: an encoder of pictures into the styles of a trained generator. The defaults are
/// pixel2style2pixel's run on FFHQ (Richardson et al. 2021, section 4, and the official code's options).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderTrainConfig {
    /// Seed of weights, noise, latents and data order; 1000.
    pub seed: u64,
    /// Length of the run in thousands of pictures shown, those of `pretrain_kimg` included; 4,000, which is 500,000 steps.
    pub kimg: f64,
    /// Thousands of pictures at the start of the run that are not of the set: the generator draws them, and the encoder
    /// learns to find the styles that they were drawn from (the squared error in W is the loss). Needs no photographs; the
    /// original starts from a network that knows faces instead. 0.
    pub pretrain_kimg: f64,
    /// The generator: a checkpoint, a released file, or the folder of a run (then its newest checkpoint). It becomes part
    /// of the run's checkpoints.
    pub generator: String,
    /// SHA-256 of the generator's contents, which the run writes down; where it is given, another generator is refused.
    pub generator_hash: String,
    /// What the encoder's backbone starts from: ArcFace's weights `model_ir_se50.pth`, as published, or the checkpoint of
    /// another encoder's run. The first layer is taken over where it reads as many channels. Empty: random weights.
    pub backbone: String,
    /// Whether the synthesis network learns as well (`train_decoder`), false.
    pub train_generator: bool,
    /// The pictures: of the size of `encoder.img_size`, in RGB.
    pub data: DataConfig,
    /// What the encoder is shown of a picture.
    pub task: TaskConfig,
    /// The encoder. `img_channels` is 1 for sketches and 3 for pictures where it is left out.
    pub encoder: PspConfig,
    /// The objectives.
    pub loss: EncoderLossConfig,
    /// Batch, learning rate and optimiser.
    pub schedule: EncoderScheduleConfig,
    /// What is written, and how often.
    pub output: OutputConfig,
}

/// What the encoder is shown of a picture that it is to make again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskConfig {
    /// `picture`: all of it, which is inversion. `sketch`: its edges. `map`: its label map, a channel for each class.
    /// `downscaled`: a small version of it, enlarged again. `masked`: what strokes and boxes leave of it.
    pub input: Input,
    /// Whether what the encoder is shown is turned left to right with probability one half while the picture that it is
    /// compared with is not, false: the published way to frontal views, together with `data.mirror` and small weights of
    /// all losses but the identity's and those of the crop.
    pub flip: bool,
    /// By how much pictures are made smaller, one of these for each, [1, 2, 4, 8, 16, 32]; read by `downscaled` alone.
    pub factors: Vec<usize>,
}

/// What of a picture an encoder is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// All of it.
    Picture,
    /// Its edges, in one channel.
    Sketch,
    /// Its label map, in a channel for each class.
    Map,
    /// A small version of it, enlarged again.
    Downscaled,
    /// What strokes and boxes leave of it.
    Masked,
}

/// The objectives of an encoder (Richardson et al. 2021, section 3.2). The crop is where aligned photographs have the face:
/// rows 35 to 223 and columns 32 to 220 of 256, and the same part of pictures of other sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderLossConfig {
    /// Weight of the mean squared difference of pixels, 1.
    pub l2: f64,
    /// Weight of the perceptual distance, 0.8.
    pub lpips: f64,
    /// Weight of the same difference within the crop, 0.
    pub l2_crop: f64,
    /// Weight of the perceptual distance within the crop, 0.
    pub lpips_crop: f64,
    /// Weight of the length of the rows' offsets from the average style, 0 (0.005 in all tasks but inversion).
    pub w_norm: f64,
    /// Weight of 1 less the cosine between identities, 0.1. Without `arcface` and `classifier` there is no such loss, and a note
    /// says so at the start.
    pub id: f64,
    /// Published weights of LPIPS, by which the perceptual distance sees (with those of AlexNet as in the paper). Empty:
    /// ST-LPIPS, the network that comes with the program; logs call it `stlpips`.
    pub lpips_weights: String,
    /// ArcFace's weights `model_ir_se50.pth`, by which identities are compared.
    pub arcface: String,
    /// A classifier of the set's labels (`stylegan classifier`) in whose features pictures are compared instead, where no
    /// network for faces can be had; logs call that `classifier`.
    pub classifier: String,
}

/// Batch, learning rate and optimiser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderScheduleConfig {
    /// Samples per step, 8. Batch normalisation looks at all of them, so that a step is one shard on one machine.
    pub batch: usize,
    /// Learning rate, 0.0001.
    pub lr: f64,
    /// `ranger` or `adam`.
    pub optimizer: OptimizerKind,
}

/// An optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam with decays 0.9 and 0.999.
    Adam,
    /// Rectified Adam on centralised gradients with slow weights, as published for pixel2style2pixel.
    Ranger,
}

impl Default for EncoderTrainConfig {
    fn default() -> Self {
        Self {
            seed: 1000,
            kimg: 4000.,
            pretrain_kimg: 0.,
            generator: String::new(),
            generator_hash: String::new(),
            backbone: String::new(),
            train_generator: false,
            data: DataConfig::default(),
            task: TaskConfig::default(),
            encoder: PspConfig::default(),
            loss: EncoderLossConfig::default(),
            schedule: EncoderScheduleConfig::default(),
            output: OutputConfig::default(),
        }
    }
}

impl Default for TaskConfig {
    fn default() -> Self {
        Self { input: Input::Picture, flip: false, factors: vec![1, 2, 4, 8, 16, 32] }
    }
}

impl Default for EncoderLossConfig {
    fn default() -> Self {
        Self {
            l2: 1.,
            lpips: 0.8,
            l2_crop: 0.,
            lpips_crop: 0.,
            w_norm: 0.,
            id: 0.1,
            lpips_weights: String::new(),
            arcface: String::new(),
            classifier: String::new(),
        }
    }
}

impl Default for EncoderScheduleConfig {
    fn default() -> Self {
        Self { batch: 8, lr: 1e-4, optimizer: OptimizerKind::Ranger }
    }
}
