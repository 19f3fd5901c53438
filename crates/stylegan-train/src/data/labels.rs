//! Labels of a set, in the order of its pictures.

use crate::Result;
use candle_core::{Device, Tensor};
use serde_json::Value;

/// The labels of all pictures of a set, in the order of the pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Labels {
    /// The set has no labels.
    #[default]
    None,
    /// One class per picture.
    Classes {
        /// Class of each picture, from 0.
        ids: Vec<u32>,
        /// Number of classes: the largest class plus one.
        count: usize,
        /// Names of classes from 0 on, as far as the set gives them.
        names: Vec<String>,
    },
    /// A list of numbers per picture.
    Vectors {
        /// `[pictures, dim]`.
        values: Vec<f32>,
        /// Numbers per picture.
        dim: usize,
    },
}

impl Labels {
    /// Numbers per label as networks see it: classes, or the length of the vectors; 0 without labels.
    pub fn dim(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Classes { count, .. } => *count,
            Self::Vectors { dim, .. } => *dim,
        }
    }

    /// The class of a picture, if labels are classes.
    pub fn class(&self, picture: usize) -> Option<u32> {
        if let Self::Classes { ids, .. } = self { ids.get(picture).copied() } else { None }
    }

    /// The class of a picture in words: its name, or `class 3`; `None` if labels are no classes.
    pub fn class_name(&self, picture: usize) -> Option<String> {
        let Self::Classes { ids, names, .. } = self else { return None };
        let class = *ids.get(picture)?;
        Some(names.get(class as usize).cloned().unwrap_or_else(|| format!("class {class}")))
    }

    /// The label of a picture as it stands in `dataset.json`: a number or a list.
    pub fn value(&self, picture: usize) -> Option<Value> {
        match self {
            Self::None => None,
            Self::Classes { ids, .. } => ids.get(picture).map(|&id| id.into()),
            Self::Vectors { values, dim } => {
                values.get(picture * dim..(picture + 1) * dim).map(|row| row.iter().map(|&x| Value::from(x)).collect())
            }
        }
    }

    /// Appends the label of a picture: one-hot for a class, `dim` numbers for a vector.
    pub fn push_row(&self, picture: usize, out: &mut Vec<f32>) {
        match self {
            Self::None => {}
            Self::Classes { ids, count, .. } => {
                let class = ids[picture] as usize;
                out.extend((0..*count).map(|c| if c == class { 1.0 } else { 0.0 }));
            }
            Self::Vectors { values, dim } => out.extend_from_slice(&values[picture * dim..(picture + 1) * dim]),
        }
    }

    /// The labels of these pictures as networks see them, `[n, dim]`, f32; `None` without labels.
    pub(crate) fn rows(&self, pictures: impl ExactSizeIterator<Item = usize>) -> Result<Option<Tensor>> {
        if self.dim() == 0 {
            return Ok(None);
        }
        let shape = (pictures.len(), self.dim());
        let mut rows = Vec::with_capacity(shape.0 * shape.1);
        pictures.for_each(|picture| self.push_row(picture, &mut rows));
        Ok(Some(Tensor::from_vec(rows, shape, &Device::Cpu)?))
    }
}
