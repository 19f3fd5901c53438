//! The four phases: losses, and their gradients with respect to one network's parameters.

use crate::Result;
use crate::losses::{logistic, path_length::path_length};
use candle_core::{DType, Tensor, Var};
use stylegan_core::latent::mix;
use stylegan_core::{Discriminator, Generator, Synthesis, broadcast_ws};
use stylegan_kernels::autodiff::{self, Gradients};

/// Latents of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Latents<'a> {
    /// `[n, z_dim]`, standard normal.
    pub z: &'a Tensor,
    /// Labels `[n, c_dim]` of conditional networks.
    pub c: Option<&'a Tensor>,
    /// Style mixing: second latents `[n, z_dim]`, which style the rows from this one on.
    pub mixing: Option<(&'a Tensor, usize)>,
}

impl<'a> Latents<'a> {
    /// Latents without labels or mixing.
    pub fn new(z: &'a Tensor) -> Self {
        Self { z, c: None, mixing: None }
    }

    /// Style rows `[n, num_ws, w_dim]`, and the mean style `[w_dim]` of the first latents, which
    /// moves `w_avg`.
    fn styles(&self, generator: &dyn Generator) -> Result<(Tensor, Tensor)> {
        let w = generator.mapping(self.z, self.c)?;
        let mean = w.detach().mean(0)?;
        let mut ws = broadcast_ws(&w, generator.num_ws())?;
        if let Some((z, first)) = self.mixing {
            let other = broadcast_ws(&generator.mapping(z, self.c)?, generator.num_ws())?;
            ws = mix(&ws, &[(&other, first..generator.num_ws())])?;
        }
        Ok((ws.contiguous()?, mean))
    }
}

/// What a phase gives.
pub struct Phase {
    /// The loss, averaged over the batch.
    pub loss: f64,
    /// The gradients of each term of the loss; a parameter's is their sum.
    gradients: Vec<Gradients>,
    /// The mean style `[w_dim]` of the pictures made, for `w_avg`.
    pub style: Option<Tensor>,
    /// The running mean of path lengths, where the phase measured them.
    pub path_length: Option<f64>,
}

impl Phase {
    /// The gradient of the loss with respect to a parameter: zeros where the loss does not depend
    /// on it. The optimiser steps such parameters too, as the official losses (which end in
    /// `+ 0 * output`) make it do: step counts and second moments move on.
    ///
    /// # Errors
    /// When an operation on tensors fails.
    pub fn gradient(&self, parameter: &Var) -> Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        for gradient in self.gradients.iter().filter_map(|term| term.get(parameter.as_tensor())) {
            sum = Some(match sum {
                Some(sum) => (sum + gradient)?,
                None => gradient,
            });
        }
        match sum {
            Some(sum) => Ok(sum),
            None => Ok(parameter.zeros_like()?),
        }
    }
}

/// The generator's non-saturating logistic loss, `softplus(-D(G(z)))`.
///
/// # Errors
/// When shapes do not fit.
pub fn generator_main(
    generator: &dyn Generator,
    judge: &dyn Discriminator,
    latents: Latents,
    options: &Synthesis,
) -> Result<Phase> {
    let (ws, style) = latents.styles(generator)?;
    let logits = judge.forward(&generator.synthesis(&ws, options)?, latents.c, 0.)?;
    let loss = logistic::generator(&logits)?.mean_all()?;
    Ok(Phase {
        loss: value(&loss)?,
        gradients: vec![autodiff::backward(&loss)?],
        style: Some(style),
        path_length: None,
    })
}

/// Path length regularisation: `weight * penalty`, times `interval`, since it runs once in so many
/// steps. `noise` `[n, channels, h, w]` and `mean` are those of [`path_length`].
///
/// # Errors
/// When shapes do not fit.
pub fn generator_path_length(
    generator: &dyn Generator,
    latents: Latents,
    noise: &Tensor,
    options: &Synthesis,
    (mean, decay): (f64, f64),
    (weight, interval): (f64, usize),
) -> Result<Phase> {
    let (ws, style) = latents.styles(generator)?;
    let found = path_length(generator, &ws, noise, options, mean, decay)?;
    let loss = (found.penalty.mean_all()? * weight)?;
    Ok(Phase {
        loss: value(&loss)?,
        gradients: vec![autodiff::backward(&(loss * interval as f64)?)?],
        style: Some(style),
        path_length: Some(value(&found.mean)?),
    })
}

/// The discriminator's logistic loss, `softplus(D(G(z))) + softplus(-D(x))`. Both terms are
/// differentiated on their own: generated and real pictures form their own minibatch statistics,
/// and one graph at a time is in memory.
///
/// # Errors
/// When shapes do not fit.
pub fn discriminator_main(
    discriminator: &dyn Discriminator,
    generator: &dyn Generator,
    latents: Latents,
    options: &Synthesis,
    (real, labels): (&Tensor, Option<&Tensor>),
) -> Result<Phase> {
    let (ws, style) = latents.styles(generator)?;
    let fake = discriminator.forward(&generator.synthesis(&ws, options)?.detach(), latents.c, 0.)?;
    let fake = logistic::discriminator_fake(&fake)?.mean_all()?;
    let mut phase = Phase {
        loss: value(&fake)?,
        gradients: vec![autodiff::backward(&fake)?],
        style: Some(style),
        path_length: None,
    };
    drop(fake);
    let real = logistic::discriminator_real(&discriminator.forward(real, labels, 0.)?)?.mean_all()?;
    phase.loss += value(&real)?;
    phase.gradients.push(autodiff::backward(&real)?);
    Ok(phase)
}

/// R1 regularisation on real pictures: `gamma / 2 * |∇D(x)|²`, times `interval`, since it runs once
/// in so many steps.
///
/// # Errors
/// When shapes do not fit.
pub fn discriminator_r1(
    discriminator: &dyn Discriminator,
    (real, labels): (&Tensor, Option<&Tensor>),
    gamma: f64,
    interval: usize,
) -> Result<Phase> {
    let pictures = Var::from_tensor(real)?;
    let logits = discriminator.forward(pictures.as_tensor(), labels, 0.)?;
    let loss = (logistic::r1(&logits, &pictures)?.mean_all()? * (gamma / 2.))?;
    Ok(Phase {
        loss: value(&loss)?,
        gradients: vec![autodiff::backward(&(loss * interval as f64)?)?],
        style: None,
        path_length: None,
    })
}

fn value(scalar: &Tensor) -> Result<f64> {
    Ok(scalar.to_dtype(DType::F64)?.to_scalar()?)
}
