//! What a picture is to become.

use super::seen::{number, seen};
use crate::{Error, Result};
use candle_core::Tensor;
use stylegan_metrics::features::PerceptualDistance;

/// A picture to come near to, and what of it is compared: all, or what a mask keeps.
pub(super) struct Goal<'a> {
    network: &'a dyn PerceptualDistance,
    /// `[1, c, h, w]`
    target: Tensor,
    /// Its activations.
    activations: Vec<Tensor>,
    kept: Option<Kept>,
}

/// What is compared.
struct Kept {
    /// `[1, 1, h, w]`, 1 where pictures are compared and 0 elsewhere.
    mask: Tensor,
    /// The mean of the mask.
    share: f64,
}

impl<'a> Goal<'a> {
    /// The picture `target` `[1, c, h, w]`, as `network` sees it.
    ///
    /// # Errors
    /// A picture that the network cannot look at.
    pub(super) fn new(network: &'a dyn PerceptualDistance, target: &Tensor) -> Result<Self> {
        Self::of(network, target, None)
    }

    fn of(network: &'a dyn PerceptualDistance, target: &Tensor, kept: Option<Kept>) -> Result<Self> {
        let mut goal = Self { network, target: target.detach(), activations: vec![], kept };
        goal.activations = goal.activations(&goal.target)?.iter().map(Tensor::detach).collect();
        Ok(goal)
    }

    /// The same picture, of which only what `mask` `[1, 1, h, w]` keeps is compared.
    ///
    /// # Errors
    /// A mask of another shape, or one that keeps nothing.
    pub(super) fn within(&self, mask: &Tensor) -> Result<Self> {
        let bad = |problem: String| Err(Error::Config { place: "a mask".into(), problem });
        let (_, _, h, w) = self.target.dims4()?;
        if mask.dims() != [1, 1, h, w] {
            return bad(format!("is {:?}, expected [1, 1, {h}, {w}]", mask.dims()));
        }
        let mask = mask.detach().to_dtype(self.target.dtype())?.to_device(self.target.device())?;
        let share = number(&mask.mean_all()?)?;
        if share <= 0. {
            return bad("keeps no pixel that pictures could be compared by".into());
        }
        Self::of(self.network, &self.target, Some(Kept { mask, share }))
    }

    /// The perceptual distance of a picture `[1, c, h, w]`.
    pub(super) fn distance(&self, image: &Tensor) -> Result<Tensor> {
        Ok(self.network.between(&self.activations(image)?, &self.activations)?.sum_all()?)
    }

    /// The mean squared difference of a picture `[1, c, h, w]`, of the pixels that are compared.
    pub(super) fn error(&self, image: &Tensor) -> Result<Tensor> {
        let squares = (image - &self.target)?.sqr()?;
        match &self.kept {
            Some(Kept { mask, share }) => {
                Ok((squares.broadcast_mul(&mask.to_device(image.device())?)?.mean_all()? / *share)?)
            }
            None => Ok(squares.mean_all()?),
        }
    }

    /// Activations of a picture, grey where it is not compared.
    fn activations(&self, image: &Tensor) -> Result<Vec<Tensor>> {
        let image = match &self.kept {
            Some(Kept { mask, .. }) => &image.broadcast_mul(&mask.to_device(image.device())?)?,
            None => image,
        };
        Ok(self.network.activations(&seen(image)?)?)
    }
}
