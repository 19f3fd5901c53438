//! Inversion: from a picture to the style that a generator makes it of, and to a generator that makes it.
//!
//! The styles of a picture are found like this, here in a few steps and of a network with random weights:
//!
//! ```
//! use candle_core::Device;
//! use stylegan_core::{Model, SynthesisOptions};
//! use stylegan_metrics::features::StLpips;
//! use stylegan_train::inversion::{ProjectOptions, Projector, StyleStatistics};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("network.safetensors");
//! # stylegan_core::doc::save_tiny_network(&path)?;
//! stylegan_kernels::autodiff::start(1)?; // before there are other threads
//! let model = Model::load(path, &Device::Cpu)?;
//! // Any picture [1, c, h, w] in [-1, 1] of the network's size, as `Dataset::batches` gives them.
//! let target = model.synthesize(&model.styles(&model.latents(&[7])?, None)?, &SynthesisOptions::default())?;
//! let options = ProjectOptions { steps: 3, samples: 100, ..ProjectOptions::default() }; // 1000 steps are usual
//! let styles = StyleStatistics::new(&model, options.samples, None)?;
//! let network = StLpips::embedded(&Device::Cpu)?; // compares the pictures
//! let mut search = Projector::new(&model, &styles, &network, &target, options)?;
//! while !search.is_done() {
//!     let report = search.step()?;
//!     println!("{}: {:.4}", report.step, report.distance);
//! }
//! let ws = search.rows()?; // for Model::synthesize
//! assert_eq!(ws.dims(), [1, model.generator().spec().num_ws, 8]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An encoder ([`TrainedEncoder`](stylegan_core::TrainedEncoder)) finds styles in one step, from which
//! [`Projector::start_from`] goes on.

mod digest;
mod goal;
mod noise;
mod options;
mod projector;
mod seen;
mod styles;
mod tuner;

pub use digest::{digest, hash_of};
pub use options::{ProjectOptions, Space};
pub use projector::{Projector, StepReport};
pub use seen::seen;
pub use styles::StyleStatistics;
pub use tuner::{TuneOptions, TuneReport, Tuner};
