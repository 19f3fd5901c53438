//! What the perceptual loss sees with.

use crate::config::SpadeLossConfig;
use crate::{Error, Result};
use candle_core::Device;
use stylegan_core::import::state_dict;
use stylegan_metrics::features::{PerceptualDistance, StLpips, Vgg19, Weights};

/// The network of a configuration's perceptual loss on a device, if it has that loss: VGG19 of a file, else ST-LPIPS.
pub(super) fn of(config: &SpadeLossConfig, device: &Device) -> Result<Option<Box<dyn PerceptualDistance>>> {
    if config.perceptual <= 0. {
        return Ok(None);
    }
    if config.vgg19.is_empty() {
        return Ok(Some(Box::new(StLpips::embedded(device)?)));
    }
    let wrong = |problem: String| Error::Config {
        place: format!("loss.vgg19 = {}", config.vgg19),
        problem: format!("{problem}; expected torchvision's weights of VGG19 (features.0.weight, …)"),
    };
    let weights = Weights::new("vgg19", state_dict(&config.vgg19)?, device)?;
    Ok(Some(Box::new(Vgg19::new(&weights, device).map_err(|error| wrong(error.to_string()))?)))
}
