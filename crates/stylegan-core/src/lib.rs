//! Style-based generators and discriminators, latents and checkpoints.
//!
//! A trained generator, of this program's checkpoints or as others released it, in a few lines:
//!
//! ```no_run
//! use candle_core::Device;
//! use stylegan_core::{Model, SynthesisOptions};
//!
//! stylegan_kernels::memory::keep_freed(); // once, at the start of the program
//! stylegan_kernels::threads::keep_candle_on_its_thread();
//! let model = Model::load("ffhq.pkl", &Device::Cpu)?; // or ffhq.safetensors, stylegan2-ffhq.pt, …
//! let ws = model.styles(&model.latents(&[85, 265])?, None)?;
//! let ws = model.truncate(&ws, 0.7, None)?;
//! let pictures = model.synthesize(&ws, &SynthesisOptions::default())?; // [2, 3, 1024, 1024], about -1 to 1
//! # Ok::<(), stylegan_core::Error>(())
//! ```
//!
//! No number depends on the first two calls, but time does, by about a third at 1024x1024 pixels:
//! [`keep_freed`](stylegan_kernels::memory::keep_freed) keeps the memory of one picture for the next, and
//! [`keep_candle_on_its_thread`](stylegan_kernels::threads::keep_candle_on_its_thread) keeps candle from waiting in busy
//! loops. They are the program's, as both concern the whole process. A program that takes gradients calls
//! [`autodiff::start`](stylegan_kernels::autodiff::start) before them, while it has no other thread.
//!
//! - [`Model`]: a trained generator from a file.
//! - [`TrainedEncoder`]: a trained encoder from a file: pictures to styles.
//! - [`Sampler`]: the way from latents over styles to images, with truncation, noise and batches.
//! - [`Generator`], [`Discriminator`] and [`Condition`]: what all architectures share; [`stylegan1`], [`stylegan2`]
//!   and [`pggan`] implement them for pictures of latents, [`spade`] (how a map is painted) and [`pix2pixhd`] for
//!   pictures of label maps; [`build_generator`] and [`build_discriminator`] make them from configurations.
//! - [`psp`]: encoders that find the styles of pictures; [`load_spade_encoder`] reads SPADE's, which finds latents.
//! - [`segmenter`]: a network that finds the label map of a picture.
//! - [`Params`]: the ordered store of parameters, with a trainable and a frozen view.
//! - [`latent`]: random streams, NumPy's seeds, truncation, mixing, interpolation.
//! - [`checkpoint`]: one safetensors file with networks, configurations and provenance.
//! - [`directions`]: what moves styles so that pictures change in one respect.
//! - [`picture`]: image tensors as PNG files, alone or on sheets.
//! - [`import`] and [`export`]: other programs' files, names and formats.
//! - [`Unfinished`] and [`write_atomic`]: files that appear whole or not at all.
//!
//! Networks are built on a candle `VarBuilder`, whose prefixes equal the checkpoint's keys, so any
//! other source of weights with the same names serves as well:
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use candle_nn::VarBuilder;
//! use stylegan_core::stylegan1::{StyleGan1Config, StyleGan1Generator};
//! use stylegan_core::{Condition, Generator, SynthesisOptions, broadcast_ws};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("network.safetensors");
//! # stylegan_core::doc::save_tiny_network(&path)?;
//! let tensors = candle_core::safetensors::load(path, &Device::Cpu)?;
//! let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
//! let config = StyleGan1Config {
//!     img_size: [16, 16],
//!     z_dim: 8,
//!     w_dim: 8,
//!     mapping_width: 8,
//!     mapping_layers: 2,
//!     channel_base: 64,
//!     channel_max: 8,
//!     ..StyleGan1Config::default()
//! };
//! let network = StyleGan1Generator::new(&config, vb.pp("G_ema"))?;
//! let w = network.mapping(&Tensor::randn(0f32, 1., (1, 8), &Device::Cpu)?, Condition::None)?;
//! let picture = network.synthesis(&broadcast_ws(&w, network.spec().num_ws)?, &SynthesisOptions::default())?;
//! assert_eq!(picture.dims(), [1, 3, 16, 16]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod checkpoint;
pub mod directions;
mod error;
pub mod export;
pub mod import;
pub mod latent;
pub mod layers;
mod model;
mod network;
mod params;
pub mod pggan;
pub mod picture;
pub mod pix2pixhd;
mod printable;
pub mod psp;
mod regular_file;
mod sampling;
pub mod segmenter;
pub mod spade;
mod spade_encoder;
pub mod stylegan1;
pub mod stylegan2;
mod trained_encoder;
mod unfinished;

pub use error::{Error, Result};
pub use model::Model;
pub use network::{
    Coarse, Condition, ConditionSpec, Discriminator, DiscriminatorConfig, DiscriminatorOutput, DiscriminatorSpec,
    EncoderConfig, Generator, GeneratorConfig, GeneratorSpec, MapSpec, NetworkConfig, NoiseKeys, NoiseLayers,
    NoiseMode, Resized, Scale, StyleOffsets, SynthesisOptions, broadcast_ws, build_discriminator, build_generator,
    resize,
};
pub use params::{Params, is_buffer};
pub use printable::{Printable, printable, printable_path};
pub use sampling::{NoiseSource, Sampler};
pub use spade_encoder::load_spade_encoder;
pub use stylegan_kernels::{PackedWeights, Precision};
pub use trained_encoder::TrainedEncoder;
pub use unfinished::{Unfinished, abandon_unfinished, sweep, write_atomic, write_file};

/// Helpers of the examples in this documentation.
#[doc(hidden)]
pub mod doc {
    use crate::checkpoint::{Metadata, save};
    use crate::stylegan1::StyleGan1Config;
    use crate::{GeneratorConfig, NetworkConfig, Params, build_generator};
    use candle_core::{DType, Device};

    /// Saves a random 16x16 StyleGAN with 8 latent dimensions, whose noise shows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_tiny_network(path: &std::path::Path) -> crate::Result<()> {
        let config = GeneratorConfig::StyleGan1(StyleGan1Config {
            img_size: [16, 16],
            z_dim: 8,
            w_dim: 8,
            mapping_width: 8,
            mapping_layers: 2,
            channel_base: 64,
            channel_max: 8,
            ..StyleGan1Config::default()
        });
        let params = Params::new(0, DType::F32, &Device::Cpu);
        build_generator(&config, params.trainable())?;
        for (_, strength) in params.vars().into_iter().filter(|(name, _)| name.ends_with("noise_strength")) {
            strength.set(&(strength.ones_like()? * 0.1)?)?;
        }
        let tensors: Vec<_> =
            params.vars().into_iter().map(|(name, var)| (format!("G_ema.{name}"), var.as_detached_tensor())).collect();
        let networks = [("G_ema".to_owned(), NetworkConfig::Generator(config))].into();
        save(path, &Metadata { networks, ..Metadata::default() }, &tensors)
    }
}
