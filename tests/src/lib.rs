//! Tests that need several crates: golden cases, resume, determinism, malformed files; and the
//! benchmark (`cargo xtask bench`). The tests are in `tests/`, the golden cases in `golden/`.

pub mod golden;
pub mod pickle;

/// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
