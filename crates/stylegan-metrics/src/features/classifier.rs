//! Attribute classifiers: what linear separability asks about pictures.

use super::pool::{box_downscale, box_factor};
use crate::{Error, Result};
use candle_core::{D, DType, Device, Tensor};
use std::path::Path;
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::stylegan1::StyleGan1Discriminator;
use stylegan_core::{Discriminator, DiscriminatorConfig, NetworkConfig};

/// A network with the architecture of StyleGAN's discriminator, as the CelebA-HQ classifiers of that
/// paper have it, without minibatch statistics and with one score per class.
pub struct Classifier {
    network: StyleGan1Discriminator,
    attributes: Vec<String>,
    hash: String,
    device: Device,
}

impl Classifier {
    /// The network `D` of a checkpoint.
    ///
    /// # Errors
    /// A file that is no checkpoint, or one whose network is no classifier.
    pub fn open(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |problem: &str| {
            let network = format!("classifier {}", path.display());
            Error::Weights { network, problem: problem.into() }
        };
        let checkpoint = Checkpoint::open(path)?;
        let metadata = checkpoint.metadata().ok_or_else(|| wrong("the file has no description"))?;
        let config = match metadata.networks.get("D") {
            Some(NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan1(config))) => config,
            _ => return Err(wrong("there is no network D of architecture stylegan1")),
        };
        if config.mbstd_group > 0 {
            return Err(wrong("minibatch statistics make a picture's class depend on its neighbours (mbstd_group)"));
        }
        let network = StyleGan1Discriminator::new(config, checkpoint.params("D", device)?.frozen())?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        // Two classes mirror one another.
        let classes = if config.c_dim == 2 { 1..2 } else { 0..config.c_dim.max(1) };
        let attributes = classes.map(|class| format!("{stem} {class}")).collect();
        let hash = checkpoint.content_hash().unwrap_or_default().to_owned();
        Ok(Self { network, attributes, hash, device: device.clone() })
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

    /// Log odds `[n, attributes]` of each attribute, of `images` `[n, 3, h, w]` in [-1, 1]. Larger pictures are
    /// box-downscaled by a whole factor to the network's size.
    ///
    /// # Errors
    /// Images of another shape, or whose size is no multiple of the network's.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = images.dims4()?;
        let [nh, nw] = self.network.img_size();
        let images = box_downscale(images, box_factor(h, w, nh.min(nw)))?.to_device(&self.device)?;
        if images.dims()[2..] != [nh, nw] {
            let (left, right) = (format!("{w}x{h} pixels"), format!("{nw}x{nh}"));
            return Err(Error::Mismatch { what: "size of generated pictures and of the classifier", left, right });
        }
        let scores = self.network.scores(&images)?.to_dtype(DType::F32)?;
        let classes = scores.dim(1)?;
        if classes == 1 {
            return Ok(scores);
        }
        let column = |k: usize| -> Result<Tensor> {
            let others: Vec<u32> = (0..classes as u32).filter(|j| *j != k as u32).collect();
            let others = scores.index_select(&Tensor::new(others, &self.device)?, 1)?;
            Ok((scores.narrow(1, k, 1)? - others.log_sum_exp(D::Minus1)?.unsqueeze(1)?)?)
        };
        let first = if classes == 2 { 1 } else { 0 };
        Ok(Tensor::cat(&(first..classes).map(column).collect::<Result<Vec<_>>>()?, 1)?)
    }
}
