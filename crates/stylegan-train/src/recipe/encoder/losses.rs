//! The losses of an encoder (Richardson et al. 2021, section 3.2).

use super::identity::Identity;
use crate::config::EncoderLossConfig;
use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use stylegan_core::import::state_dict;
use stylegan_metrics::features::{ArcFace, FeatureNetworks, PerceptualDistance, StLpips};

/// The losses of a configuration, with the networks that they see by.
pub struct Losses {
    weights: EncoderLossConfig,
    looks: Option<Box<dyn PerceptualDistance>>,
    identity: Option<Identity>,
}

/// A weighted loss: what it is called in logs, and its values `[n]` for each picture.
pub type Term = (String, Tensor);

impl Losses {
    /// The losses of a configuration, whose networks see on a device; those of losses without weight are not read.
    ///
    /// # Errors
    /// When the weights of a network cannot be read or are of another one.
    pub fn of(config: &EncoderLossConfig, device: &Device) -> Result<Self> {
        let looks = (config.lpips + config.lpips_crop > 0.).then(|| looks(config, device)).transpose()?;
        let identity = if config.id > 0. { Identity::of(config, device)? } else { None };
        Ok(Self::by(config, looks, identity))
    }

    /// The losses of these weights by networks at hand; without one there is no such loss.
    pub fn by(
        weights: &EncoderLossConfig,
        looks: Option<Box<dyn PerceptualDistance>>,
        identity: Option<Identity>,
    ) -> Self {
        Self { weights: weights.clone(), looks, identity }
    }

    /// The names that the losses with a network have in logs, beside `l2` and `w_norm`.
    pub fn networks(&self) -> Vec<&str> {
        let looks = self.looks.as_deref().map(PerceptualDistance::name);
        looks.into_iter().chain(self.identity.as_ref().map(Identity::name)).collect()
    }

    /// The weighted losses of pictures `found` `[n, 3, h, w]` in place of `target`, both about in [-1, 1], whose style rows
    /// are `offsets` `[n, num_ws, w_dim]` away from the average. Gradients go back to `found` and `offsets`.
    ///
    /// # Errors
    /// When shapes do not fit, or pictures are smaller than a network can see.
    pub fn terms(&self, found: &Tensor, target: &Tensor, offsets: &Tensor) -> Result<Vec<Term>> {
        let EncoderLossConfig { l2, lpips, l2_crop, lpips_crop, w_norm, id, .. } = self.weights;
        let mut terms = vec![];
        let mut add = |name: &str, weight: f64, values: Tensor| -> Result<()> {
            terms.push((name.to_owned(), (values.to_dtype(found.dtype())? * weight)?));
            Ok(())
        };
        if let (Some(identity), true) = (&self.identity, id > 0.) {
            add(identity.name(), id, identity.distance(found, target)?)?;
        }
        for (part, l2, lpips) in [("", l2, lpips), ("_crop", l2_crop, lpips_crop)] {
            if l2 <= 0. && lpips <= 0. {
                continue;
            }
            let cut = |images: &Tensor| if part.is_empty() { Ok(images.clone()) } else { ArcFace::face(images) };
            let (found, target) = (cut(found)?, cut(target)?);
            if l2 > 0. {
                add(&format!("l2{part}"), l2, (&found - &target)?.sqr()?.flatten_from(1)?.mean(1)?)?;
            }
            if let (Some(looks), true) = (&self.looks, lpips > 0.) {
                let seen = |images: &Tensor| looks.activations(&images.to_dtype(DType::F32)?);
                let distance = looks.between(&seen(&found)?, &seen(&target.detach())?)?;
                add(&format!("{}{part}", looks.name()), lpips, distance)?;
            }
        }
        if w_norm > 0. {
            add("w_norm", w_norm, offsets.flatten_from(1)?.sqr()?.sum(1)?.sqrt()?)?;
        }
        Ok(terms)
    }
}

/// What the perceptual loss sees by: LPIPS of a file, else ST-LPIPS.
fn looks(config: &EncoderLossConfig, device: &Device) -> Result<Box<dyn PerceptualDistance>> {
    if config.lpips_weights.is_empty() {
        return Ok(Box::new(StLpips::embedded(device)?));
    }
    let wrong = |problem: String| Error::Config {
        place: format!("loss.lpips_weights = {}", config.lpips_weights),
        problem: format!("{problem}; expected LPIPS as one file, trunk and heads, or none (--set loss.lpips_weights=)"),
    };
    let weights = state_dict(&config.lpips_weights).map_err(|error| wrong(error.to_string()))?;
    let networks = FeatureNetworks::with_weights(weights, device)?;
    networks.into_given_distance().ok_or_else(|| wrong("holds no network that compares pictures".into()))
}
