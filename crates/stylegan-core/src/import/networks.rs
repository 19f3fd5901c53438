//! The networks of any file.

use super::{Imported, import, import_safetensors, is_foreign, unfit};
use crate::checkpoint::{Checkpoint, Kind};
use crate::params::is_finite;
use crate::{Error, Result};
use candle_core::{Device, Tensor};
use std::path::Path;

/// Reads the networks of any file: another program's as [`import`] and [`import_safetensors`] do, or a
/// checkpoint of this program, without its optimisers and checked against its hash.
///
/// # Errors
/// As [`import`], and when the file neither says what networks it holds nor has names that are known.
pub fn networks(path: impl AsRef<Path>) -> Result<Imported> {
    let path = path.as_ref();
    if is_foreign(path)? {
        return import(path);
    }
    let file = Checkpoint::open(path)?;
    file.verify()?;
    if let Some(imported) = import_safetensors(&file)? {
        return Ok(imported);
    }
    let Some(mut metadata) = file.metadata().cloned() else {
        let problem = "does not say what networks it holds, and its tensors have neither the names of the official \
                       PyTorch code (synthesis.b4.conv1.weight, …) nor rosinality's (convs.0.conv.weight, …), so there is \
                       nothing to take from it";
        return Err(Error::Checkpoint { path: path.into(), problem: problem.into() });
    };
    let ours = |name: &str| name.split_once('.').is_some_and(|(prefix, _)| metadata.networks.contains_key(prefix));
    let names = file.names().filter(|name| metadata.networks.is_empty() || ours(name));
    let tensors = names.map(|name| Ok((name.to_string(), file.tensor(name, &Device::Cpu)?)));
    let tensors: Vec<(String, Tensor)> = tensors.collect::<Result<_>>()?;
    if let Some((name, _)) = tensors.iter().find(|(_, tensor)| !is_finite(tensor)) {
        return Err(unfit(path, &Error::NotFinite { name: name.clone() }));
    }
    if metadata.kind == Kind::State {
        metadata.kind = Kind::Release;
    }
    Ok(Imported { origin: "stylegan-rs checkpoint", metadata, tensors })
}
