//! What makes rows of numbers of images.

use crate::features::{FeatureNetwork, FeatureNetworks, NetworkId};
use crate::{Error, Result};
use candle_core::{DType, Tensor};

/// The network's name in metrics that look at pixels themselves.
pub(crate) const PIXELS: &str = "pixels";
/// The network's name in metrics of label maps.
pub(crate) const LABEL_MAPS: &str = "label maps";

/// Turns images into rows of numbers.
pub(crate) trait Extractor {
    /// What it is, as reports and caches know it.
    fn id(&self) -> NetworkId;

    /// The rows of the first images of `chunk` `[n, 3, h, w]`, one after the other. `waiting` is an image that
    /// waits for its partner, of extractors that look at pairs.
    ///
    /// # Errors
    /// Images that it cannot look at.
    fn rows(&self, chunk: &Tensor, place: &Place, waiting: &mut Option<Tensor>) -> Result<Vec<f32>>;

    /// Rows that `images` images make.
    fn rows_of(&self, images: usize) -> usize {
        images
    }

    /// Images that made `rows` rows.
    fn images_of(&self, rows: usize) -> usize {
        rows
    }

    /// Whether images of any size make rows that can be compared.
    fn any_size(&self) -> bool {
        false
    }

    /// Whether rows are worth a place in the cache.
    fn worth_keeping(&self) -> bool {
        true
    }

    /// The feature network, if it is one.
    fn network(&self) -> Option<&dyn FeatureNetwork> {
        None
    }
}

/// The images that an extractor is given.
pub(crate) struct Place<'a> {
    /// Number of the first image.
    pub(crate) first: usize,
    /// Images that count; those behind them only fill the chunk.
    pub(crate) n: usize,
    /// The set they are of.
    pub(crate) set: &'a str,
}

impl Place<'_> {
    /// `rows`, `dim` numbers of each image, if all are finite.
    pub(crate) fn finite(&self, what: &'static str, rows: Vec<f32>, dim: usize) -> Result<Vec<f32>> {
        match rows.iter().position(|v| !v.is_finite()) {
            Some(i) => {
                let (index, set) = (self.first + i / dim, self.set.into());
                Err(Error::NotFinite { what, unit: "image", index, set })
            }
            None => Ok(rows),
        }
    }
}

/// A row of features of each image.
pub(crate) struct Features<'a>(pub(crate) &'a dyn FeatureNetwork);

impl<'a> Features<'a> {
    /// The feature network called `published`, or the preferred one.
    pub(crate) fn of(
        networks: &'a FeatureNetworks,
        published: &str,
    ) -> std::result::Result<Box<dyn Extractor + 'a>, &'static str> {
        Ok(Box::new(Self(networks.features(published).ok_or("a feature network")?)))
    }
}

impl Extractor for Features<'_> {
    fn id(&self) -> NetworkId {
        NetworkId::new(self.0.name(), self.0.hash(), self.0.definition())
    }

    fn rows(&self, chunk: &Tensor, place: &Place, _waiting: &mut Option<Tensor>) -> Result<Vec<f32>> {
        let features = self.0.features(chunk)?;
        let expected = [chunk.dim(0)?, self.0.dim()];
        if features.dims() != expected {
            let (left, right) = (format!("{expected:?}"), format!("{:?}", features.dims()));
            return Err(Error::Mismatch { what: "shape of the features", left, right });
        }
        let features = features.narrow(0, 0, place.n)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        place.finite("features", features, self.0.dim())
    }

    fn any_size(&self) -> bool {
        self.0.any_size()
    }

    fn network(&self) -> Option<&dyn FeatureNetwork> {
        Some(self.0)
    }
}
