//! The judge of painted pictures: a segmenter, and the maps that the pictures were painted of.

use crate::{Error, Result, SourceError};
use candle_core::{DType, Device, Tensor};
use std::path::Path;
use stylegan_core::checkpoint::{Checkpoint, prefix};
use stylegan_core::segmenter::Segmenter;
use stylegan_core::{NetworkConfig, Params};

/// Gives the label map of a picture by its number: class numbers row by row, 255 for pixels without a class.
pub type MapOf = Box<dyn Fn(usize) -> std::result::Result<Vec<u8>, SourceError> + Send + Sync>;

/// A segmenter that looks for label maps in pictures (Park et al. 2019, section 4).
pub struct MapJudge {
    network: Segmenter,
    classes: Vec<String>,
    name: String,
    hash: String,
    device: Device,
    /// What the maps are known by, and the maps.
    truth: Option<(String, MapOf)>,
}

impl MapJudge {
    /// The network `S` of a checkpoint; it is called as the file is.
    ///
    /// # Errors
    /// A file without such a network, or without a hash of its contents.
    pub fn open(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |problem: String| Error::Weights { network: format!("segmenter {}", path.display()), problem };
        let file = Checkpoint::open(path)?;
        let config = file.metadata().and_then(|metadata| metadata.networks.get(prefix::S));
        let Some(NetworkConfig::Segmenter(config)) = config else {
            return Err(wrong("there is no network S; `stylegan segmenter` trains one".into()));
        };
        let classes = file.metadata().map(|metadata| metadata.classes()).unwrap_or_default();
        let whole = file.verify()?;
        let Some(hash) = file.content_hash().map(str::to_owned).filter(|_| whole) else {
            return Err(wrong("there is no hash of its contents; train it again".into()));
        };
        let params: Params = file.params(prefix::S, device)?;
        let network = Segmenter::new(config, params.frozen()).map_err(|error| wrong(error.to_string()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { network, classes, name, hash, device: device.clone(), truth: None })
    }

    /// The same, for pictures that show these maps, of a set that is known by `of`, such as its hash.
    #[must_use]
    pub fn of_maps(self, of: &str, truth: MapOf) -> Self {
        Self { truth: Some((of.into(), truth)), ..self }
    }

    /// What the maps' set is known by.
    pub(crate) fn of(&self) -> &str {
        self.truth.as_ref().map_or("", |(of, _)| of)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Content hash of its file.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Classes that it tells apart.
    pub fn classes(&self) -> usize {
        self.network.config().classes
    }

    /// Their names, from class 0 on, as far as its file gives them.
    pub fn class_names(&self) -> &[String] {
        &self.classes
    }

    /// `[h, w]` of the pictures that it looks at, in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.network.config().img_size
    }

    /// The map that picture `number` was painted of.
    ///
    /// # Errors
    /// When no maps were given, or this one cannot be read.
    pub(crate) fn truth(&self, number: usize) -> Result<Vec<u8>> {
        let missing = "the label maps that pictures were painted of";
        let (_, truth) = self.truth.as_ref().ok_or_else(|| Error::Missing { metric: self.name.clone(), missing })?;
        truth(number).map_err(|source| Error::Source { set: "label maps".into(), image: number, source })
    }

    /// The class of each pixel of `images` `[n, 3, h, w]` in [-1, 1], picture by picture.
    ///
    /// # Errors
    /// Images of another size than the network's.
    pub fn found(&self, images: &Tensor) -> Result<Vec<Vec<u8>>> {
        let (_, _, h, w) = images.dims4()?;
        if [h, w] != self.size() {
            let [eh, ew] = self.size();
            let (left, right) = (format!("{w}x{h} pixels"), format!("{ew}x{eh}"));
            return Err(Error::Mismatch { what: "size of pictures and of the segmenter", left, right });
        }
        // Grey pictures come with their channel repeated.
        let images = images.narrow(1, 0, self.network.config().img_channels)?.to_device(&self.device)?;
        Ok(self.network.classes(&images)?.to_dtype(DType::U8)?.flatten_from(1)?.to_vec2()?)
    }
}
