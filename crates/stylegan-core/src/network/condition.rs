//! Conditions: what a network is told about the images it makes or judges.

use crate::Result;
use crate::error::bad_argument;
use crate::layers::{SemanticMap, expect_rows};
use candle_core::Tensor;

/// The condition of a batch of images; [`ConditionSpec`](crate::ConditionSpec) says which one a network takes.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use stylegan_core::Condition;
///
/// let labels = Tensor::zeros((2, 10), DType::F32, &Device::Cpu)?;
/// assert!(matches!(Condition::from(&labels), Condition::Label(_)));
/// assert!(matches!(Condition::from(None), Condition::None));
/// # Ok::<(), stylegan_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub enum Condition<'a> {
    /// Nothing.
    #[default]
    None,
    /// Labels `[n, c_dim]`, one-hot or any vector.
    Label(&'a Tensor),
    /// Maps of the images' size: what is to be where.
    Map(&'a SemanticMap),
}

impl<'a> Condition<'a> {
    /// Labels for a network that takes `c_dim` numbers per image, or nothing where it takes none: a network
    /// without labels ignores those that it is given, as the published ones do.
    ///
    /// # Errors
    /// When labels are missing or not `[n, c_dim]`, or there are maps.
    pub(crate) fn labels(self, n: usize, c_dim: usize) -> Result<Option<&'a Tensor>> {
        self.refuse_map()?;
        match (self, c_dim) {
            (_, 0) => Ok(None),
            (Self::Label(c), _) if expect_rows("labels", c, &[c_dim])? == n => Ok(Some(c)),
            (Self::Label(c), _) => bad_argument!("labels have shape {:?}, expected [{n}, {c_dim}]", c.dims()),
            _ => bad_argument!("the network is conditional: labels [n, {c_dim}] are missing"),
        }
    }

    /// Refuses maps, for networks that have no place for them.
    pub(crate) fn refuse_map(self) -> Result<()> {
        if let Self::Map(_) = self {
            bad_argument!("the condition is a map, but this network takes none")
        }
        Ok(())
    }

    /// The maps, for networks that make images of nothing else.
    pub(crate) fn map(self) -> Result<&'a SemanticMap> {
        match self {
            Self::Map(map) => Ok(map),
            _ => bad_argument!("the network reads maps of what is to be where, and there are none"),
        }
    }
}

impl<'a> From<&'a Tensor> for Condition<'a> {
    /// Labels.
    fn from(labels: &'a Tensor) -> Self {
        Self::Label(labels)
    }
}

impl<'a> From<&'a SemanticMap> for Condition<'a> {
    fn from(map: &'a SemanticMap) -> Self {
        Self::Map(map)
    }
}

impl<'a> From<Option<&'a Tensor>> for Condition<'a> {
    /// Labels, if there are any.
    fn from(labels: Option<&'a Tensor>) -> Self {
        labels.map_or(Self::None, Self::Label)
    }
}
