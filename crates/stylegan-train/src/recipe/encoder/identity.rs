//! Whether two pictures show the same, in the eyes of a network that knows.

use crate::config::EncoderLossConfig;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use stylegan_core::Params;
use stylegan_core::import::state_dict;
use stylegan_core::psp::{FaceConfig, FaceNetwork};
use stylegan_kernels::resize_area;
use stylegan_metrics::features::{ArcFace, Classifier};

/// What identities are compared by.
pub enum Identity {
    /// A network that knows faces, and the side of those that it reads: ArcFace.
    Face(FaceNetwork, usize),
    /// A classifier of a set's labels, where no network for faces can be had.
    Classifier(Classifier),
}

impl Identity {
    /// The network of a configuration, on a device; `None` where it names none.
    ///
    /// # Errors
    /// When the weights cannot be read or are of another network.
    pub(super) fn of(config: &EncoderLossConfig, device: &Device) -> Result<Option<Self>> {
        if !config.classifier.is_empty() {
            let wrong = |error: stylegan_metrics::Error| Error::Config {
                place: format!("loss.classifier = {}", config.classifier),
                problem: format!(
                    "{error}; `stylegan classifier` trains one, --set loss.classifier=FILE names another, and with --set \
                     loss.classifier= --set loss.id=0 there is no such loss"
                ),
            };
            return Classifier::open(&config.classifier, device).map(Self::Classifier).map(Some).map_err(wrong);
        }
        if config.arcface.is_empty() {
            return Ok(None);
        }
        let wrong = |error: stylegan_core::Error| Error::Config {
            place: format!("loss.arcface = {}", config.arcface),
            problem: format!("{error}; expected the weights of ArcFace's IR-SE-50 (model_ir_se50.pth)"),
        };
        let params = state_dict(&config.arcface).and_then(Params::from_tensors).map_err(wrong)?.to_device(device)?;
        let size = FaceConfig::default();
        Ok(Some(Self::Face(FaceNetwork::new(size, params.frozen()).map_err(wrong)?, size.side)))
    }

    /// The name of the loss in logs.
    pub fn name(&self) -> &str {
        match self {
            Self::Face(..) => "arcface",
            Self::Classifier(_) => "classifier",
        }
    }

    /// 1 less the cosine `[n]` between pictures `found` and `target`, both `[n, 3, h, w]` about in [-1, 1]. A gradient goes
    /// back to `found`.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn distance(&self, found: &Tensor, target: &Tensor) -> Result<Tensor> {
        let (a, b) = (self.vectors(found)?, self.vectors(&target.detach())?.detach());
        Ok((a * b)?.sum(1)?.affine(-1., 1.)?)
    }

    /// Vectors `[n, features]` of unit length.
    fn vectors(&self, images: &Tensor) -> Result<Tensor> {
        match self {
            Self::Face(network, side) => {
                let face = ArcFace::face(&resize_area(images, ArcFace::SIDE, ArcFace::SIDE)?)?;
                Ok(network.embed(&resize_area(&face, *side, *side)?)?)
            }
            Self::Classifier(network) => {
                let vectors = network.features(&images.to_dtype(DType::F32)?)?;
                let length = (vectors.sqr()?.sum_keepdim(1)? + 1e-20)?.sqrt()?;
                Ok(vectors.broadcast_div(&length)?)
            }
        }
    }
}
