//! What a checkpoint says about itself.

use crate::NetworkConfig;
use std::collections::{BTreeMap, HashMap};

/// The value of the `format` key.
pub const FORMAT: &str = "stylegan-rs";
/// The version of the layout of keys and metadata that this crate writes.
///
/// 2: the content hash covers the metadata and the places of tensors too. Version 1 is read as before.
pub const FORMAT_VERSION: u32 = 2;

/// How much a checkpoint holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Networks to use, `G_ema` above all.
    #[default]
    Release,
    /// Everything that training needs to go on, bit for bit.
    State,
    /// Tensors of networks that this crate does not build, or under the names of another program.
    Weights,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Release => "release",
            Kind::State => "state",
            Kind::Weights => "weights",
        }
    }
}

/// The facts stored beside the tensors, all as text in safetensors' `__metadata__`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// How much the file holds.
    pub kind: Kind,
    /// Configuration by tensor prefix: `G_ema`, `G`, `D`.
    pub networks: BTreeMap<String, NetworkConfig>,
    /// Optimiser steps done.
    pub step: u64,
    /// Real images seen by the discriminator.
    pub images: u64,
    /// Seed of the run.
    pub seed: u64,
    /// Content hash of the training set.
    pub dataset_hash: Option<String>,
    /// Licence of the weights.
    pub licence: Option<String>,
    /// Where converted weights come from.
    pub source: Option<String>,
    /// Anything else, by name.
    pub extra: BTreeMap<String, String>,
}

/// The key of [`Metadata::extra`] for the names of classes, a list in JSON.
const CLASSES: &str = "classes";
/// The key of [`Metadata::extra`] for the class of pixels without one.
pub(crate) const NO_CLASS: &str = "no_class";
/// The key of [`Metadata::extra`] for the fields of a converted network that its file does not tell, with commas between.
pub(crate) const ASSUMED: &str = "assumed";
/// The key of [`Metadata::extra`] for the level of detail of networks that were still growing.
pub(crate) const LOD: &str = "lod";
const NETWORK: &str = "network.";
const EXTRA: &str = "extra.";
pub(super) const CONTENT_HASH: &str = "content_hash";
const FORMAT_VERSION_KEY: &str = "format_version";

impl Metadata {
    /// Names of the classes that labels stand for, from class 0 on, as far as the file gives them.
    pub fn classes(&self) -> Vec<String> {
        self.extra.get(CLASSES).and_then(|names| serde_json::from_str(names).ok()).unwrap_or_default()
    }

    /// The class of maps that stands for pixels without one, where the file says that there is such a class.
    pub fn no_class(&self) -> Option<usize> {
        self.extra.get(NO_CLASS)?.parse().ok()
    }

    /// Keeps the class of maps that stands for pixels without one.
    pub fn set_no_class(&mut self, class: usize) {
        self.extra.insert(NO_CLASS.into(), class.to_string());
    }

    /// The level of detail that networks which grow (StyleGAN, Progressive GAN) had come to: 0 for full size, where the file
    /// does not say otherwise. What is finer was never trained.
    pub fn lod(&self) -> f64 {
        let lod = self.extra.get(LOD).and_then(|lod| lod.parse().ok());
        lod.filter(|lod: &f64| lod.is_finite() && *lod > 0.).unwrap_or(0.)
    }

    /// Keeps the level of detail of growing networks.
    pub fn set_lod(&mut self, lod: f64) {
        if lod > 0. {
            self.extra.insert(LOD.into(), lod.to_string());
        } else {
            self.extra.remove(LOD);
        }
    }

    /// Fields of the configuration of a converted network, as `img_size` or `edges`, that its file does not tell: they were
    /// assumed.
    pub fn assumed(&self) -> impl Iterator<Item = &str> {
        self.extra.get(ASSUMED).into_iter().flat_map(|fields| fields.split(", "))
    }

    /// Keeps the names of classes.
    pub fn set_classes(&mut self, names: &[String]) {
        self.extra.insert(CLASSES.into(), serde_json::json!(names).to_string());
    }

    /// As text; the content hash is the writer's.
    pub(super) fn to_strings(&self) -> BTreeMap<String, String> {
        let mut strings: BTreeMap<String, String> = [
            ("format", FORMAT.to_owned()),
            (FORMAT_VERSION_KEY, FORMAT_VERSION.to_string()),
            ("crate_version", env!("CARGO_PKG_VERSION").to_owned()),
            ("kind", self.kind.as_str().to_owned()),
            ("step", self.step.to_string()),
            ("images", self.images.to_string()),
            ("seed", self.seed.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        let optional = [("dataset_hash", &self.dataset_hash), ("licence", &self.licence), ("source", &self.source)];
        for (key, value) in optional {
            if let Some(value) = value {
                strings.insert(key.to_owned(), value.clone());
            }
        }
        for (prefix, config) in &self.networks {
            // Configurations are plain data: writing them as JSON cannot fail.
            strings.insert(format!("{NETWORK}{prefix}"), serde_json::to_string(config).unwrap_or_default());
        }
        strings.extend(self.extra.iter().map(|(key, value)| (format!("{EXTRA}{key}"), value.clone())));
        strings
    }

    /// From text. `Ok(None)` for files of other programs; errors are the rest of a sentence that
    /// begins with the path.
    pub(super) fn from_strings(strings: &HashMap<String, String>) -> Result<Option<Self>, String> {
        if !is_ours(strings) {
            return Ok(None);
        }
        let mut networks = BTreeMap::new();
        let mut extra = BTreeMap::new();
        for (key, value) in strings {
            if let Some(prefix) = key.strip_prefix(NETWORK) {
                let config = serde_json::from_str(value)
                    .map_err(|error| format!("has a configuration of network {prefix} that cannot be read: {error}"))?;
                networks.insert(prefix.to_owned(), config);
            } else if let Some(key) = key.strip_prefix(EXTRA) {
                extra.insert(key.to_owned(), value.clone());
            }
        }
        let kind = match strings.get("kind").map(String::as_str) {
            Some("release") => Kind::Release,
            Some("state") => Kind::State,
            Some("weights") => Kind::Weights,
            other => {
                let other = other.unwrap_or_default();
                return Err(format!("has kind `{other:.60}` in its metadata, expected release, state or weights"));
            }
        };
        Ok(Some(Self {
            kind,
            networks,
            step: number(strings, "step")?,
            images: number(strings, "images")?,
            seed: number(strings, "seed")?,
            dataset_hash: strings.get("dataset_hash").cloned(),
            licence: strings.get("licence").cloned(),
            source: strings.get("source").cloned(),
            extra,
        }))
    }
}

/// The version that a file of ours says it has; 0 for files of other programs.
pub(super) fn format_version(strings: &HashMap<String, String>) -> Result<u32, String> {
    if is_ours(strings) { number(strings, FORMAT_VERSION_KEY) } else { Ok(0) }
}

fn is_ours(strings: &HashMap<String, String>) -> bool {
    strings.get("format").map(String::as_str) == Some(FORMAT)
}

fn number<T: std::str::FromStr>(strings: &HashMap<String, String>, key: &str) -> Result<T, String> {
    let value = strings.get(key).map(String::as_str).unwrap_or_default();
    value.parse().map_err(|_| format!("has {key} `{value:.60}` in its metadata, expected a whole number"))
}
