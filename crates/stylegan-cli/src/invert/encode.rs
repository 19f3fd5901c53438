//! What an encoder finds of a picture, at once.

use super::found;
use super::plan::{Picture, Plan};
use super::settings::Settings;
use candle_core::{DType, Tensor};
use stylegan_core::TrainedEncoder;

/// The style rows `[1, num_ws, w_dim]` of a picture.
pub(super) fn rows(plan: &Plan, picture: &Picture, encoder: &TrainedEncoder) -> anyhow::Result<Tensor> {
    let config = encoder.config();
    let target = picture.place.target(config.img_size, config.img_channels, DType::F32)?;
    Ok(encoder.encode(&target.image)?.to_dtype(plan.network.dtype())?)
}

/// Writes the styles that the encoder finds of a picture.
pub(super) fn encode(
    plan: &Plan,
    picture: &Picture,
    settings: &Settings,
    encoder: &TrainedEncoder,
) -> anyhow::Result<()> {
    found::write(plan, picture, settings, &rows(plan, picture, encoder)?, None)
}
