//! Ranks that are threads of one process: the test twin of MPI and NCCL.

use super::Communicator;
use crate::{Error, Result};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// One of several ranks in this process, each on a thread of its own. A rank that is dropped has left:
/// others that wait for it get an error.
pub struct Threads {
    rank: usize,
    world: Arc<World>,
}

struct World {
    size: usize,
    exchange: Mutex<Exchange>,
    changed: Condvar,
}

#[derive(Default)]
struct Exchange {
    /// What ranks have given in this round, to all or to each.
    given: Vec<Option<Vec<Vec<u8>>>>,
    /// Rounds that are complete.
    rounds: u64,
    /// What all gave in the last one. The next is complete no sooner than all have taken this.
    gathered: Vec<Vec<Vec<u8>>>,
    /// Why no further round will be complete.
    ended: Option<String>,
}

impl Threads {
    /// The ranks of a world of `size`.
    pub fn world(size: usize) -> Vec<Self> {
        let exchange = Exchange { given: vec![None; size], ..Exchange::default() };
        let world = Arc::new(World { size, exchange: Mutex::new(exchange), changed: Condvar::new() });
        (0..size).map(|rank| Self { rank, world: world.clone() }).collect()
    }
}

impl Threads {
    /// Gives something, and takes a part of what each rank gave in the same round.
    fn exchange(&self, own: Vec<Vec<u8>>, take: impl Fn(&[Vec<u8>]) -> Option<&Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let World { size, exchange, changed } = &*self.world;
        let mut state = exchange.lock().unwrap_or_else(PoisonError::into_inner);
        let round = state.rounds;
        state.given[self.rank] = Some(own);
        if state.given.iter().all(Option::is_some) {
            let given = std::mem::replace(&mut state.given, vec![None; *size]);
            state.gathered = given.into_iter().flatten().collect();
            state.rounds += 1;
            changed.notify_all();
        }
        while state.rounds == round {
            if let Some(reason) = &state.ended {
                return Err(Error::Rank { reason: reason.clone() });
            }
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(state.gathered.iter().map(|given| take(given).cloned().unwrap_or_default()).collect())
    }
}

impl Communicator for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn world_size(&self) -> usize {
        self.world.size
    }

    fn all_gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        self.exchange(vec![bytes], |given| given.first())
    }

    fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        self.exchange(parts, |given| given.get(self.rank))
    }

    fn abort(&self, reason: &str) {
        let mut state = self.world.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended.get_or_insert_with(|| reason.to_owned());
        self.world.changed.notify_all();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.abort(&format!("rank {} has ended", self.rank));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::communicator::any;

    #[test]
    fn all_hear_all_in_the_order_of_ranks() {
        let results: Vec<Vec<Vec<u8>>> = std::thread::scope(|scope| {
            let ranks = Threads::world(3).into_iter().map(|me| {
                scope.spawn(move || {
                    let mut last = vec![];
                    for round in 0..50u8 {
                        last = me.all_gather(vec![round; me.rank()]).unwrap();
                    }
                    assert!(any(&me, me.rank() == 1).unwrap() && !any(&me, false).unwrap());
                    last
                })
            });
            ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
        });
        assert_eq!(results, vec![vec![vec![], vec![49], vec![49, 49]]; 3]);
    }

    #[test]
    fn each_hears_what_is_for_it() {
        let heard: Vec<Vec<Vec<u8>>> = std::thread::scope(|scope| {
            let ranks = Threads::world(3).into_iter().map(|me| {
                let parts = (0..3).map(|to| vec![me.rank() as u8, to]).collect();
                scope.spawn(move || me.all_to_all(parts).unwrap())
            });
            ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
        });
        for (to, heard) in heard.into_iter().enumerate() {
            assert_eq!(heard, (0..3).map(|from| vec![from, to as u8]).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nobody_waits_for_a_rank_that_failed_or_left() {
        let mut ranks = Threads::world(2);
        ranks[1].abort("no more pictures");
        let error = ranks[0].all_gather(vec![]).unwrap_err();
        assert!(error.to_string().contains("no more pictures") && !error.is_wrong_input(), "{error}");
        let mut others = Threads::world(2);
        drop(others.pop());
        assert!(others[0].all_gather(vec![]).is_err());
        ranks.clear();
    }
}
