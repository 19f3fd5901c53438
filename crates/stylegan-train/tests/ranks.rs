//! Several ranks in one process: any number of them ends in the bytes of one.

#![allow(clippy::unwrap_used)]

mod tools;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use stylegan_train::communicator::Threads;
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
