//! Files that are read for their named tensors alone.

use super::{import, is_foreign};
use crate::Result;
use crate::checkpoint::Checkpoint;
use candle_core::{Device, Tensor};
use std::path::Path;

/// The named tensors, in the order of names, of a safetensors file or of what [`import`] reads: a
/// `state_dict` that torch saved, alone or under that key, a TorchScript module, a TensorFlow
/// network. Nothing in the file is executed.
///
/// # Errors
/// One sentence that names the file and what is wrong with it.
pub fn state_dict(path: impl AsRef<Path>) -> Result<Vec<(String, Tensor)>> {
    let path = path.as_ref();
    let mut found = if is_foreign(path)? {
        import(path)?.tensors
    } else {
        let file = Checkpoint::open(path)?;
        let tensor = |name: &str| Ok((name.to_owned(), file.tensor(name, &Device::Cpu)?));
        file.names().map(tensor).collect::<Result<_>>()?
    };
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
