//! The identity of a set: a hash of its content.

use super::files::{Files, map_name};
use super::{Labels, Problem};
use crate::Result;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// SHA-256 over, for each picture in order: its name, the SHA-256 of its file, the SHA-256 of its
/// label map (if the set has maps), its label; 64 hexadecimal digits.
///
/// Nothing else counts: not where the set lies, whether it is packed and how, nor how
/// `dataset.json` is written. Files are hashed in parallel, each by itself.
pub(super) fn of(files: &Files) -> Result<String> {
    let digests = files.pictures.par_iter().map(|name| {
        let picture = file(files, name)?;
        let map = if files.maps { Some(file(files, &map_name(name))?) } else { None };
        Ok((picture, map))
    });
    let digests = digests.collect::<Result<Vec<_>>>()?;
    let mut hash = Sha256::new();
    hash.update(b"stylegan-rs data set 1");
    hash.update([u8::from(files.maps), kind(&files.labels)]);
    number(&mut hash, files.labels.dim());
    number(&mut hash, files.pictures.len());
    let mut row = Vec::new();
    for (i, (name, (picture, map))) in files.pictures.iter().zip(&digests).enumerate() {
        number(&mut hash, name.len());
        hash.update(name);
        hash.update(picture);
        hash.update(map.as_deref().unwrap_or_default());
        match files.labels.class(i) {
            Some(class) => hash.update(class.to_le_bytes()),
            None => {
                row.clear();
                files.labels.push_row(i, &mut row);
                row.iter().for_each(|x| hash.update(x.to_le_bytes()));
            }
        }
    }
    Ok(format!("{:x}", hash.finalize()))
}

fn file(files: &Files, name: &str) -> Result<Vec<u8>> {
    let bytes = files.source.read(name, None).map_err(|problem: Problem| files.error(name, problem))?;
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
