//! What all requests share, and the plain answers to them.

use super::films::Films;
use super::gate::Gate;
use super::library::Library;
use super::queue::Queue;
use super::uploads::Uploads;
use crate::invocation::as_typed;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pages that may be open at a time.
pub(super) const MAX_PAGES: usize = 4;

/// Files that may be sent at a time.
pub(super) const MAX_UPLOADS: usize = 2;

/// What all requests share.
pub(super) struct Studio {
    /// Who may come in.
    pub(super) gate: Gate,
    /// What there is.
    pub(super) library: Arc<Library>,
    /// What is to be computed.
    pub(super) queue: Arc<Queue>,
    /// What pages have sent.
    pub(super) uploads: Arc<Uploads>,
    /// The films that were made.
    pub(super) films: Arc<Films>,
    /// Room for files that are being sent.
    pub(super) uploads_at_a_time: Arc<Semaphore>,
    /// Room for maps that are drawn: one for each page, so that none waits for a file or for another's.
    pub(super) maps_at_a_time: Arc<Semaphore>,
    /// Room for pages.
    pub(super) pages: Arc<Semaphore>,
}

impl Studio {
    /// One that nobody has come to yet.
    pub(super) fn new(
        gate: Gate,
        library: Arc<Library>,
        queue: Arc<Queue>,
        uploads: Arc<Uploads>,
        films: Arc<Films>,
    ) -> Self {
        let room = |places| Arc::new(Semaphore::new(places));
        let (uploads_at_a_time, maps_at_a_time, pages) = (room(MAX_UPLOADS), room(MAX_PAGES), room(MAX_PAGES));
        Self { gate, library, queue, uploads, films, uploads_at_a_time, maps_at_a_time, pages }
    }
}

/// A sentence in place of what was asked for.
pub(super) fn problem(status: StatusCode, sentence: &str) -> Response {
    let sentence = format!("{}\n", as_typed(sentence));
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], sentence).into_response()
}

/// A value as JSON.
pub(super) fn json(value: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
