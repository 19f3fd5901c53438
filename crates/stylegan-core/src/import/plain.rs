//! Safetensors files that say nothing of the networks in them: state dictionaries of other programs.

use super::{Imported, by_names, finish};
use crate::NetworkConfig;
use crate::checkpoint::{Checkpoint, Kind};
use std::collections::BTreeMap;

/// The key, in the metadata of a state dictionary that this program wrote, of a network's configuration.
pub const CONFIG_KEY: &str = "config.";

/// The networks of a safetensors file without configurations of this program: under the official names of
/// PyTorch, which are ours, or rosinality's; what `stylegan convert --to` writes comes back as it was.
/// `None` where the names are of neither kind, or where the file describes its networks itself.
///
/// # Errors
/// One sentence that names the file and what is wrong with it.
pub fn import_safetensors(file: &Checkpoint) -> crate::Result<Option<Imported>> {
    let metadata = file.metadata();
    if metadata.is_some_and(|metadata| metadata.kind != Kind::Weights) {
        return Ok(None);
    }
    let mut extra = metadata.map(|metadata| metadata.extra.clone()).unwrap_or_default();
    let mut stated = BTreeMap::new();
    for (key, value) in &extra {
        let Some(prefix) = key.strip_prefix(CONFIG_KEY) else { continue };
        let config: NetworkConfig = serde_json::from_str(value).map_err(|error| {
            file.bad(format!("has a configuration of network {prefix} that cannot be read: {error}"))
        })?;
        stated.insert(prefix.to_owned(), config);
    }
    let unfit = |error: &dyn std::fmt::Display| file.bad(format!("cannot be imported: {error}"));
    let Some(mut found) = by_names(file, &stated).map_err(|error| unfit(&error))? else { return Ok(None) };
    // What shapes do not tell, such as clamps, is as it was stated.
    if let ([network], Some((prefix, config))) = (&mut found.networks[..], stated.first_key_value())
        && stated.len() == 1
    {
        (network.prefix, network.config) = (prefix.clone(), config.clone());
    } else {
        for network in &mut found.networks {
            if let Some(config) = stated.remove(&network.prefix) {
                network.config = config;
            }
        }
    }
    extra.retain(|key, _| key != "content" && !key.starts_with(CONFIG_KEY));
    extra.append(&mut found.extra);
    found.extra = extra;
    let mut imported = finish(found, file.bytes(), file.path())?;
    if let Some(metadata) = metadata {
        // The file that this program converted has more to say of where it comes from.
        imported.metadata.licence = metadata.licence.clone();
        imported.metadata.source = metadata.source.clone().or(imported.metadata.source);
    }
    Ok(Some(imported))
}
