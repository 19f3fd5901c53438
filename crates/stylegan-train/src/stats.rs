//! What is reported of a run: mean, standard deviation and count per key.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sums of a quantity, in f64.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Values seen.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Moments {
    /// The mean, or 0 of nothing.
    pub fn mean(&self) -> f64 {
        if self.count > 0. { self.sum / self.count } else { 0. }
    }

    /// The standard deviation of the values (not of a larger population), or 0 of nothing.
    pub fn std(&self) -> f64 {
        if self.count > 0. { (self.squares / self.count - self.mean().powi(2)).max(0.).sqrt() } else { 0. }
    }
}

/// Quantities by key, with names as in StyleGAN2-ADA's `stats.jsonl`.
///
/// ```
/// use stylegan_train::stats::Stats;
///
/// let mut stats = Stats::default();
/// stats.extend("Loss/G/loss", [1., 3.]);
/// let loss = stats.get("Loss/G/loss");
/// assert_eq!((loss.count, loss.mean(), loss.std()), (2., 2., 1.));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stats(BTreeMap<String, Moments>);

impl Stats {
    /// Adds values of a quantity.
    pub fn extend(&mut self, key: &str, values: impl IntoIterator<Item = f64>) {
        let mut added = Moments::default();
        for value in values {
            added.count += 1.;
            added.sum += value;
            added.squares += value * value;
        }
        self.merge(key, &added);
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Stats) {
        for (key, moments) in &other.0 {
            self.merge(key, moments);
        }
    }

    /// Adds sums of a quantity.
    pub(crate) fn merge(&mut self, key: &str, added: &Moments) {
        if !self.0.contains_key(key) {
            self.0.insert(key.to_owned(), Moments::default());
        }
        if let Some(moments) = self.0.get_mut(key) {
            moments.count += added.count;
            moments.sum += added.sum;
            moments.squares += added.squares;
        }
    }

    /// A quantity; zeros if it was never seen.
    pub fn get(&self, key: &str) -> Moments {
        self.0.get(key).copied().unwrap_or_default()
    }

    /// All quantities, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Moments)> {
        self.0.iter().map(|(key, moments)| (key.as_str(), moments))
    }

    /// Whether no quantity was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One line of `stats.jsonl`: an object with `{count, mean, std}` per key.
    pub fn to_json(&self) -> serde_json::Value {
        let entry = |m: &Moments| serde_json::json!({ "count": m.count, "mean": m.mean(), "std": m.std() });
        serde_json::Value::Object(self.0.iter().map(|(key, moments)| (key.clone(), entry(moments))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up() {
        let (mut a, mut b, mut all) = (Stats::default(), Stats::default(), Stats::default());
        a.extend("x", [1., 2.]);
        b.extend("x", [5.]);
        b.extend("y", [-1.]);
        all.extend("x", [1., 2., 5.]);
        all.extend("y", [-1.]);
        a.add(&b);
        assert_eq!(a, all);
    }

    #[test]
    fn json_keeps_every_bit() {
        let mut stats = Stats::default();
        stats.extend("x", [0.1, 1e-300, 2f64.sqrt()]);
        let text = serde_json::to_string(&stats).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Stats>(&text).ok(), Some(stats.clone()));
        assert_eq!(stats.to_json()["x"]["count"], 3.);
    }
}
