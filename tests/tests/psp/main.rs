//! pixel2style2pixel against the original code, see `golden/psp/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cases;
mod encoders;
mod files;
mod losses;
mod ranger;
mod restyle;
mod training;
