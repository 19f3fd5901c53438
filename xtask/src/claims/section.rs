//! What one part of a claim gives to its page.

use crate::json::Json;
use std::path::PathBuf;

/// A part of a page.
pub(super) struct Section {
    /// Markdown.
    pub(super) text: String,
    /// What came out, in a few words; nothing where there are pictures alone.
    pub(super) headline: String,
    /// Files beside the page, by what is behind the claim's name in theirs.
    pub(super) files: Vec<(&'static str, String)>,
    /// What its numbers were read from, by the names that the claim's folder has for it.
    pub(super) reports: Vec<(String, PathBuf)>,
    /// How many of the comparisons were not measured.
    pub(super) unmeasured: usize,
    pub(super) data: Json,
}
