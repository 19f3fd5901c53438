//! What ranks find out together, by what they exchange.

use super::Communicator;
use crate::{Error, Result};

/// Longer findings than this are not shown beside each other.
const SHOWN: usize = 80;

/// Whether a flag is set on any rank; all ranks get the same answer.
pub(crate) fn any(communicator: &dyn Communicator, flag: bool) -> Result<bool> {
    let flags = communicator.all_gather(vec![u8::from(flag)])?;
    Ok(flags.iter().flatten().any(|&flag| flag > 0))
}

/// What rank 0 has, on all ranks; what the others give is not looked at.
///
/// # Errors
/// When a rank does not answer.
pub fn broadcast(communicator: &dyn Communicator, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let given = if communicator.rank() == 0 { bytes } else { vec![] };
    Ok(communicator.all_gather(given)?.swap_remove(0))
}

/// After a piece of work that each rank did by itself: if it failed on any, all get the error of the
/// first that it failed on, as [`Error::Agreed`]. One process alone keeps its error.
///
/// # Errors
/// That error, or that a rank does not answer.
pub fn agree<T>(communicator: &dyn Communicator, outcome: Result<T>) -> Result<T> {
    if communicator.world_size() == 1 {
        return outcome;
    }
    let given = match &outcome {
        Ok(_) => vec![],
        Err(error) => write(error),
    };
    match failed(&communicator.all_gather(given)?) {
        Some(error) => Err(error),
        None => outcome,
    }
}

/// An error on its way to other ranks; never empty.
fn write(error: &Error) -> Vec<u8> {
    let reason = match error {
        Error::Agreed { reason, .. } => reason.clone(),
        error => error.to_string(),
    };
    [&[u8::from(error.is_wrong_input())], reason.as_bytes()].concat()
}

/// The error of the first rank that gave one.
fn failed(given: &[Vec<u8>]) -> Option<Error> {
    given.iter().enumerate().find_map(|(rank, bytes)| {
        let (wrong_input, reason) = bytes.split_first()?;
        let reason = String::from_utf8_lossy(reason).into_owned();
        Some(Error::Agreed { rank, reason, wrong_input: *wrong_input > 0 })
    })
}

/// Checks that all ranks have the same things under the same names; `advice` is what to do where they do not.
///
/// # Errors
/// [`Error::Replicas`] with the first rank that differs, and what of it does.
pub fn same(communicator: &dyn Communicator, things: &[(String, String)], advice: &'static str) -> Result<()> {
    if communicator.world_size() == 1 {
        return Ok(());
    }
    let torn = || Error::Rank { reason: "sent what cannot be read; start all ranks with the same program".into() };
    let given = serde_json::to_vec(things).map_err(|_| torn())?;
    let all = communicator.all_gather(given)?;
    let read = |bytes: &Vec<u8>| serde_json::from_slice::<Vec<(String, String)>>(bytes).map_err(|_| torn());
    let expected = read(&all[0])?;
    if let Some((rank, bytes)) = all.iter().enumerate().find(|(_, bytes)| **bytes != all[0]) {
        let found = read(bytes)?;
        let different = found.into_iter().zip(&expected).find(|(theirs, ours)| theirs != *ours);
        let (what, found) = match different {
            Some(((name, theirs), (_, ours))) if theirs.len().max(ours.len()) <= SHOWN => {
                (name, format!(" ({theirs}, not {ours})"))
            }
            Some(((name, _), _)) => (name, String::new()),
            None => ("number of tensors".to_owned(), String::new()),
        };
        return Err(Error::Replicas { rank, what, found, advice });
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::communicator::Threads;

    /// What each of three ranks gets.
    fn on_three<T: Send>(work: impl Fn(&Threads) -> T + Sync) -> Vec<T> {
        std::thread::scope(|scope| {
            let work = &work;
            let ranks = Threads::world(3).into_iter().map(|me| scope.spawn(move || work(&me)));
            ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
        })
    }

    #[test]
    fn all_know_the_first_error_and_whose_it_is() {
        let found = on_three(|me| {
            agree(me, if me.rank() == 0 { Ok(()) } else { Err(Error::DataIndex { index: me.rank(), len: 1 }) })
        });
        for outcome in found {
            let error = outcome.unwrap_err();
            assert!(error.is_of_all_ranks() && !error.is_wrong_input());
            assert!(error.to_string().starts_with("rank 1: sample 1 does not exist"), "{error}");
        }
        assert_eq!(on_three(|me| agree(me, Ok(me.rank())).unwrap()), [0, 1, 2]);
    }

    #[test]
    fn rank_0_is_heard() {
        assert_eq!(on_three(|me| broadcast(me, vec![me.rank() as u8; 3]).unwrap()), vec![vec![0; 3]; 3]);
    }

    #[test]
    fn differences_are_named() {
        let things = |rank: usize| {
            vec![
                ("G.a".to_owned(), "1".to_owned()),
                ("G.b".to_owned(), format!("{}", rank / 2)),
                ("c".into(), "".into()),
            ]
        };
        for outcome in on_three(|me| same(me, &things(me.rank()), "look there")) {
            let error = outcome.unwrap_err().to_string();
            assert_eq!(error, "rank 2 has another G.b than rank 0 (1, not 0); look there");
        }
        assert!(on_three(|me| same(me, &things(0), "")).iter().all(Result::is_ok));
    }
}
