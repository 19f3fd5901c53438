//! Tables of the rows that extractors made of the sets which a request compares.

use super::{Generated, Request};
use crate::cache::{Cache, Key, PART, store};
use crate::extraction::{Extraction, extract_next};
use crate::extractor::Extractor;
use crate::feature_table::FeatureTable;
use crate::features::{FeatureNetworks, NetworkId};
use crate::image_stream::ImageStream;
use crate::metric::{Kind, Progress, SetMetric};
use crate::protocol::Protocol;
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
        let (Kind::Sets(metric), Some(counts)) = (protocol.metric().kind(), protocol.counts()) else { continue };
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
    pub(super) fn new(request: &mut Request, protocols: &[&Protocol], progress: &mut Progress) -> Result<Self> {
        let (cache, clock, seed) = (request.cache, request.clock, request.seed);
        let wanted = wanted(request.networks, protocols, request.floor, seed)?;
        let extractors: Vec<&dyn Extractor> = wanted.iter().map(|w| &*w.extractor).collect();
        let ids = extractors.iter().map(|extractor| extractor.id()).collect();
        let mut tables = Self { extractors: ids, reals: None, generated: vec![] };
        if let Some(reals) = request.reals.as_mut().filter(|_| wanted.iter().any(|w| w.reals.is_some())) {
            let begin = clock();
            let all = reals.count;
            let counts = wanted.iter().map(|w| w.reals.map_or(0, |limit| limit.unwrap_or(all).min(all))).collect();
            let reader =
                Reader { cache, identity: reals.hash.clone(), extractors: &extractors, counts, set: "real set" };
            let mut set = reader.read(ImageStream::of_images(Box::new(&mut reals.images), reader.set), progress)?;
            set.seconds = clock() - begin;
            tables.reals = Some(set);
        }
        if wanted.is_empty() {
            return Ok(tables);
        }
        for subject in &mut request.subjects {
            let begin = clock();
            let (identity, most) = match &subject.generated {
                Generated::Images(images) => (images.hash.clone(), images.count),
                Generated::Generator(source) => (source.identity(seed), usize::MAX),
            };
            let counts = wanted.iter().map(|w| w.generated.unwrap_or(most).min(most)).collect();
            let reader = Reader { cache, identity, extractors: &extractors, counts, set: "generated set" };
            let images = match &mut subject.generated {
                Generated::Images(images) => ImageStream::of_images(Box::new(&mut images.images), reader.set),
                Generated::Generator(source) => ImageStream::of_generator(*source, seed, reader.set),
            };
            let mut set = reader.read(images, progress)?;
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
    cache: Option<&'a Cache>,
    /// Identity of the images; without one nothing is cached.
    identity: Option<String>,
    extractors: &'a [&'a dyn Extractor],
    /// Images that each extractor is to see.
    counts: Vec<usize>,
    set: &'a str,
}

impl Reader<'_> {
    /// The table of each extractor, part by part: those parts that the cache holds are taken from there, the others
    /// made and kept. An evaluation that was stopped goes on with the part at which it was.
    fn read(&self, mut images: ImageStream, progress: &mut Progress) -> Result<Set> {
        let total = self.counts.iter().copied().max().unwrap_or(0);
        let stage = format!("pictures of the {}", self.set);
        let mut rows: Vec<Vec<f32>> = vec![vec![]; self.extractors.len()];
        for start in (0..total).step_by(PART) {
            let mut missing = Vec::new();
            for (i, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > start) {
                let part = start..(start + PART).min(*count);
                let key = self.key(i, &part);
                match self.cache.zip(key.as_ref()).and_then(|(cache, key)| cache.load(key)) {
                    Some(table) => rows[i].extend(table.rows()),
                    None => missing.push((i, key, part)),
                }
            }
            if missing.is_empty() {
                progress(&stage, (start + PART).min(total), total);
                continue;
            }
            images.seek(start)?;
            let mut extractions: Vec<Extraction> =
                missing.iter().map(|(i, _, part)| Extraction::new(self.extractors[*i], part.len())).collect();
            let found = extract_next(&mut images, &mut extractions, &mut |done| progress(&stage, start + done, total))?;
            if let Some((_, _, part)) = missing.iter().find(|(_, _, part)| part.len() > found) {
                let (left, right) = (format!("{} or more by its count", part.end), (start + found).to_string());
                return Err(Error::Mismatch { what: "number of pictures", left, right });
            }
            for ((i, key, part), extraction) in missing.into_iter().zip(extractions) {
                let dim = extraction.rows.len() / self.extractors[i].rows_of(part.len()).max(1);
                rows[i].extend(&extraction.rows);
                if let (Some(_), true) = (&key, dim > 0) {
                    store(self.cache, key, &FeatureTable::new(extraction.rows, dim)?);
                }
            }
        }
        let mut tables = Vec::new();
        for (i, rows) in rows.into_iter().enumerate() {
            let dim = rows.len() / self.extractors[i].rows_of(self.counts[i]).max(1);
            tables.push(if rows.is_empty() { None } else { Some(FeatureTable::new(rows, dim)?) });
        }
        Ok(Set { tables, size: images.size(), seconds: 0. })
    }

    /// The key of a part, if it is to be kept.
    fn key(&self, extractor: usize, part: &Range<usize>) -> Option<Key> {
        let identity = self.identity.as_deref().filter(|_| self.extractors[extractor].worth_keeping())?;
        let id = self.extractors[extractor].id();
        Some(Key::new([identity, &format!("{part:?}"), "256 levels", &id.name, &id.hash, &id.definition]))
    }
}
