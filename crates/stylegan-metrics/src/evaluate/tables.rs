//! Feature tables of the sets that a request compares.

use super::{Generated, Progress, Request};
use crate::cache::{Cache, Key};
use crate::features::FeatureNetwork;
use crate::protocol::Protocol;
use crate::samples::{Batch, Samples, extract};
use crate::{Error, Result};

/// Feature tables by network.
pub(super) struct Tables {
    /// Names of the networks, in the order of the tables.
    networks: Vec<String>,
    /// Of the real set; none if no protocol needs it.
    reals: Option<Vec<Samples>>,
    /// Of each subject.
    fakes: Vec<Vec<Samples>>,
    /// Seconds that the real set and each subject took.
    seconds: (f64, Vec<f64>),
}

impl Tables {
    /// Extracts all features that the protocols need; each picture is made or read once.
    pub(super) fn new(request: &mut Request, progress: &mut Progress) -> Result<Self> {
        let counted: Vec<_> = request.protocols.iter().filter_map(|p| p.counts().map(|c| (p, c))).collect();
        let mut networks: Vec<&dyn FeatureNetwork> = Vec::new();
        for (protocol, _) in &counted {
            let network = features(request, protocol)?;
            if networks.iter().all(|known| known.name() != network.name()) {
                networks.push(network);
            }
        }
        let names = networks.iter().map(|network| network.name().to_owned()).collect();
        let mut tables = Self { networks: names, reals: None, fakes: vec![], seconds: (0., vec![]) };
        // All of them as soon as one protocol wants all.
        let most = |a: Option<usize>, b: Option<usize>| a.zip(b).map(|(a, b)| a.max(b));
        let Some(fakes) = counted.iter().map(|(_, c)| c.fakes).reduce(most) else { return Ok(tables) };
        let comparing = || counted.iter().filter(|(p, _)| p.needs_reals());
        let (cache, clock, seed) = (request.cache, request.clock, request.seed);
        if let (Some(_), Some(reals)) = (comparing().next(), request.reals.as_mut()) {
            let limit = comparing().map(|(_, c)| c.reals).reduce(most).flatten();
            let begin = clock();
            let set = Set { cache, identity: reals.hash.clone(), limit, name: "real set" };
            tables.reals = Some(set.tables(&networks, &mut reals.images, progress)?);
            tables.seconds.0 = clock() - begin;
        }
        for subject in &mut request.subjects {
            let begin = clock();
            let set = |identity| Set { cache, identity, limit: fakes, name: "generated set" };
            let found = match &mut subject.generated {
                Generated::Images(images) => {
                    set(images.hash.clone()).tables(&networks, &mut images.images, progress)?
                }
                Generated::Generator(source) => {
                    set(source.identity(seed)).tables(&networks, &mut source.pictures(seed), progress)?
                }
            };
            tables.fakes.push(found);
            tables.seconds.1.push(clock() - begin);
        }
        Ok(tables)
    }

    /// Features of the real set by this network.
    pub(super) fn real(&self, network: &dyn FeatureNetwork) -> Option<&Samples> {
        self.reals.as_ref()?.get(self.position(network)?)
    }

    /// Features of a subject by this network.
    pub(super) fn fake(&self, subject: usize, network: &dyn FeatureNetwork) -> Option<&Samples> {
        self.fakes.get(subject)?.get(self.position(network)?)
    }

    /// Seconds that the features of a subject, and of the real set, took.
    pub(super) fn seconds(&self, subject: usize) -> f64 {
        self.seconds.0 + self.seconds.1.get(subject).copied().unwrap_or_default()
    }

    fn position(&self, network: &dyn FeatureNetwork) -> Option<usize> {
        self.networks.iter().position(|name| name == network.name())
    }
}

/// The network that a protocol is measured with.
pub(super) fn features<'a>(request: &Request<'a>, protocol: &Protocol) -> Result<&'a dyn FeatureNetwork> {
    let missing = || Error::Missing { metric: protocol.id.clone(), missing: "a feature network" };
    request.networks.features(&protocol.network).ok_or_else(missing)
}

/// A set of pictures on its way into tables.
struct Set<'a> {
    cache: Option<&'a Cache>,
    /// Identity of the pictures; without one nothing is cached.
    identity: Option<String>,
    limit: Option<usize>,
    name: &'a str,
}

impl Set<'_> {
    /// The table of each network: the cached one, or a new one that goes into the cache.
    fn tables(
        &self,
        networks: &[&dyn FeatureNetwork],
        images: &mut dyn Iterator<Item = Batch>,
        progress: &mut Progress,
    ) -> Result<Vec<Samples>> {
        let limit = self.limit.map_or("all".into(), |n| n.to_string());
        let key = |network: &dyn FeatureNetwork| {
            let identity = self.identity.as_deref()?;
            Some(Key::new([identity, &limit, "256 levels", network.name(), network.hash(), network.definition()]))
        };
        let mut found: Vec<Option<Samples>> =
            networks.iter().map(|network| self.cache?.load(&key(*network)?)).collect();
        let missing: Vec<usize> = (0..networks.len()).filter(|i| found[*i].is_none()).collect();
        if !missing.is_empty() {
            let absent: Vec<&dyn FeatureNetwork> = missing.iter().map(|i| networks[*i]).collect();
            let stage = format!("features of the {}", self.name);
            let mut tell = |done, total| progress(&stage, done, total);
            let made = extract(&absent, images, self.limit, self.name, &mut tell)?;
            for (i, table) in missing.into_iter().zip(made) {
                store(self.cache, key(networks[i]), &table);
                found[i] = Some(table);
            }
        }
        Ok(found.into_iter().flatten().collect())
    }
}

/// Puts a table into the cache. A cache that cannot be written costs time, not the result.
pub(super) fn store(cache: Option<&Cache>, key: Option<Key>, table: &Samples) {
    let Some((cache, key)) = cache.zip(key) else { return };
    if let Err(error) = cache.store(&key, table) {
        tracing::warn!(%error, "going on without the cache");
    }
}
