//! What tensors and networks are known by.

use crate::Result;
use candle_core::{DType, Tensor};
use sha2::{Digest, Sha256};
use stylegan_core::Model;

/// SHA-256 of shapes and values (as f32) of tensors in this order, in hexadecimal: whether a picture or a network is
/// the one that an inversion was begun with.
///
/// # Errors
/// When a tensor cannot be read back.
pub fn digest<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<String> {
    let mut hash = Sha256::new();
    for tensor in tensors {
        hash.update(format!("{:?}", tensor.dims()));
        for value in tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()? {
            hash.update(value.to_le_bytes());
        }
    }
    Ok(format!("{:x}", hash.finalize()))
}

/// SHA-256 of a network's contents: that of its file, or of its weights where the file has none.
///
/// # Errors
/// When a weight cannot be read back.
pub fn hash_of(model: &Model) -> Result<String> {
    match model.content_hash() {
        Some(hash) => Ok(hash.to_owned()),
        None => digest(model.params().vars().iter().map(|(_, var)| var.as_tensor())),
    }
}
