//! Offsets of single channels of styles: edits in style space.

use crate::Result;
use crate::error::bad_argument;
use candle_core::Tensor;
use std::collections::BTreeMap;

/// What is added to styles in StyleSpace (Wu et al. 2021, <https://arxiv.org/abs/2011.12799>): to what the affine layer "A"
/// before a convolution makes of a style row, a number for each of its channels. By style row, `[n, channels]` for `n`
/// images or `[1, channels]` for all of them, on any device. RGB layers keep their styles.
#[derive(Debug, Clone, Default)]
pub struct StyleOffsets(BTreeMap<usize, Tensor>);

impl StyleOffsets {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with `offsets` `[n or 1, channels]` more for style row `row`.
    ///
    /// # Errors
    /// When the row has offsets of another shape already.
    pub fn with(mut self, row: usize, offsets: &Tensor) -> Result<Self> {
        let offsets = match self.0.remove(&row) {
            Some(known) => (known + offsets)?,
            None => offsets.clone(),
        };
        self.0.insert(row, offsets);
        Ok(self)
    }

    /// These and `others` in sum.
    ///
    /// # Errors
    /// When a row has offsets of different shapes.
    pub fn plus(self, others: &Self) -> Result<Self> {
        others.0.iter().try_fold(self, |sum, (row, offsets)| sum.with(*row, offsets))
    }

    /// Offsets of several images `[1, channels]` each as those of a batch. Where an image has none for a row that another has
    /// some for, they are 0.
    ///
    /// # Errors
    /// When images have different numbers of channels for a row.
    pub fn of_batch(each: &[&Self]) -> Result<Self> {
        let known: BTreeMap<usize, &Tensor> =
            each.iter().flat_map(|one| one.0.iter().map(|(row, offsets)| (*row, offsets))).collect();
        let row = |(row, some): (usize, &Tensor)| {
            let none = some.zeros_like()?;
            let all: Vec<&Tensor> = each.iter().map(|one| one.0.get(&row).unwrap_or(&none)).collect();
            Ok((row, Tensor::cat(&all, 0)?))
        };
        Ok(Self(known.into_iter().map(row).collect::<Result<_>>()?))
    }

    /// The style `[n, channels]` of row `row` with its offsets.
    pub(crate) fn add(&self, row: usize, style: Tensor) -> Result<Tensor> {
        let Some(offsets) = self.0.get(&row) else { return Ok(style) };
        let offsets = offsets.to_dtype(style.dtype())?.to_device(style.device())?;
        let (n, channels) = style.dims2()?;
        match offsets.dims() {
            &[1, found] if found == channels => Ok(style.broadcast_add(&offsets)?),
            &[of, found] if of == n && found == channels => Ok((&style + offsets)?),
            found => bad_argument!("style row {row}: offsets have shape {found:?}, expected [{n}, {channels}]"),
        }
    }

    /// Refuses offsets for rows from `rows` on, which no convolution reads.
    pub(crate) fn check(&self, rows: usize) -> Result<()> {
        match self.0.last_key_value() {
            Some((row, _)) if *row >= rows => {
                bad_argument!("style row {row} has offsets, and convolutions read rows 0 to {} alone", rows - 1)
            }
            _ => Ok(()),
        }
    }
}
