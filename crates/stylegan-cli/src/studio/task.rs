//! What takes several portions to make: whose it is, and by which network.

use super::queue::{Portion, Queue};
use super::wish::{State, Wish};
use std::sync::Arc;

/// Something that a page asked for and one network makes.
pub(super) struct Task {
    page: u64,
    wish: Arc<Wish>,
    /// The number of the network.
    network: u64,
}

impl Task {
    /// What a portion is of, by the open network of this number.
    pub(super) fn of(portion: &Portion, network: u64) -> Self {
        Self { page: portion.page, wish: portion.wish.clone(), network }
    }

    /// What is made.
    pub(super) fn state(&self) -> &State {
        &self.wish.state
    }

    /// Whether a portion goes on with it, by the open network of this number.
    pub(super) fn has(&self, portion: &Portion, network: u64) -> bool {
        self.page == portion.page && Arc::ptr_eq(&self.wish, &portion.wish) && self.is_by(network)
    }

    /// Whether the open network of this number makes it.
    pub(super) fn is_by(&self, network: u64) -> bool {
        self.network == network
    }

    /// Whether its page still wants it.
    pub(super) fn is_wanted(&self, queue: &Queue) -> bool {
        queue.is_wanted(self.page, &self.wish)
    }
}
