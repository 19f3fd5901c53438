//! Several ranks in one process: any number of them ends in the bytes of one.

#![allow(clippy::unwrap_used)]

mod tools;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use stylegan_train::communicator::{Communicator, Threads};
use stylegan_train::config::TrainConfig;
use stylegan_train::{Outcome, Result, RunFolder, Session};
use tools::{STYLEGAN2, StopAfter, growing_stylegan2, pictures, tiny};

/// Six shards a batch: two or four ranks cut them where no subtree ends.
const SIX_SHARDS: [&str; 3] = ["schedule.batch=24", "kimg=0.192", "output.checkpoint_kimg=9"];

/// Goes on with a run on some ranks, asked to stop by the last one after a step.
fn go_on(config: &TrainConfig, folder: &Path, ranks: usize, stop_after: u64) -> Vec<Result<Outcome>> {
    let out = &RunFolder::open(folder).unwrap();
    std::thread::scope(|scope| {
        let ranks = Threads::world(ranks).into_iter().enumerate().map(|(rank, communicator)| {
            scope.spawn(move || {
                let stop = AtomicBool::new(false);
                let step = if rank + 1 == ranks { stop_after } else { u64::MAX };
                let observer = &mut StopAfter { step, stop: &stop, warnings: vec![] };
                let communicator = &communicator;
                let session = Session {
                    config,
                    dataset: pictures(),
                    device: &candle_core::Device::Cpu,
                    folder: out,
                    communicator,
                    observer,
                    stop: &stop,
                };
                session.resume()
            })
        });
        ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

fn any_number_of_ranks(architecture: &[&str]) {
    let config = tiny(&[architecture, &SIX_SHARDS].concat()).unwrap();
    let run = |ranks: &[usize]| {
        let folder = tempfile::tempdir().unwrap();
        for (i, &count) in ranks.iter().enumerate() {
            let last = i + 1 == ranks.len();
            let outcomes = go_on(&config, folder.path(), count, if last { u64::MAX } else { 3 });
            assert!(
                outcomes
                    .iter()
                    .all(|outcome| matches!(outcome, Ok(Outcome::Finished { .. })) == last && outcome.is_ok()),
                "{ranks:?}"
            );
        }
        fs::read(folder.path().join("network-000000.safetensors")).unwrap()
    };
    let expected = run(&[1]);
    // The last begins on two ranks and goes on with three.
    for ranks in [&[2][..], &[3], &[4], &[2, 3]] {
        assert!(run(ranks) == expected, "{ranks:?} ranks");
    }
}

/// They would wait for pictures that never come.
#[test]
fn ranks_without_a_shard_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for outcome in go_on(&tiny(&SIX_SHARDS).unwrap(), folder.path(), 7, u64::MAX) {
        let error = outcome.unwrap_err();
        assert!(
            error.is_wrong_input() && error.to_string().contains("6 shards of a batch of 24, too few for 7"),
            "{error}"
        );
    }
}

#[test]
fn ranks_do_not_change_a_bit_while_it_grows() {
    any_number_of_ranks(&[]);
}

#[test]
fn ranks_do_not_change_a_bit_with_pictures_held_back() {
    any_number_of_ranks(
        &[&STYLEGAN2[..], &["augment={validation=6,follows='validation',target=0.01,kimg=1,interval=3}"]].concat(),
    );
}

#[test]
fn ranks_do_not_change_a_bit_of_stylegan2() {
    any_number_of_ranks(&STYLEGAN2);
}

#[test]
fn ranks_do_not_change_a_bit_while_stylegan2_is_replaced() {
    any_number_of_ranks(&growing_stylegan2());
}

/// A rank that takes one number of the first gradients otherwise than the others do, as memory that forgets would.
struct Forgetful {
    well: Threads,
    /// Whether it is yet to happen.
    to_come: AtomicBool,
}

impl Communicator for Forgetful {
    fn rank(&self) -> usize {
        self.well.rank()
    }

    fn world_size(&self) -> usize {
        self.well.world_size()
    }

    fn all_gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        let mut all = self.well.all_gather(bytes)?;
        const NAME: &[u8] = b"gradient";
        let row = all[0].windows(NAME.len()).position(|word| word == NAME);
        if let Some(row) = row.filter(|_| self.to_come.swap(false, Ordering::Relaxed)) {
            // The name, the length of the row, and the sign of its first number.
            all[0][row + NAME.len() + 8 + 3] ^= 0x80;
        }
        Ok(all)
    }

    fn all_to_all(&self, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        self.well.all_to_all(parts)
    }

    fn abort(&self, reason: &str) {
        self.well.abort(reason);
    }
}

/// The tick after it finds the tensor and the rank, on all ranks; without it there is nothing to find.
#[test]
fn a_rank_that_holds_another_tensor_is_named() {
    let config = tiny(&[&STYLEGAN2[..], &SIX_SHARDS].concat()).unwrap();
    for forgets in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let out = &RunFolder::open(folder.path()).unwrap();
        let outcomes: Vec<Result<Outcome>> = std::thread::scope(|scope| {
            let ranks = Threads::world(3).into_iter().map(|well| {
                let to_come = AtomicBool::new(forgets && well.rank() == 2);
                let (config, communicator) = (&config, Forgetful { well, to_come });
                scope.spawn(move || {
                    let session = Session {
                        config,
                        dataset: pictures(),
                        device: &candle_core::Device::Cpu,
                        folder: out,
                        communicator: &communicator,
                        observer: &mut stylegan_train::observer::Silent,
                        stop: &AtomicBool::new(false),
                    };
                    session.start()
                })
            });
            ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
        });
        for outcome in outcomes {
            let Err(error) = outcome else {
                assert!(!forgets, "a rank holds something else, and all go on");
                continue;
            };
            let said = error.to_string();
            // The generator steps first; a gradient begins with this tensor, and so does the average that is compared first.
            assert!(said.contains("rank 2 has another G_ema.mapping.fc0.bias than rank 0 ("), "{said}");
            assert!(error.is_of_all_ranks() && forgets, "{said}");
        }
    }
}
