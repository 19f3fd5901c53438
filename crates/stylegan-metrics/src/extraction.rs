//! From a stream of images to a table of features, the same bits for any batch size.

use crate::extractor::{Extractor, Place};
use crate::feature_table::FeatureTable;
use crate::features::FeatureNetwork;
use crate::generator_source::GeneratorSource;
use crate::images::{Batch, rounded};
use crate::{Error, Result};
use candle_core::Tensor;
use std::collections::VecDeque;

/// Images handled at once: this many at 64x64, fewer of larger ones.
const CHUNK: usize = 16;
/// Images whose features are kept together. Every part begins with a fresh chunk, so a part is the same
/// bits whether those before it were just made or read from a cache. Even, for pairs of neighbours.
pub(crate) const PART: usize = 256;

/// Features of the images of `source`, at most `limit` of them, by each of `networks`.
///
/// Images are rounded to 256 levels first, as pictures in files are: `floor(127.5 x + 128)`, clamped
/// to [0, 255]. One-channel images are repeated to three. Images are regrouped into chunks whose
/// size depends on the image size alone, so the result does not depend on how the source batches
/// them. `set` names the source in errors; `progress` is told `(done, total)` in images, with
/// `total` = 0 where it is not known.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use stylegan_metrics::{extraction::extract, features::StLpips};
///
/// let batch = Tensor::zeros((2, 3, 32, 32), candle_core::DType::F32, &Device::Cpu)?;
/// let network = StLpips::embedded(&Device::Cpu)?;
/// let tables = extract(&[&network], [Ok(batch)].into_iter(), None, "pictures", &mut |_, _| ())?;
/// assert_eq!((tables[0].len(), tables[0].dim()), (2, 384));
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// A failing source, images of differing or wrong shape, features that are not finite; each names
/// the batch.
pub fn extract(
    networks: &[&dyn FeatureNetwork],
    source: impl Iterator<Item = Batch>,
    limit: Option<usize>,
    set: &str,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<FeatureTable>> {
    let mut pictures = ImageStream::of_images(Box::new(source), set);
    let mut tables = vec![Vec::new(); networks.len()];
    let mut taken = 0;
    loop {
        let wanted = limit.map_or(PART, |limit| PART.min(limit - taken));
        let mut extractors: Vec<Extraction> =
            networks.iter().map(|network| Extraction::new(Extractor::Features(*network), wanted)).collect();
        let found =
            extract_next(&mut pictures, &mut extractors, &mut |done| progress(taken + done, limit.unwrap_or(0)))?;
        tables.iter_mut().zip(extractors).for_each(|(table, extractor)| table.extend(extractor.rows));
        taken += found;
        if found < PART {
            break;
        }
    }
    progress(taken, taken);
    networks.iter().zip(tables).map(|(network, rows)| FeatureTable::new(rows, network.dim())).collect()
}

/// One look at a number of pictures on their way.
pub(crate) struct Extraction<'a> {
    extractor: Extractor<'a>,
    /// Pictures that it wants to see.
    wanted: usize,
    /// What it found: whole rows, one after the other.
    pub(crate) rows: Vec<f32>,
}

impl<'a> Extraction<'a> {
    pub(crate) fn new(extractor: Extractor<'a>, wanted: usize) -> Self {
        Self { extractor, wanted, rows: vec![] }
    }
}

/// Lets `looks` see the next pictures, as many as the one that wants most; returns how many there were.
/// The last chunk is filled with copies, so that all chunks have one shape and kernels choose one
/// algorithm.
pub(crate) fn extract_next(
    pictures: &mut ImageStream,
    extractors: &mut [Extraction],
    progress: &mut dyn FnMut(usize),
) -> Result<usize> {
    let wanted = extractors.iter().map(|extractor| extractor.wanted).max().unwrap_or(0);
    let (begin, mut done, mut kept) = (pictures.position, 0, None);
    while done < wanted {
        let (mut group, mut chunk) = (Vec::new(), 1);
        while group.len() < chunk.min(wanted - done) {
            let Some(picture) = pictures.next()? else { break };
            chunk = chunk_of(&picture, CHUNK);
            group.push(picture);
        }
        let Some(last) = group.last() else { break };
        let filled: Vec<&Tensor> = (0..chunk).map(|i| group.get(i).unwrap_or(last)).collect();
        let filled = Tensor::cat(&filled, 0)?;
        for extraction in extractors.iter_mut().filter(|extraction| done < extraction.wanted) {
            let n = group.len().min(extraction.wanted - done);
            let place = Place { first: begin + done, n, batch: pictures.batch.saturating_sub(1), set: &pictures.set };
            extraction.rows.extend(extraction.extractor.rows(&filled, &place, &mut kept)?);
        }
        done += group.len();
        progress(done);
    }
    Ok(done)
}

/// Pictures `[1, 3, h, w]` of this size that are handled at once: `most` at 64x64, fewer of larger ones.
fn chunk_of(picture: &Tensor, most: usize) -> usize {
    let pixels: usize = picture.dims().iter().skip(2).product();
    (most * 64 * 64 / pixels.max(1)).clamp(1, most)
}

/// Pictures of a set one by one, each `[1, 3, h, w]` of 256 levels.
pub(crate) struct ImageStream<'a> {
    batches: Box<dyn Iterator<Item = Batch> + 'a>,
    /// A generator can begin anywhere, a stream of images only go on.
    generator: Option<(GeneratorSource<'a>, u64)>,
    pending: VecDeque<Tensor>,
    /// The number of the next picture.
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

    /// Height and width, known once a picture was read.
    pub(crate) fn size(&self) -> Option<[usize; 2]> {
        self.size
    }

    /// Makes picture `position` the next one, or the end of the set if it has fewer. Streams of images
    /// only go forward.
    pub(crate) fn seek(&mut self, position: usize) -> Result<()> {
        if let Some((source, seed)) = self.generator {
            // Also where the position is right: pictures are generated in groups that begin here.
            self.batches = Box::new(source.images_from(seed, position as u64));
            self.pending.clear();
            self.position = position;
        }
        while self.position < position && self.next()?.is_some() {}
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Tensor>> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::features::StLpips;
    use crate::test_data::{Pixels, on_one_thread};

    fn images(n: usize, channels: usize, side: usize) -> Tensor {
        let values = (0..n * channels * side * side).map(|i| ((i * 7919) % 2003) as f32 / 1000. - 1.).collect();
        Tensor::from_vec(values, (n, channels, side, side), &Device::Cpu).unwrap()
    }

    fn run(network: &dyn FeatureNetwork, batches: Vec<Tensor>, limit: Option<usize>) -> Result<FeatureTable> {
        let mut tables = extract(&[network], batches.into_iter().map(Ok), limit, "real set", &mut |_, _| ())?;
        Ok(tables.remove(0))
    }

    /// Batches of 1, 5 and 21 and one thread give the bits of two threads, through the real network.
    #[test]
    fn batches_and_threads_change_no_bit() {
        let network = StLpips::embedded(&Device::Cpu).unwrap();
        let all = images(21, 3, 32);
        let cut = |size: usize| (0..21).step_by(size).map(|i| all.narrow(0, i, size.min(21 - i)).unwrap()).collect();
        let expected = run(&network, cut(21), None).unwrap();
        assert_eq!(expected.len(), 21);
        for size in [1, 5] {
            assert_eq!(run(&network, cut(size), None).unwrap(), expected);
        }
        let alone = on_one_thread(|| stylegan_kernels::threads::with_limit(1, || run(&network, cut(4), None).unwrap()));
        assert_eq!(alone, expected);
        assert_eq!(run(&network, cut(5), Some(7)).unwrap(), expected.select(&[0, 1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn what_goes_wrong() {
        let message = |batches| run(&Pixels, batches, None).unwrap_err().to_string();
        let nan = (images(1, 3, 4) * f64::NAN).unwrap();
        assert!(message(vec![images(2, 3, 4), nan]).contains("pixels of batch 1 of the real set are not finite"));
        assert!(message(vec![images(2, 3, 4), images(1, 3, 5)]).contains("batch 1 of the real set is [5, 5] (h, w)"));
        assert!(message(vec![images(2, 4, 4)]).contains("batch 0 of the real set has shape [2, 4, 4, 4]"));
        let source = [Ok(images(1, 3, 4)), Err("face7.png is cut off".into())].into_iter();
        let error = extract(&[&Pixels], source, None, "real set", &mut |_, _| ()).unwrap_err().to_string();
        assert!(error.contains("batch 1 of the real set cannot be read: face7.png is cut off"));
    }
}
