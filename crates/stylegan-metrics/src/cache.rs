//! Tables of features on disk, found again by content.

use crate::feature_table::FeatureTable;
use crate::ranks::{Alone, Ranks, agreed_work, leads, share};
use crate::{Error, Result};
use candle_core::Device;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stylegan_core::write_atomic;
use stylegan_kernels::cpu_info::kernels_of;

/// Raised when the layout of the files or the meaning of keys changes.
const FORMAT: &str = "stylegan-rs features 3";

/// Rows that are kept together. Every part begins with a fresh chunk of images, so a part is the same bits
/// whether those before it were just made or read from a cache. Even, for pairs of neighbours.
pub(crate) const PART: usize = 256;

/// A folder of feature tables. Any number of processes may read and write it at once: files appear
/// whole or not at all, and equal keys have equal contents.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    /// What computes the tables: other kernels round otherwise, and bits would depend on who filled a shared folder.
    kernels: &'static str,
    /// Set by the first table that could not be stored: one word about a full disk is enough.
    given_up: Arc<AtomicBool>,
}

/// The identity of a table: a hash of everything that its content depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Cache {
    /// A cache in `folder` of what is computed on a device. The folder is made when the first table is stored; what processes
    /// that were killed left half written there is removed.
    pub fn new(folder: impl Into<PathBuf>, device: &Device) -> Self {
        let folder = folder.into();
        stylegan_core::sweep(&folder);
        Self { folder, kernels: kernels_of(device), given_up: Arc::default() }
    }

    /// The key of what these parts describe; each part counts with its length, so parts never run
    /// into each other.
    pub fn key<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Key {
        let mut hash = Sha256::new();
        for part in [FORMAT, self.kernels].into_iter().chain(parts) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Key(format!("{:x}", hash.finalize()))
    }

    /// Where the table of `key` is or would be.
    pub fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.safetensors", key.0))
    }

    /// The table of `key`, if it is there and whole. A damaged file counts as missing.
    pub fn load(&self, key: &Key) -> Option<FeatureTable> {
        let path = self.path(key);
        // Whoever reads a pipe waits for a writer.
        if !std::fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let bytes = std::fs::read(&path).ok()?;
        let table = parse(&bytes, key);
        if table.is_none() {
            tracing::warn!(path = %path.display(), "damaged feature cache entry, computing it again");
        }
        table
    }

    /// Stores the table of `key`.
    ///
    /// ```
    /// use candle_core::Device;
    /// use stylegan_metrics::{cache::Cache, feature_table::FeatureTable};
    ///
    /// let folder = std::env::temp_dir().join(format!("stylegan-cache-{}", std::process::id()));
    /// let cache = Cache::new(&folder, &Device::Cpu);
    /// let key = cache.key(["data set hash", "network hash"]);
    /// assert_eq!(cache.load(&key), None);
    /// let table = FeatureTable::new(vec![1., 2., 3., 4.], 2)?;
    /// cache.store(&key, &table)?;
    /// assert_eq!(cache.load(&key), Some(table));
    /// # std::fs::remove_dir_all(folder).ok();
    /// # Ok::<(), stylegan_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn store(&self, key: &Key, samples: &FeatureTable) -> Result<()> {
        let path = self.path(key);
        let failed = |source| Error::Cache { path: path.clone(), source };
        let bytes = serialise(key, samples).map_err(|e| failed(std::io::Error::other(e)))?;
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        write_atomic(&path, |file| file.write_all(&bytes)).map_err(failed)
    }
}

/// Rows `0..count`, one of each, in parts: those that `cache` holds under `identity` are taken from there, the others made
/// and kept, so that what was made before a stop is known after it. Without an identity nothing is kept.
///
/// # Errors
/// Those of `make`, and rows of differing lengths.
pub fn in_parts(
    cache: Option<&Cache>,
    identity: Option<&[&str]>,
    count: usize,
    make: &mut dyn FnMut(Range<usize>) -> Result<FeatureTable>,
) -> Result<FeatureTable> {
    let table = Makers { cache, ranks: &Alone }.in_parts(identity, count, make)?;
    table.map_or_else(|| FeatureTable::new(vec![], 1), Ok)
}

/// Where parts of a table come from: a cache, and the ranks that make what it lacks.
#[derive(Clone, Copy)]
pub(crate) struct Makers<'a> {
    pub(crate) cache: Option<&'a Cache>,
    pub(crate) ranks: &'a dyn Ranks,
}

impl Makers<'_> {
    /// Rows `0..count`, one of each, in parts: those that the cache holds under `identity` are taken from there,
    /// the others made and kept. Nothing on ranks that only help.
    pub(crate) fn in_parts(
        self,
        identity: Option<&[&str]>,
        count: usize,
        make: &mut dyn FnMut(Range<usize>) -> Result<FeatureTable>,
    ) -> Result<Option<FeatureTable>> {
        let key = |part: &Range<usize>| {
            let range = format!("{part:?}");
            let (cache, identity) = self.cache.zip(identity)?;
            Some(cache.key(identity.iter().copied().chain([range.as_str()])))
        };
        let mut parts: Vec<_> = parts(count).map(|part| (self.cached(key(&part)), part)).collect();
        let missing = self.missing(parts.iter().map(|(found, _)| vec![found.is_none()]))?;
        let missing: Vec<usize> = missing.into_iter().map(|(part, _)| part).collect();
        let ranges: Vec<_> = parts.iter().map(|(_, range)| range.clone()).collect();
        let make = &mut |part: &usize| Ok(vec![make(ranges[*part].clone())?.into_rows()]);
        share(self.ranks, &missing, make, &mut |part, mut rows| {
            let (range, rows) = (&ranges[*part], rows.pop().unwrap_or_default());
            let dim = (rows.len() / range.len()).max(1);
            let table = FeatureTable::new(rows, dim)?;
            store(self.cache, key(range), &table);
            parts[*part].0 = Some(table);
            Ok(())
        })?;
        if !leads(self.ranks) {
            return Ok(None);
        }
        let dim = parts.iter().find_map(|(table, _)| table.as_ref()).map_or(1, FeatureTable::dim);
        let rows = parts.into_iter().flat_map(|(table, _)| table.map_or_else(Vec::new, FeatureTable::into_rows));
        FeatureTable::new(rows.collect(), dim).map(Some)
    }

    /// A part that rank 0 has kept.
    pub(crate) fn cached(self, key: Option<Key>) -> Option<FeatureTable> {
        self.cache.filter(|_| leads(self.ranks)).zip(key.as_ref()).and_then(|(cache, key)| cache.load(key))
    }

    /// The parts that are to be made, by number, and for whom, in the words of rank 0, whose cache counts.
    /// `wanted`: for each part, who lacks it here.
    pub(crate) fn missing(self, wanted: impl Iterator<Item = Vec<bool>>) -> Result<Vec<(usize, Vec<usize>)>> {
        let own: Vec<Vec<bool>> = wanted.collect();
        let width = own.first().map_or(1, Vec::len).max(1);
        let flags = own.into_iter().flatten().map(u8::from).collect();
        let flags = agreed_work(self.ranks, flags)?;
        let who = |flags: &[u8]| (0..flags.len()).filter(|i| flags[*i] > 0).collect::<Vec<_>>();
        let all = flags.chunks(width).map(who).enumerate();
        Ok(all.filter(|(_, who)| !who.is_empty()).collect())
    }
}

/// Rows `0..count` in parts.
pub(crate) fn parts(count: usize) -> impl Iterator<Item = Range<usize>> {
    (0..count).step_by(PART).map(move |start| start..(start + PART).min(count))
}

/// Puts a table into the cache. A cache that cannot be written costs time, not the result.
pub(crate) fn store(cache: Option<&Cache>, key: Option<Key>, table: &FeatureTable) {
    let Some((cache, key)) = cache.zip(key) else { return };
    if cache.given_up.load(Ordering::Relaxed) {
        return;
    }
    if let Err(error) = cache.store(&key, table) {
        cache.given_up.store(true, Ordering::Relaxed);
        tracing::warn!(%error, "going on without the cache");
    }
}

fn serialise(key: &Key, samples: &FeatureTable) -> std::result::Result<Vec<u8>, safetensors::SafeTensorError> {
    let data: Vec<u8> = samples.rows().iter().flat_map(|v| v.to_le_bytes()).collect();
    let metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("key".to_owned(), key.0.clone()),
        ("sha256".to_owned(), format!("{:x}", Sha256::digest(&data))),
    ]);
    let view = TensorView::new(Dtype::F32, vec![samples.len(), samples.dim()], &data)?;
    safetensors::serialize([("features", view)], Some(metadata))
}

fn parse(bytes: &[u8], key: &Key) -> Option<FeatureTable> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    let metadata = header.metadata().as_ref()?;
    let file = SafeTensors::deserialize(bytes).ok()?;
    let view = file.tensor("features").ok()?;
    let whole = metadata.get("format")? == FORMAT
        && *metadata.get("key")? == key.0
        && *metadata.get("sha256")? == format!("{:x}", Sha256::digest(view.data()))
        && view.dtype() == Dtype::F32;
    let [_, dim] = *view.shape() else { return None };
    let rows = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    if whole { FeatureTable::new(rows, dim).ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_data::normals;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("stylegan-metrics-{name}-{}", std::process::id()));
        std::fs::remove_dir_all(&path).ok();
        path
    }

    /// Eight writers and readers of one key: every read is a miss or the whole table, and nothing
    /// but the table stays behind.
    #[test]
    fn concurrent_writers() {
        let (folder, table) = (folder("race"), normals(0, 2000, 4, |_, z| z));
        let key = Cache::new(&folder, &Device::Cpu).key(["race"]);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let cache = Cache::new(&folder, &Device::Cpu);
                    for _ in 0..10 {
                        assert!(cache.load(&key).is_none_or(|found| found == table));
                        cache.store(&key, &table).unwrap();
                    }
                });
            }
        });
        assert_eq!(Cache::new(&folder, &Device::Cpu).load(&key), Some(table));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// A file that was cut, changed in one bit, or belongs to another key is a miss.
    #[test]
    fn damage() {
        let folder = folder("damage");
        let (cache, table) = (Cache::new(&folder, &Device::Cpu), normals(0, 10, 4, |_, z| z));
        let key = cache.key(["a", "b"]);
        cache.store(&key, &table).unwrap();
        let bytes = std::fs::read(cache.path(&key)).unwrap();
        let put = |bytes: &[u8]| std::fs::write(cache.path(&key), bytes).unwrap();
        for length in [0, 7, 100, bytes.len() - 1] {
            put(&bytes[..length]);
            assert_eq!(cache.load(&key), None);
        }
        let mut flipped = bytes.clone();
        *flipped.last_mut().unwrap() ^= 1;
        put(&flipped);
        assert_eq!(cache.load(&key), None);
        let other = cache.key(["ab", ""]);
        // Nor is what other kernels made.
        assert_ne!(Cache { kernels: "cuda", ..cache.clone() }.key(["a", "b"]), key);
        std::fs::write(cache.path(&other), &bytes).unwrap();
        assert_eq!(cache.load(&other), None);
        // What is no file is not waited for.
        let pipe = cache.key(["pipe"]);
        std::fs::create_dir(cache.path(&pipe)).unwrap();
        assert_eq!(cache.load(&pipe), None);
        put(&bytes);
        assert_eq!(cache.load(&key), Some(table));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made() {
        let file = folder("file");
        std::fs::write(&file, "not a folder").unwrap();
        let cache = Cache::new(file.join("cache"), &Device::Cpu);
        let error = cache.store(&cache.key(["x"]), &normals(0, 2, 2, |_, z| z)).unwrap_err();
        assert!(error.to_string().contains("cannot write the feature cache"));
        std::fs::remove_file(file).unwrap();
    }
}
