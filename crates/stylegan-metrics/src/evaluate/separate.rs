//! Linear separability of one subject: its latents, and what the classifiers see.

use super::measure::blank;
use super::tables::store;
use super::{Generated, Measured, Progress, Request};
use crate::cache::Key;
use crate::features::Classifier;
use crate::generated::GeneratorSource;
use crate::protocol::Protocol;
use crate::report::{Direction, NetworkId, SampleCounts};
use crate::samples::{Samples, three_channels};
use crate::separability::Separability;
use crate::{Error, Result};
use candle_core::{DType, Tensor};

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
    let key = source
        .identity(request.seed)
        .map(|identity| Key::new(["classified latents", &identity, &parameters.samples.to_string(), &hashes]));
    let table = match request.cache.zip(key.as_ref()).and_then(|(cache, key)| cache.load(key)) {
        Some(table) => table,
        None => {
            let table = classified(source, request.classifiers, parameters.samples, request.seed, progress)?;
            store(request.cache, key, &table);
            table
        }
    };
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
        let mut result = blank(request, protocol, Some(subject), name, id.clone(), counts, unit, better);
        result.set(&estimate);
        result.seconds = (request.clock)() - begin;
        measured.push(Measured { result, estimate });
    }
    Ok(measured)
}

/// A row per picture: latent, style row, and the log odds of all attributes.
fn classified(
    source: &GeneratorSource,
    classifiers: &[Classifier],
    count: usize,
    seed: u64,
    progress: &mut Progress,
) -> Result<Samples> {
    let (mut rows, mut done, mut dim) = (Vec::new(), 0, 1);
    for drawn in source.drawn(seed) {
        if done >= count {
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
        let n = table.dim(0)?.min(count - done);
        dim = table.dim(1)?;
        rows.extend(table.narrow(0, 0, n)?.flatten_all()?.to_vec1::<f32>()?);
        done += n;
        progress("classified pictures", done, count);
    }
    Samples::new(rows, dim)
}

/// Some columns of a table.
fn columns(table: &Samples, range: std::ops::Range<usize>) -> Result<Samples> {
    let width = range.len();
    Samples::new((0..table.len()).flat_map(|i| table.row(i)[range.clone()].to_vec()).collect(), width)
}
