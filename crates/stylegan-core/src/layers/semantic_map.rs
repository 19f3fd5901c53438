//! Semantic maps: what a picture is to show where.

use crate::Result;
use crate::error::bad_argument;
use candle_core::{DType, Device, Tensor};
use stylegan_kernels::{Labels, reflect_pad2d};

/// Semantic maps of a batch.
#[derive(Debug, Clone)]
pub enum SemanticMap {
    /// One class for each pixel, held as indices.
    Labels(Labels),
    /// Any channels `[n, channels, h, w]`: maps that are not one-hot.
    Channels(Tensor),
}

impl SemanticMap {
    /// How many maps there are.
    ///
    /// # Errors
    /// When channels are not `[n, channels, h, w]`.
    pub fn batch(&self) -> Result<usize> {
        match self {
            Self::Labels(labels) => Ok(labels.batch()),
            Self::Channels(x) => Ok(x.dims4()?.0),
        }
    }

    /// Channels of the tensor that the maps are or stand for.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    pub fn channels(&self) -> Result<usize> {
        match self {
            Self::Labels(labels) => Ok(labels.channels()),
            Self::Channels(x) => Ok(x.dims4()?.1),
        }
    }

    /// Height and width, in pixels.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    pub fn size(&self) -> Result<[usize; 2]> {
        match self {
            Self::Labels(labels) => Ok(labels.size()),
            Self::Channels(x) => x.dims4().map(|(_, _, h, w)| [h, w]).map_err(Into::into),
        }
    }

    /// The maps as a tensor `[n, channels, h, w]`.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn tensor(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        match self {
            Self::Labels(labels) => Ok(labels.one_hot(dtype, device)?),
            Self::Channels(x) => Ok(x.to_dtype(dtype)?.to_device(device)?),
        }
    }

    /// The maps for a network on `device`; class indices stay in main memory.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        Ok(match self {
            Self::Labels(labels) => Self::Labels(labels.clone()),
            Self::Channels(x) => Self::Channels(x.to_device(device)?),
        })
    }

    /// At another size, by nearest neighbours.
    ///
    /// # Errors
    /// When a side is 0.
    pub fn resize(&self, size: [usize; 2]) -> Result<Self> {
        let from = self.size()?;
        match self {
            _ if size == from => Ok(self.clone()),
            Self::Labels(labels) => Ok(Self::Labels(labels.resize(size)?)),
            Self::Channels(_) if size.contains(&0) || from.contains(&0) => {
                bad_argument!("maps of {from:?} pixels cannot be resized to {size:?}")
            }
            Self::Channels(x) => {
                let mut x = x.clone();
                for axis in 0..2 {
                    let nearest: Vec<u32> = (0..size[axis]).map(|i| (i * from[axis] / size[axis]) as u32).collect();
                    x = x.index_select(&Tensor::new(nearest, x.device())?, axis + 2)?;
                }
                Ok(Self::Channels(x))
            }
        }
    }

    /// With `padding` mirrored pixels more on each side.
    ///
    /// # Errors
    /// When the maps are not larger than the padding.
    pub(crate) fn reflect(&self, padding: usize) -> Result<Self> {
        Ok(match self {
            Self::Labels(labels) => Self::Labels(labels.reflect(padding)?),
            Self::Channels(x) => Self::Channels(reflect_pad2d(x, padding)?),
        })
    }

    /// Checks that these are `n` maps of this size and number of channels.
    pub(crate) fn expect(&self, n: Option<usize>, channels: usize, [h, w]: [usize; 2]) -> Result<()> {
        let found = (self.batch()?, self.channels()?, self.size()?);
        if found.1 != channels || found.2 != [h, w] || n.is_some_and(|n| n != found.0) {
            let n = n.map_or("n".into(), |n| n.to_string());
            let (batch, own, [y, x]) = found;
            bad_argument!("the maps have shape [{batch}, {own}, {y}, {x}], expected [{n}, {channels}, {h}, {w}]")
        }
        Ok(())
    }
}

impl From<Labels> for SemanticMap {
    fn from(labels: Labels) -> Self {
        Self::Labels(labels)
    }
}
