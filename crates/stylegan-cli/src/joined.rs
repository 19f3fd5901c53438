//! What joins the processes of a training, as far as this program was built for it.

use crate::launch::{Joins, Launched};
use std::path::Path;
#[cfg(feature = "nccl")]
use std::time::{Duration, SystemTime};
use stylegan_train::communicator::Communicator;
#[cfg(feature = "mpi")]
use stylegan_train::communicator::Mpi;
#[cfg(feature = "nccl")]
use stylegan_train::communicator::{MeetingFile, Nccl, Place};

/// How long a rank waits for others that are joined by NCCL alone: as long as the longest thing that rank 0 does
/// by itself may take.
#[cfg(feature = "nccl")]
const PATIENCE: Duration = Duration::from_secs(1800);

/// How long before this rank another may have begun, with what their clocks differ by.
#[cfg(feature = "nccl")]
const APART: Duration = Duration::from_secs(60);

/// What joins the ranks.
pub(crate) enum Joined {
    #[cfg(feature = "mpi")]
    Mpi(Mpi),
    #[cfg(feature = "nccl")]
    Nccl(Nccl),
}

/// Joins processes that were started together. The inner error is what is wrong with how they were started, the
/// same on all of them.
pub(crate) fn join_with(
    launched: &Launched,
    folder: Option<&Path>,
    variable: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Result<Joined, String>> {
    #[cfg(feature = "nccl")]
    if launched.joins == Joins::Nccl {
        let Some(folder) = folder else {
            return Ok(Err(format!("{launched}, which meet in the folder of a run; only `train` works this way")));
        };
        return join_by_nccl(launched, folder, variable).map(|nccl| Ok(Joined::Nccl(nccl)));
    }
    #[cfg(not(feature = "nccl"))]
    let _ = (folder, &variable);
    join_by_mpi(launched)
}

#[cfg(feature = "nccl")]
fn join_by_nccl(launched: &Launched, folder: &Path, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Nccl> {
    let told = crate::launch::Torchrun::find(variable);
    let place = Place { rank: launched.rank, ranks: launched.size, gpu: told.gpu };
    let meeting = MeetingFile::new(folder, &told.start, SystemTime::now() - APART);
    let id = if place.rank == 0 {
        crate::destination::make(folder)?;
        meeting.open()?
    } else {
        meeting.find(PATIENCE)?
    };
    let joined = Nccl::join(&id, place, PATIENCE);
    if place.rank == 0 {
        meeting.close();
    }
    Ok(joined?)
}

#[cfg(feature = "mpi")]
fn join_by_mpi(launched: &Launched) -> anyhow::Result<Result<Joined, String>> {
    let mpi = Mpi::start()?;
    let size = mpi.world_size();
    if size == launched.size {
        return Ok(Ok(Joined::Mpi(mpi)));
    }
    let advice = match launched.joins {
        Joins::Mpi => "start them with the mpirun of the library that stylegan was built with, or with srun --mpi=pmix",
        Joins::Nccl => "start them with mpirun, or build stylegan with --features nccl for GPUs",
    };
    Ok(Err(format!("{launched}, but MPI knows of {size}: {advice}")))
}

#[cfg(not(feature = "mpi"))]
fn join_by_mpi(launched: &Launched) -> anyhow::Result<Result<Joined, String>> {
    let how = match launched.joins {
        Joins::Mpi => {
            "install Open MPI and libclang, then build it with `cargo build --release --package stylegan-cli \
                       --features mpi`"
        }
        Joins::Nccl => {
            "build it with `cargo build --release --package stylegan-cli --features nccl` for GPUs, or \
                        start them with mpirun"
        }
    };
    Ok(Err(format!("{launched}, but this stylegan was built for one: {how}")))
}

impl Joined {
    /// All of them.
    pub(crate) fn ranks(&self) -> &dyn Communicator {
        match *self {
            #[cfg(feature = "mpi")]
            Self::Mpi(ref mpi) => mpi,
            #[cfg(feature = "nccl")]
            Self::Nccl(ref nccl) => nccl,
        }
    }

    /// The name of this machine.
    pub(crate) fn host(&self) -> String {
        match *self {
            #[cfg(feature = "mpi")]
            Self::Mpi(ref mpi) => mpi.host().to_owned(),
            #[cfg(feature = "nccl")]
            Self::Nccl(_) => std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default(),
        }
    }

    /// The GPU of this rank, by its number on this machine, where it has joined the others with one.
    pub(crate) fn gpu(&self) -> Option<usize> {
        match *self {
            #[cfg(feature = "mpi")]
            Self::Mpi(_) => None,
            #[cfg(feature = "nccl")]
            Self::Nccl(ref nccl) => Some(nccl.place().gpu),
        }
    }

    /// Leaves the others, as all do now.
    pub(crate) fn leave(&self) {
        match *self {
            #[cfg(feature = "mpi")]
            Self::Mpi(ref mpi) => mpi.finalize(),
            #[cfg(feature = "nccl")]
            Self::Nccl(_) => {}
        }
    }

    /// Ends all with this code; returns where whoever started them does that once this process has ended.
    #[cfg_attr(not(feature = "mpi"), allow(unused_variables, reason = "only MPI ends others"))]
    pub(crate) fn end_all(&self, code: u8) {
        match *self {
            #[cfg(feature = "mpi")]
            Self::Mpi(ref mpi) => mpi.end_all(code),
            #[cfg(feature = "nccl")]
            Self::Nccl(_) => {}
        }
    }
}
