//! A value that depends on the resolution in training.

use serde::de::{Error, MapAccess, Visitor, value};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::{Formatter, Result as FmtResult};
use std::marker::PhantomData;

/// A value by resolution. In TOML either one value, `batch = 32`, or a table with `base` and the
/// resolutions that differ, `batch = { base = 32, 8 = 256, 16 = 128 }`.
#[derive(Debug, Clone, PartialEq)]
pub struct ByResolution<T> {
    /// The value at every resolution that `at` does not name.
    pub base: T,
    /// Values by resolution in pixels (4, 8, 16, …).
    pub at: BTreeMap<usize, T>,
}

impl<T> ByResolution<T> {
    /// `base`, except at the resolutions given.
    pub fn new(base: T, at: impl IntoIterator<Item = (usize, T)>) -> Self {
        Self { base, at: at.into_iter().collect() }
    }

    /// The value at `resolution` pixels.
    pub fn of(&self, resolution: usize) -> &T {
        self.at.get(&resolution).unwrap_or(&self.base)
    }

    /// All values: of the resolutions that are named, then that of all others.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.at.values().chain([&self.base])
    }
}

impl<T: Copy> ByResolution<T> {
    /// The value at `resolution` pixels.
    pub fn get(&self, resolution: usize) -> T {
        *self.of(resolution)
    }
}

impl<T: Serialize> Serialize for ByResolution<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.at.is_empty() {
            return self.base.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1 + self.at.len()))?;
        map.serialize_entry("base", &self.base)?;
        for (resolution, value) in &self.at {
            map.serialize_entry(&resolution.to_string(), value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByResolution<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

struct Either<T>(PhantomData<T>);

impl<T> Either<T> {
    fn single<'de, E: Error>(base: impl serde::de::IntoDeserializer<'de, E>) -> Result<ByResolution<T>, E>
    where
        T: Deserialize<'de>,
    {
        Ok(ByResolution { base: T::deserialize(base.into_deserializer())?, at: BTreeMap::new() })
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = ByResolution<T>;

    fn expecting(&self, f: &mut Formatter) -> FmtResult {
        f.write_str("a number, or a table like { base = 32, 8 = 256, 16 = 128 }")
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Self::Value, E> {
        Self::single::<value::Error>(v).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Self::Value, E> {
        Self::single::<value::Error>(v).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Self::Value, E> {
        Self::single::<value::Error>(v).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut base, mut at) = (None, BTreeMap::new());
        while let Some(key) = map.next_key::<String>()? {
            if key == "base" {
                base = Some(map.next_value()?);
                continue;
            }
            match key.parse::<usize>() {
                Ok(resolution) if resolution.is_power_of_two() && resolution >= 4 => {
                    at.insert(resolution, map.next_value()?);
                }
                _ => {
                    let expected = "expected `base` or a resolution (4, 8, 16, …)";
                    return Err(A::Error::custom(format!("unknown key `{key}`, {expected}")));
                }
            }
        }
        let base = base.ok_or_else(|| A::Error::custom("missing key `base`, the value at all other resolutions"))?;
        Ok(ByResolution { base, at })
    }
}
