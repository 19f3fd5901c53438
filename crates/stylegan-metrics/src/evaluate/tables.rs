//! Tables of the rows that extractors made of the sets which a request compares.

use super::{Generated, Request};
use crate::cache::{Key, Makers, PART, parts, store};
use crate::extraction::{Extraction, extract_next};
use crate::extractor::Extractor;
use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetworks, NetworkId};
use crate::image_stream::ImageStream;
use crate::images::Batch;
use crate::metric::{Kind, Progress, SetMetric};
use crate::protocol::Protocol;
use crate::ranks::{leads, share};
use crate::{Error, Result};
use std::ops::Range;

/// A table for each extractor and each set.
pub(super) struct Tables {
    extractors: Vec<NetworkId>,
    reals: Option<Set>,
    /// Of each subject.
    generated: Vec<Set>,
}

/// What was extracted of one set.
struct Set {
    /// In the order of the extractors; nothing where no protocol wants it.
    tables: Vec<Option<FeatureTable>>,
    /// Height and width of the images, where they were read.
    size: Option<[usize; 2]>,
    /// Seconds that it took.
    seconds: f64,
}

/// An extractor and the images of either set that protocols want it to see; nothing is all.
struct Wanted<'a> {
    extractor: Box<dyn Extractor + 'a>,
    reals: Option<Option<usize>>,
    generated: Option<usize>,
}

/// What the protocols together want to see.
fn wanted<'a>(
    networks: &'a FeatureNetworks,
    protocols: &'a [&Protocol],
    floor: bool,
    seed: u64,
) -> Result<Vec<Wanted<'a>>> {
    // All of them as soon as one protocol wants all.
    let most = |a: Option<usize>, b: Option<usize>| a.zip(b).map(|(a, b)| a.max(b));
    let mut wanted: Vec<Wanted> = Vec::new();
    for protocol in protocols {
        let (Kind::Sets(metric), Some(counts)) = (protocol.kind(), protocol.counts()) else { continue };
        let extractor = extractor_of(networks, protocol, metric, seed)?;
        let reals = (protocol.needs_reals() || protocol.uses_reals() && floor).then_some(counts.reals);
        match wanted.iter_mut().find(|known| known.extractor.id() == extractor.id()) {
            Some(known) => {
                known.generated = most(known.generated, counts.fakes);
                known.reals = match (known.reals, reals) {
                    (Some(a), Some(b)) => Some(most(a, b)),
                    (a, b) => a.or(b),
                };
            }
            None => wanted.push(Wanted { extractor, reals, generated: counts.fakes }),
        }
    }
    Ok(wanted)
}

impl Tables {
    /// Extracts everything that the protocols need; each image is made or read once.
    pub(super) fn new(request: &Request, protocols: &[&Protocol], progress: &mut Progress) -> Result<Self> {
        let makers = Makers { cache: request.cache, ranks: request.ranks };
        let (clock, seed) = (request.clock, request.seed);
        let wanted = wanted(request.networks, protocols, request.floor, seed)?;
        let extractors: Vec<&dyn Extractor> = wanted.iter().map(|w| &*w.extractor).collect();
        let ids = extractors.iter().map(|extractor| extractor.id()).collect();
        let mut tables = Self { extractors: ids, reals: None, generated: vec![] };
        if let Some(reals) = request.reals.as_ref().filter(|_| wanted.iter().any(|w| w.reals.is_some())) {
            let begin = clock();
            let all = reals.count;
            let counts = wanted.iter().map(|w| w.reals.map_or(0, |limit| limit.unwrap_or(all).min(all))).collect();
            let reader =
                Reader { makers, identity: reals.hash.clone(), extractors: &extractors, counts, set: "real set" };
            let mut set = reader.read(&reals.images, progress)?;
            set.seconds = clock() - begin;
            tables.reals = Some(set);
        }
        if wanted.is_empty() {
            return Ok(tables);
        }
        for subject in &request.subjects {
            let begin = clock();
            let (identity, most) = match &subject.generated {
                Generated::Images(images) => (images.hash.clone(), images.count),
                Generated::Generator(source) => (source.identity(seed), usize::MAX),
            };
            let counts = wanted.iter().map(|w| w.generated.unwrap_or(most).min(most)).collect();
            let reader = Reader { makers, identity, extractors: &extractors, counts, set: "generated set" };
            let mut set = match &subject.generated {
                Generated::Images(images) => reader.read(&images.images, progress)?,
                Generated::Generator(source) => {
                    let source = *source;
                    let images = move |numbers: Range<usize>| source.images_from(seed, numbers.start as u64).next();
                    reader.read(&images, progress)?
                }
            };
            set.seconds = clock() - begin;
            tables.generated.push(set);
        }
        Ok(tables)
    }

    /// The table of the real set.
    pub(super) fn real(&self, extractor: &NetworkId) -> Option<&FeatureTable> {
        self.reals.as_ref()?.tables.get(self.position(extractor)?)?.as_ref()
    }

    /// The table of a subject's images.
    pub(super) fn generated(&self, subject: usize, extractor: &NetworkId) -> Option<&FeatureTable> {
        self.generated.get(subject)?.tables.get(self.position(extractor)?)?.as_ref()
    }

    /// Height and width of a subject's images, where they were read.
    pub(super) fn size(&self, subject: usize) -> Option<[usize; 2]> {
        self.generated.get(subject)?.size
    }

    /// Seconds that the tables of a subject, and of the real set, took.
    pub(super) fn seconds(&self, subject: usize) -> f64 {
        let of = |set: Option<&Set>| set.map_or(0., |set| set.seconds);
        of(self.reals.as_ref()) + of(self.generated.get(subject))
    }

    fn position(&self, extractor: &NetworkId) -> Option<usize> {
        self.extractors.iter().position(|known| known == extractor)
    }
}

/// The extractor of a metric of sets.
pub(super) fn extractor_of<'a>(
    networks: &'a FeatureNetworks,
    protocol: &'a Protocol,
    metric: &'a dyn SetMetric,
    seed: u64,
) -> Result<Box<dyn Extractor + 'a>> {
    let missing = |missing| Error::Missing { metric: protocol.id.clone(), missing };
    metric.extractor(networks, &protocol.network, seed).map_err(missing)
}

/// Reads one set.
struct Reader<'a> {
    makers: Makers<'a>,
    /// Identity of the images; without one nothing is cached.
    identity: Option<String>,
    extractors: &'a [&'a dyn Extractor],
    /// Images that each extractor is to see.
    counts: Vec<usize>,
    set: &'a str,
}

impl Reader<'_> {
    /// The table of each extractor, part by part: those parts that the cache holds are taken from there, the others
    /// made, by all ranks, and kept. An evaluation that was stopped goes on with the part at which it was.
    fn read(&self, images: &dyn Fn(Range<usize>) -> Option<Batch>, progress: &mut Progress) -> Result<Set> {
        let total = self.counts.iter().copied().max().unwrap_or(0);
        let stage = format!("pictures of the {}", self.set);
        let mut stream = ImageStream::new(images, self.set);
        // Rows by part and extractor.
        let mut rows: Vec<Vec<Option<Vec<f32>>>> =
            parts(total).map(|part| (0..self.counts.len()).map(|i| self.cached(i, &part)).collect()).collect();
        let missing = self.makers.missing(rows.iter().map(|part| part.iter().map(Option::is_none).collect()))?;
        let make = &mut |(part, who): &(usize, Vec<usize>)| {
            let start = part * PART;
            stream.seek(start..(start + PART).min(total));
            let wanted = |i: &usize| self.part_of(*i, start).len();
            let mut extractions: Vec<Extraction> =
                who.iter().map(|i| Extraction::new(self.extractors[*i], wanted(i))).collect();
            let found = extract_next(&mut stream, &mut extractions, &mut |done| progress(&stage, start + done, total))?;
            if let Some(i) = who.iter().find(|i| wanted(i) > found) {
                let (left, right) =
                    (format!("{} or more by its count", start + wanted(i)), (start + found).to_string());
                return Err(Error::Mismatch { what: "number of pictures", left, right });
            }
            Ok(extractions.into_iter().map(|extraction| extraction.rows).collect())
        };
        share(self.makers.ranks, &missing, make, &mut |(part, who), made| {
            for (i, made) in who.iter().zip(made) {
                let range = self.part_of(*i, part * PART);
                let dim = made.len() / self.extractors[*i].rows_of(range.len()).max(1);
                rows[*part][*i] = Some(match (self.key(*i, &range), dim) {
                    (None, _) | (_, 0) => made,
                    (key, dim) => {
                        let table = FeatureTable::new(made, dim)?;
                        store(self.makers.cache, key, &table);
                        table.into_rows()
                    }
                });
            }
            Ok(())
        })?;
        if total > 0 {
            progress(&stage, total, total);
        }
        let mut tables = Vec::new();
        for (i, count) in self.counts.iter().enumerate().filter(|_| leads(self.makers.ranks)) {
            let rows: Vec<f32> = rows.iter_mut().flat_map(|part| part[i].take().unwrap_or_default()).collect();
            let dim = rows.len() / self.extractors[i].rows_of(*count).max(1);
            tables.push(if rows.is_empty() { None } else { Some(FeatureTable::new(rows, dim)?) });
        }
        Ok(Set { tables, size: stream.size(), seconds: 0. })
    }

    /// What of the part that begins at `start` an extractor is to see.
    fn part_of(&self, extractor: usize, start: usize) -> Range<usize> {
        start..(start + PART).min(self.counts[extractor]).max(start)
    }

    /// The rows that the cache holds of a part; no rows where the extractor is to see nothing of it.
    fn cached(&self, extractor: usize, part: &Range<usize>) -> Option<Vec<f32>> {
        let part = self.part_of(extractor, part.start);
        if part.is_empty() {
            return Some(vec![]);
        }
        self.makers.cached(self.key(extractor, &part)).map(FeatureTable::into_rows)
    }

    /// The key of a part, if it is to be kept.
    fn key(&self, extractor: usize, part: &Range<usize>) -> Option<Key> {
        let identity = self.identity.as_deref().filter(|_| self.extractors[extractor].worth_keeping())?;
        let id = self.extractors[extractor].id();
        let parts = [identity, &format!("{part:?}"), "256 levels", &id.name, &id.hash, &id.definition];
        self.makers.cache.map(|cache| cache.key(parts))
    }
}
