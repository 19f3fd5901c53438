//! What a feature network is known by.

use serde::{Deserialize, Serialize};

/// A feature network by name and weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkId {
    /// Short name.
    pub name: String,
    /// SHA-256 of the weights; empty where there are none.
    pub hash: String,
    /// What the features or distances are.
    pub definition: String,
}

impl NetworkId {
    /// Of these three.
    pub(crate) fn new(name: &str, hash: &str, definition: &str) -> Self {
        Self { name: name.into(), hash: hash.into(), definition: definition.into() }
    }
}
