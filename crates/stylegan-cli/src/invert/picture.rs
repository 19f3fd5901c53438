//! A picture that is inverted.

use super::files::Outputs;
use super::targets::Place;
use crate::network::Network;
use crate::writer::Text;
use stylegan_core::Model;

/// A picture to invert.
pub(super) struct Picture {
    /// What its results are called by.
    pub(super) name: String,
    pub(super) place: Place,
    /// What its reconstruction is compared with, if not with itself.
    pub(super) truth: Option<Place>,
    /// What of it is hidden, if something is.
    pub(super) mask: Option<Place>,
    pub(super) files: Outputs,
}

impl Picture {
    /// What a file says that the network, or the copy that was tuned to the picture, makes of its styles.
    pub(super) fn text(&self, network: &Network, tuned: Option<&Model>) -> Text {
        let mut text = network.text();
        if let Some(tuned) = tuned {
            text.retain(|(keyword, _)| *keyword != "stylegan:network");
            text.extend(tuned.content_hash().map(|hash| ("stylegan:network", hash.to_owned())));
        }
        text.push(("stylegan:inverted", self.name.clone()));
        text
    }
}
