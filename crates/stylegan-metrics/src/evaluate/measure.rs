//! One metric of one subject.

use super::measure_separability::separability;
use super::tables::{Tables, extractor_of, in_parts};
use super::{FLOOR, Generated, Measured, Progress, Request};
use crate::draw::without_replacement;
use crate::extractor::Extractor;
use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetwork, NetworkId};
use crate::inception_score::score_with_interval;
use crate::interval::Estimate;
use crate::path_length::PathLength;
use crate::protocol::{Parameters, Protocol};
use crate::report::{Direction, MetricResult, REAL_SET, SampleCounts};
use crate::{Error, Result, frechet, identity, ms_ssim, precision_recall, segmentation};
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
    let extractor = extractor_of(request.networks, protocol, request.seed)?;
    let missing = |missing| Error::Missing { metric: protocol.id.clone(), missing };
    let fake = tables.fake(subject, &extractor.id()).ok_or_else(|| missing("a set of generated images"))?;
    let mut fake = truncated(fake, counts.fakes.map(|n| extractor.rows_of(n)));
    let mut real = if protocol.needs_reals() {
        let real = tables.real(&extractor.id()).ok_or_else(|| missing("a set of real images"))?;
        Some(truncated(real, counts.reals))
    } else {
        None
    };
    if let (Parameters::SlicedWasserstein { .. }, Some(set)) = (&protocol.parameters, &real) {
        let n = fake.len().min(set.len());
        fake = Cow::Owned(truncated(&fake, Some(n)).into_owned());
        real = Some(Cow::Owned(truncated(set, Some(n)).into_owned()));
    }
    let mut protocol = protocol.clone();
    if counts.fakes.is_some_and(|wanted| fake.len() < extractor.rows_of(wanted)) {
        // A folder with fewer pictures than the protocol wants is measured, and says so.
        protocol = protocol.with_samples(extractor.pictures_of(fake.len()));
    }
    if !counts.at_most && real.as_ref().zip(counts.reals).is_some_and(|(real, wanted)| real.len() < wanted) {
        protocol.note("reals");
    }
    let size = tables.size(subject);
    let sets = Sets { extractor, real: real.as_deref(), fake: &fake, size, seconds: tables.seconds(subject) };
    compare_sets(request, &protocol, Some(subject), &sets)
}

/// The first `n` rows, or all.
fn truncated(table: &FeatureTable, n: Option<usize>) -> Cow<'_, FeatureTable> {
    match n {
        Some(n) if n < table.len() => Cow::Owned(table.select(&(0..n).collect::<Vec<_>>())),
        _ => Cow::Borrowed(table),
    }
}

/// The results of `protocol` for two random halves of the real set, in place of a subject; of a metric that
/// looks at one set alone, for the real set.
pub(super) fn real_vs_real(request: &Request, protocol: &Protocol, tables: &Tables) -> Result<Vec<Measured>> {
    let extractor = extractor_of(request.networks, protocol, request.seed)?;
    let found = (protocol.counts(), tables.real(&extractor.id()), tables.fake(0, &extractor.id()));
    let (Some(counts), Some(real), Some(fake)) = found else { return Ok(vec![]) };
    let (size, seconds) = (tables.size(0), tables.seconds(0));
    let mut protocol = protocol.clone();
    if !protocol.needs_reals() {
        let real = truncated(real, counts.fakes.map(|n| extractor.rows_of(n)));
        protocol = protocol.with_samples(extractor.pictures_of(real.len()));
        return compare_sets(request, &protocol, None, &Sets { extractor, real: None, fake: &real, size, seconds });
    }
    let real = truncated(real, counts.reals);
    let m = counts.fakes.unwrap_or(fake.len()).min(fake.len()).min(real.len() / 2);
    let mut stream = StreamKey::new(request.seed, "metric floor", 0).stream(0, 0);
    let order = without_replacement(&mut stream, real.len(), 2 * m);
    let (a, b) = (real.select(&order[..m]), real.select(&order[m..]));
    if counts.fakes.is_some() {
        protocol = protocol.with_samples(m);
    }
    if counts.reals != Some(m) {
        protocol.note("reals");
    }
    compare_sets(request, &protocol, None, &Sets { extractor, real: Some(&a), fake: &b, size, seconds })
}

/// What a metric between sets looks at.
struct Sets<'a> {
    extractor: Extractor<'a>,
    real: Option<&'a FeatureTable>,
    fake: &'a FeatureTable,
    /// Height and width of the pictures, where they were read.
    size: Option<[usize; 2]>,
    seconds: f64,
}

/// The results of a metric of sets; without a subject it is a floor.
fn compare_sets(request: &Request, protocol: &Protocol, subject: Option<usize>, sets: &Sets) -> Result<Vec<Measured>> {
    let begin = (request.clock)();
    let Sets { extractor, fake, .. } = *sets;
    let id = extractor.id();
    let short = protocol.id.rsplit('.').next().unwrap_or(&protocol.id);
    let mut protocol = protocol.clone();
    let missing = |missing| Error::Missing { metric: protocol.id.clone(), missing };
    let real = || sets.real.ok_or_else(|| missing("a set of real images"));
    let own = |estimate, unit, better| vec![(short.to_owned(), estimate, unit, better)];
    let mut changed = None;
    use Direction::{Larger, Like, Smaller};
    let found: Vec<(String, Estimate, &str, Direction)> = match &protocol.parameters {
        Parameters::Frechet { covariance, .. } => {
            let estimate = frechet::distance_with_interval(real()?, fake, *covariance)?;
            own(estimate, "squared feature distance", Smaller)
        }
        Parameters::Kernel { kernel, .. } => {
            let (real, size) = (real()?, kernel.subset_size);
            let estimate = kernel.with_interval(real, fake, request.seed)?;
            changed = (size > real.len().min(fake.len())).then_some("subset_size");
            own(estimate, "squared kernel distance", Smaller)
        }
        Parameters::PrecisionRecall { neighbours, .. } => {
            let all = precision_recall::compare(real()?, fake, *neighbours)?;
            vec![
                ("precision".into(), all.precision, "fraction", Larger),
                ("recall".into(), all.recall, "fraction", Larger),
                ("density".into(), all.density, "ratio", Larger),
                ("coverage".into(), all.coverage, "fraction", Larger),
            ]
        }
        Parameters::InceptionScore { splits, .. } => {
            let Extractor::Features(network) = extractor else { return Err(missing("a feature network")) };
            let (logits, classes) = logits(network, fake)?;
            own(score_with_interval(&logits, classes, *splits)?, "exp of nats", Larger)
        }
        Parameters::SlicedWasserstein { swd, .. } => {
            let size = sets.size.ok_or_else(|| missing("pictures"))?;
            let all = swd.compare(real()?, fake, size, request.seed)?;
            let level = |(height, level)| (format!("{short}_{height}"), level, "thousandths of deviations", Smaller);
            let mean = own(all.mean, "thousandths of deviations", Smaller);
            mean.into_iter().chain(all.levels.into_iter().map(level)).collect()
        }
        Parameters::Similarity { .. } => own(ms_ssim::mean(fake)?, "similarity", Like),
        Parameters::Segmentation { ignored, .. } => {
            let [miou, accuracy] = segmentation::compare(real()?, fake, *ignored)?;
            vec![("miou".into(), miou, "fraction", Larger), ("pixel_accuracy".into(), accuracy, "fraction", Larger)]
        }
        Parameters::Identity { .. } => own(identity::similarity(fake, real()?)?, "cosine", Larger),
        Parameters::PathLength(_) | Parameters::Separability(_) => vec![],
    };
    changed.into_iter().for_each(|name| protocol.note(name));
    let seconds = sets.seconds + (request.clock)() - begin;
    let suffix = if subject.is_some() { "" } else { FLOOR };
    let counts =
        SampleCounts { real: sets.real.map_or(0, FeatureTable::len), generated: extractor.pictures_of(fake.len()) };
    let measured = found.into_iter().map(|(short, estimate, unit, better)| {
        let name = protocol.named(&format!("{short}{suffix}"), &id.name);
        let mut result = new_result(request, &protocol, subject, name, id.clone(), counts, unit, better);
        result.set(&estimate);
        result.seconds = seconds;
        Measured { result, estimate }
    });
    Ok(measured.collect())
}

/// Class logits of feature rows, and the number of classes.
fn logits(network: &dyn FeatureNetwork, features: &FeatureTable) -> Result<(Vec<f64>, usize)> {
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
    // Pairs are the same whatever their number.
    let asked = format!("{:?}", PathLength { pairs: 0, ..parameters.clone() });
    let (labels, seed) = (format!("{:?}", source.labels), request.seed.to_string());
    let identity =
        |hash| ["path lengths", hash, source.config, &asked, &labels, &seed, network.hash(), network.definition()];
    let identity = source.hash.map(identity);
    let distances = in_parts(request.cache, identity.as_ref().map(|i| &i[..]), parameters.pairs, &mut |part| {
        let start = part.start;
        let mut tell = |done| progress(&name, start + done, parameters.pairs);
        let (generator, labels) = (source.generator, source.labels);
        let distances = parameters.distances(generator, network, labels, request.seed, part, &mut tell)?;
        FeatureTable::new(distances, 1)
    })?;
    let estimate = parameters.summary(&parameters.lengths(distances.rows()), request.seed)?;
    let id =
        NetworkId { name: network.name().into(), hash: network.hash().into(), definition: network.definition().into() };
    let counts = SampleCounts { real: 0, generated: distances.len() };
    let (unit, better) = ("distance per squared step", Direction::Smaller);
    let mut result = new_result(request, protocol, Some(subject), name, id, counts, unit, better);
    result.set(&estimate);
    result.seconds = (request.clock)() - begin;
    Ok(Measured { result, estimate })
}

/// A result that lacks only its numbers.
pub(super) fn new_result(
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
    let mut protocol = protocol.clone();
    let (truncation_psi, mixed) = match (subject.map(|subject| &subject.generated), &protocol.parameters) {
        // Path lengths are of single latents without truncation.
        (_, Parameters::PathLength(_)) => (1., 1),
        (Some(Generated::Generator(source)), _) => (source.truncation_psi, source.mixed),
        _ => (1., 1),
    };
    if truncation_psi != 1. {
        protocol.note("truncation");
    }
    if mixed != 1 {
        protocol.note("mixing");
    }
    MetricResult {
        name,
        subject: subject.map_or(REAL_SET, |subject| &subject.name).into(),
        value: f64::NAN,
        low: f64::NAN,
        high: f64::NAN,
        interval: String::new(),
        unit: unit.into(),
        better,
        protocol,
        feature_network,
        seed: request.seed,
        truncation_psi,
        mixed,
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
