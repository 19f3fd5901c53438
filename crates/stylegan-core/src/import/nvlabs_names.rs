//! State dictionaries under the official PyTorch names, which are ours. They carry no arguments, so that
//! a generator's configuration follows from its shapes, or is one that this program wrote beside them.

use super::parts::Parts;
use super::{Found, ImportError, ImportedNetwork};
use crate::checkpoint::infer_generator;
use crate::checkpoint::prefix::{D, G, G_EMA};
use crate::{NetworkConfig, Result as CoreResult};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// What every generator here has, and what every discriminator.
const GENERATOR: &str = "synthesis.b4.conv1.weight";
const DISCRIMINATOR: &str = "b4.out.weight";
/// The inputs of an alias-free generator.
const ALIAS_FREE: [&str; 2] = ["synthesis.input.freqs", "synthesis.input.weight"];

/// The networks of a state dictionary, `None` if the file is something else; `stated` are configurations
/// by prefix.
pub(super) fn networks(
    file: &dyn Parts,
    stated: &BTreeMap<String, NetworkConfig>,
) -> Result<Option<Found>, ImportError> {
    let alone = match stated.first_key_value() {
        Some((prefix, _)) if stated.len() == 1 => prefix,
        _ => G_EMA,
    };
    let mut found = Found { origin: "state dictionary of official names", ..Found::default() };
    for (prefix, part) in
        [(D, Some("D")), (G, Some("G")), (G_EMA, Some("G_ema")), (alone, None), (alone, Some("state_dict"))]
    {
        if ALIAS_FREE.iter().any(|name| file.holds(part, name)) {
            return Err(ImportError::alias_free());
        }
        let generator = file.holds(part, GENERATOR);
        if !generator && !file.holds(part, DISCRIMINATOR) {
            continue;
        }
        let config = stated.get(prefix).cloned();
        if !generator && config.is_none() {
            let problem = "left out, as its configuration does not follow from the shapes of its tensors";
            found.extra.insert("discriminator".into(), problem.into());
            continue;
        }
        // FIR filters are constants here, computed rather than stored.
        let own = file.tensors(part)?.into_iter().filter(|(name, _)| !name.ends_with("resample_filter"));
        let tensors: Vec<_> = own.collect();
        let config = match config {
            Some(config) => config,
            None => inferred(&tensors).map_err(|error| ImportError(format!("network {prefix}: {error}")))?,
        };
        found.networks.push(ImportedNetwork { prefix: prefix.into(), config, tensors });
    }
    Ok((!found.networks.is_empty()).then_some(found))
}

fn inferred(tensors: &[(String, Tensor)]) -> CoreResult<NetworkConfig> {
    let shape = |name: &str| tensors.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor.dims());
    infer_generator(&shape).map(NetworkConfig::Generator)
}
