//! A list of metrics in, a list of results out: features are extracted once and shared.

mod available;
mod measure;
mod result;
mod tables;

use crate::cache::Cache;
use crate::features::{Classifier, FeatureNetworks};
use crate::generator_source::GeneratorSource;
use crate::images::Images;
use crate::interval::Estimate;
use crate::metric::RealsRole;
use crate::protocol::Protocol;
use crate::ranks::{Ranks, leads};
use crate::report::{MetricResult, Provenance};
use crate::{Error, Result};
use stylegan_core::Precision;

pub use crate::metric::Progress;
pub use available::Available;

/// A set of images.
pub struct ImageSet<'a> {
    /// What results call it, such as the name of a folder.
    pub name: String,
    /// The images, three channels or one. Where a protocol wants fewer images than there are, the first ones are
    /// taken: bring them in random order.
    pub images: Images<'a>,
    /// How many images there are.
    pub count: usize,
    /// Hash of all pixels and of how they were prepared; without one nothing is cached.
    pub hash: Option<String>,
    /// How precise the convolutions of the network were that painted them; f32 where none did.
    pub precision: Precision,
}

/// What is compared with the real images.
pub enum Generated<'a> {
    /// Pictures drawn from a generator.
    Generator(GeneratorSource<'a>),
    /// Pictures that are there already.
    Images(ImageSet<'a>),
}

/// Who is measured.
pub struct Subject<'a> {
    /// The name that its results carry, such as the name of a file.
    pub name: String,
    /// Its pictures.
    pub generated: Generated<'a>,
}

/// What to measure.
pub struct Request<'a> {
    /// The metrics; see [`Protocol::find`].
    pub protocols: Vec<Protocol>,
    /// The generated side. Of two, every metric of the first less that of the second is reported as
    /// well.
    pub subjects: Vec<Subject<'a>>,
    /// The real side; path lengths do without. For metrics of pairs, its images are in the order of the
    /// generated ones.
    pub reals: Option<ImageSet<'a>>,
    /// What looks at the pictures: each protocol takes the network that it was published with if it is
    /// there, else the preferred one.
    pub networks: &'a FeatureNetworks,
    /// Who says what attributes a picture has; linear separability needs one at least.
    pub classifiers: &'a [Classifier],
    /// Where features are kept, if at all.
    pub cache: Option<&'a Cache>,
    /// The processes that share the work; rank 0 alone has the results, and its cache counts.
    pub ranks: &'a dyn Ranks,
    /// Seed of everything random.
    pub seed: u64,
    /// Whether distances between sets also report the real set against itself: two random halves,
    /// each of as many images as there are generated ones, or of half the real ones if those are
    /// fewer.
    pub floor: bool,
    /// Seconds since any fixed moment.
    pub clock: &'a dyn Fn() -> f64,
    /// What results say of the command that asked for them.
    pub provenance: Provenance,
}

/// Stands behind the name of a metric that was measured between two halves of the real set.
pub const FLOOR: &str = "_floor";

/// What came of a request.
#[derive(Debug)]
pub struct Evaluation {
    /// The numbers, in the order of the request.
    pub results: Vec<MetricResult>,
    /// What could not be measured: the protocol's id, with [`FLOOR`] behind it for a floor, and of two subjects
    /// with the subject's name.
    pub failures: Vec<(String, Error)>,
}

impl Evaluation {
    /// The results.
    ///
    /// # Errors
    /// That of the first metric that could not be measured.
    pub fn complete(self) -> Result<Vec<MetricResult>> {
        self.failures.into_iter().next().map_or(Ok(self.results), |(_, error)| Err(error))
    }

    /// Measures one metric of all subjects, their differences, and the floor.
    fn add(&mut self, request: &Request, protocol: &Protocol, tables: &tables::Tables, progress: &mut Progress) {
        let mut found = Vec::new();
        for (i, subject) in request.subjects.iter().enumerate() {
            match measure::measure(request, protocol, i, tables, progress) {
                Ok(measured) => found.push(measured),
                Err(error) if request.subjects.len() == 1 => self.failures.push((protocol.id.clone(), error)),
                Err(error) => self.failures.push((format!("{} of {}", protocol.id, subject.name), error)),
            }
        }
        if !leads(request.ranks) {
            return;
        }
        if let [first, second] = &found[..] {
            let differences = first.iter().zip(second).filter_map(|(a, b)| difference(a, b)).collect();
            found.push(differences);
        }
        if let Some(first) = found.first_mut()
            && request.floor
            && matches!(protocol.needs().reals, RealsRole::Beside | RealsRole::Compared)
        {
            match measure::real_vs_real(request, protocol, tables) {
                Ok(floor) => first.extend(floor),
                Err(error) => self.failures.push((format!("{}{FLOOR}", protocol.id), error)),
            }
        }
        self.results.extend(found.into_iter().flatten().map(|measured| measured.result));
    }
}

/// Measures everything that `request` asks for, in its order; precision and recall give four
/// results, and each distance between sets is followed by its floor. The results of two subjects are
/// followed by their differences. A metric that fails leaves the others alone.
///
/// The same request gives the same bits on any number of threads and of ranks, with or without a cache, and
/// for any batch size of the image sets. Ranks but the first have no results.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use stylegan_core::Precision;
/// use stylegan_metrics::evaluate::{Generated, ImageSet, Request, Subject, evaluate};
/// use stylegan_metrics::{features::FeatureNetworks, protocol::Protocol, ranks::Alone};
///
/// let pictures = |shift: f32| ImageSet {
///     name: format!("stripes {shift}"),
///     images: Box::new(move |numbers| {
///         let i = numbers.start;
///         let values: Vec<f32> = (0..3 * 32 * 32).map(|p| ((p * (i + 3)) % 101) as f32 / 101. - shift).collect();
///         Some(Tensor::from_vec(values, (1, 3, 32, 32), &Device::Cpu).map_err(Into::into))
///     }),
///     count: 48,
///     hash: None,
///     precision: Precision::F32,
/// };
/// let request = Request {
///     protocols: vec![Protocol::find("fid")?.with_all()],
///     subjects: vec![Subject { name: "shifted".into(), generated: Generated::Images(pictures(0.2)) }],
///     reals: Some(pictures(0.5)),
///     networks: &FeatureNetworks::embedded(&Device::Cpu)?,
///     classifiers: &[],
///     cache: None,
///     ranks: &Alone,
///     seed: 0,
///     floor: false,
///     clock: &|| 0.,
///     provenance: Default::default(),
/// };
/// let results = evaluate(request, &mut |_, _, _| ())?.complete()?;
/// assert_eq!(results[0].name, "fid-stlpips");
/// assert!(results[0].value > 0.);
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// What no metric can do without: features that cannot be extracted, and whatever [`Available::allow`] refuses.
pub fn evaluate(mut request: Request, progress: &mut Progress) -> Result<Evaluation> {
    let mut evaluation = Evaluation { results: Vec::new(), failures: Vec::new() };
    let protocols = std::mem::take(&mut request.protocols);
    let available = Available::of(&request);
    protocols.iter().try_for_each(|protocol| available.allow(protocol))?;
    let mut measurable = Vec::new();
    for protocol in &protocols {
        match available.suffice(protocol) {
            Ok(()) => measurable.push(protocol),
            Err(error) => evaluation.failures.push((protocol.id.clone(), error)),
        }
    }
    let tables = tables::Tables::new(&request, &measurable, progress)?;
    for protocol in measurable {
        evaluation.add(&request, protocol, &tables, progress);
    }
    Ok(evaluation)
}

/// A result with what its interval was made of.
struct Measured {
    result: MetricResult,
    estimate: Estimate,
}

/// The first less the second.
fn difference(first: &Measured, second: &Measured) -> Option<Measured> {
    let estimate = first.estimate.minus(&second.estimate)?;
    let (value, interval) = (estimate.value, estimate.interval.clone());
    let result = MetricResult {
        name: format!("{}_difference", first.result.name),
        subject: format!("{} - {}", first.result.subject, second.result.subject),
        value,
        low: interval.low,
        high: interval.high,
        interval: interval.method,
        checkpoint_hash: None,
        seconds: first.result.seconds + second.result.seconds,
        ..first.result.clone()
    };
    Some(Measured { result, estimate })
}

#[cfg(test)]
mod tests;
