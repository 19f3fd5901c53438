//! What a built set is made of, so that it is built once and recognised later.

use crate::numbers::count;
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
    /// Width in pixels.
    pub(crate) size: usize,
    /// Height in pixels if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<usize>,
    /// Channels if they are not 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) channels: Option<usize>,
    /// How pictures were drawn from more of them, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample: Option<String>,
    /// The number of pictures asked for.
    pub(crate) count: u64,
    /// The number that the set has, if some of them could not be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written: Option<u64>,
    /// What the pictures are drawn or chosen by.
    pub(crate) seed: u64,
    /// What the labels are, if there are any.
    pub(crate) label: Option<String>,
    /// How avatars were turned, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) turn: Option<String>,
    /// Which combinations were left out, if some were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) without: Option<String>,
    /// What label maps are made of, if they are made of the pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) maps: Option<String>,
    /// How pictures were resized and cropped.
    pub(crate) resize: Option<String>,
    /// The content hash of the source.
    pub(crate) source: Option<String>,
    /// Whose work the pictures are.
    pub(crate) credit: Option<String>,
}

impl Recipe {
    /// A recipe for pictures of `[h, w]` pixels, without labels, resizing and source.
    pub(crate) fn new(builder: &str, [h, w]: [usize; 2], count: u64, seed: u64) -> Self {
        Self {
            version: VERSION,
            builder: builder.to_string(),
            size: w,
            height: (h != w).then_some(h),
            channels: None,
            sample: None,
            count,
            written: None,
            seed,
            label: None,
            turn: None,
            without: None,
            maps: None,
            resize: None,
            source: None,
            credit: None,
        }
    }

    /// The recipe of the set at `path`, if it is a set with a recipe.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        if path.is_dir() {
            let path = path.join(FILE);
            // A pipe of this name would be waited for.
            let file = std::fs::File::open(path.metadata().ok()?.is_file().then_some(path)?).ok()?;
            return serde_json::from_reader(file.take(1 << 16)).ok();
        }
        let file = std::fs::File::open(path.is_file().then_some(path)?).ok()?;
        let mut archive = zip::ZipArchive::new(file).ok()?;
        let mut text = String::new();
        archive.by_name(FILE).ok()?.take(1 << 16).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The same of a set that came to have `written` pictures.
    pub(crate) fn of_written(self, written: u64) -> Self {
        Self { written: (written != self.count).then_some(written), ..self }
    }

    /// How many pictures the set came to have.
    pub(crate) fn pictures(&self) -> u64 {
        self.written.unwrap_or(self.count)
    }

    /// Whether both ask for the same set.
    pub(crate) fn asks_for_the_same(&self, other: &Self) -> bool {
        Self { written: other.written, ..self.clone() } == *other
    }

    /// Whether nothing but the source is another.
    pub(crate) fn is_of_other_pictures(&self, other: &Self) -> bool {
        let of_same = Self { source: other.source.clone(), count: other.count, ..self.clone() };
        self.source != other.source && of_same.asks_for_the_same(other)
    }

    /// The recipe as one line, for messages.
    pub(crate) fn describe(&self) -> String {
        let height = self.height.unwrap_or(self.size);
        let pictures = count(self.pictures(), "picture");
        let mut text = format!("{} of {}x{height}, {pictures}, seed {}", self.builder, self.size, self.seed);
        if let Some(channels) = self.channels {
            text.push_str(&format!(", {channels} channels"));
        }
        for part in
            [&self.label, &self.turn, &self.without, &self.maps, &self.resize, &self.sample].into_iter().flatten()
        {
            text.push_str(&format!(", {part}"));
        }
        text
    }
}
