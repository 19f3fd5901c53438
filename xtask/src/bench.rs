//! `cargo xtask bench`.

use crate::cargo::{become_, cargo, root};
use crate::failure::Result;
use std::ffi::OsString;

/// Builds the benchmarks of the workspace in release and runs them with `args`.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let mut command = cargo("bench");
    command
        .args(["--package", "stylegan-tests", "--bench", "engine", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .arg("--")
        .args(args);
    become_(&mut command)
}
