//! What was assumed of a network whose file does not tell all of it, in words.

use crate::status::say;
use std::fmt::Display;
use stylegan_core::checkpoint::Metadata;
use stylegan_core::{DiscriminatorConfig, GeneratorConfig, Model, NetworkConfig};

/// What was assumed of a network, and what to do where it is not so: a sentence without its subject; `None` if nothing was.
pub(crate) fn assumed(metadata: &Metadata, config: &NetworkConfig) -> Option<String> {
    match config {
        NetworkConfig::Generator(generator) if generator.map().is_some() => of_painter(metadata, config),
        NetworkConfig::Discriminator(DiscriminatorConfig::MultiscalePatch(_)) => of_painter(metadata, config),
        NetworkConfig::Generator(generator) => of_generator(metadata, generator),
        _ => None,
    }
}

/// Says the same of a generator that is open, which is called `name`.
pub(crate) fn tell_assumed(model: &Model, name: impl Display) {
    let config = NetworkConfig::Generator(model.config().clone());
    if let Some(assumed) = model.metadata().and_then(|metadata| assumed(metadata, &config)) {
        say(&format!("note: {name}: {assumed}"));
    }
}

/// Of what reads label maps, with the options of `stylegan convert` that correct it.
fn of_painter(metadata: &Metadata, config: &NetworkConfig) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for field in metadata.assumed() {
        words.extend(match (field, config) {
            ("img_size", NetworkConfig::Generator(config)) => Some(size(config.img_size())),
            ("img_size", NetworkConfig::Discriminator(config)) => Some(size(config.img_size())),
            ("depth", _) => Some("depth normal (--depth)".to_owned()),
            ("edges", _) => Some("maps without edges (--edges)".to_owned()),
            _ => None,
        });
    }
    if metadata.no_class().is_none() && metadata.assumed().any(|field| field == "edges") {
        words.push("no class for pixels without one (--dont-care)".to_owned());
    }
    Some(format!("{}, and `stylegan convert` takes these options", list(words)?))
}

/// Of what draws latents, with the values that were assumed.
fn of_generator(metadata: &Metadata, config: &GeneratorConfig) -> Option<String> {
    let values = serde_json::to_value(config).ok()?;
    let word = |field: &str| {
        let value = values.get(field)?;
        let value = if value.is_null() { "none".to_owned() } else { value.to_string() };
        Some(format!("{field} {value}"))
    };
    let words = metadata.assumed().filter_map(word).collect();
    Some(format!("{}, as published; if its pictures are wrong, convert the file that its program wrote", list(words)?))
}

fn list(mut words: Vec<String>) -> Option<String> {
    let last = words.pop()?;
    let others = if words.is_empty() { String::new() } else { format!("{} and ", words.join(", ")) };
    Some(format!("the file does not tell all of its network; assumed are {others}{last}"))
}

fn size([h, w]: [usize; 2]) -> String {
    format!("pictures of {w}x{h} pixels (--size)")
}
