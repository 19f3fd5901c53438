//! The ranks of a training: which processes were started together, and how they end together.
//!
//! Rank 0 speaks for all. A failure that all ranks know is told once, and all end with its code; one that
//! a rank has alone is told there, and ends the others wherever they are.

use crate::exit::{self, wrong};
use crate::joined::{Joined, join_with};
use crate::launch::Launched;
use crate::numbers::count;
use crate::status;
use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::OnceLock;
use stylegan_train::communicator::{self, Communicator, Single};

/// What joins the ranks, where there are several.
static JOINED: OnceLock<Joined> = OnceLock::new();

/// Joins the processes that were started together with this one, if there are others; they may meet in `folder`.
/// `false` where that cannot be and another process says why.
pub(crate) fn join(folder: Option<&Path>) -> anyhow::Result<bool> {
    let Some(launched) = Launched::find(variable) else { return Ok(true) };
    match join_with(&launched, folder, variable)? {
        Ok(joined) => {
            if joined.ranks().rank() > 0 {
                status::be_silent(true);
            }
            let _ = JOINED.set(joined);
            Ok(true)
        }
        Err(_) if launched.rank > 0 => Ok(false),
        Err(problem) => wrong!("{problem}"),
    }
}

/// Refuses what each of several processes would do from beginning to end, all into the same files.
pub(crate) fn be_alone() -> anyhow::Result<()> {
    let Some(launched) = Launched::find(variable) else { return Ok(()) };
    wrong!(
        "{launched}, and each would do all of this and write the same files, as only `train` and `eval` share their work; \
         start one, or where each is given work of its own, all by `env -u {} stylegan …`",
        launched.variable
    )
}

#[allow(clippy::disallowed_methods, reason = "the command reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// All ranks.
pub(crate) fn world() -> &'static dyn Communicator {
    JOINED.get().map_or(&Single, Joined::ranks)
}

/// The GPU that this rank has joined the others with.
pub(crate) fn gpu() -> Option<usize> {
    JOINED.get().and_then(Joined::gpu)
}

/// Lets the first rank of each machine do something; all ranks of the machine get what it found or made. Ranks that name
/// another `thing` do it for themselves.
pub(crate) fn once_a_machine<T: Serialize + DeserializeOwned>(
    thing: &str,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let host = JOINED.get().map_or_else(String::new, Joined::host);
    let thing = format!("{host} {thing}").into_bytes();
    let things = world().all_gather(thing.clone())?;
    let first = things.iter().position(|other| *other == thing).unwrap_or_default();
    let own = agree((first == world().rank()).then(work).transpose())?;
    let made = world().all_gather(serde_json::to_vec(&own)?)?;
    let made: Option<T> = made.get(first).map(|bytes| serde_json::from_slice(bytes)).transpose()?.flatten();
    made.context("the first rank of this machine has told nothing")
}

/// The threads that this rank may use: its part of the processors that it shares with others. `None` for
/// one process alone.
pub(crate) fn threads() -> anyhow::Result<Option<usize>> {
    let Some(joined) = JOINED.get() else { return Ok(None) };
    let own = format!("{} {}", joined.host(), own_processors()).into_bytes();
    let all = joined.ranks().all_gather(own.clone())?;
    let sharing = all.iter().filter(|other| **other == own).count();
    Ok(Some((std::thread::available_parallelism()?.get() / sharing).max(1)))
}

/// A line on the ranks for the reader; `None` for one process alone.
pub(crate) fn summary() -> Option<String> {
    let (size, threads) = (world().world_size(), rayon::current_num_threads());
    (size > 1).then(|| format!("ranks:    {size}, {} in this one", count(threads as u64, "thread")))
}

/// The processors that whoever started this process bound it to, as Linux writes them.
fn own_processors() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default().trim().to_owned()
}

/// After something that each rank did by itself: all go on, or none does.
pub(crate) fn agree<T>(outcome: anyhow::Result<T>) -> anyhow::Result<T> {
    let world = world();
    if world.world_size() == 1 {
        return outcome;
    }
    let (done, failed) = match outcome {
        Ok(done) => (Some(done), None),
        Err(error) => (None, Some(error)),
    };
    let own = failed.map_or(Ok(()), |error| {
        let wrong_input = exit::code(&error) == exit::WRONG_INPUT;
        Err(stylegan_train::Error::Agreed { rank: world.rank(), reason: exit::sentence(&error), wrong_input })
    });
    communicator::agree(world, own)?;
    done.context("ranks do not agree on whether they failed")
}

/// Lets rank 0 do something before the others do it: they find what it made.
pub(crate) fn after_rank_0<T>(work: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let own = agree((world().rank() == 0).then(&work).transpose())?;
    agree(own.map_or_else(work, Ok))
}

/// What rank 0 knows, on all ranks.
pub(crate) fn share<T: Serialize + DeserializeOwned>(own: Option<T>) -> anyhow::Result<T> {
    let world = world();
    match own {
        Some(own) if world.world_size() == 1 => Ok(own),
        own => {
            let bytes = own.map_or(Ok(vec![]), |own| serde_json::to_vec(&own))?;
            Ok(serde_json::from_slice(&communicator::broadcast(world, bytes)?)?)
        }
    }
}

/// Says what ended this process; `of_all`: what ended all ranks.
pub(crate) fn say_error(sentence: &str, of_all: bool) {
    let world = world();
    if world.world_size() == 1 || of_all {
        status::say(&format!("error: {sentence}"));
    } else {
        status::be_silent(false);
        status::say(&format!("error on rank {}: {sentence}", world.rank()));
    }
}

/// Leaves the other ranks, as all do now.
pub(crate) fn leave() {
    if let Some(joined) = JOINED.get() {
        joined.leave();
    }
}

/// Ends all ranks with this code; returns where there is one alone, or whoever started them sees to that.
pub(crate) fn end_all(code: u8) {
    if let Some(joined) = JOINED.get() {
        joined.end_all(code);
    }
}
