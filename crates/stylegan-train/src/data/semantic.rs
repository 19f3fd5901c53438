//! Label maps as networks read them.

use super::NO_CLASS;
use crate::Result;
use candle_core::Tensor;
use stylegan_core::layers::SemanticMap;
use stylegan_kernels::Labels;

/// Label maps `[n, h, w]` u8 with the edges between their instances `[n, h, w]` u8, for networks of `classes` classes
/// (with edges where there are some). Pixels without a class, [`NO_CLASS`], are of the class `no_class`.
///
/// # Errors
/// When a map holds a class that the networks do not know.
pub fn semantic_map(
    maps: &Tensor,
    edges: Option<&Tensor>,
    classes: usize,
    no_class: Option<usize>,
) -> Result<SemanticMap> {
    let numbers = match no_class {
        None => maps.unsqueeze(1)?,
        Some(none) => {
            let (n, h, w) = maps.dims3()?;
            let number = |class: u8| if class == NO_CLASS { none as u32 } else { u32::from(class) };
            let numbers: Vec<u32> = maps.flatten_all()?.to_vec1()?.into_iter().map(number).collect();
            Tensor::from_vec(numbers, (n, 1, h, w), maps.device())?
        }
    };
    let edges = edges.map(|edges| edges.unsqueeze(1)).transpose()?;
    Ok(Labels::new(&numbers, edges.as_ref(), classes)?.into())
}
