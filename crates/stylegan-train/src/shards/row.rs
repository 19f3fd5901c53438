//! A row of numbers, in main memory or on a GPU.

use crate::{Error, Result};
use candle_core::Tensor;

/// A row of f32: in main memory, or beside a network on a GPU.
#[derive(Debug, Clone)]
pub enum Row {
    /// In main memory.
    Numbers(Vec<f32>),
    /// On a GPU, of one dimension.
    OnGpu(Tensor),
}

/// By numbers; on a GPU a row equals itself alone.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Numbers(a), Self::Numbers(b)) => a == b,
            (Self::OnGpu(a), Self::OnGpu(b)) => a.id() == b.id(),
            _ => false,
        }
    }
}

impl From<Vec<f32>> for Row {
    fn from(numbers: Vec<f32>) -> Self {
        Self::Numbers(numbers)
    }
}

impl Row {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::OnGpu(tensor) => tensor.elem_count(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the numbers of another row of this length, each to its own.
    ///
    /// # Errors
    /// When the rows lie in different places.
    pub fn add(&mut self, other: &Self) -> Result<()> {
        match (&mut *self, other) {
            (Self::Numbers(sum), Self::Numbers(numbers)) => sum.iter_mut().zip(numbers).for_each(|(a, b)| *a += b),
            (Self::OnGpu(sum), Self::OnGpu(tensor)) => *sum = (&*sum + tensor)?,
            _ => return elsewhere("one of two rows to add is on a GPU, the other is not"),
        }
        Ok(())
    }

    /// Puts the numbers of another row, in main memory as this one, behind its own.
    pub(super) fn extend(&mut self, other: Self) -> Result<()> {
        match (self, other) {
            (Self::Numbers(row), Self::Numbers(numbers)) => row.extend(numbers),
            _ => return elsewhere("a row to be put together of slices is on a GPU"),
        }
        Ok(())
    }

    /// The tensor of a row on a GPU.
    pub(super) fn on_gpu(&self) -> Result<&Tensor> {
        match self {
            Self::OnGpu(tensor) => Ok(tensor),
            Self::Numbers(_) => elsewhere("a row that is exchanged by GPUs is in main memory"),
        }
    }

    /// The numbers of a row of main memory.
    pub(super) fn numbers(&self) -> Result<&[f32]> {
        match self {
            Self::Numbers(numbers) => Ok(numbers),
            Self::OnGpu(_) => elsewhere("a row that is looked at is on a GPU"),
        }
    }

    /// All numbers over `samples`.
    pub(super) fn over(self, samples: usize) -> Result<Self> {
        let samples = samples as f32;
        Ok(match self {
            Self::Numbers(mut numbers) => {
                numbers.iter_mut().for_each(|value| *value /= samples);
                Self::Numbers(numbers)
            }
            // As in main memory: a product with the reciprocal would be rounded twice.
            Self::OnGpu(tensor) => Self::OnGpu(tensor.broadcast_div(&Tensor::new(samples, tensor.device())?)?),
        })
    }

    /// Whether every number is finite.
    pub(super) fn is_finite(&self) -> Result<bool> {
        match self {
            Self::Numbers(numbers) => Ok(numbers.iter().all(|value| value.is_finite())),
            // What is not finite times 0 is no number, and no sum with it is one.
            Self::OnGpu(tensor) => Ok((tensor * 0.)?.sum_all()?.to_scalar::<f32>()? == 0.),
        }
    }

    /// The numbers, in main memory.
    ///
    /// # Errors
    /// When they cannot be read back.
    pub fn into_vec(self) -> Result<Vec<f32>> {
        match self {
            Self::Numbers(numbers) => Ok(numbers),
            Self::OnGpu(tensor) => Ok(tensor.to_vec1()?),
        }
    }
}

fn elsewhere<T>(problem: &str) -> Result<T> {
    Err(Error::Tensor(candle_core::Error::Msg(format!("sums of shards: {problem}"))))
}
