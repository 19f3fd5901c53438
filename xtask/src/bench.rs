//! `cargo xtask bench`.

use crate::cargo::{become_, cargo, root};
use crate::failure::Result;
use crate::say::print;
use std::ffi::OsString;

/// What the benchmarks say of their options.
const HELP: &str = include_str!("../../tests/benches/engine/help.txt");

/// Builds the benchmarks of the workspace in release and runs them with `args`.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print(HELP);
        return Ok(());
    }
    let mut command = cargo("bench");
    command
        .args(["--package", "stylegan-tests", "--bench", "engine", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .arg("--")
        .args(args);
    become_(&mut command)
}
