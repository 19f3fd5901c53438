//! The identity of a set: a hash of its content.

use super::files::Files;
use super::{ClassTable, Labels, Problem, decode};
use crate::Result;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// What a picture, its label map and its instance map contribute.
type Digests = (Vec<u8>, Option<Vec<u8>>, Vec<u8>);

impl Files {
    /// The content hash, 64 hexadecimal digits: SHA-256 over, for each picture in order, its name,
    /// the SHA-256 of its file, its orientation if that moves its pixels, the SHA-256 of its label
    /// map and of its instance map (if the set has such), its label; and over the class table, if
    /// there is one that maps are read by.
    ///
    /// Nothing else counts: not where the set lies, whether it is packed and how, nor how
    /// `dataset.json` is written. Files are hashed in parallel, each by itself.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn hash(&self) -> Result<String> {
        let digests = self.digests(|name, problem| Err(self.error(name, problem)))?;
        Ok(self.combine(&digests))
    }

    /// As [`Files::hash`], with what is wrong with a file in the place of one that cannot be read:
    /// what a set was built from.
    pub fn hash_of_readable(&self) -> String {
        let digests = self.digests(|_, problem| Ok::<_, std::convert::Infallible>(digest(problem.to_string())));
        let Ok(digests) = digests;
        self.combine(&digests)
    }

    fn digests<E: Send>(
        &self,
        unreadable: impl Fn(&str, Problem) -> Result<Vec<u8>, E> + Sync,
    ) -> Result<Vec<Digests>, E> {
        let of = |i: usize| {
            let name = &self.pictures[i];
            let picture = match self.source.read(name, None) {
                Ok(bytes) => contribution(&bytes),
                Err(problem) => unreadable(name, problem)?,
            };
            let map = match self.maps.get(i) {
                None => None,
                Some(map) if map.is_empty() => Some(unreadable(name, Problem::MapMissing)?),
                Some(map) => Some(match self.source.read(map, None) {
                    Ok(bytes) => digest(bytes),
                    Err(problem) => unreadable(map, problem)?,
                }),
            };
            let instances = match self.instances.get(i) {
                None => Vec::new(),
                Some(map) if map.is_empty() => unreadable(name, Problem::InstancesMissing)?,
                Some(map) => match self.source.read(map, None) {
                    Ok(bytes) => digest(bytes),
                    Err(problem) => unreadable(map, problem)?,
                },
            };
            Ok((picture, map, instances))
        };
        (0..self.pictures.len()).into_par_iter().map(of).collect()
    }

    fn combine(&self, digests: &[Digests]) -> String {
        let mut hash = Sha256::new();
        hash.update(b"stylegan-rs data set 1");
        hash.update([u8::from(!self.maps.is_empty()), kind(&self.labels)]);
        number(&mut hash, self.labels.dim());
        number(&mut hash, self.pictures.len());
        let mut row = Vec::new();
        // Sets without these have the hash that they had before there were such.
        if let Some(table) = self.class_table.as_ref().and_then(ClassTable::canonical) {
            hash.update(b"class table");
            hash.update(digest(table));
        }
        for (i, (name, (picture, map, instances))) in self.pictures.iter().zip(digests).enumerate() {
            number(&mut hash, name.len());
            hash.update(name);
            hash.update(picture);
            hash.update(map.as_deref().unwrap_or_default());
            hash.update(instances);
            match self.labels.class(i) {
                Some(class) => hash.update(class.to_le_bytes()),
                None => {
                    row.clear();
                    self.labels.push_row(i, &mut row);
                    row.iter().for_each(|x| hash.update(x.to_le_bytes()));
                }
            }
        }
        format!("{:x}", hash.finalize())
    }
}

/// A picture's file, and its orientation: pixels that are turned are other pixels than those that
/// earlier versions of this program read from the same file.
fn contribution(bytes: &[u8]) -> Vec<u8> {
    let mut all = digest(bytes);
    if let Ok(head) = decode::head(bytes)
        && head.is_turned()
    {
        all.push(head.orientation.to_exif());
    }
    all
}

fn digest(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

fn kind(labels: &Labels) -> u8 {
    match labels {
        Labels::None => 0,
        Labels::Classes { .. } => 1,
        Labels::Vectors { .. } => 2,
    }
}

fn number(hash: &mut Sha256, n: usize) {
    hash.update((n as u64).to_le_bytes());
}
