//! `cargo xtask VERB` for the verbs of `stylegan`.

use crate::cargo::become_;
use crate::failure::Result;
use crate::program::from_sources;
use crate::ranks::Ranks;
use std::ffi::OsString;

/// Builds `stylegan` in release and runs it with `args`, in the caller's folder; as several processes
/// that MPI joins where `ranks` says so.
///
/// On Unix this process turns into cargo, and cargo turns into `stylegan` or `mpirun`: Ctrl-C, SIGTERM
/// and the exit code need no forwarding because there is one process all along.
pub(crate) fn run(args: Vec<OsString>, ranks: Option<&Ranks>) -> Result<()> {
    let mut command = from_sources();
    if let Some(ranks) = ranks {
        ranks.apply(&mut command)?;
    }
    // Hints then name commands that the reader has.
    command.arg("--").args(args).env("STYLEGAN_INVOKED_AS", "cargo xtask");
    become_(&mut command)
}
