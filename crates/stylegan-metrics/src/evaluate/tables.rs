//! Tables of what looks at pictures found, of the sets that a request compares.

use super::{Generated, Progress, Request};
use crate::cache::{Cache, Key};
use crate::extractor::Extractor;
use crate::features::{FeatureNetworks, NetworkId};
use crate::protocol::{Parameters, Protocol};

use crate::extraction::{Extraction, ImageStream, PART, extract_next};
use crate::feature_table::FeatureTable;
use crate::{Error, Result};
use std::ops::Range;

/// A table for each look at each set.
pub(super) struct Tables {
    extractors: Vec<NetworkId>,
    reals: Option<Set>,
    /// Of each subject.
    fakes: Vec<Set>,
}

/// What was found in one set.
struct Set {
    /// In the order of the looks; nothing where no protocol wants it.
    tables: Vec<Option<FeatureTable>>,
    /// Height and width of the pictures, where they were read.
    size: Option<[usize; 2]>,
    /// Seconds that it took.
    seconds: f64,
}

/// A look and the pictures of either set that protocols want it to see; nothing is all.
struct Wanted<'a> {
    extractor: Extractor<'a>,
    reals: Option<Option<usize>>,
    fakes: Option<usize>,
}

impl Tables {
    /// Lets everything that the protocols need look at the pictures; each is made or read once.
    pub(super) fn new(request: &mut Request, protocols: &[Protocol], progress: &mut Progress) -> Result<Self> {
        // All of them as soon as one protocol wants all.
        let most = |a: Option<usize>, b: Option<usize>| a.zip(b).map(|(a, b)| a.max(b));
        let mut wanted: Vec<Wanted> = Vec::new();
        for (protocol, counts) in protocols.iter().filter_map(|p| p.counts().map(|c| (p, c))) {
            let extractor = extractor_of(request.networks, protocol, request.seed)?;
            let reals = (protocol.needs_reals() || protocol.uses_reals() && request.floor).then_some(counts.reals);
            match wanted.iter_mut().find(|known| known.extractor.id() == extractor.id()) {
                Some(known) => {
                    known.fakes = most(known.fakes, counts.fakes);
                    known.reals = match (known.reals, reals) {
                        (Some(a), Some(b)) => Some(most(a, b)),
                        (a, b) => a.or(b),
                    };
                }
                None => wanted.push(Wanted { extractor, reals, fakes: counts.fakes }),
            }
        }
        let mut tables =
            Self { extractors: wanted.iter().map(|w| w.extractor.id()).collect(), reals: None, fakes: vec![] };
        let (cache, clock, seed) = (request.cache, request.clock, request.seed);
        let extractors: Vec<Extractor> = wanted.iter().map(|w| w.extractor).collect();
        if let Some(reals) = request.reals.as_mut().filter(|_| wanted.iter().any(|w| w.reals.is_some())) {
            let begin = clock();
            let all = reals.count;
            let counts = wanted.iter().map(|w| w.reals.map_or(0, |limit| limit.unwrap_or(all).min(all))).collect();
            let reader =
                Reader { cache, identity: reals.hash.clone(), extractors: &extractors, counts, set: "real set" };
            let mut set = reader.read(ImageStream::of_images(Box::new(&mut reals.images), "real set"), progress)?;
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
            let counts = wanted.iter().map(|w| w.fakes.unwrap_or(most).min(most)).collect();
            let reader = Reader { cache, identity, extractors: &extractors, counts, set: "generated set" };
            let pictures = match &mut subject.generated {
                Generated::Images(images) => ImageStream::of_images(Box::new(&mut images.images), reader.set),
                Generated::Generator(source) => ImageStream::of_generator(*source, seed, reader.set),
            };
            let mut set = reader.read(pictures, progress)?;
            set.seconds = clock() - begin;
            tables.fakes.push(set);
        }
        Ok(tables)
    }

    /// What a look found in the real set.
    pub(super) fn real(&self, extractor: &NetworkId) -> Option<&FeatureTable> {
        self.reals.as_ref()?.tables.get(self.position(extractor)?)?.as_ref()
    }

    /// What a look found in the pictures of a subject.
    pub(super) fn fake(&self, subject: usize, extractor: &NetworkId) -> Option<&FeatureTable> {
        self.fakes.get(subject)?.tables.get(self.position(extractor)?)?.as_ref()
    }

    /// Height and width of a subject's pictures, where they were read.
    pub(super) fn size(&self, subject: usize) -> Option<[usize; 2]> {
        self.fakes.get(subject)?.size
    }

    /// Seconds that the tables of a subject, and of the real set, took.
    pub(super) fn seconds(&self, subject: usize) -> f64 {
        let of = |set: Option<&Set>| set.map_or(0., |set| set.seconds);
        of(self.reals.as_ref()) + of(self.fakes.get(subject))
    }

    fn position(&self, extractor: &NetworkId) -> Option<usize> {
        self.extractors.iter().position(|known| known == extractor)
    }
}

/// What looks at the pictures for a protocol of sets.
pub(super) fn extractor_of<'a>(
    networks: &'a FeatureNetworks,
    protocol: &'a Protocol,
    seed: u64,
) -> Result<Extractor<'a>> {
    let missing = |missing| Error::Missing { metric: protocol.id.clone(), missing };
    Ok(match &protocol.parameters {
        Parameters::SlicedWasserstein { swd, .. } => Extractor::Patches(swd, seed),
        Parameters::Similarity { .. } => Extractor::Pairs,
        Parameters::Segmentation { .. } => Extractor::Labels,
        Parameters::Identity { .. } => {
            let network = networks.identity();
            Extractor::Features(network.ok_or_else(|| missing("a network that knows faces (its weights as features)"))?)
        }
        _ => {
            let network = networks.features(&protocol.network);
            Extractor::Features(network.ok_or_else(|| missing("a feature network"))?)
        }
    })
}

/// What reads one set.
struct Reader<'a> {
    cache: Option<&'a Cache>,
    /// Identity of the pictures; without one nothing is cached.
    identity: Option<String>,
    extractors: &'a [Extractor<'a>],
    /// Pictures that each look is to see.
    counts: Vec<usize>,
    set: &'a str,
}

impl Reader<'_> {
    /// The table of each look, part by part: those parts that the cache holds are taken from there, the others
    /// made and kept. An evaluation that was stopped goes on with the part at which it was.
    fn read(&self, mut pictures: ImageStream, progress: &mut Progress) -> Result<Set> {
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
            pictures.seek(start)?;
            let mut extractors: Vec<Extraction> =
                missing.iter().map(|(i, _, part)| Extraction::new(self.extractors[*i], part.len())).collect();
            let found =
                extract_next(&mut pictures, &mut extractors, &mut |done| progress(&stage, start + done, total))?;
            if let Some((_, _, part)) = missing.iter().find(|(_, _, part)| part.len() > found) {
                let (left, right) = (format!("{} or more by its count", part.end), (start + found).to_string());
                return Err(Error::Mismatch { what: "number of pictures", left, right });
            }
            for ((i, key, part), extraction) in missing.into_iter().zip(extractors) {
                let dim = extraction.rows.len() / self.extractors[i].rows_of(part.len()).max(1);
                if let (Some(_), true) = (&key, dim > 0) {
                    store(self.cache, key, &FeatureTable::new(extraction.rows.clone(), dim)?);
                }
                rows[i].extend(extraction.rows);
            }
        }
        let mut tables = Vec::new();
        for (i, rows) in rows.into_iter().enumerate() {
            let dim = rows.len() / self.extractors[i].rows_of(self.counts[i]).max(1);
            tables.push(if rows.is_empty() { None } else { Some(FeatureTable::new(rows, dim)?) });
        }
        Ok(Set { tables, size: pictures.size(), seconds: 0. })
    }

    /// The key of a part, if it is to be kept.
    fn key(&self, extractor: usize, part: &Range<usize>) -> Option<Key> {
        let identity = self.identity.as_deref().filter(|_| self.extractors[extractor].worth_keeping())?;
        let id = self.extractors[extractor].id();
        Some(Key::new([identity, &format!("{part:?}"), "256 levels", &id.name, &id.hash, &id.definition]))
    }
}

/// Rows `0..count`, one of each, in parts: those that the cache holds under `identity` are taken from there,
/// the others made and kept.
pub(super) fn in_parts(
    cache: Option<&Cache>,
    identity: Option<&[&str]>,
    count: usize,
    make: &mut dyn FnMut(Range<usize>) -> Result<FeatureTable>,
) -> Result<FeatureTable> {
    let (mut rows, mut dim) = (Vec::new(), 1);
    for start in (0..count).step_by(PART) {
        let part = start..(start + PART).min(count);
        let range = format!("{part:?}");
        let key = identity.map(|identity| Key::new(identity.iter().copied().chain([range.as_str()])));
        let table = match cache.zip(key.as_ref()).and_then(|(cache, key)| cache.load(key)) {
            Some(table) => table,
            None => {
                let table = make(part)?;
                store(cache, key, &table);
                table
            }
        };
        dim = table.dim();
        rows.extend(table.rows());
    }
    FeatureTable::new(rows, dim)
}

/// Puts a table into the cache. A cache that cannot be written costs time, not the result.
fn store(cache: Option<&Cache>, key: Option<Key>, table: &FeatureTable) {
    let Some((cache, key)) = cache.zip(key) else { return };
    if let Err(error) = cache.store(&key, table) {
        tracing::warn!(%error, "going on without the cache");
    }
}
