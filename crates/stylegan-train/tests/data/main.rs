//! Sets of pictures from outside: what is read, what is refused, and with which words.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod folders;
mod labels;
mod loading;
mod malformed;
mod maps;
mod native;
mod orientation;
mod pictures;
mod preprocessed;
mod zips;
