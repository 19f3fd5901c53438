//! One metric of one subject.

use super::result::{Origin, result};
use super::tables::{Tables, extractor_of};
use super::{FLOOR, Generated, Measured, Request};
use crate::cache::Makers;
use crate::draw::without_replacement;
use crate::extractor::Extractor;
use crate::feature_table::FeatureTable;
use crate::metric::{Context, GeneratorMetric, Kind, Progress, RealsRole, SetMetric, Sets};
use crate::protocol::Protocol;
use crate::ranks::leads;
use crate::report::SampleCounts;
use crate::{Error, Result};
use std::borrow::Cow;
use stylegan_core::latent::StreamKey;

/// The results of `protocol` for a subject, by number.
pub(super) fn measure(
    request: &Request,
    protocol: &Protocol,
    subject: usize,
    tables: &Tables,
    progress: &mut Progress,
) -> Result<Vec<Measured>> {
    match protocol.kind() {
        Kind::Generator(metric) => measure_generator(request, protocol, subject, metric, progress),
        // Rank 0 has the tables.
        Kind::Sets(_) if !leads(request.ranks) => Ok(vec![]),
        Kind::Sets(metric) => measure_sets(request, protocol, subject, metric, tables),
    }
}

fn measure_generator(
    request: &Request,
    protocol: &Protocol,
    subject: usize,
    metric: &dyn GeneratorMetric,
    progress: &mut Progress,
) -> Result<Vec<Measured>> {
    let Generated::Generator(source) = &request.subjects[subject].generated else {
        return Err(Error::Missing { metric: protocol.id.clone(), missing: "a generator" });
    };
    let begin = (request.clock)();
    let mut context = Context {
        networks: request.networks,
        classifiers: request.classifiers,
        published: &protocol.network,
        makers: Makers { cache: request.cache, ranks: request.ranks },
        seed: request.seed,
        progress,
    };
    let Some(found) = metric.measure(protocol.short_name(), source, &mut context)? else { return Ok(vec![]) };
    let origin = Origin {
        request,
        protocol: protocol.clone(),
        subject: Some(subject),
        network: found.network,
        counts: SampleCounts { real: 0, generated: found.generated },
        drawn_plainly: metric.draws_plainly(),
        seconds: (request.clock)() - begin,
    };
    let origin = origin.noted();
    let named = |number| result(&origin, number, "");
    Ok(found.numbers.into_iter().map(named).collect())
}

fn measure_sets(
    request: &Request,
    protocol: &Protocol,
    subject: usize,
    metric: &dyn SetMetric,
    tables: &Tables,
) -> Result<Vec<Measured>> {
    let Some(counts) = protocol.counts() else { return Ok(vec![]) };
    let extractor = extractor_of(request.networks, protocol, metric, request.seed)?;
    let extractor = &*extractor;
    let missing = |missing| Error::Missing { metric: protocol.id.clone(), missing };
    let generated = tables.generated(subject, &extractor.id()).ok_or_else(|| missing("a set of generated images"))?;
    let mut generated = truncated(generated, counts.fakes.map(|n| extractor.rows_of(n)));
    let mut real = if protocol.needs_reals() {
        let real = tables.real(&extractor.id()).ok_or_else(|| missing("a set of real images"))?;
        Some(truncated(real, counts.reals))
    } else {
        None
    };
    let needs = protocol.needs();
    if let (true, RealsRole::Compared, Some(set)) = (needs.equal_sets, needs.reals, &real) {
        let n = generated.len().min(set.len());
        real = Some(Cow::Owned(truncated(set, Some(n)).into_owned()));
        generated = Cow::Owned(truncated(&generated, Some(n)).into_owned());
    }
    let mut protocol = protocol.clone();
    if counts.fakes.is_some_and(|wanted| generated.len() < extractor.rows_of(wanted)) {
        // A folder with fewer pictures than the protocol wants is measured, and says so.
        protocol = protocol.with_samples(extractor.images_of(generated.len()));
    }
    if !counts.at_most && real.as_ref().zip(counts.reals).is_some_and(|(real, wanted)| real.len() < wanted) {
        protocol.note("reals");
    }
    let comparison = Comparison { request, metric, extractor, tables, subject: Some(subject) };
    comparison.of(protocol, real.as_deref(), &generated)
}

/// The results of `protocol` for two random halves of the real set, in place of a subject; of a metric that
/// looks at one set alone, for the real set.
pub(super) fn real_vs_real(request: &Request, protocol: &Protocol, tables: &Tables) -> Result<Vec<Measured>> {
    let Kind::Sets(metric) = protocol.kind() else { return Ok(vec![]) };
    let extractor = extractor_of(request.networks, protocol, metric, request.seed)?;
    let extractor = &*extractor;
    let comparison = Comparison { request, metric, extractor, tables, subject: None };
    let found = (protocol.counts(), tables.real(&extractor.id()), tables.generated(0, &extractor.id()));
    let (Some(counts), Some(real), Some(generated)) = found else { return Ok(vec![]) };
    let mut protocol = protocol.clone();
    if !protocol.needs_reals() {
        let real = truncated(real, counts.fakes.map(|n| extractor.rows_of(n)));
        protocol = protocol.with_samples(extractor.images_of(real.len()));
        return comparison.of(protocol, None, &real);
    }
    let real = truncated(real, counts.reals);
    let m = counts.fakes.unwrap_or(generated.len()).min(generated.len()).min(real.len() / 2);
    let mut stream = StreamKey::new(request.seed, "metric floor", 0).stream(0, 0);
    let order = without_replacement(&mut stream, real.len(), 2 * m);
    let (a, b) = (real.select(&order[..m]), real.select(&order[m..]));
    if counts.fakes.is_some() {
        protocol = protocol.with_samples(m);
    }
    if counts.reals != Some(m) {
        protocol.note("reals");
    }
    comparison.of(protocol, Some(&a), &b)
}

/// The first `n` rows, or all.
fn truncated(table: &FeatureTable, n: Option<usize>) -> Cow<'_, FeatureTable> {
    match n {
        Some(n) if n < table.len() => Cow::Owned(table.select(&(0..n).collect::<Vec<_>>())),
        _ => Cow::Borrowed(table),
    }
}

/// A metric of sets on its way.
struct Comparison<'a> {
    request: &'a Request<'a>,
    metric: &'a dyn SetMetric,
    extractor: &'a dyn Extractor,
    tables: &'a Tables,
    /// Without a subject it is a floor.
    subject: Option<usize>,
}

impl Comparison<'_> {
    /// The results for these tables.
    fn of(
        &self,
        mut protocol: Protocol,
        real: Option<&FeatureTable>,
        generated: &FeatureTable,
    ) -> Result<Vec<Measured>> {
        let Self { request, extractor, .. } = *self;
        let begin = (request.clock)();
        let measured = self.subject.unwrap_or(0);
        let size = self.tables.size(measured);
        let sets = Sets { real, generated, size, network: extractor.network(), seed: request.seed };
        if let Some(parameter) = self.metric.adapted(&sets) {
            protocol.note(parameter);
        }
        let origin = Origin {
            request,
            protocol,
            subject: self.subject,
            network: extractor.id(),
            counts: SampleCounts {
                real: real.map_or(0, FeatureTable::len),
                generated: extractor.images_of(generated.len()),
            },
            drawn_plainly: false,
            seconds: 0.,
        };
        let origin = origin.noted();
        let numbers = self.metric.compare(origin.protocol.short_name(), &sets)?;
        let origin = Origin { seconds: self.tables.seconds(measured) + (request.clock)() - begin, ..origin };
        let suffix = if self.subject.is_some() { "" } else { FLOOR };
        Ok(numbers.into_iter().map(|number| result(&origin, number, suffix)).collect())
    }
}
