//! `cargo xtask ci` and `cargo xtask test`.

use crate::cargo::{cargo, root, wait};
use crate::failure::{Failure, Result};
use crate::ranks::{has_libclang, is_there};
use crate::say::say;
use crate::{cuda, tidy};
use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;

/// Runs every check that a change must pass, quickest first, and stops at the first that fails.
///
/// Dependencies are compiled once for the tests and checked once (metadata only) for clippy, whose
/// results the documentation reuses; the dev profile is used throughout, so nothing is built twice
/// for optimisation's sake.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    if !args.is_empty() {
        return Err(Failure::wrong("`ci` takes no arguments; `cargo xtask test ARGUMENTS` runs a part of the tests"));
    }
    let start = Instant::now();
    step("tidy", || tidy::run(&[]))?;
    step("format", || wait(at_root(cargo("fmt")).args(["--all", "--check"])))?;
    step("clippy", || {
        wait(at_root(cargo("clippy")).args(["--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    })?;
    step("clippy, with ranks", || {
        let clippy = ["--workspace", "--all-targets", "--locked", "--features", ranks(), "--", "-D", "warnings"];
        wait(at_root(cargo("clippy")).args(clippy))
    })?;
    step("cuda, as far as types", || cuda::run(&["--check".into()]))?;
    step("documentation", || {
        let mut doc = cargo("doc");
        doc.env("RUSTDOCFLAGS", "-D warnings");
        wait(at_root(doc).args(["--workspace", "--no-deps", "--locked"]))
    })?;
    step("tests", || test(&["--locked".into()]))?;
    if has("deny") {
        step("licences and sources of dependencies", || {
            wait(at_root(cargo("deny")).args(["--offline", "check", "licenses", "bans", "sources"]))
        })?;
    } else {
        say("ci: NOT RUN: licences and sources of dependencies, as cargo-deny is not installed");
    }
    say(&format!("ci: all good in {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// Runs all tests: unit, integration, examples that must compile, and doctests.
pub(crate) fn test(args: &[OsString]) -> Result<()> {
    // `-p` narrows the choice; cargo would ignore it beside `--workspace`.
    let narrowed = args.iter().any(|arg| arg == "-p" || arg == "--package");
    if !narrowed && !has_mpi() {
        say("test: NOT RUN: training on several processes (mpi), as mpicc, mpirun or libclang is not installed");
    }
    if !narrowed && !is_there("c++") {
        say("test: NOT RUN: CUDA kernels in the emulator, as no C++ compiler (c++) is installed");
    }
    if !narrowed && !has_onnx_runtime() {
        say(
            "test: NOT RUN: exported networks in ONNX Runtime, as Python (STYLEGAN_PYTHON, else python3) has no onnxruntime",
        );
    }
    // One build for all tests.
    let all = ["--workspace", "--features", ranks()];
    wait(at_root(cargo("test")).args(all.iter().filter(|_| !narrowed)).args(args))
}

/// The features of training on several processes that can be built here: NCCL's needs nothing.
fn ranks() -> &'static str {
    if has_mpi() { "stylegan-cli/mpi,stylegan-cli/nccl" } else { "stylegan-cli/nccl" }
}

/// Whether the feature `mpi` can be built and tested here.
fn has_mpi() -> bool {
    is_there("mpicc") && is_there("mpirun") && has_libclang()
}

/// Whether the tests find a Python with ONNX Runtime.
#[allow(clippy::disallowed_methods, reason = "the tests read it as well")]
fn has_onnx_runtime() -> bool {
    let python = std::env::var_os("STYLEGAN_PYTHON").unwrap_or_else(|| "python3".into());
    let found = Command::new(python).args(["-c", "import numpy, onnxruntime"]).output();
    found.is_ok_and(|output| output.status.success())
}

fn step(name: &str, f: impl FnOnce() -> Result<()>) -> Result<()> {
    say(&format!("ci: {name}"));
    let start = Instant::now();
    let result = f();
    let verdict = if result.is_ok() { "passed" } else { "FAILED" };
    say(&format!("ci: {name}: {verdict} after {:.0} s", start.elapsed().as_secs_f64()));
    result
}

/// The command with its folder set to the root of the workspace.
fn at_root(mut command: Command) -> Command {
    command.current_dir(root());
    command
}

/// Whether the sub-command of cargo is installed; those that are no part of Rust are optional.
fn has(subcommand: &str) -> bool {
    cargo(subcommand).arg("--version").output().is_ok_and(|output| output.status.success())
}
