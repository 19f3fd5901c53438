//! One metric of one subject.

use super::separate::separability;
use super::tables::{Tables, features, store};
use super::{Generated, Measured, Progress, Request};
use crate::cache::Key;
use crate::features::FeatureNetwork;
use crate::frechet;
use crate::inception_score::score_with_interval;
use crate::interval::Estimate;
use crate::kernel::choose;
use crate::path_length::PathLength;
use crate::precision_recall;
use crate::protocol::{Parameters, Protocol};
use crate::report::{Direction, MetricResult, NetworkId, REAL_SET, SampleCounts};
use crate::samples::Samples;
use crate::{Error, Result};
use candle_core::{Device, Tensor};
use std::borrow::Cow;
use stylegan_core::latent::StreamKey;

/// Feature rows that become logits at once.
const LOGIT_ROWS: usize = 1024;

/// The results of `protocol` for a subject, by number.
pub(super) fn measure(
    request: &Request,
    protocol: &Protocol,
    subject: usize,
    tables: &Tables,
    progress: &mut Progress,
) -> Result<Vec<Measured>> {
    if let Parameters::PathLength(parameters) = &protocol.parameters {
        return Ok(vec![path_length(request, protocol, subject, parameters, progress)?]);
    }
    if let Parameters::Separability(parameters) = &protocol.parameters {
        return separability(request, protocol, subject, parameters, progress);
    }
    let Some(counts) = protocol.counts() else { return Ok(vec![]) };
    let network = features(request, protocol)?;
    let missing = |missing| Error::Missing { metric: protocol.id.clone(), missing };
    let fake = tables.fake(subject, network).ok_or_else(|| missing("a set of generated images"))?;
    let fake = first(fake, counts.fakes);
    let mut protocol = protocol.clone();
    if counts.fakes.is_some_and(|wanted| fake.len() < wanted) {
        // A folder with fewer pictures than the protocol wants is measured, and says so.
        protocol = protocol.with_samples(fake.len());
    }
    let real = if protocol.needs_reals() {
        let real = tables.real(network).ok_or_else(|| missing("a set of real images"))?;
        Some(first(real, counts.reals))
    } else {
        None
    };
    if real.as_ref().zip(counts.reals).is_some_and(|(real, wanted)| real.len() < wanted) {
        protocol.note("reals");
    }
    let sets = Sets { network, real: real.as_deref(), fake: &fake, seconds: tables.seconds(subject) };
    between(request, &protocol, Some(subject), &sets)
}

/// The first `n` rows, or all.
fn first(table: &Samples, n: Option<usize>) -> Cow<'_, Samples> {
    match n {
        Some(n) if n < table.len() => Cow::Owned(table.select(&(0..n).collect::<Vec<_>>())),
        _ => Cow::Borrowed(table),
    }
}

/// The results of `protocol` for two random halves of the real set, in place of a subject.
pub(super) fn floor(request: &Request, protocol: &Protocol, tables: &Tables) -> Result<Vec<Measured>> {
    let network = features(request, protocol)?;
    let (Some(counts), Some(real), Some(fake)) = (protocol.counts(), tables.real(network), tables.fake(0, network))
    else {
        return Ok(vec![]);
    };
    let real = first(real, counts.reals);
    let m = counts.fakes.unwrap_or(fake.len()).min(fake.len()).min(real.len() / 2);
    let mut stream = StreamKey::new(request.seed, "metric floor", 0).stream(0, 0);
    let order = choose(&mut stream, real.len(), 2 * m);
    let (a, b) = (real.select(&order[..m]), real.select(&order[m..]));
    let mut protocol = protocol.clone();
    if counts.fakes.is_some() {
        protocol = protocol.with_samples(m);
    }
    if counts.reals != Some(m) {
        protocol.note("reals");
    }
    between(request, &protocol, None, &Sets { network, real: Some(&a), fake: &b, seconds: tables.seconds(0) })
}

/// What a metric between sets looks at.
struct Sets<'a> {
    network: &'a dyn FeatureNetwork,
    real: Option<&'a Samples>,
    fake: &'a Samples,
    seconds: f64,
}

/// The results of a metric of sets; without a subject it is a floor.
fn between(request: &Request, protocol: &Protocol, subject: Option<usize>, sets: &Sets) -> Result<Vec<Measured>> {
    let begin = (request.clock)();
    let Sets { network, fake, .. } = *sets;
    let id =
        NetworkId { name: network.name().into(), hash: network.hash().into(), definition: network.definition().into() };
    let short = protocol.id.rsplit('.').next().unwrap_or(&protocol.id);
    let mut protocol = protocol.clone();
    let real = || {
        let missing = || Error::Missing { metric: protocol.id.clone(), missing: "a set of real images" };
        sets.real.ok_or_else(missing)
    };
    use Direction::{Larger, Smaller};
    let found: Vec<(&str, Estimate, &str, Direction)> = match &protocol.parameters {
        Parameters::Frechet { covariance, .. } => {
            let estimate = frechet::distance_with_interval(real()?, fake, *covariance)?;
            vec![(short, estimate, "squared feature distance", Smaller)]
        }
        Parameters::Kernel { kernel, .. } => {
            let (real, size) = (real()?, kernel.subset_size);
            let estimate = kernel.with_interval(real, fake, request.seed)?;
            if size > real.len().min(fake.len()) {
                protocol.note("subset_size");
            }
            vec![(short, estimate, "squared kernel distance", Smaller)]
        }
        Parameters::PrecisionRecall { neighbours, .. } => {
            let all = precision_recall::compare(real()?, fake, *neighbours)?;
            vec![
                ("precision", all.precision, "fraction", Larger),
                ("recall", all.recall, "fraction", Larger),
                ("density", all.density, "ratio", Larger),
                ("coverage", all.coverage, "fraction", Larger),
            ]
        }
        Parameters::InceptionScore { splits, .. } => {
            let (logits, classes) = logits(network, fake)?;
            vec![(short, score_with_interval(&logits, classes, *splits)?, "exp of nats", Larger)]
        }
        Parameters::PathLength(_) | Parameters::Separability(_) => vec![],
    };
    let seconds = sets.seconds + (request.clock)() - begin;
    let suffix = if subject.is_some() { "" } else { "_floor" };
    let counts = SampleCounts { real: sets.real.map_or(0, Samples::len), generated: fake.len() };
    let measured = found.into_iter().map(|(short, estimate, unit, better)| {
        let name = protocol.named(&format!("{short}{suffix}"), network.name());
        let mut result = blank(request, &protocol, subject, name, id.clone(), counts, unit, better);
        result.set(&estimate);
        result.seconds = seconds;
        Measured { result, estimate }
    });
    Ok(measured.collect())
}

/// Class logits of feature rows, and the number of classes.
fn logits(network: &dyn FeatureNetwork, features: &Samples) -> Result<(Vec<f64>, usize)> {
    let (mut all, mut classes) = (vec![], 0);
    for rows in features.rows().chunks(LOGIT_ROWS * features.dim()) {
        let rows = Tensor::from_slice(rows, (rows.len() / features.dim(), features.dim()), &Device::Cpu)?;
        let logits = network.class_logits(&rows)?;
        classes = logits.dim(1)?;
        all.extend(logits.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from));
    }
    Ok((all, classes))
}

fn path_length(
    request: &Request,
    protocol: &Protocol,
    subject: usize,
    parameters: &PathLength,
    progress: &mut Progress,
) -> Result<Measured> {
    let missing = |missing| Error::Missing { metric: protocol.id.clone(), missing };
    let Generated::Generator(source) = &request.subjects[subject].generated else {
        return Err(missing("a generator"));
    };
    let begin = (request.clock)();
    let network = request.networks.distance(&protocol.network).ok_or_else(|| missing("a perceptual distance"))?;
    let name = protocol.name(network.name());
    let key = source.hash.map(|hash| {
        let (parameters, labels) = (format!("{parameters:?}"), format!("{:?}", source.labels));
        let seed = request.seed.to_string();
        Key::new(["path lengths", hash, &parameters, &labels, &seed, network.hash(), network.definition()])
    });
    let distances = match request.cache.zip(key.as_ref()).and_then(|(cache, key)| cache.load(key)) {
        Some(table) => table,
        None => {
            let mut tell = |done, total| progress(&name, done, total);
            let distances = parameters.distances(source.generator, network, source.labels, request.seed, &mut tell)?;
            let table = Samples::new(distances, 1)?;
            store(request.cache, key, &table);
            table
        }
    };
    let estimate = parameters.summary(&parameters.lengths(distances.rows()), request.seed)?;
    let id =
        NetworkId { name: network.name().into(), hash: network.hash().into(), definition: network.definition().into() };
    let counts = SampleCounts { real: 0, generated: distances.len() };
    let (unit, better) = ("distance per squared step", Direction::Smaller);
    let mut result = blank(request, protocol, Some(subject), name, id, counts, unit, better);
    result.set(&estimate);
    result.seconds = (request.clock)() - begin;
    Ok(Measured { result, estimate })
}

/// A result that lacks only its numbers.
pub(super) fn blank(
    request: &Request,
    protocol: &Protocol,
    subject: Option<usize>,
    name: String,
    feature_network: NetworkId,
    counts: SampleCounts,
    unit: &str,
    better: Direction,
) -> MetricResult {
    let uses_reals = counts.real > 0;
    let dataset_hash = request.reals.as_ref().filter(|_| uses_reals).and_then(|set| set.hash.clone());
    let subject = subject.map(|i| &request.subjects[i]);
    MetricResult {
        name,
        subject: subject.map_or(REAL_SET, |subject| &subject.name).into(),
        value: f64::NAN,
        low: f64::NAN,
        high: f64::NAN,
        interval: String::new(),
        unit: unit.into(),
        better,
        protocol: protocol.clone(),
        feature_network,
        seed: request.seed,
        counts,
        dataset_hash,
        checkpoint_hash: match subject.map(|subject| &subject.generated) {
            Some(Generated::Generator(source)) => source.hash.map(Into::into),
            Some(Generated::Images(set)) => set.hash.clone(),
            None => None,
        },
        seconds: 0.,
    }
}
