//! An encoder of whole pictures without the files of `stylegan invert`: the studio's.

use super::encoder::{ITERATIONS, found, task_of};
use super::targets::fitted;
use crate::exit::wrong;
use crate::network::checkpoint;
use candle_core::{Device, Tensor};
use image::DynamicImage;
use std::path::Path;
use stylegan_core::{Model, TrainedEncoder};
use stylegan_train::config::Input;

/// An encoder that is shown pictures as they are.
pub(crate) struct PictureEncoder {
    network: TrainedEncoder,
}

impl PictureEncoder {
    /// The encoder of a file or run.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = checkpoint(path)?;
        let network = TrainedEncoder::load(&file, &Device::Cpu)?;
        if task_of(&file, &network)?.input != Input::Picture {
            wrong!(
                "--encoder {}: this encoder is shown sketches, maps or parts of pictures, and the studio has whole \
                 pictures; `stylegan invert --encoder` takes it",
                path.display()
            );
        }
        Ok(Self { network })
    }

    /// The style rows `[1, num_ws, w_dim]` of a picture; `None` for a network that the encoder is not for.
    pub(crate) fn rows(&self, picture: DynamicImage, model: &Model) -> anyhow::Result<Option<Tensor>> {
        if self.network.check_fits(model.generator().spec()).is_err() {
            return Ok(None);
        }
        let config = self.network.config();
        let shown = fitted(picture, config.img_size, config.picture_channels())?;
        let passes = config.head.is_iterative().then_some(ITERATIONS);
        Ok(Some(found(&self.network, &shown, passes, model.generator())?))
    }
}
