//! The `stylegan` command from outside: what is typed, what comes out, and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod convert;
mod data;
mod eval;
mod eval_report;
mod generate;
mod inspect;
mod mix;
mod train;
mod walk;
