//! The ranks of a training: which processes were started together, and how they end together.
//!
//! Rank 0 speaks for all. A failure that all ranks know is told once, and all end with its code; one that
//! a rank has alone is told there, and ends the others wherever they are.

use crate::exit::{self, wrong};
use crate::launch::Launched;
use crate::numbers::count;
use crate::status;
use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stylegan_train::communicator::{self, Communicator, Single};

/// The ranks, where there are several.
#[cfg(feature = "mpi")]
static MANY: std::sync::OnceLock<stylegan_train::communicator::Mpi> = std::sync::OnceLock::new();

/// Joins the processes that were started together with this one, if there are others. `false` where that
/// cannot be and another process says why.
pub(crate) fn join() -> anyhow::Result<bool> {
    #[allow(clippy::disallowed_methods, reason = "the command reads the environment")]
    let Some(launched) = Launched::find(|name| std::env::var(name).ok()) else { return Ok(true) };
    let Some(problem) = start(&launched)? else { return Ok(true) };
    if launched.rank > 0 {
        return Ok(false);
    }
    wrong!("{problem}")
}

#[cfg(feature = "mpi")]
fn start(launched: &Launched) -> anyhow::Result<Option<String>> {
    let many = stylegan_train::communicator::Mpi::start()?;
    let size = many.world_size();
    if size != launched.size {
        return Ok(Some(format!(
            "{launched}, but MPI knows of {size}: start them with the mpirun of the library that stylegan was built \
             with, or with srun --mpi=pmix"
        )));
    }
    if many.rank() > 0 {
        status::be_silent(true);
    }
    let _ = MANY.set(many);
    Ok(None)
}

#[cfg(not(feature = "mpi"))]
fn start(launched: &Launched) -> anyhow::Result<Option<String>> {
    Ok(Some(format!(
        "{launched}, but this stylegan was built for one: install Open MPI and libclang, then build it with `cargo \
         build --release --package stylegan-cli --features mpi`"
    )))
}

/// All ranks of this training.
pub(crate) fn world() -> &'static dyn Communicator {
    #[cfg(feature = "mpi")]
    if let Some(many) = MANY.get() {
        return many;
    }
    &Single
}

/// The threads that this rank may use: its part of the processors that it shares with others. `None` for
/// one process alone.
pub(crate) fn threads() -> anyhow::Result<Option<usize>> {
    #[cfg(feature = "mpi")]
    if let Some(many) = MANY.get() {
        let own = format!("{} {}", many.host(), own_processors()).into_bytes();
        let all = many.all_gather(own.clone())?;
        let sharing = all.iter().filter(|other| **other == own).count();
        return Ok(Some((std::thread::available_parallelism()?.get() / sharing).max(1)));
    }
    Ok(None)
}

/// A line on the ranks for the reader; `None` for one process alone.
pub(crate) fn summary() -> Option<String> {
    let (size, threads) = (world().world_size(), rayon::current_num_threads());
    (size > 1).then(|| format!("ranks:    {size}, {} in this one", count(threads as u64, "thread")))
}

/// The processors that whoever started this process bound it to, as Linux writes them.
#[cfg(feature = "mpi")]
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
    #[cfg(feature = "mpi")]
    if let Some(many) = MANY.get() {
        many.finalize();
    }
}

/// Ends all ranks with this code; returns where there is one alone.
#[cfg_attr(not(feature = "mpi"), expect(unused_variables, reason = "one process ends by itself"))]
pub(crate) fn end_all(code: u8) {
    #[cfg(feature = "mpi")]
    if let Some(many) = MANY.get() {
        many.end_all(code);
    }
}
