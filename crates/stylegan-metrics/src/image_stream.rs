//! A set of images as a stream of single ones.

use crate::images::{Batch, rounded};
use crate::{Error, Result};
use candle_core::Tensor;
use std::collections::VecDeque;
use std::ops::Range;

/// Some of the images of these numbers, the first ones; nothing at the end.
type Batches<'a> = Box<dyn FnMut(Range<usize>) -> Option<Batch> + 'a>;

/// The images of a set one by one, each `[1, 3, h, w]` of 256 levels.
pub(crate) struct ImageStream<'a> {
    batches: Batches<'a>,
    pending: VecDeque<Tensor>,
    /// The number of the next image.
    position: usize,
    /// The number behind that of the last image that is asked for.
    end: usize,
    size: Option<[usize; 2]>,
    set: String,
}

impl<'a> ImageStream<'a> {
    pub(crate) fn new(batches: impl FnMut(Range<usize>) -> Option<Batch> + 'a, set: &str) -> Self {
        let batches = Box::new(batches);
        Self { batches, pending: VecDeque::new(), position: 0, end: usize::MAX, size: None, set: set.into() }
    }

    /// The set that the images are of.
    pub(crate) fn set(&self) -> &str {
        &self.set
    }

    /// The number of the next image.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// Height and width, known once an image was read.
    pub(crate) fn size(&self) -> Option<[usize; 2]> {
        self.size
    }

    /// Makes the first of these images the next one, and goes no further than the last. Also where it is that already:
    /// images are made in groups that begin here, whoever made those before.
    pub(crate) fn seek(&mut self, numbers: Range<usize>) {
        self.pending.clear();
        (self.position, self.end) = (numbers.start, numbers.end);
    }

    /// The next image; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Tensor>> {
        while self.pending.is_empty() {
            if self.position == self.end {
                return Ok(None);
            }
            let Some(images) = (self.batches)(self.position..self.end) else { return Ok(None) };
            let (image, set) = (self.position, &self.set);
            let images = images.map_err(|source| Error::Source { set: set.clone(), image, source })?;
            let images = rounded(&images, image, set)?;
            let (n, _, h, w) = images.dims4()?;
            let expected = *self.size.get_or_insert([h, w]);
            if expected != [h, w] {
                return Err(Error::ImageSize { set: set.clone(), image, found: [h, w], expected });
            }
            self.pending.extend((0..n).map(|i| images.narrow(0, i, 1)).collect::<candle_core::Result<Vec<_>>>()?);
        }
        self.position += 1;
        Ok(self.pending.pop_front())
    }
}
