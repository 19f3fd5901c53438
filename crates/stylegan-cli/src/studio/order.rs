//! A file that is to be made for a download.

use super::moves::Move;
use super::wish::{Look, State};
use image::RgbImage;
use tokio::sync::oneshot;

/// A file to make for a download.
pub(super) struct Order {
    /// What it is to hold.
    pub(super) what: Wanted,
    /// Where the file, or a sentence, goes.
    pub(super) reply: oneshot::Sender<Result<MadeFile, String>>,
    /// Its pictures so far, where it takes many, and the number of the network that made them.
    pub(super) so_far: (u64, Vec<RgbImage>),
}

impl Order {
    /// One that nothing is made of yet.
    pub(super) fn new(what: Wanted, reply: oneshot::Sender<Result<MadeFile, String>>) -> Self {
        Self { what, reply, so_far: (0, vec![]) }
    }
}

/// What a file is to hold.
pub(super) enum Wanted {
    /// A picture of a state: one of its pictures, or all of it.
    Picture(State, Option<usize>),
    /// The styles of a picture, or the moved ones of an edit.
    Styles(State),
    /// What directions there are of a kind, and what is known of them.
    Directions(Look, Move),
}

impl Wanted {
    /// The name of the network that makes it.
    pub(super) fn network(&self) -> &str {
        match self {
            Self::Picture(state, _) | Self::Styles(state) => state.network(),
            Self::Directions(look, _) => &look.network,
        }
    }
}

/// A file as it is sent.
pub(super) struct MadeFile {
    /// Its name.
    pub(super) name: String,
    /// Its media type.
    pub(super) kind: &'static str,
    /// Its contents.
    pub(super) bytes: Vec<u8>,
}
