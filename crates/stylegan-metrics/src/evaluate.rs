//! A list of metrics in, a list of results out: features are extracted once and shared.

use crate::cache::{Cache, Key};
use crate::features::{FeatureNetwork, PerceptualDistance};
use crate::frechet;
use crate::generated::GeneratorSource;
use crate::kernel::choose;
use crate::path_length::PathLength;
use crate::precision_recall::{self, Estimate};
use crate::protocol::{Parameters, Protocol};
use crate::report::{Direction, MetricResult, NetworkId, SampleCounts};
use crate::samples::{Batch, Samples, extract};
use crate::{Error, Result};
use stylegan_core::latent::StreamKey;

/// A set of images.
pub struct ImageSet<'a> {
    /// Batches `[n, 3, h, w]` (or one channel), f32 in [-1, 1]. Where a protocol wants fewer images
    /// than there are, the first ones are taken: bring them in random order.
    pub images: Box<dyn Iterator<Item = Batch> + 'a>,
    /// Hash of all pixels and of how they were prepared; without one nothing is cached.
    pub hash: Option<String>,
}

/// What is compared with the real images.
pub enum Generated<'a> {
    /// Pictures drawn from a generator.
    Generator(GeneratorSource<'a>),
    /// Pictures that are there already.
    Images(ImageSet<'a>),
}

/// What to measure.
pub struct Request<'a> {
    /// The metrics; see [`Protocol::find`].
    pub protocols: Vec<Protocol>,
    /// The generated side.
    pub generated: Generated<'a>,
    /// The real side; path lengths do without.
    pub reals: Option<ImageSet<'a>>,
    /// The network behind distances between sets.
    pub features: &'a dyn FeatureNetwork,
    /// The network behind path lengths.
    pub distance: &'a dyn PerceptualDistance,
    /// Where features are kept, if at all.
    pub cache: Option<&'a Cache>,
    /// Seed of everything random.
    pub seed: u64,
    /// Whether distances between sets also report the real set against itself: two random halves,
    /// each of as many images as there are generated ones, or of half the real ones if those are
    /// fewer.
    pub floor: bool,
    /// Seconds since any fixed moment.
    pub clock: &'a dyn Fn() -> f64,
}

/// Told what is being done, and how many images or pairs of it are done out of how many (0 where the
/// total is not known).
pub type Progress<'a> = dyn FnMut(&str, usize, usize) + 'a;

/// Measures everything that `request` asks for, in its order; precision and recall give four
/// results, and each distance between sets is followed by its floor.
///
/// The same request gives the same bits on any number of threads, with or without a cache, and for
/// any batch size of the image sets.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use stylegan_metrics::evaluate::{Generated, ImageSet, Request, evaluate};
/// use stylegan_metrics::{features::StLpips, protocol::Protocol};
///
/// let pictures = |shift: f32| ImageSet {
///     images: Box::new((0..48).map(move |i| {
///         let values: Vec<f32> = (0..3 * 32 * 32).map(|p| ((p * (i + 3)) % 101) as f32 / 101. - shift).collect();
///         Ok(Tensor::from_vec(values, (1, 3, 32, 32), &Device::Cpu)?)
///     })),
///     hash: None,
/// };
/// let network = StLpips::embedded(&Device::Cpu)?;
/// let request = Request {
///     protocols: vec![Protocol::find("fid")?.with_samples(48)],
///     generated: Generated::Images(pictures(0.2)),
///     reals: Some(pictures(0.5)),
///     features: &network,
///     distance: &network,
///     cache: None,
///     seed: 0,
///     floor: false,
///     clock: &|| 0.,
/// };
/// let results = evaluate(request, &mut |_, _, _| ())?;
/// assert_eq!(results[0].name, "fid-stlpips");
/// assert!(results[0].value > 0.);
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// Missing or too few images, a failing source, or anything that is not finite.
pub fn evaluate(mut request: Request, progress: &mut Progress) -> Result<Vec<MetricResult>> {
    let tables = tables(&mut request, progress)?;
    let mut results = Vec::new();
    for protocol in request.protocols.clone() {
        match protocol.parameters.clone() {
            Parameters::PathLength(parameters) => {
                results.push(path_length(&request, &protocol, &parameters, progress)?);
            }
            _ => {
                let Some(tables) = &tables else {
                    return Err(Error::Missing { metric: protocol.id, missing: "a set of real images" });
                };
                between(&request, &protocol, tables, &mut results)?;
            }
        }
    }
    Ok(results)
}

/// Features of both sets, and the seconds they took.
struct Tables {
    real: Samples,
    fake: Samples,
    seconds: f64,
}

/// The features that the protocols need, or nothing if none compares sets.
fn tables(request: &mut Request, progress: &mut Progress) -> Result<Option<Tables>> {
    let counts: Vec<_> = request.protocols.iter().filter_map(|p| p.counts().map(|c| (p, c))).collect();
    let Some(fakes) = counts.iter().map(|(_, c)| c.fakes).max() else { return Ok(None) };
    // All of them as soon as one protocol wants all.
    let limit = counts.iter().map(|(_, c)| c.reals).reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))).flatten();
    let Some(reals) = request.reals.as_mut() else {
        return Err(Error::Missing { metric: counts[0].0.id.clone(), missing: "a set of real images" });
    };
    let begin = (request.clock)();
    let network = request.features;
    let table = |images: &mut dyn Iterator<Item = Batch>,
                 identity: Option<String>,
                 limit: Option<usize>,
                 set: &str,
                 progress: &mut Progress| {
        let limit_name = limit.map_or("all".into(), |n| n.to_string());
        let key = identity.as_deref().map(|identity| {
            Key::new([identity, &limit_name, "256 levels", network.name(), network.hash(), network.definition()])
        });
        let stage = format!("features of the {set}");
        cached(request.cache, key, || {
            extract(network, images, limit, set, &mut |done, total| progress(&stage, done, total))
        })
    };
    let real = table(&mut reals.images, reals.hash.clone(), limit, "real set", progress)?;
    let fake = match &mut request.generated {
        Generated::Images(set) => table(&mut set.images, set.hash.clone(), Some(fakes), "generated set", progress)?,
        Generated::Generator(source) => {
            let identity = source.hash.map(|hash| {
                let labels = format!("{:?}", source.labels);
                format!("pictures of {hash}, seed {}, psi {}, labels {labels}", request.seed, source.truncation_psi)
            });
            table(&mut source.pictures(request.seed), identity, Some(fakes), "generated set", progress)?
        }
    };
    Ok(Some(Tables { real, fake, seconds: (request.clock)() - begin }))
}

/// The cached table, or a new one that goes into the cache. A cache that cannot be written costs
/// time, not the result.
fn cached(cache: Option<&Cache>, key: Option<Key>, make: impl FnOnce() -> Result<Samples>) -> Result<Samples> {
    let Some((cache, key)) = cache.zip(key) else { return make() };
    if let Some(table) = cache.load(&key) {
        return Ok(table);
    }
    let table = make()?;
    if let Err(error) = cache.store(&key, &table) {
        tracing::warn!(%error, "going on without the cache");
    }
    Ok(table)
}

/// A metric between sets, and its floor.
fn between(request: &Request, protocol: &Protocol, tables: &Tables, results: &mut Vec<MetricResult>) -> Result<()> {
    let Some(counts) = protocol.counts() else { return Ok(()) };
    let first = |s: &Samples, n: usize| s.select(&(0..n.min(s.len())).collect::<Vec<_>>());
    let (real, fake) = (first(&tables.real, counts.reals.unwrap_or(usize::MAX)), first(&tables.fake, counts.fakes));
    let mut protocol = protocol.clone();
    if fake.len() < counts.fakes {
        // A folder with fewer pictures than the protocol wants is measured, and says so.
        protocol = protocol.with_samples(fake.len());
    }
    measure(request, &protocol, "", &real, &fake, tables.seconds, results)?;
    if !request.floor {
        return Ok(());
    }
    let m = fake.len().min(real.len() / 2);
    let mut stream = StreamKey::new(request.seed, "metric floor", 0).stream(0, 0);
    let order = choose(&mut stream, real.len(), 2 * m);
    let (a, b) = (real.select(&order[..m]), real.select(&order[m..]));
    let mut protocol = protocol.with_samples(m);
    if counts.reals != Some(m) {
        protocol.note("reals");
    }
    measure(request, &protocol, "_floor", &a, &b, tables.seconds, results)
}

fn measure(
    request: &Request,
    protocol: &Protocol,
    suffix: &str,
    real: &Samples,
    fake: &Samples,
    seconds: f64,
    results: &mut Vec<MetricResult>,
) -> Result<()> {
    let begin = (request.clock)();
    let network = request.features;
    let id =
        NetworkId { name: network.name().into(), hash: network.hash().into(), definition: network.definition().into() };
    let short = protocol.id.rsplit('.').next().unwrap_or(&protocol.id);
    let mut push = |short: &str, (value, interval): Estimate, unit: &str, better| {
        let name = protocol.named(&format!("{short}{suffix}"), network.name());
        let counts = SampleCounts { real: real.len(), generated: fake.len() };
        let mut result = blank(request, protocol, name, id.clone(), counts, unit, better);
        result.set(value, interval);
        result.seconds = seconds + (request.clock)() - begin;
        results.push(result);
    };
    match &protocol.parameters {
        Parameters::Frechet { covariance, .. } => {
            let value = frechet::distance_with_interval(real, fake, *covariance)?;
            push(short, value, "squared feature distance", Direction::Smaller);
        }
        Parameters::Kernel { kernel, .. } => {
            let value = kernel.with_interval(real, fake, request.seed)?;
            push(short, value, "squared kernel distance", Direction::Smaller);
        }
        Parameters::PrecisionRecall { neighbours, .. } => {
            let all = precision_recall::compare(real, fake, *neighbours)?;
            push("precision", all.precision, "fraction", Direction::Larger);
            push("recall", all.recall, "fraction", Direction::Larger);
            push("density", all.density, "ratio", Direction::Larger);
            push("coverage", all.coverage, "fraction", Direction::Larger);
        }
        Parameters::PathLength(_) => (),
    }
    Ok(())
}

fn path_length(
    request: &Request,
    protocol: &Protocol,
    parameters: &PathLength,
    progress: &mut Progress,
) -> Result<MetricResult> {
    let Generated::Generator(source) = &request.generated else {
        return Err(Error::Missing { metric: protocol.id.clone(), missing: "a generator" });
    };
    let begin = (request.clock)();
    let network = request.distance;
    let stage = protocol.name(network.name());
    let key = source.hash.map(|hash| {
        let (parameters, labels) = (format!("{parameters:?}"), format!("{:?}", source.labels));
        let seed = request.seed.to_string();
        Key::new(["path lengths", hash, &parameters, &labels, &seed, network.hash(), network.definition()])
    });
    let distances = cached(request.cache, key, || {
        let mut tell = |done, total| progress(&stage, done, total);
        Samples::new(parameters.distances(source.generator, network, source.labels, request.seed, &mut tell)?, 1)
    })?;
    let (value, interval) = parameters.summary(&parameters.lengths(distances.rows()), request.seed)?;
    let (name, hash, definition) = (network.name().into(), network.hash().into(), network.definition().into());
    let id = NetworkId { name, hash, definition };
    let counts = SampleCounts { real: 0, generated: distances.len() };
    let mut result = blank(request, protocol, stage, id, counts, "distance per squared step", Direction::Smaller);
    result.set(value, interval);
    result.seconds = (request.clock)() - begin;
    Ok(result)
}

/// A result that lacks only its numbers.
fn blank(
    request: &Request,
    protocol: &Protocol,
    name: String,
    feature_network: NetworkId,
    counts: SampleCounts,
    unit: &str,
    better: Direction,
) -> MetricResult {
    let uses_reals = counts.real > 0;
    MetricResult {
        name,
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
        dataset_hash: request.reals.as_ref().filter(|_| uses_reals).and_then(|set| set.hash.clone()),
        checkpoint_hash: match &request.generated {
            Generated::Generator(source) => source.hash.map(Into::into),
            Generated::Images(set) => set.hash.clone(),
        },
        seconds: 0.,
    }
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
