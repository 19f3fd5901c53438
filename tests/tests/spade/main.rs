//! SPADE and pix2pixHD against the original code, see `golden/spade/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cases;
mod files;
mod losses;
mod networks;
mod preprocess;
mod sizes;
mod training;
mod vgg;
