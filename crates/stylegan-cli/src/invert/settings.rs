//! All that decides what an inversion finds, as its files keep it.

use std::collections::BTreeMap;
use stylegan_core::checkpoint::{Checkpoint, Kind, Metadata};
use stylegan_metrics::features::PerceptualDistance;
use stylegan_train::inversion::{ProjectOptions, Space};

/// Names and values; the same ones find the same styles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    pub(super) fn new(
        options: &ProjectOptions,
        network: &str,
        class: Option<&str>,
        distance: &dyn PerceptualDistance,
        picture: &str,
    ) -> Self {
        let space = match options.space {
            Space::W => "w",
            Space::WPlus => "w+",
        };
        let named = [
            ("inverted_by", format!("{} steps in {space}, seed {}", options.steps, options.seed)),
            ("inverted_network", network.to_owned()),
            ("inverted_pixels", picture.to_owned()),
            ("inverted_distance", format!("{} {}", distance.name(), distance.hash())),
        ];
        let class = class.map(|class| ("inverted_class", class.to_owned()));
        Self(named.into_iter().chain(class).map(|(name, value)| (name.to_owned(), value)).collect())
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
        let known = found.extra.iter().filter(|(name, _)| name.starts_with("inverted_"));
        known.eq(self.0.iter())
    }
}
