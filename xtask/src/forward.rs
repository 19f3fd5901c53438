//! `cargo xtask VERB` for the verbs of `stylegan`.

use crate::cargo::{become_, cargo, root};
use crate::failure::Result;
use std::ffi::OsString;

/// Builds `stylegan` in release and runs it with `args`, in the caller's folder.
///
/// On Unix this process turns into cargo, and cargo turns into `stylegan`: Ctrl-C, SIGTERM and the
/// exit code need no forwarding because there is one process all along.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let mut command = cargo("run");
    command
        .args(["--release", "--package", "stylegan-cli", "--bin", "stylegan", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .arg("--")
        .args(args)
        // Hints then name commands that the reader has.
        .env("STYLEGAN_INVOKED_AS", "cargo xtask");
    become_(&mut command)
}
