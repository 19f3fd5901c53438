//! What a built set is made of, so that it is built once and recognised later.

use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;

/// The file inside a set that holds its recipe.
pub(crate) const FILE: &str = "recipe.json";

/// Counts up when a builder makes other pictures from the same settings.
const VERSION: u32 = 1;

/// The settings that decide every byte of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    version: u32,
    /// `avatars`, `earth` or `pictures`.
    pub(crate) builder: String,
    /// Width and height in pixels.
    pub(crate) size: usize,
    /// The number of pictures asked for.
    pub(crate) count: u64,
    /// What the pictures are drawn or chosen by.
    pub(crate) seed: u64,
    /// What the labels are, if there are any.
    pub(crate) label: Option<String>,
    /// How pictures were resized and cropped.
    pub(crate) resize: Option<String>,
    /// The content hash of the source.
    pub(crate) source: Option<String>,
    /// Whose work the pictures are.
    pub(crate) credit: Option<String>,
}

impl Recipe {
    /// A recipe without labels, resizing and source.
    pub(crate) fn new(builder: &str, size: usize, count: u64, seed: u64) -> Self {
        Self {
            version: VERSION,
            builder: builder.to_string(),
            size,
            count,
            seed,
            label: None,
            resize: None,
            source: None,
            credit: None,
        }
    }

    /// The recipe of the set at `path`, if it is a set with a recipe.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        if path.is_dir() {
            return serde_json::from_slice(&std::fs::read(path.join(FILE)).ok()?).ok();
        }
        let mut archive = zip::ZipArchive::new(std::fs::File::open(path).ok()?).ok()?;
        let mut text = String::new();
        archive.by_name(FILE).ok()?.take(1 << 16).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The recipe as one line, for messages.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("{} of {2}x{2}, {1} pictures, seed {3}", self.builder, self.count, self.size, self.seed);
        for part in [&self.label, &self.resize].into_iter().flatten() {
            text.push_str(&format!(", {part}"));
        }
        text
    }
}
