//! State dictionaries under the official PyTorch names, which are ours. They carry no arguments, so that
//! a generator's configuration follows from its shapes, or is one that this program wrote beside them.

use super::filters::without_filters;
use super::parts::Parts;
use super::{Found, ImportError, ImportedNetwork};
use crate::checkpoint::prefix::{D, G, G_EMA};
use crate::checkpoint::{ASSUMED, assumed_of, infer_generator};
use crate::{GeneratorConfig, NetworkConfig, Result as CoreResult};
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
        let tensors = without_filters(file.tensors(part)?)?;
        let config = match config {
            Some(config) => config,
            None => {
                let config = inferred(&tensors).map_err(|error| ImportError(format!("network {prefix}: {error}")))?;
                found.extra.insert(ASSUMED.into(), assumed_of(&config));
                NetworkConfig::Generator(config)
            }
        };
        found.networks.push(ImportedNetwork { prefix: prefix.into(), config, tensors });
    }
    Ok((!found.networks.is_empty()).then_some(found))
}

fn inferred(tensors: &[(String, Tensor)]) -> CoreResult<GeneratorConfig> {
    infer_generator(&|name| tensors.iter().find(|(own, _)| own == name).map(|(_, tensor)| tensor.dims()))
}
