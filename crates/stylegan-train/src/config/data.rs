//! The pictures that a run learns from.

use crate::data::preprocess::Preprocess;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pictures of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// A folder, a ZIP file, or the name of a built-in set (`avatars`, `earth`, or the part `earth-train` of
    /// that), which the command line builds on first use. The library itself is handed an open set and only records this.
    pub set: String,
    /// Pictures of a built-in set; 0 for its default number.
    pub count: usize,
    /// Show each picture mirrored with probability one half; true for FFHQ in the paper, and
    /// written so in `configs/sg1/ffhq-1024.toml`.
    pub mirror: bool,
    /// A folder on a disk of the machine, to which the first process there copies a set that is not built in; all
    /// read the copy. None, and the set is read where it is.
    pub copy_to: String,
    /// Memory for decoded pictures in MiB, 256: what does not fit is decoded again each time it is shown.
    pub cache_mib: usize,
    /// How pictures and their maps are resized and cut as they are read, `{ mode = "resize_and_crop", load_size = 286,
    /// crop_size = 256 }` or another of SPADE's eight ways (`crop`, `scale_width`, `scale_width_and_crop`,
    /// `scale_shortside`, `scale_shortside_and_crop`, `fixed` with `aspect_ratio`, `none`); the pictures of the set may then
    /// be of many sizes. Left out, they are read as they are, all of one size. Sample grids and evaluations see
    /// pictures resized to `crop_size` and cut in the middle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { set: String::new(), count: 0, mirror: false, copy_to: String::new(), cache_mib: 256, preprocess: None }
    }
}

impl DataConfig {
    /// The pictures without what no step depends on: where they are, and how much memory they may take.
    pub(super) fn decisive(&self) -> Self {
        let Self { mirror, count, preprocess, .. } = self.clone();
        Self { mirror, count, preprocess, ..Self::default() }
    }
}
