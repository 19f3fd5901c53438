//! What SPADE and pix2pixHD are trained towards: losses on maps of logits at several scales, on features of them, and on an
//! encoder's latents.
//!
//! All functions return one value per sample `[n]`, so that shards can be summed and divided by the size of
//! the whole batch.

pub mod feature_matching;
pub mod gan_loss;
pub mod kl_divergence;

use candle_core::{Result, Tensor};

/// The mean of a list of tensors `[n]`.
fn mean(of: impl IntoIterator<Item = Result<Tensor>>) -> Result<Tensor> {
    let mut count = 0;
    let mut total: Option<Tensor> = None;
    for value in of {
        let value = value?;
        count += 1;
        total = Some(match total {
            Some(total) => (total + value)?,
            None => value,
        });
    }
    match total {
        Some(total) => total / f64::from(count),
        None => candle_core::bail!("there are no scales to take the mean of"),
    }
}
