//! Named weights of a feature network, and the layers that use them.

use crate::{Error, Result};
use candle_core::{DType, Device, Tensor};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use stylegan_kernels::{Activation, conv2d_bias_act};

/// The tensors of a network by name, as its file holds them.
#[derive(Debug, Clone)]
pub struct Weights {
    network: String,
    tensors: BTreeMap<String, Tensor>,
    hash: String,
}

impl Weights {
    /// Weights of the network `network` (the name that errors and metrics carry), as f32 on `device`.
    ///
    /// # Errors
    /// Tensors that are not numbers, or do not fit the device.
    pub fn new(network: &str, tensors: impl IntoIterator<Item = (String, Tensor)>, device: &Device) -> Result<Self> {
        let tensors = tensors
            .into_iter()
            .map(|(name, t)| Ok((name, t.to_device(device)?.to_dtype(DType::F32)?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        let mut hash = Sha256::new();
        for (name, tensor) in &tensors {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            for side in tensor.dims() {
                hash.update((*side as u64).to_le_bytes());
            }
            for value in tensor.flatten_all()?.to_vec1::<f32>()? {
                hash.update(value.to_le_bytes());
            }
        }
        Ok(Self { network: network.into(), tensors, hash: format!("{:x}", hash.finalize()) })
    }

    /// The name given to [`Self::new`].
    pub fn network(&self) -> &str {
        &self.network
    }

    /// SHA-256 over names, shapes and f32 values, in the order of names.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The shape of the tensor `name`, if there is one.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(Tensor::dims)
    }

    /// The tensor `name`, which must have the shape `shape`.
    ///
    /// # Errors
    /// When it is missing or has another shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let fail = |problem| Err(Error::Weights { network: self.network.clone(), problem });
        match self.tensors.get(name) {
            None => fail(format!("{name} of shape {shape:?} is missing")),
            Some(t) if t.dims() != shape => fail(format!("{name} has shape {:?}, expected {shape:?}", t.dims())),
            Some(t) => Ok(t.clone()),
        }
    }
}

/// A convolution with bias and ReLU.
#[derive(Debug, Clone)]
pub(super) struct ConvRelu {
    weight: Tensor,
    bias: Tensor,
    stride: usize,
    /// Zero rows above and below, zero columns left and right.
    padding: [usize; 2],
}

impl ConvRelu {
    /// `name.weight` `[k, c, r, s]` and `name.bias` `[k]`.
    pub(super) fn new(w: &Weights, name: &str, shape: [usize; 4], stride: usize, padding: usize) -> Result<Self> {
        let bias = w.get(&format!("{name}.bias"), &shape[..1])?;
        Ok(Self { weight: w.get(&format!("{name}.weight"), &shape)?, bias, stride, padding: [padding; 2] })
    }

    /// A convolution with this weight `[k, c, r, s]` and bias `[k]`.
    pub(super) fn of(weight: Tensor, bias: Tensor, stride: usize, padding: [usize; 2]) -> Self {
        Self { weight, bias, stride, padding }
    }

    /// A convolution without bias, and the batch normalisation behind it, folded into it.
    pub(super) fn with_norm(
        w: &Weights,
        weight: &str,
        norm: &Norm,
        shape: [usize; 4],
        stride: usize,
        padding: [usize; 2],
    ) -> Result<Self> {
        let (weight, bias) = norm.fold(w, weight, shape)?;
        Ok(Self { weight, bias, stride, padding })
    }

    /// `[n, c, h, w]` to `[n, k, …]`.
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let [v, h] = self.padding;
        let (x, padding) =
            if v == h { (x.clone(), v) } else { (x.pad_with_zeros(2, v, v)?.pad_with_zeros(3, h, h)?, 0) };
        conv2d_bias_act(&x, &self.weight, &self.bias, self.stride, padding, 1., Activation::Relu.into())
    }
}

/// The names of a batch normalisation in evaluation mode.
pub(super) struct Norm {
    /// Missing in some files: then it is 1.
    pub(super) scale: String,
    pub(super) bias: String,
    pub(super) mean: String,
    pub(super) variance: String,
    /// Added to the variance.
    pub(super) eps: f64,
}

impl Norm {
    /// PyTorch's names of the normalisation `name`.
    pub(super) fn torch(name: &str, eps: f64) -> Self {
        let part = |part: &str| format!("{name}.{part}");
        let (scale, bias) = (part("weight"), part("bias"));
        Self { scale, bias, mean: part("running_mean"), variance: part("running_var"), eps }
    }

    /// The convolution `weight` of this shape with the normalisation behind it, as weight and bias.
    pub(super) fn fold(&self, w: &Weights, weight: &str, shape: [usize; 4]) -> Result<(Tensor, Tensor)> {
        let (scale, shift) = self.affine(w, shape[0])?;
        let weight = w.get(weight, &shape)?.to_dtype(DType::F64)?;
        let weight = weight.broadcast_mul(&scale.reshape((shape[0], 1, 1, 1))?)?.to_dtype(DType::F32)?;
        Ok((weight, shift.to_dtype(DType::F32)?))
    }

    /// The factor and the summand `[k]`, f64, that it comes to.
    pub(super) fn affine(&self, w: &Weights, k: usize) -> Result<(Tensor, Tensor)> {
        let get = |name: &str| w.get(name, &[k])?.to_dtype(DType::F64).map_err(Error::from);
        let scale = (get(&self.variance)? + self.eps)?.sqrt()?.recip()?;
        let scale = if w.has(&self.scale) { (scale * get(&self.scale)?)? } else { scale };
        let shift = (get(&self.bias)? - (get(&self.mean)? * &scale)?)?;
        Ok((scale, shift))
    }
}
