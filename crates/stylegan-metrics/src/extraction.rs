//! From a stream of images to a table of features, the same bits for any batch size.

use crate::Result;
use crate::cache::PART;
use crate::extractor::{Extractor, Features, Place};
use crate::feature_table::FeatureTable;
use crate::features::FeatureNetwork;
use crate::image_stream::ImageStream;
use crate::images::Batch;
use candle_core::Tensor;

/// Images handled at once: this many at 64x64, fewer of larger ones.
const CHUNK: usize = 16;

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
/// the image.
pub fn extract(
    networks: &[&dyn FeatureNetwork],
    mut source: impl Iterator<Item = Batch>,
    limit: Option<usize>,
    set: &str,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<FeatureTable>> {
    let mut images = ImageStream::new(move |_| source.next(), set);
    let extractors: Vec<Features> = networks.iter().map(|network| Features(*network)).collect();
    let mut tables = vec![Vec::new(); networks.len()];
    let mut taken = 0;
    loop {
        let wanted = limit.map_or(PART, |limit| PART.min(limit - taken));
        let mut extractions: Vec<Extraction> = extractors.iter().map(|e| Extraction::new(e, wanted)).collect();
        let found =
            extract_next(&mut images, &mut extractions, &mut |done| progress(taken + done, limit.unwrap_or(0)))?;
        tables.iter_mut().zip(extractions).for_each(|(table, extraction)| table.extend(extraction.rows));
        taken += found;
        if found < PART {
            break;
        }
    }
    progress(taken, taken);
    networks.iter().zip(tables).map(|(network, rows)| FeatureTable::new(rows, network.dim())).collect()
}

/// The rows of some images of a set on their way.
pub(crate) struct Extraction<'a> {
    extractor: &'a dyn Extractor,
    /// Images that it is to see.
    wanted: usize,
    /// Whole rows, one after the other.
    pub(crate) rows: Vec<f32>,
    /// An image that waits for its partner.
    waiting: Option<Tensor>,
}

impl<'a> Extraction<'a> {
    pub(crate) fn new(extractor: &'a dyn Extractor, wanted: usize) -> Self {
        Self { extractor, wanted, rows: vec![], waiting: None }
    }
}

/// Extracts the rows of the next images, as many as the extraction that wants most; returns how many there
/// were. The last chunk is filled with copies, so that all chunks have one shape and kernels choose one
/// algorithm.
pub(crate) fn extract_next(
    images: &mut ImageStream,
    extractions: &mut [Extraction],
    progress: &mut dyn FnMut(usize),
) -> Result<usize> {
    let wanted = extractions.iter().map(|extraction| extraction.wanted).max().unwrap_or(0);
    let begin = images.position();
    let mut done = 0;
    while done < wanted {
        let (mut group, mut chunk) = (Vec::new(), 1);
        while group.len() < chunk.min(wanted - done) {
            let Some(image) = images.next()? else { break };
            chunk = chunk_of(&image, CHUNK);
            group.push(image);
        }
        let Some(last) = group.last() else { break };
        let filled: Vec<&Tensor> = (0..chunk).map(|i| group.get(i).unwrap_or(last)).collect();
        let filled = Tensor::cat(&filled, 0)?;
        for extraction in extractions.iter_mut().filter(|extraction| done < extraction.wanted) {
            let n = group.len().min(extraction.wanted - done);
            let place = Place { first: begin + done, n, set: images.set() };
            let rows = extraction.extractor.rows(&filled, &place, &mut extraction.waiting)?;
            extraction.rows.extend(rows);
        }
        done += group.len();
        progress(done);
    }
    Ok(done)
}

/// Images `[1, 3, h, w]` of this size that are handled at once: `most` at 64x64, fewer of larger ones.
fn chunk_of(image: &Tensor, most: usize) -> usize {
    let pixels: usize = image.dims().iter().skip(2).product();
    (most * 64 * 64 / pixels.max(1)).clamp(1, most)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::features::StLpips;
    use crate::test_data::{Pixels, on_one_thread};
    use candle_core::Device;

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
        assert!(message(vec![images(2, 3, 4), nan]).contains("pixels of image 2 of the real set are not finite"));
        assert!(message(vec![images(2, 3, 4), images(1, 3, 5)]).contains("image 2 of the real set is [5, 5] (h, w)"));
        assert!(message(vec![images(2, 4, 4)]).contains("from image 0 of the real set on has shape [2, 4, 4, 4]"));
        let source = [Ok(images(1, 3, 4)), Err("face7.png is cut off".into())].into_iter();
        let error = extract(&[&Pixels], source, None, "real set", &mut |_, _| ()).unwrap_err().to_string();
        assert!(error.contains("image 1 of the real set or one soon after it cannot be read: face7.png is cut off"));
    }
}
