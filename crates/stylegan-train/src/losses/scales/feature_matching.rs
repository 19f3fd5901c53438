//! Feature matching (Wang et al. 2018, section 3.3, equation 4).

use super::mean;
use candle_core::{Result, Tensor};

/// How far a discriminator's features of generated pictures are from those of real ones, per sample `[n]`:
/// mean absolute differences, summed over the layers of a scale, then the mean over the scales. Features are
/// `[n, c, h, w]`, by scale and layer; those of real pictures are constants.
///
/// # Errors
/// When the two lists differ in shape, or there are no features.
pub fn feature_matching(fake: &[Vec<Tensor>], real: &[Vec<Tensor>]) -> Result<Tensor> {
    if fake.len() != real.len() || fake.iter().zip(real).any(|(a, b)| a.is_empty() || a.len() != b.len()) {
        let layers = |scales: &[Vec<Tensor>]| scales.iter().map(Vec::len).collect::<Vec<_>>();
        candle_core::bail!(
            "feature matching: generated pictures have {:?} features by scale, real ones {:?}",
            layers(fake),
            layers(real)
        )
    }
    mean(fake.iter().zip(real).map(|(fake, real)| {
        let distance = |(a, b): (&Tensor, &Tensor)| (a - b.detach())?.abs()?.flatten_from(1)?.mean(1);
        // A sum over layers is their mean as often as there are layers.
        mean(fake.iter().zip(real).map(distance))? * fake.len() as f64
    }))
}
