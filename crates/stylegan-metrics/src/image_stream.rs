//! A set of images as a stream of single ones.

use crate::generator_source::GeneratorSource;
use crate::images::{Batch, rounded};
use crate::{Error, Result};
use candle_core::Tensor;
use std::collections::VecDeque;

/// The images of a set one by one, each `[1, 3, h, w]` of 256 levels.
pub(crate) struct ImageStream<'a> {
    batches: Box<dyn Iterator<Item = Batch> + 'a>,
    /// A generator can begin anywhere, a stream of images only go on.
    generator: Option<(GeneratorSource<'a>, u64)>,
    pending: VecDeque<Tensor>,
    /// The number of the next image.
    position: usize,
    /// Batches read so far.
    batch: usize,
    size: Option<[usize; 2]>,
    set: String,
}

impl<'a> ImageStream<'a> {
    pub(crate) fn of_images(batches: Box<dyn Iterator<Item = Batch> + 'a>, set: &str) -> Self {
        Self { batches, generator: None, pending: VecDeque::new(), position: 0, batch: 0, size: None, set: set.into() }
    }

    pub(crate) fn of_generator(source: GeneratorSource<'a>, seed: u64, set: &str) -> Self {
        Self { generator: Some((source, seed)), ..Self::of_images(Box::new(source.images(seed)), set) }
    }

    /// The set that the images are of.
    pub(crate) fn set(&self) -> &str {
        &self.set
    }

    /// The number of the next image.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The batch that the last image came in.
    pub(crate) fn last_batch(&self) -> usize {
        self.batch.saturating_sub(1)
    }

    /// Height and width, known once an image was read.
    pub(crate) fn size(&self) -> Option<[usize; 2]> {
        self.size
    }

    /// Makes image `position` the next one, or the end of the set if it has fewer. Streams of images
    /// only go forward.
    pub(crate) fn seek(&mut self, position: usize) -> Result<()> {
        if let Some((source, seed)) = self.generator {
            // Also where the position is right: images are generated in groups that begin here.
            self.batches = Box::new(source.images_from(seed, position as u64));
            self.pending.clear();
            self.position = position;
        }
        while self.position < position && self.next()?.is_some() {}
        Ok(())
    }

    /// The next image; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Tensor>> {
        while self.pending.is_empty() {
            let Some(images) = self.batches.next() else { return Ok(None) };
            let (batch, set) = (self.batch, &self.set);
            self.batch += 1;
            let images = images.map_err(|source| Error::Source { set: set.clone(), batch, source })?;
            let images = rounded(&images, batch, set)?;
            let (n, _, h, w) = images.dims4()?;
            let expected = *self.size.get_or_insert([h, w]);
            if expected != [h, w] {
                return Err(Error::ImageSize { set: set.clone(), batch, found: [h, w], expected });
            }
            self.pending.extend((0..n).map(|i| images.narrow(0, i, 1)).collect::<candle_core::Result<Vec<_>>>()?);
        }
        self.position += 1;
        Ok(self.pending.pop_front())
    }
}
