//! The file of directions.

use super::Direction;
use crate::checkpoint::{Checkpoint, Kind, Metadata, save};
use crate::{Error, Result, printable};
use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// The tensors of a file.
const VECTORS: &str = "vectors";
const SIGMAS: &str = "sigmas";
/// Keys of [`Metadata::extra`].
const LIST: &str = "directions";
const NETWORK: &str = "directions_of_network";

/// Directions in W, or in style space, of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions {
    /// The directions, no two of one name.
    pub list: Vec<Direction>,
    /// SHA-256 of the contents of the network that they were found in, if it is known.
    pub network: Option<String>,
}

/// What the metadata say of a direction.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    rows: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<usize>,
    how: String,
}

impl Directions {
    /// Writes them to `path`, whole or not at all.
    ///
    /// # Errors
    /// What [`load`](Self::load) would refuse, or a file that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        if let Some(fault) = self.fault() {
            return Err(Error::Argument(format!("these directions make no file: {fault}")));
        }
        let (metadata, tensors) = self.contents()?;
        save(path, &metadata, &tensors)
    }

    /// What their file holds.
    fn contents(&self) -> Result<(Metadata, [(String, Tensor); 2])> {
        let width = self.list.first().map_or(0, |direction| direction.vector.len());
        let entry = |d: &Direction| {
            let (name, rows, how) = (d.name.clone(), d.rows.clone(), d.how.clone());
            Entry { name, rows, channel: d.channel, how }
        };
        let list = self.list.iter().map(entry).collect::<Vec<_>>();
        let mut metadata =
            Metadata { kind: Kind::Weights, source: Some("stylegan directions".into()), ..Metadata::default() };
        metadata.extra.insert("content".into(), "directions in W, for stylegan edit".into());
        metadata.extra.insert(LIST.into(), serde_json::json!(list).to_string());
        metadata.extra.extend(self.network.clone().map(|network| (NETWORK.to_owned(), network)));
        let vectors: Vec<f32> = self.list.iter().flat_map(|direction| direction.vector.iter().copied()).collect();
        let sigmas: Vec<f64> = self.list.iter().map(|direction| direction.sigma).collect();
        let tensors = [
            (VECTORS.to_owned(), Tensor::from_vec(vectors, (self.list.len(), width), &Device::Cpu)?),
            (SIGMAS.to_owned(), Tensor::new(sigmas, &Device::Cpu)?),
        ];
        Ok((metadata, tensors))
    }

    /// Reads a file of directions.
    ///
    /// # Errors
    /// A file that holds something else, or does not fit together.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::read(&Checkpoint::open(path)?)
    }

    /// Reads the directions of an open file.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn read(file: &Checkpoint) -> Result<Self> {
        file.verify()?;
        let extra = file.metadata().map(|metadata| &metadata.extra);
        let Some(list) = extra.and_then(|extra| extra.get(LIST)) else {
            return Err(file.bad("holds no directions; `stylegan directions` makes such files".into()));
        };
        let damaged = |error: &dyn std::fmt::Display| file.bad(format!("has directions that cannot be read: {error}"));
        let list: Vec<Entry> = serde_json::from_str(list).map_err(|error| damaged(&error))?;
        let vectors = file.tensor(VECTORS, &Device::Cpu)?.to_dtype(DType::F32)?;
        let sigmas = file.tensor(SIGMAS, &Device::Cpu)?.to_dtype(DType::F64)?;
        if vectors.rank() != 2 || vectors.dim(0)? != list.len() || sigmas.dims() != [list.len()] {
            let found = format!("{} names, {:?} vectors, {:?} sigmas", list.len(), vectors.dims(), sigmas.dims());
            return Err(damaged(&found));
        }
        let (vectors, sigmas) = (vectors.to_vec2::<f32>()?, sigmas.to_vec1::<f64>()?);
        let direction = |((Entry { name, rows, channel, how }, vector), sigma)| Direction {
            name,
            rows,
            vector,
            channel,
            sigma,
            how,
        };
        let list = list.into_iter().zip(vectors).zip(sigmas).map(direction).collect();
        let directions = Self { list, network: extra.and_then(|extra| extra.get(NETWORK)).cloned() };
        match directions.fault() {
            Some(fault) => Err(damaged(&fault)),
            None => Ok(directions),
        }
    }

    /// Why a file cannot hold them.
    fn fault(&self) -> Option<String> {
        let width = self.list.first().map_or(0, |direction| direction.vector.len());
        if width == 0 {
            return Some("there is none, or the first has no width".into());
        }
        let mut names = BTreeSet::new();
        self.list.iter().find_map(|Direction { name, rows, vector, channel, sigma, .. }| {
            let fault = if vector.len() != width {
                format!("has {} numbers, and the first has {width}", vector.len())
            } else if !sigma.is_finite() || vector.iter().any(|v| !v.is_finite()) {
                "is not finite".into()
            } else if channel.is_some() && rows.len() != 1 {
                format!("is a channel of {} style rows", rows.len())
            } else if !names.insert(name) {
                "occurs twice".into()
            } else {
                return None;
            };
            Some(format!("`{}` {fault}", printable(name)))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::checkpoint;

    #[test]
    fn files_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.safetensors");
        let direction = |name: &str, vector: [f32; 2]| Direction {
            name: name.into(),
            rows: vec![0, 3],
            vector: vector.into(),
            channel: None,
            sigma: 0.25,
            how: "by hand".into(),
        };
        let list = [direction("a", [0.6, 0.8]), direction("b=ü", [1., 0.])];
        let channel = Direction { rows: vec![2], channel: Some(7), ..direction("c", [0., 1.]) };
        let all = [&list[..], std::slice::from_ref(&channel)].concat();
        let directions = Directions { list: all, network: Some("00ff".into()) };
        directions.save(&path).unwrap();
        assert_eq!(Directions::load(&path).unwrap(), directions);
        // What would not come back is not written either.
        let odd = |change: &dyn Fn(&mut Directions), part: &str| {
            let mut odd = directions.clone();
            change(&mut odd);
            let (metadata, tensors) = odd.contents().unwrap();
            checkpoint::save(&path, &metadata, &tensors).unwrap();
            for error in [odd.save(&path).unwrap_err(), Directions::load(&path).unwrap_err()] {
                assert!(error.to_string().contains(part), "{error}");
            }
        };
        odd(&|odd| odd.list[1].name = "a".into(), "`a` occurs twice");
        odd(&|odd| odd.list[2].rows = vec![1, 2], "2 style rows");
        odd(&|odd| odd.list[0].sigma = f64::INFINITY, "`a` is not finite");
        odd(&|odd| odd.list[1].vector[0] = f32::NAN, "is not finite");
        let none = Directions { list: vec![], network: None };
        assert!(none.save(&path).unwrap_err().to_string().contains("there is none"));
        let uneven =
            Directions { list: [&list[..1], &[Direction { vector: vec![1.], ..channel }]].concat(), network: None };
        assert!(uneven.save(&path).unwrap_err().to_string().contains("has 1 numbers, and the first has 2"));
        let network = folder.path().join("network.safetensors");
        crate::doc::save_tiny_network(&network).unwrap();
        assert!(Directions::load(&network).unwrap_err().to_string().contains("holds no directions"));
    }
}
