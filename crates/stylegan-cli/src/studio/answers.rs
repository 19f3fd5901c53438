//! What all requests share, and the plain answers to them.

use super::gate::Gate;
use super::library::Library;
use super::queue::Queue;
use super::uploads::Uploads;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::sync::Semaphore;

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
    /// Room for files that are being sent.
    pub(super) uploads_at_a_time: Arc<Semaphore>,
    /// Room for pages.
    pub(super) pages: Arc<Semaphore>,
}

/// A sentence in place of what was asked for.
pub(super) fn problem(status: StatusCode, sentence: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{sentence}\n")).into_response()
}

/// A value as JSON.
pub(super) fn json(value: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
