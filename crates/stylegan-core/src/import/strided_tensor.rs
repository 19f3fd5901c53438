//! A tensor as a foreign file holds it: bytes, an element type, a shape and strides.

use super::ImportError;
use candle_core::{Device, Tensor};
use half::{bf16, f16};
use std::borrow::Cow;

/// The element types that foreign checkpoints use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl Element {
    /// From the short names of [`super::pickle::Global::Storage`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "f64" => Self::F64,
            "f32" => Self::F32,
            "f16" => Self::F16,
            "bf16" => Self::Bf16,
            "i64" => Self::I64,
            "i32" => Self::I32,
            "i16" => Self::I16,
            "i8" => Self::I8,
            "u8" => Self::U8,
            "bool" => Self::Bool,
            _ => return None,
        })
    }

    /// Bytes of one element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }
}

/// A view of a storage; strides and offset count elements.
#[derive(Debug, Clone)]
pub(crate) struct StridedTensor<'a> {
    pub(crate) element: Element,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    pub(crate) offset: usize,
    /// Whether the most significant byte of a number comes first.
    pub(crate) big_endian: bool,
    pub(crate) storage: Cow<'a, [u8]>,
}

/// The most dimensions that a tensor may have.
pub(super) const MAX_RANK: usize = 8;

impl StridedTensor<'_> {
    /// Checks that every element lies inside the storage, and copies the view into a tensor.
    /// Element types stay, but bytes with a sign become I16, 16 bits without one I32, 64 bits without one I64, and
    /// booleans U8.
    pub(crate) fn to_tensor(&self, name: &str) -> Result<Tensor, ImportError> {
        let damaged = |what: String| ImportError(format!("tensor `{name:.120}`: {what}; the file is damaged"));
        if self.shape.len() != self.strides.len() || self.shape.len() > MAX_RANK {
            return Err(damaged(format!("{} dimensions with {} strides", self.shape.len(), self.strides.len())));
        }
        let available = self.storage.len() / self.element.size();
        // Sides beside one of 0 count as well, for other orders of the sides are asked for later.
        let volume = self.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side.max(1)));
        let count = volume.map(|volume| if self.shape.contains(&0) { 0 } else { volume });
        // Strides of zero could repeat one element without end: no more elements than are stored.
        let Some(count) = count.filter(|&count| count <= available.max(1)) else {
            return Err(damaged(format!("shape {:?} needs more than the {available} elements stored", self.shape)));
        };
        if count > 0 {
            let last = self
                .shape
                .iter()
                .zip(&self.strides)
                .try_fold(self.offset, |at, (&side, &stride)| at.checked_add((side - 1).checked_mul(stride)?));
            if last.is_none_or(|last| last >= available) {
                let (shape, strides) = (&self.shape, &self.strides);
                return Err(damaged(format!(
                    "shape {shape:?} with strides {strides:?} reaches beyond its {available} stored elements"
                )));
            }
        }
        let mut bytes = self.gather(count);
        if self.big_endian {
            bytes.to_mut().chunks_exact_mut(self.element.size()).for_each(<[u8]>::reverse);
        }
        let tensor = match self.element {
            Element::F32 => Tensor::from_vec(read(&bytes, f32::from_le_bytes), &*self.shape, &Device::Cpu),
            Element::F64 => Tensor::from_vec(read(&bytes, f64::from_le_bytes), &*self.shape, &Device::Cpu),
            Element::F16 => Tensor::from_vec(read(&bytes, f16::from_le_bytes), &*self.shape, &Device::Cpu),
            Element::Bf16 => Tensor::from_vec(read(&bytes, bf16::from_le_bytes), &*self.shape, &Device::Cpu),
            Element::I64 => Tensor::from_vec(read(&bytes, i64::from_le_bytes), &*self.shape, &Device::Cpu),
            Element::I32 => Tensor::from_vec(read(&bytes, i32::from_le_bytes), &*self.shape, &Device::Cpu),
            Element::I16 => Tensor::from_vec(read(&bytes, i16::from_le_bytes), &*self.shape, &Device::Cpu),
            Element::I8 => {
                let wide = read(&bytes, i8::from_le_bytes).into_iter().map(i16::from).collect();
                Tensor::from_vec(wide, &*self.shape, &Device::Cpu)
            }
            Element::U64 => {
                let signed: Result<Vec<i64>, _> =
                    read(&bytes, u64::from_le_bytes).into_iter().map(i64::try_from).collect();
                let beyond = |_| {
                    ImportError(format!(
                        "tensor `{name:.120}`: holds numbers from 2⁶³ on, which no tensor here can hold"
                    ))
                };
                Tensor::from_vec(signed.map_err(beyond)?, &*self.shape, &Device::Cpu)
            }
            Element::U32 => Tensor::from_vec(read(&bytes, u32::from_le_bytes), &*self.shape, &Device::Cpu),
            Element::U16 => {
                let wide = read(&bytes, u16::from_le_bytes).into_iter().map(i32::from).collect();
                Tensor::from_vec(wide, &*self.shape, &Device::Cpu)
            }
            Element::U8 | Element::Bool => Tensor::from_vec(bytes.into_owned(), &*self.shape, &Device::Cpu),
        };
        tensor.map_err(|error| damaged(error.to_string()))
    }

    /// The elements in row-major order. Bounds have been checked.
    fn gather(&self, count: usize) -> Cow<'_, [u8]> {
        let size = self.element.size();
        let mut expected = 1;
        let contiguous = self.shape.iter().zip(&self.strides).rev().all(|(&side, &stride)| {
            let fits = side == 1 || stride == expected;
            expected *= side;
            fits
        });
        if count == 0 {
            return Cow::Borrowed(&[]);
        }
        if contiguous {
            return Cow::Borrowed(&self.storage[self.offset * size..][..count * size]);
        }
        let mut bytes = Vec::with_capacity(count * size);
        let mut index = vec![0; self.shape.len()];
        let mut at = self.offset;
        for _ in 0..count {
            bytes.extend_from_slice(&self.storage[at * size..][..size]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * self.shape[axis];
                index[axis] = 0;
            }
        }
        Cow::Owned(bytes)
    }
}

fn read<const N: usize, T>(bytes: &[u8], decode: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| decode(chunk)).collect()
}

/// Row-major strides of a shape.
pub(crate) fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}
