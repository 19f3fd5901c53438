//! The `stylegan` command from outside: what is typed, what comes out, and how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod browser;
mod convert;
mod data;
mod destinations;
mod edit;
mod eval;
mod eval_report;
mod first_hour;
mod generate;
mod inspect;
mod interrupts;
mod invert;
mod messages;
mod mix;
mod paint;
mod run_folder;
mod sets;
mod spade;
mod studio;
mod studio_edit;
mod train;
mod transfer;
mod verbs;
mod walk;
