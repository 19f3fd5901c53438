//! The identity of a set: a hash of its content.

use super::index::{Index, map_name};
use super::{Labels, Problem};
use crate::Result;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// SHA-256 over, for each picture in order: its name, the SHA-256 of its file, the SHA-256 of its
/// label map (if the set has maps), its label; 64 hexadecimal digits.
///
/// Nothing else counts: not where the set lies, whether it is packed and how, nor how
/// `dataset.json` is written. Files are hashed in parallel, each by itself.
pub(super) fn of(index: &Index) -> Result<String> {
    let digests = index.pictures.par_iter().map(|name| {
        let picture = file(index, name)?;
        let map = if index.maps { Some(file(index, &map_name(name))?) } else { None };
        Ok((picture, map))
    });
    let digests = digests.collect::<Result<Vec<_>>>()?;
    let mut hash = Sha256::new();
    hash.update(b"stylegan-rs data set 1");
    hash.update([u8::from(index.maps), kind(&index.labels)]);
    number(&mut hash, index.labels.dim());
    number(&mut hash, index.pictures.len());
    let mut row = Vec::new();
    for (i, (name, (picture, map))) in index.pictures.iter().zip(&digests).enumerate() {
        number(&mut hash, name.len());
        hash.update(name);
        hash.update(picture);
        hash.update(map.as_deref().unwrap_or_default());
        match index.labels.class(i) {
            Some(class) => hash.update(class.to_le_bytes()),
            None => {
                row.clear();
                index.labels.push_row(i, &mut row);
                row.iter().for_each(|x| hash.update(x.to_le_bytes()));
            }
        }
    }
    Ok(hex(&hash.finalize()))
}

fn file(index: &Index, name: &str) -> Result<Vec<u8>> {
    let bytes = index.source.read(name, None).map_err(|problem: Problem| index.error(name, problem))?;
    Ok(Sha256::digest(bytes).to_vec())
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
