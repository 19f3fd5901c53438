//! An encoder of whole pictures without the files of `stylegan invert`: the studio's.

use super::encoder::{ITERATIONS, found};
use super::encoder_run::{EncoderRun, task};
use super::origin::Origin;
use super::targets::Reading;
use crate::exit::wrong;
use crate::network::checkpoint;
use crate::status::say;
use candle_core::{Device, Tensor};
use image::DynamicImage;
use std::path::Path;
use stylegan_core::{Model, TrainedEncoder};
use stylegan_train::config::Input;

/// An encoder that is shown pictures as they are.
pub(crate) struct PictureEncoder {
    network: TrainedEncoder,
    /// How it is shown pictures.
    reading: Reading,
    /// The generator that it was trained for, if its file says.
    origin: Option<Origin>,
}

impl PictureEncoder {
    /// The encoder of a file or run, on a device.
    pub(crate) fn open(path: &Path, device: &Device) -> anyhow::Result<Self> {
        let file = checkpoint(path)?;
        let network = TrainedEncoder::load(&file, device)?;
        let run = EncoderRun::of(&file)?;
        if task(run.as_ref(), &network).input != Input::Picture {
            wrong!(
                "--encoder {}: this encoder is shown sketches, maps or parts of pictures, and the studio has whole \
                 pictures; `stylegan invert --encoder` takes it",
                path.display()
            );
        }
        let origin = Origin::of(path, &file, run.as_ref(), network.content_hash());
        Ok(Self { network, reading: Reading::of(run.as_ref()), origin })
    }

    /// The style rows `[1, num_ws, w_dim]` of a picture; `None`, with a word, for a network that the encoder is not for.
    pub(crate) fn rows(&self, picture: DynamicImage, model: &Model) -> anyhow::Result<Option<Tensor>> {
        let refused = match self.network.check_fits(model.generator().spec()) {
            Err(error) => Some(format!("--encoder: {error}")),
            Ok(()) => {
                let why = self.origin.as_ref().map(|origin| origin.refuses(model, "the network that is open"));
                why.transpose()?.flatten()
            }
        };
        if let Some(why) = refused {
            say(&format!("note: {why}; searches begin with the average until then"));
            return Ok(None);
        }
        let config = self.network.config();
        let shown = self.reading.image(picture, config.img_size, config.picture_channels())?;
        let passes = config.head.is_iterative().then_some(ITERATIONS);
        Ok(Some(found(&self.network, &shown, passes, model.generator())?))
    }
}
