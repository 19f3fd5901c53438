//! SPADE's image encoder with its weights, out of a file.

use crate::checkpoint::prefix;
use crate::import::networks;
use crate::spade::SpadeEncoder;
use crate::{EncoderConfig, Error, NetworkConfig, Params, Result};
use candle_core::Device;
use std::path::Path;

/// The image encoder `E` of a checkpoint of SPADE, or of a file that [`networks`] knows, on a device; `None` if the file
/// holds none of SPADE. Encoders into styles are [`TrainedEncoder`](crate::TrainedEncoder)s.
///
/// # Errors
/// One sentence that names the file and what is wrong with it.
pub fn load_spade_encoder(path: impl AsRef<Path>, device: &Device) -> Result<Option<SpadeEncoder>> {
    let path = path.as_ref();
    let file = networks(path)?;
    let Some(NetworkConfig::Encoder(EncoderConfig::Spade(config))) = file.metadata.networks.get(prefix::E) else {
        return Ok(None);
    };
    let encoder = Params::from_tensors(file.network(prefix::E))
        .and_then(|params| SpadeEncoder::new(config, params.to_device(device)?.frozen()))
        .map_err(|error| Error::Checkpoint {
            path: path.into(),
            problem: format!("does not hold its encoder as it says: {error}"),
        })?;
    Ok(Some(encoder))
}
