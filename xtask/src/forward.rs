//! `cargo xtask VERB` for the verbs of `stylegan`.

use crate::cargo::{become_, cargo, root};
use crate::failure::Result;
use crate::ranks::Ranks;
use std::ffi::OsString;

/// Builds `stylegan` in release and runs it with `args`, in the caller's folder; as several processes
/// that MPI joins where `ranks` says so.
///
/// On Unix this process turns into cargo, and cargo turns into `stylegan` or `mpirun`: Ctrl-C, SIGTERM
/// and the exit code need no forwarding because there is one process all along.
pub(crate) fn run(args: Vec<OsString>, ranks: Option<&Ranks>) -> Result<()> {
    let mut command = cargo("run");
    command.args(["--release", "--package", "stylegan-cli", "--bin", "stylegan", "--manifest-path"]);
    command.arg(root().join("Cargo.toml"));
    if let Some(ranks) = ranks {
        ranks.apply(&mut command)?;
    }
    // Hints then name commands that the reader has.
    command.arg("--").args(args).env("STYLEGAN_INVOKED_AS", "cargo xtask");
    become_(&mut command)
}
