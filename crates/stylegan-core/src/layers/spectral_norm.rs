//! Spectral normalisation (Miyato et al. 2018, section 2.1 and algorithm 1): a weight divided by its
//! largest singular value, which a power iteration tracks.

use super::weight_init::WeightInit;
use crate::{Error, Params, Result};
use candle_core::{D, Tensor, Var};
use candle_nn::{Init, VarBuilder};
use stylegan_kernels::linear;

/// What norms of singular vectors are kept from, as PyTorch has it.
const EPS: f64 = 1e-12;

/// The weight `weight_orig` of a convolution, read as a matrix of one row for each output channel, with
/// estimates of its first left and right singular vectors: the buffers `weight_u` `[rows]` and
/// `weight_v` `[columns]`.
///
/// The vectors are constants of a pass. [`power_iteration`] moves them, once before each pass in
/// training mode; so what a pass computes does not depend on its mode.
#[derive(Debug, Clone)]
pub(crate) struct SpectralNorm {
    weight: Tensor,
    u: Tensor,
    v: Tensor,
}

impl SpectralNorm {
    /// The weight `[outputs, inputs, r, s]`, or `[inputs, outputs, r, s]` of a transposed convolution
    /// (which must have other inputs than outputs, for the vectors tell which it is). The vectors of a new
    /// network are random, of a length near 1.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape, or inputs and outputs of a transposed convolution
    /// are the same number.
    pub(crate) fn new(shape: [usize; 4], transposed: bool, init: WeightInit, vb: &VarBuilder) -> Result<Self> {
        let [a, b, r, s] = shape;
        if transposed && a == b {
            return Err(Error::Config(format!(
                "a transposed convolution of {a} to {b} channels cannot have spectral normalisation here; its channels \
                 must change"
            )));
        }
        let rows = if transposed { b } else { a };
        let columns = a * b * r * s / rows.max(1);
        let vector =
            |name, len: usize| vb.get_with_hints(len, name, Init::Randn { mean: 0., stdev: 1. / (len as f64).sqrt() });
        Ok(Self {
            weight: vb.get_with_hints(shape.to_vec(), "weight_orig", init.of(shape))?,
            u: vector("weight_u", rows)?,
            v: vector("weight_v", columns)?,
        })
    }

    /// The normalised weight as a tensor and the factor that it is yet to be multiplied by: where
    /// gradients are recorded the factor is 1, else the weight is the stored one, not copied.
    ///
    /// # Errors
    /// When an operation on tensors fails.
    pub(crate) fn scaled(&self) -> Result<(Tensor, f64)> {
        let matrix = matrix(&self.weight, self.u.dim(0)?)?;
        let sigma = (linear(&self.v.unsqueeze(0)?, &matrix, None, 1., 1.)?.squeeze(0)? * &self.u)?.sum_all()?;
        if self.weight.track_op() {
            return Ok((self.weight.broadcast_div(&sigma)?, 1.));
        }
        let sigma: f64 = sigma.to_dtype(candle_core::DType::F64)?.to_scalar()?;
        Ok((self.weight.clone(), 1. / sigma))
    }
}

/// `weight` `[outputs, …]` (or `[inputs, outputs, …]` where `rows` says so) as `[rows, columns]`.
fn matrix(weight: &Tensor, rows: usize) -> Result<Tensor> {
    let weight = if weight.dim(0)? == rows { weight.clone() } else { weight.transpose(0, 1)?.contiguous()? };
    Ok(weight.reshape((rows, ()))?)
}

/// One step of the power iteration for every weight of a network: `v = Wᵀu / |Wᵀu|`, then
/// `u = W v / |W v|`. The original code makes one before each pass in training mode, whether gradients
/// are recorded in it or not. Call it before a pass, never between a pass and its gradient.
///
/// # Errors
/// When vectors and weight do not fit each other.
pub fn power_iteration(params: &Params) -> Result<()> {
    for (name, u) in params.vars() {
        let Some(module) = name.strip_suffix("weight_u") else { continue };
        let missing = |name: String| Error::MissingParameter { name, shape: vec![] };
        let get = |part: &str| -> Result<Var> {
            let name = format!("{module}{part}");
            params.get(&name).ok_or_else(|| missing(name))
        };
        let v = get("weight_v")?;
        let weight = matrix(&get("weight_orig")?.as_detached_tensor(), u.dim(0)?)?;
        let right = unit(&u.as_detached_tensor().unsqueeze(0)?.matmul(&weight)?)?;
        let left = unit(&linear(&right, &weight, None, 1., 1.)?)?;
        v.set(&right.squeeze(0)?)?;
        u.set(&left.squeeze(0)?)?;
    }
    Ok(())
}

/// `x` `[1, n]` divided by its length.
fn unit(x: &Tensor) -> Result<Tensor> {
    let length = x.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?.maximum(EPS)?;
    Ok(x.broadcast_div(&length)?)
}
