//! What one part of a claim gives to its page.

use crate::json::Json;

/// A part of a page.
pub(super) struct Section {
    /// Markdown.
    pub(super) text: String,
    /// What came out, in a few words; nothing where there are pictures alone.
    pub(super) headline: String,
    /// Files beside the page, by what is behind the claim's name in theirs.
    pub(super) files: Vec<(&'static str, String)>,
    pub(super) data: Json,
}
