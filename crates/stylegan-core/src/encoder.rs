//! An image encoder with its weights, out of a file.

use crate::checkpoint::{Checkpoint, prefix};
use crate::import::{import, import_safetensors, is_foreign};
use crate::spade::SpadeEncoder;
use crate::{EncoderConfig, Error, NetworkConfig, Params, Result};
use candle_core::Device;
use std::path::Path;

/// The image encoder `E` of a checkpoint, or of a file that [`import`](crate::import::import) knows; `None` if the
/// file holds none.
///
/// # Errors
/// One sentence that names the file and what is wrong with it.
pub fn load_encoder(path: impl AsRef<Path>, device: &Device) -> Result<Option<SpadeEncoder>> {
    let path = path.as_ref();
    let bad = |error: Error| match error {
        error @ (Error::Checkpoint { .. } | Error::Io { .. }) => error,
        error => {
            Error::Checkpoint { path: path.into(), problem: format!("does not hold its encoder as it says: {error}") }
        }
    };
    let imported = match is_foreign(path)? {
        true => Some(import(path)?),
        false => {
            let file = Checkpoint::open(path)?;
            if let Some(NetworkConfig::Encoder(config)) =
                file.metadata().and_then(|metadata| metadata.networks.get(prefix::E))
            {
                return build(config, &file.params(prefix::E, device)?).map(Some).map_err(bad);
            }
            import_safetensors(&file)?
        }
    };
    let Some(imported) = imported else { return Ok(None) };
    let Some(NetworkConfig::Encoder(config)) = imported.metadata.networks.get(prefix::E) else { return Ok(None) };
    let params = Params::from_tensors(imported.network(prefix::E))?;
    build(config, &params).map(Some).map_err(bad)
}

fn build(config: &EncoderConfig, params: &Params) -> Result<SpadeEncoder> {
    match config {
        EncoderConfig::Spade(config) => SpadeEncoder::new(config, params.frozen()),
    }
}
