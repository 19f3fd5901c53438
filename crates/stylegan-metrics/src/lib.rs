//! Metrics of generative image models, each with its protocol, its interval and its feature network.
//!
//! [`evaluate::evaluate`] takes a list of [`protocol::Protocol`]s, a generator or a set of images,
//! and a set of real images, and returns [`report::MetricResult`]s. The parts can be used alone:
//!
//! | module | measure |
//! |---|---|
//! | [`frechet`] | FID: Fréchet distance between feature sets |
//! | [`kernel`] | KID: unbiased kernel distance between feature sets |
//! | [`precision_recall`] | improved precision and recall, density, coverage |
//! | [`path_length`] | PPL in Z and W, full and end |
//! | [`inception_score`] | Inception Score from logits |
//! | [`separability`] | linear separability of latents, with [`svm`] |
//! | [`combination`] | how often edits reach a combination of two attributes |
//! | [`sliced_wasserstein`] | sliced Wasserstein distance of patches, by scale |
//! | [`ms_ssim`] | multi-scale structural similarity: variety within a set |
//! | [`identity`] | similarity of identities in pairs of pictures |
//! | [`segmentation`] | mean intersection over union and pixel accuracy of label maps |
//! | [`seen_maps`] | the same of the maps that a segmenter sees in pictures |
//!
//! [`directions`] finds directions in W to edit pictures along, by the same decompositions and hyperplanes.
//!
//! The crate knows no data set format and no trainer: images come as iterators of tensors
//! `[n, 3, h, w]` in [-1, 1], generators as [`stylegan_core::Generator`]. Folders and ZIP files are read by
//! `stylegan_train`: its example `compare_folders` prints the FID between two of them.
//!
//! # Names
//! One feature network is built in: ST-LPIPS ([`features::StLpips`]). Inception and LPIPS are made of
//! weights that the caller brings ([`features::FeatureNetworks::with_weights`]). A number that was not measured
//! with the network its protocol was published with carries the network's name (`fid-stlpips`), and
//! cannot be compared with published ones.
//!
//! # Repeatability
//! Results are the same bits for any number of threads and any batch size of the image sources: all
//! randomness comes from counter-based streams of a seed, images are regrouped into chunks that
//! depend on their size alone, and sums have a fixed order. Several processes ([`ranks`]) share the making of
//! features part by part, and end in the bits of one.

pub mod cache;
mod classified;
pub mod combination;
pub mod directions;
mod draw;
mod error;
pub mod evaluate;
pub mod extraction;
mod extractor;
pub mod feature_table;
pub mod features;
pub mod frechet;
pub mod generator_source;
pub mod identity;
mod image_stream;
pub mod images;
pub mod inception_score;
pub mod interval;
pub mod kernel;
pub mod likeness;
pub mod metric;
pub mod ms_ssim;
mod overlap;
pub mod path_length;
pub mod precision_recall;
pub mod protocol;
pub mod ranks;
pub mod report;
pub mod seen_maps;
pub mod segmentation;
pub mod separability;
pub mod sliced_wasserstein;
pub mod svm;

#[cfg(test)]
mod test_data;

pub use error::{Error, Result, SourceError};
