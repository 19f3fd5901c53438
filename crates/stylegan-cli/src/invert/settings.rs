//! All that decides what an inversion finds, as its files keep it.

use std::collections::BTreeMap;
use stylegan_core::Precision;
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata};
use stylegan_metrics::features::PerceptualDistance;
use stylegan_train::inversion::{ProjectOptions, Space};

/// Whether a file was made by an inversion.
pub(super) fn has(file: &Checkpoint) -> bool {
    file.metadata().is_some_and(|about| about.extra.keys().any(|name| name.starts_with(PREFIX)))
}

/// What the names of settings begin with.
const PREFIX: &str = "inverted_";

/// Names and values; the same ones find the same styles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Those of a picture with these pixels for this network, each known by its hash.
    pub(super) fn new(network: &str, class: Option<&str>, pixels: &str) -> Self {
        let named = [("inverted_network", network), ("inverted_pixels", pixels)];
        let class = class.map(|class| ("inverted_class", class));
        Self(named.into_iter().chain(class).map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Those of an encoder, known by its hash, which finds the styles or where the search starts.
    pub(super) fn encoder(&mut self, hash: &str) {
        self.0.insert("inverted_by".into(), "an encoder".into());
        self.0.insert("inverted_encoder".into(), hash.to_owned());
    }

    /// How often an encoder looked at what was made of its rows.
    pub(super) fn passes(&mut self, passes: usize) {
        self.0.insert("inverted_passes".into(), passes.to_string());
    }

    /// The precision in which the network makes pictures, if it is not f32.
    pub(super) fn precision(&mut self, precision: Precision) {
        let reduced = precision.reduced().map(|precision| ("inverted_precision".to_owned(), precision.to_string()));
        self.0.extend(reduced);
    }

    /// What was shown of the picture, where that is for the command to say.
    pub(super) fn shown(&mut self, what: &str) {
        self.0.insert("inverted_shown".into(), what.to_owned());
    }

    /// Those of a search.
    pub(super) fn search(&mut self, options: &ProjectOptions, distance: &dyn PerceptualDistance) {
        let space = match options.space {
            Space::W => "w",
            Space::WPlus => "w+",
        };
        let by = format!("{} steps in {space}, seed {}", options.steps, options.seed);
        self.0.insert("inverted_by".into(), by);
        self.0.insert("inverted_distance".into(), format!("{} {}", distance.name(), distance.hash()));
    }

    /// The metadata of a file of these settings that holds `content`.
    pub(super) fn metadata(&self, content: &str, more: &[(&str, String)]) -> Metadata {
        let mut extra = self.0.clone();
        extra.insert("content".to_owned(), content.to_owned());
        extra.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Metadata { kind: Kind::Weights, source: Some("stylegan invert".into()), extra, ..Metadata::default() }
    }

    /// Whether a file was made by these settings.
    pub(super) fn made(&self, file: &Checkpoint) -> bool {
        let Some(found) = file.metadata() else { return false };
        let known = found.extra.iter().filter(|(name, _)| name.starts_with(PREFIX));
        known.eq(self.0.iter())
    }
}
