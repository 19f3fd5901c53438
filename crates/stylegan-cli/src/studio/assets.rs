//! The page's files, which are part of the program.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file with its media type.
macro_rules! file {
    ($name:literal, $kind:literal) => {
        ($name, $kind, include_bytes!(concat!("../../assets/studio/", $name)))
    };
}

/// Name, media type and contents of each.
const FILES: [(&str, &str, &[u8]); 22] = [
    file!("index.html", "text/html; charset=utf-8"),
    file!("style.css", "text/css; charset=utf-8"),
    file!("icon.svg", "image/svg+xml"),
    file!("main.js", "text/javascript; charset=utf-8"),
    file!("link.js", "text/javascript; charset=utf-8"),
    file!("ask.js", "text/javascript; charset=utf-8"),
    file!("connection.js", "text/javascript; charset=utf-8"),
    file!("elements.js", "text/javascript; charset=utf-8"),
    file!("look.js", "text/javascript; charset=utf-8"),
    file!("latents.js", "text/javascript; charset=utf-8"),
    file!("pad.js", "text/javascript; charset=utf-8"),
    file!("mix.js", "text/javascript; charset=utf-8"),
    file!("edit.js", "text/javascript; charset=utf-8"),
    file!("sliders.js", "text/javascript; charset=utf-8"),
    file!("paint.js", "text/javascript; charset=utf-8"),
    file!("board.js", "text/javascript; charset=utf-8"),
    file!("rooms.js", "text/javascript; charset=utf-8"),
    file!("library.js", "text/javascript; charset=utf-8"),
    file!("film.js", "text/javascript; charset=utf-8"),
    file!("upload.js", "text/javascript; charset=utf-8"),
    file!("runs.js", "text/javascript; charset=utf-8"),
    file!("chart.js", "text/javascript; charset=utf-8"),
];

/// The file of this name.
pub(super) fn serve(name: &str) -> Response {
    match FILES.iter().find(|(known, _, _)| *known == name) {
        Some(&(_, kind, bytes)) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
