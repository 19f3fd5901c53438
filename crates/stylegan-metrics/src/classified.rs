//! Latents with what classifiers say of their pictures, which metrics of both are about.

use crate::Result;
use crate::feature_table::FeatureTable;
use crate::features::{Classifier, NetworkId};
use crate::generator_source::GeneratorSource;
use crate::images::three_channels;
use crate::metric::Context;
use candle_core::{DType, Tensor};
use std::ops::Range;

/// A row per picture of these numbers: latent, style row, and the log odds of all attributes; shared by all ranks and kept
/// between evaluations. `None` on ranks that have done their part.
pub(crate) fn latents(source: &GeneratorSource, samples: usize, context: &mut Context) -> Result<Option<FeatureTable>> {
    let (classifiers, seed) = (context.classifiers, context.seed);
    let (hashes, identity) = (hashes(classifiers), source.identity(seed));
    let identity = identity.as_deref().map(|identity| ["classified latents", identity, &hashes]);
    context.makers.in_parts(identity.as_ref().map(|i| &i[..]), samples, &mut |part| {
        let start = part.start;
        let mut tell = |done| (context.progress)("classified pictures", start + done, samples);
        some(source, classifiers, part, seed, &mut tell)
    })
}

/// Some rows of that table.
pub(crate) fn some(
    source: &GeneratorSource,
    classifiers: &[Classifier],
    part: Range<usize>,
    seed: u64,
    progress: &mut dyn FnMut(usize),
) -> Result<FeatureTable> {
    let (mut rows, mut done, mut dim) = (Vec::new(), 0, 1);
    for batch in source.batches_from(seed, part.start as u64) {
        if done >= part.len() {
            break;
        }
        let batch = batch?;
        let logits = logits(&batch.images, "generated set", classifiers)?;
        let parts = [batch.z, batch.w, logits].map(|part| part.to_dtype(DType::F32));
        let table = Tensor::cat(&parts.into_iter().collect::<candle_core::Result<Vec<_>>>()?, 1)?;
        let n = table.dim(0)?.min(part.len() - done);
        dim = table.dim(1)?;
        rows.extend(table.narrow(0, 0, n)?.flatten_all()?.to_vec1::<f32>()?);
        done += n;
        progress(done);
    }
    FeatureTable::new(rows, dim)
}

/// Log odds `[n, attributes]` of all attributes, of a set's images `[n, c, h, w]`.
pub(crate) fn logits(images: &Tensor, set: &str, classifiers: &[Classifier]) -> Result<Tensor> {
    Classifier::logits_of_all(classifiers, &three_channels(images, 0, set)?.to_dtype(DType::F32)?)
}

/// Some columns of a table.
pub(crate) fn columns(table: &FeatureTable, range: Range<usize>) -> Result<FeatureTable> {
    let width = range.len();
    FeatureTable::new((0..table.len()).flat_map(|i| table.row(i)[range.clone()].to_vec()).collect(), width)
}

/// The names of all attributes.
pub(crate) fn attributes(classifiers: &[Classifier]) -> Vec<String> {
    classifiers.iter().flat_map(|classifier| classifier.attributes().iter().cloned()).collect()
}

/// The classifiers as one feature network, with their attributes in words.
pub(crate) fn network(classifiers: &[Classifier], attributes: &str) -> NetworkId {
    let definition = format!("StyleGAN's discriminator as classifier of {attributes}");
    NetworkId::new("classifier", &hashes(classifiers), &definition)
}

fn hashes(classifiers: &[Classifier]) -> String {
    classifiers.iter().map(Classifier::hash).collect::<Vec<_>>().join(" ")
}
