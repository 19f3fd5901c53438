//! Transfer: networks that were trained before, for a run to begin with.

use crate::{Error, Result, checkpoints};
use std::path::Path;
use stylegan_core::Params;
use stylegan_core::import::{Imported, networks};

/// Gives networks the weights, averages and buffers of the file `from`, or of the newest checkpoint of a run's folder: each that
/// of the first of its names which the file has, so that of `G` and `G_ema` one is enough. No file, and they stay as they are.
/// `grow` says whether they are to grow.
///
/// # Errors
/// When the file cannot be read, a folder has no checkpoint, lacks a network, or has one of another architecture or size, or that
/// is still growing where these do not.
pub(super) fn take(from: &str, grow: bool, into: &[(&[&'static str], &Params)]) -> Result<()> {
    if from.is_empty() {
        return Ok(());
    }
    let problem = |problem: String| Error::Config { place: format!("transfer.from = {from}"), problem };
    let file = match Path::new(from) {
        run if run.is_dir() => match checkpoints::newest(run, |_| Ok(()))?.0 {
            Some(checkpoint) => networks(checkpoint.path())?,
            None => return Err(problem("this folder holds no checkpoint that is whole; train that run first".into())),
        },
        file => networks(file)?,
    };
    if !grow && file.metadata.lod() > 0. {
        return Err(problem(format!(
            "its networks are still growing (level of detail {}): their larger layers were never trained; let that run go on until \
             they have grown, or begin with another file",
            file.metadata.lod()
        )));
    }
    let holds = |name: &&str| file.metadata.networks.contains_key(*name);
    let of = |(names, params): &(&[&'static str], _)| Some((names.iter().copied().find(holds)?, *params));
    let found: Option<Vec<(&str, &Params)>> = into.iter().map(of).collect();
    let Some(found) = found else {
        let found: Vec<&str> = file.metadata.networks.keys().map(String::as_str).collect();
        let found = if found.is_empty() { "no network".into() } else { found.join(", ") };
        let mut wanted: Vec<&str> = into.iter().filter_map(|(names, _)| names.first().copied()).collect();
        wanted.retain(|&name| name != stylegan_core::checkpoint::prefix::G_EMA);
        return Err(problem(format!(
            "the file holds {found}, and this run begins with {} that belong together; of released files `stylegan convert \
             --network all` keeps all that there are",
            wanted.join(" and ")
        )));
    };
    found.into_iter().try_for_each(|(name, params)| copy(&file, name, params).map_err(problem))
}

/// Copies a network, if it is of this architecture and size; else says in what it differs.
fn copy(file: &Imported, name: &str, params: &Params) -> Result<(), String> {
    let mut found = file.network(name);
    let mut unlike = vec![];
    for (key, var) in params.vars() {
        match found.remove(&key) {
            Some(tensor) if tensor.dims() == var.dims() => {
                let here = tensor.to_dtype(var.dtype()).and_then(|tensor| tensor.to_device(var.device()));
                let set = here.and_then(|tensor| var.set(&tensor));
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
