//! Attribute classifiers: what linear separability asks about pictures.

use super::pool::{box_downscale, box_factor};
use crate::{Error, Result};
use candle_core::{D, DType, Device, Tensor};
use std::path::Path;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::import::{Imported, import, is_foreign};
use stylegan_core::stylegan1::StyleGan1Discriminator;
use stylegan_core::{Condition, Discriminator, DiscriminatorConfig, NetworkConfig, Params, build_discriminator};
use stylegan_kernels::resize_area;

/// A network with the architecture of StyleGAN's or progressive GAN's discriminator, as the CelebA-HQ classifiers
/// of that paper have it, without minibatch statistics and with one score per class.
pub struct Classifier {
    network: Network,
    attributes: Vec<String>,
    hash: String,
    device: Device,
}

/// Where a classifier comes from.
enum File {
    Ours(Checkpoint),
    Official(Imported),
}

enum Network {
    /// One score of one attribute.
    One(Box<dyn Discriminator>),
    /// A score of each class.
    Classes(Box<StyleGan1Discriminator>),
}

impl Classifier {
    /// The network `D` of a checkpoint, or of an official pickle of a classifier.
    ///
    /// # Errors
    /// A file that is neither, or one whose network is no classifier.
    pub fn open(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |problem: &str| {
            let network = format!("classifier {}", path.display());
            Error::Weights { network, problem: problem.into() }
        };
        let file = if is_foreign(path)? { File::Official(import(path)?) } else { File::Ours(Checkpoint::open(path)?) };
        let metadata = match &file {
            File::Official(file) => &file.metadata,
            File::Ours(file) => file.metadata().ok_or_else(|| {
                wrong("the file has tensors alone, no network; `stylegan classifier` makes such files")
            })?,
        };
        let Some(NetworkConfig::Discriminator(config)) = metadata.networks.get(prefix::D) else {
            return Err(wrong("there is no network D of architecture stylegan1 or pggan"));
        };
        let (group, classes) = match config {
            DiscriminatorConfig::StyleGan1(config) => (config.mbstd_group, config.c_dim.max(1)),
            DiscriminatorConfig::Pggan(config) if config.c_dim == 0 => (config.mbstd_group, 1),
            _ => return Err(wrong("there is no network D of architecture stylegan1 or pggan")),
        };
        if group > 0 {
            return Err(wrong("minibatch statistics make a picture's class depend on its neighbours (mbstd_group)"));
        }
        let (params, hash) = match &file {
            File::Official(file) => (
                Params::from_tensors(file.network(prefix::D))?.to_device(device)?,
                file.metadata.extra.get("source_sha256").cloned(),
            ),
            File::Ours(file) if file.verify()? => {
                (file.params(prefix::D, device)?, file.content_hash().map(Into::into))
            }
            File::Ours(_) => return Err(wrong("there is no hash of its contents; train or convert it again")),
        };
        let network = match config {
            DiscriminatorConfig::StyleGan1(config) if classes > 1 => {
                Network::Classes(Box::new(StyleGan1Discriminator::new(config, params.frozen())?))
            }
            _ => Network::One(build_discriminator(config, params.frozen())?),
        };
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let attributes = match classes {
            1 => vec![stem.into_owned()],
            // Two classes mirror one another.
            2 => vec![format!("{stem} 1")],
            _ => (0..classes).map(|class| format!("{stem} {class}")).collect(),
        };
        Ok(Self { network, attributes, hash: hash.unwrap_or_default(), device: device.clone() })
    }

    /// Content hash of the file.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The names of the attributes that [`Self::logits`] gives: the file's name and the class, of two
    /// classes the second alone.
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// Whether [`Self::features`] gives some: a classifier of several classes does.
    pub fn has_features(&self) -> bool {
        matches!(self.network, Network::Classes(_))
    }

    /// The activations `[n, channels]` before the last layer, of `images` `[n, 3, h, w]` in [-1, 1] of any size: what the
    /// classifier tells pictures apart by. A gradient goes back to the images.
    ///
    /// # Errors
    /// Images of another shape, or a classifier of one attribute, which keeps its activations to itself.
    pub fn features(&self, images: &Tensor) -> Result<Tensor> {
        let Network::Classes(network) = &self.network else {
            return Err(Error::Missing {
                metric: "features of a classifier".into(),
                missing: "a network with a score for each of several classes (`stylegan classifier`)",
            });
        };
        let [h, w] = network.spec().img_size;
        Ok(network.features(&resize_area(&images.to_device(&self.device)?, h, w)?)?)
    }

    /// Log odds `[n, attributes]` of the attributes of several classifiers, one after the other, as [`Self::logits`] gives
    /// them.
    ///
    /// # Errors
    /// Those of [`Self::logits`], or no classifier.
    pub fn logits_of_all(classifiers: &[Self], images: &Tensor) -> Result<Tensor> {
        let logits = classifiers.iter().map(|classifier| classifier.logits(images)).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::cat(&logits, D::Minus1)?)
    }

    /// Log odds `[n, attributes]` of each attribute, of `images` `[n, 3, h, w]` in [-1, 1]. Larger pictures are
    /// box-downscaled by a whole factor to the network's size.
    ///
    /// # Errors
    /// Images of another shape, or whose size is no multiple of the network's.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = images.dims4()?;
        let [nh, nw] = match &self.network {
            Network::One(network) => network.spec().img_size,
            Network::Classes(network) => network.spec().img_size,
        };
        let images = box_downscale(images, box_factor(h, w, nh.min(nw)))?.to_device(&self.device)?;
        if images.dims()[2..] != [nh, nw] {
            let (left, right) = (format!("{w}x{h} pixels"), format!("{nw}x{nh}"));
            return Err(Error::Mismatch { what: "size of generated pictures and of the classifier", left, right });
        }
        let scores = match &self.network {
            Network::One(network) => return Ok(network.logits(&images, Condition::None, 0.)?.to_dtype(DType::F32)?),
            Network::Classes(network) => network.scores(&images)?.to_dtype(DType::F32)?,
        };
        let classes = scores.dim(1)?;
        let column = |k: usize| -> Result<Tensor> {
            let others: Vec<u32> = (0..classes as u32).filter(|j| *j != k as u32).collect();
            let others = scores.index_select(&Tensor::new(others, &self.device)?, 1)?;
            Ok((scores.narrow(1, k, 1)? - others.log_sum_exp(D::Minus1)?.unsqueeze(1)?)?)
        };
        let first = if classes == 2 { 1 } else { 0 };
        Ok(Tensor::cat(&(first..classes).map(column).collect::<Result<Vec<_>>>()?, 1)?)
    }
}
