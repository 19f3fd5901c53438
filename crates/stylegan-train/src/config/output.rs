//! What a run writes and measures on the way; no step depends on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run writes into its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutputConfig {
    /// Thousands of pictures per line of `stats.jsonl` and `log.txt`; 20.
    pub tick_kimg: f64,
    /// Thousands of pictures between sample grids; 100.
    pub snapshot_kimg: f64,
    /// Thousands of pictures between checkpoints; 200.
    pub checkpoint_kimg: f64,
    /// Newest checkpoints that are kept (the one last marked as best stays as well); 0 keeps all.
    pub keep_checkpoints: usize,
}

/// What is measured on the way. No step depends on it: evaluations read checkpoints and draw from
/// random streams of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvalConfig {
    /// Metrics as `stylegan eval --metrics` names them; none, and nothing is measured. The checkpoint
    /// that is best by the first one is never removed.
    pub metrics: Vec<String>,
    /// Thousands of pictures between evaluations; 200. Each takes place at the first checkpoint that is
    /// due, so `output.checkpoint_kimg` should divide it.
    pub kimg: f64,
    /// Generated pictures, or pairs of them, 1000.
    pub count: usize,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { tick_kimg: 20., snapshot_kimg: 100., checkpoint_kimg: 200., keep_checkpoints: 5 }
    }
}

impl Default for EvalConfig {
    fn default() -> Self {
        Self { metrics: vec![], kimg: 200., count: 1000 }
    }
}
