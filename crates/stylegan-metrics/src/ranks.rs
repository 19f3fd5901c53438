//! Processes that share an evaluation: each makes some parts of the tables, rank 0 has them all.

use crate::{Error, Result, SourceError};

/// The processes of an evaluation, named as in MPI. All of them ask for the same, and all call these functions,
/// in the same order.
pub trait Ranks {
    /// This process, in `0..world_size`.
    fn rank(&self) -> usize;

    /// How many there are.
    fn world_size(&self) -> usize;

    /// The bytes of all ranks, in the order of ranks.
    ///
    /// # Errors
    /// When a rank does not answer.
    fn all_gather(&self, bytes: Vec<u8>) -> std::result::Result<Vec<Vec<u8>>, SourceError>;

    /// The same on rank 0, and nothing of use on the others.
    ///
    /// # Errors
    /// When a rank does not answer.
    fn gather(&self, bytes: Vec<u8>) -> std::result::Result<Vec<Vec<u8>>, SourceError>;
}

/// One process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn world_size(&self) -> usize {
        1
    }

    fn all_gather(&self, bytes: Vec<u8>) -> std::result::Result<Vec<Vec<u8>>, SourceError> {
        Ok(vec![bytes])
    }

    fn gather(&self, bytes: Vec<u8>) -> std::result::Result<Vec<Vec<u8>>, SourceError> {
        Ok(vec![bytes])
    }
}

/// Whether this rank is the one that has the results.
pub(crate) fn leads(ranks: &dyn Ranks) -> bool {
    ranks.rank() == 0
}

/// What rank 0 says is to be done, on all ranks.
pub(crate) fn agreed_work(ranks: &dyn Ranks, own: Vec<u8>) -> Result<Vec<u8>> {
    if ranks.world_size() == 1 {
        return Ok(own);
    }
    let own = if leads(ranks) { own } else { vec![] };
    Ok(ranks.all_gather(own).map_err(silent)?.swap_remove(0))
}

/// Rows of numbers, one for each sample of a piece.
type Rows = Vec<Vec<f32>>;

/// Makes the rows of all `pieces`, each on one rank, and hands them to `take` on rank 0, in the order of pieces.
/// What is made depends on the piece alone, so that it does not matter who made it.
pub(crate) fn share<P>(
    ranks: &dyn Ranks,
    pieces: &[P],
    make: &mut dyn FnMut(&P) -> Result<Rows>,
    take: &mut dyn FnMut(&P, Rows) -> Result<()>,
) -> Result<()> {
    for round in pieces.chunks(ranks.world_size()) {
        let own = round.get(ranks.rank()).map(&mut *make).transpose();
        let own = agree(ranks, own)?.unwrap_or_default();
        if ranks.world_size() == 1 {
            take(&round[0], own)?;
            continue;
        }
        let all = ranks.gather(write(&own)).map_err(silent)?;
        if leads(ranks) {
            for (piece, bytes) in round.iter().zip(all) {
                take(piece, read(&bytes).ok_or_else(|| silent("it sent what cannot be read".into()))?)?;
            }
        }
    }
    Ok(())
}

/// An error of any rank is one of all.
fn agree<T>(ranks: &dyn Ranks, outcome: Result<T>) -> Result<T> {
    if ranks.world_size() == 1 {
        return outcome;
    }
    let own = match &outcome {
        Ok(_) => vec![],
        Err(error) => [&[u8::from(error.is_wrong_input())], sentence(error).as_bytes()].concat(),
    };
    let all = ranks.all_gather(own).map_err(silent)?;
    let failed = all.iter().enumerate().find_map(|(rank, bytes)| bytes.split_first().map(|found| (rank, found)));
    match failed {
        None => outcome,
        Some((rank, (wrong_input, reason))) => {
            let reason = String::from_utf8_lossy(reason).into_owned();
            Err(Error::OnRank { rank, reason, wrong_input: *wrong_input > 0 })
        }
    }
}

/// An error with its causes, less those that it tells itself.
fn sentence(error: &Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !sentence.contains(&text) {
            sentence.push_str(&format!(": {text}"));
        }
        cause = error.source();
    }
    sentence
}

fn silent(source: SourceError) -> Error {
    Error::SilentRank { source }
}

fn write(rows: &[Vec<f32>]) -> Vec<u8> {
    let mut out = (rows.len() as u64).to_le_bytes().to_vec();
    for row in rows {
        out.extend((row.len() as u64).to_le_bytes());
        out.extend(row.iter().flat_map(|value| value.to_le_bytes()));
    }
    out
}

fn read(mut bytes: &[u8]) -> Option<Rows> {
    fn number(bytes: &mut &[u8]) -> Option<usize> {
        let (number, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        usize::try_from(u64::from_le_bytes(*number)).ok()
    }
    let count = number(&mut bytes)?;
    let mut rows = vec![];
    for _ in 0..count {
        let length = number(&mut bytes)?;
        let (row, rest) = bytes.split_at_checked(length.checked_mul(4)?)?;
        rows.push(row.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect());
        bytes = rest;
    }
    Some(rows)
}
