//! Prefixes of the networks of a checkpoint.

/// The generator whose parameters are averaged over training: the one to make images with.
pub const G_EMA: &str = "G_ema";
/// The generator in training.
pub const G: &str = "G";
/// The discriminator.
pub const D: &str = "D";
/// The encoder.
pub const E: &str = "E";
/// The segmenter.
pub const S: &str = "S";
