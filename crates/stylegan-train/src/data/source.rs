//! Where the files of a set come from: a folder or a ZIP, behind one trait.

use super::{Finding, Problem};

/// The files of a set, by name: relative paths with `/` between the parts.
pub(super) trait Source: Send + Sync {
    /// All bytes of a file, or the first `limit`.
    fn read(&self, name: &str, limit: Option<u64>) -> Result<Vec<u8>, Problem>;
}

/// A set that was opened and listed, its pictures not yet looked at.
pub(super) struct Listing {
    /// Reads the files.
    pub(super) source: Box<dyn Source>,
    /// Names of all files that can be read, each once.
    pub(super) names: Vec<String>,
    /// What the listing alone shows to be wrong.
    pub(super) findings: Vec<Finding>,
}
