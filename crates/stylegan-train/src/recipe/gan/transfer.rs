//! Transfer: networks that were trained before, for a run to begin with.

use super::networks::Networks;
use crate::config::TransferConfig;
use crate::{Error, Result};
use std::collections::BTreeSet;
use stylegan_core::Params;
use stylegan_core::checkpoint::prefix;
use stylegan_core::import::{Imported, networks};

/// The kinds of a discriminator's layers at one resolution, from the images on.
const LAYERS: [&str; 7] = ["fromrgb", "conv0", "conv1", "skip", "conv", "fc", "out"];

/// Gives the networks the weights, averages and noise of a file. Where it has but one of `G` and
/// `G_ema`, both begin with that.
///
/// # Errors
/// When the file cannot be read, lacks a network, or has one of another architecture or size.
pub(super) fn take(config: &TransferConfig, into: &Networks) -> Result<()> {
    let file = networks(&config.from)?;
    let problem = |problem: String| Error::Config { place: format!("transfer.from = {}", config.from), problem };
    let of = |names: &[&'static str]| names.iter().copied().find(|&name| file.metadata.networks.contains_key(name));
    let (g, g_ema) = (of(&[prefix::G, prefix::G_EMA]), of(&[prefix::G_EMA, prefix::G]));
    let (Some(g), Some(g_ema), Some(d)) = (g, g_ema, of(&[prefix::D])) else {
        let found: Vec<&str> = file.metadata.networks.keys().map(String::as_str).collect();
        let found = if found.is_empty() { "no network".into() } else { found.join(", ") };
        return Err(problem(format!(
            "the file holds {found}, and a transfer begins with a generator and a discriminator (D) that belong together; \
             of released files `stylegan convert --network all` keeps both"
        )));
    };
    for (name, params) in [(g, &into.g), (g_ema, &into.g_ema), (d, &into.d)] {
        copy(&file, name, params).map_err(problem)?;
    }
    Ok(())
}

/// Copies a network, if it is of this architecture and size; else says in what it differs.
fn copy(file: &Imported, name: &str, params: &Params) -> Result<(), String> {
    let mut found = file.network(name);
    let mut unlike = vec![];
    for (key, var) in params.vars() {
        match found.remove(&key) {
            Some(tensor) if tensor.dims() == var.dims() => {
                let set = tensor.to_dtype(var.dtype()).and_then(|tensor| var.set(&tensor));
                set.map_err(|error| format!("{name}.{key}: {error}"))?;
            }
            Some(tensor) => {
                unlike.push(format!("{name}.{key} is {:?} there and {:?} in this run", tensor.dims(), var.dims()));
            }
            None => unlike.push(format!("{name}.{key} is not there")),
        }
    }
    unlike.extend(found.into_keys().map(|key| format!("{name}.{key} is not in this run's network")));
    match &unlike[..] {
        [] => Ok(()),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more differ)", rest.len()) };
            Err(format!(
                "the networks are not alike: {first}{more}; give [generator] and [discriminator] as that file has them"
            ))
        }
    }
}

/// Names of the parameters of the first `layers` layers of a discriminator, counted from the images.
pub(super) fn frozen(d: &Params, layers: usize) -> BTreeSet<String> {
    let place = |name: &str| {
        let (block, rest) = name.split_once('.')?;
        let resolution: usize = block.strip_prefix('b')?.parse().ok()?;
        let kind = LAYERS.iter().position(|kind| rest.split('.').next() == Some(kind))?;
        Some((usize::MAX - resolution, kind))
    };
    let names: Vec<String> = d.parameters().into_iter().map(|(name, _)| name).collect();
    let order: BTreeSet<_> = names.iter().filter_map(|name| place(name)).collect();
    let first: BTreeSet<_> = order.into_iter().take(layers).collect();
    names.into_iter().filter(|name| place(name).is_some_and(|place| first.contains(&place))).collect()
}
