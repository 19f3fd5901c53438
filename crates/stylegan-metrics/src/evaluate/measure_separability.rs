//! Linear separability of one subject: its latents, and what the classifiers see.

use super::measure::new_result;
use super::tables::in_parts;
use super::{Generated, Measured, Progress, Request};
use crate::feature_table::FeatureTable;
use crate::features::{Classifier, NetworkId};
use crate::generator_source::GeneratorSource;
use crate::images::three_channels;
use crate::protocol::Protocol;
use crate::report::{Direction, SampleCounts};
use crate::separability::Separability;
use crate::{Error, Result};
use candle_core::{DType, Tensor};
use std::ops::Range;

/// The results in Z and in W.
pub(super) fn separability(
    request: &Request,
    protocol: &Protocol,
    subject: usize,
    parameters: &Separability,
    progress: &mut Progress,
) -> Result<Vec<Measured>> {
    let begin = (request.clock)();
    let Generated::Generator(source) = &request.subjects[subject].generated else {
        return Err(Error::Missing { metric: protocol.id.clone(), missing: "a generator" });
    };
    let hashes: Vec<&str> = request.classifiers.iter().map(Classifier::hash).collect();
    let hashes = hashes.join(" ");
    let identity = source.identity(request.seed);
    let identity = identity.as_deref().map(|identity| ["classified latents", identity, &hashes]);
    let count = parameters.samples;
    let table = in_parts(request.cache, identity.as_ref().map(|i| &i[..]), count, &mut |part| {
        let start = part.start;
        let mut tell = |done| progress("classified pictures", start + done, count);
        classified(source, request.classifiers, part, request.seed, &mut tell)
    })?;
    let attributes: Vec<String> = request.classifiers.iter().flat_map(|c| c.attributes().iter().cloned()).collect();
    let (z, w) = (source.generator.z_dim(), source.generator.w_dim());
    let logits = columns(&table, z + w..table.dim())?;
    let network = "classifier";
    let definition = format!("StyleGAN's discriminator as classifier of {}", attributes.join(", "));
    let id = NetworkId { name: network.into(), hash: hashes, definition };
    let counts = SampleCounts { real: 0, generated: table.len() };
    let mut measured = Vec::new();
    for (space, range) in [("ls_z", 0..z), ("ls_w", z..z + w)] {
        let stage = format!("hyperplanes of {space}");
        progress(&stage, 0, 0);
        let estimate = parameters.score(&columns(&table, range)?, &logits, &attributes)?;
        let name = protocol.named(space, network);
        let (unit, better) = ("exp of nats", Direction::Smaller);
        let mut result = new_result(request, protocol, Some(subject), name, id.clone(), counts, unit, better);
        result.set(&estimate);
        result.seconds = (request.clock)() - begin;
        measured.push(Measured { result, estimate });
    }
    Ok(measured)
}

/// A row per picture of these numbers: latent, style row, and the log odds of all attributes.
fn classified(
    source: &GeneratorSource,
    classifiers: &[Classifier],
    part: Range<usize>,
    seed: u64,
    progress: &mut dyn FnMut(usize),
) -> Result<FeatureTable> {
    let (mut rows, mut done, mut dim) = (Vec::new(), 0, 1);
    for drawn in source.batches_from(seed, part.start as u64) {
        if done >= part.len() {
            break;
        }
        let drawn = drawn?;
        let images = three_channels(&drawn.images, 0, "generated set")?.to_dtype(DType::F32)?;
        let mut parts = vec![drawn.z, drawn.w];
        for classifier in classifiers {
            parts.push(classifier.logits(&images)?);
        }
        let parts = parts.iter().map(|part| part.to_dtype(DType::F32)).collect::<candle_core::Result<Vec<_>>>()?;
        let table = Tensor::cat(&parts, 1)?;
        let n = table.dim(0)?.min(part.len() - done);
        dim = table.dim(1)?;
        rows.extend(table.narrow(0, 0, n)?.flatten_all()?.to_vec1::<f32>()?);
        done += n;
        progress(done);
    }
    FeatureTable::new(rows, dim)
}

/// Some columns of a table.
fn columns(table: &FeatureTable, range: std::ops::Range<usize>) -> Result<FeatureTable> {
    let width = range.len();
    FeatureTable::new((0..table.len()).flat_map(|i| table.row(i)[range.clone()].to_vec()).collect(), width)
}
