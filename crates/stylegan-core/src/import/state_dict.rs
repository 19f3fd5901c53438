//! Files that are read for their named tensors alone.

use super::{import, is_foreign};
use crate::checkpoint::{Checkpoint, Kind};
use crate::{Error, Result};
use candle_core::{Device, Tensor};
use std::path::Path;

/// The named tensors, in the order of names, of a safetensors file or of what [`import`] reads: a
/// `state_dict` that torch saved, alone or under that key, a TorchScript module, a TensorFlow
/// network. Nothing in the file is executed.
///
/// # Errors
/// One sentence that names the file and what is wrong with it; checkpoints of networks that are
/// built here are not read for their tensors.
pub fn state_dict(path: impl AsRef<Path>) -> Result<Vec<(String, Tensor)>> {
    let path = path.as_ref();
    let mut found = if is_foreign(path)? {
        let file = import(path)?;
        if file.metadata.kind != Kind::Weights {
            let problem = format!("is no state_dict but a {}", file.origin);
            return Err(Error::Checkpoint { path: path.into(), problem });
        }
        file.tensors
    } else {
        let file = Checkpoint::open(path)?;
        let tensor = |name: &str| Ok((name.to_owned(), file.tensor(name, &Device::Cpu)?));
        file.names().map(tensor).collect::<Result<_>>()?
    };
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
