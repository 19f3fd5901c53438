//! Partial sums as bytes, for the way between ranks.

use super::{ShardSums, Sums};
use crate::stats::{Moments, Stats};
use crate::{Error, Result};

/// The place of a partial sum in the tree: level (0 for shards) and place in it.
pub(super) type Node = (usize, usize);

/// Which slice of every row is meant, of how many. What is reported goes with the first.
pub(super) type Slice = (usize, usize);

/// The one slice that is everything.
pub(super) const WHOLE: Slice = (0, 1);

/// Writes a slice of partial sums, which lie in main memory.
pub(super) fn write<'a>(
    nodes: impl ExactSizeIterator<Item = (&'a Node, &'a ShardSums)>,
    (slice, slices): Slice,
) -> Result<Vec<u8>> {
    let mut out = Writer(vec![]);
    out.number(nodes.len());
    for ((level, place), sums) in nodes {
        out.number(*level);
        out.number(*place);
        out.number(sums.named.0.len());
        for (name, row) in &sums.named.0 {
            let values = row.numbers()?;
            out.text(name);
            out.row(&values[values.len() * slice / slices..values.len() * (slice + 1) / slices]);
        }
        let stats = || sums.stats.iter().filter(|_| slice == 0);
        out.number(stats().count());
        for (key, Moments { count, sum, squares }) in stats() {
            out.text(key);
            [count, sum, squares].into_iter().for_each(|value| out.0.extend(value.to_le_bytes()));
        }
    }
    Ok(out.0)
}

/// Reads what [`write`] wrote on another rank.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(Node, ShardSums)>> {
    let mut bytes = Reader(bytes);
    let nodes = bytes.number()?;
    let mut all = vec![];
    for _ in 0..nodes {
        let node = (bytes.number()?, bytes.number()?);
        let mut named = Sums::default();
        for _ in 0..bytes.number()? {
            let (name, len) = (bytes.text()?, bytes.number()?);
            let (values, _) = bytes.take(len.saturating_mul(4))?.as_chunks();
            named.set(&name, values.iter().map(|&value| f32::from_le_bytes(value)).collect::<Vec<f32>>());
        }
        let mut stats = Stats::default();
        for _ in 0..bytes.number()? {
            let key = bytes.text()?;
            let [count, sum, squares] = [bytes.eight()?, bytes.eight()?, bytes.eight()?].map(f64::from_le_bytes);
            stats.merge(&key, &Moments { count, sum, squares });
        }
        all.push((node, ShardSums { named, stats }));
    }
    Ok(all)
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: usize) {
        self.0.extend((number as u64).to_le_bytes());
    }

    fn row(&mut self, values: &[f32]) {
        self.number(values.len());
        let start = self.0.len();
        self.0.resize(start + 4 * values.len(), 0);
        let (places, _) = self.0[start..].as_chunks_mut();
        places.iter_mut().zip(values).for_each(|(place, value)| *place = value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend(text.as_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(torn)?;
        self.0 = rest;
        Ok(taken)
    }

    fn eight(&mut self) -> Result<[u8; 8]> {
        self.take(8)?.try_into().map_err(|_| torn())
    }

    fn number(&mut self) -> Result<usize> {
        usize::try_from(u64::from_le_bytes(self.eight()?)).map_err(|_| torn())
    }

    fn text(&mut self) -> Result<String> {
        let len = self.number()?;
        String::from_utf8(self.take(len)?.to_vec()).map_err(|_| torn())
    }
}

pub(super) fn torn() -> Error {
    Error::Rank { reason: "sent sums that end too early; start all ranks with the same program".into() }
}
