//! Files that hold nothing but named tensors: `torch.save(module.state_dict(), …)` and safetensors.

use super::torch::TorchFile;
use super::{ImportError, MAX_FILE, torch};
use crate::{Error, Result};
use candle_core::{Device, Tensor};
use std::path::Path;

/// The named tensors of a safetensors file or of a `state_dict` that torch saved, which may lie under
/// the key `state_dict` of a dictionary. Nothing in the file is executed.
///
/// # Errors
/// One sentence that names the file and what is wrong with it.
pub fn state_dict(path: impl AsRef<Path>) -> Result<Vec<(String, Tensor)>> {
    let path = path.as_ref();
    let io = |source| Error::Io { verb: "read", path: path.into(), source };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > MAX_FILE {
        let problem = format!("has {size} bytes, more than any released network ({MAX_FILE})");
        return Err(Error::Checkpoint { path: path.into(), problem });
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let found = if super::is_foreign(path)? {
        torch::open(&bytes).and_then(|file| tensors(&file)).map_err(|error| error.to_string())
    } else {
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu);
        tensors.map(|tensors| tensors.into_iter().collect()).map_err(|error| error.to_string())
    };
    let mut found: Vec<(String, Tensor)> = found
        .map_err(|problem| Error::Checkpoint { path: path.into(), problem: format!("is no state_dict: {problem}") })?;
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn tensors(file: &TorchFile<'_>) -> std::result::Result<Vec<(String, Tensor)>, ImportError> {
    let pickle = &file.pickle;
    let root = pickle.get(pickle.root(), "state_dict").unwrap_or(pickle.root());
    let entries = pickle.entries(root).ok_or_else(|| ImportError("it holds no dictionary of tensors".into()))?;
    let mut tensors = Vec::new();
    for &(key, value) in entries {
        let (Some(name), Some(tensor)) = (pickle.text(key), file.tensor(value)?) else { continue };
        tensors.push((name.to_string(), tensor.to_tensor(&name)?));
    }
    if tensors.is_empty() {
        return Err(ImportError("its dictionary holds no tensors".into()));
    }
    Ok(tensors)
}
