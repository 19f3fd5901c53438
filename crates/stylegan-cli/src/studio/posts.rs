//! What pages send: pictures, styles, maps and lists of directions, within limits of size, number and time.

use super::answers::{Studio, json, problem};
use super::moves::FOUND;
use super::uploads::{MAX_MAP_SIDE, Uploads};
use crate::exit::sentence;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use image::ExtendedColorType;
use image::ImageEncoder;
use image::codecs::png::PngEncoder;
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::sync::Arc;
use std::time::Duration;
use stylegan_train::data::LabelMap;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The most bytes of a picture, a map file, or a file of directions.
const MAX_FILE: usize = 32 << 20;

/// How long a page may take to send a file.
const PATIENCE: Duration = Duration::from_secs(30);

/// Receives a body and handles it on a thread that may take its time.
async fn receive(
    studio: Arc<Studio>,
    body: Body,
    handle: impl FnOnce(&Uploads, Vec<u8>) -> anyhow::Result<Value> + Send + 'static,
) -> Response {
    let Ok(place) = studio.uploads_at_a_time.clone().try_acquire_owned() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "Other files are just being sent: try again in a moment.");
    };
    receive_at(place, studio, body, MAX_FILE, handle).await
}

/// As [`receive`], of at most so many bytes, at a place that was found.
async fn receive_at(
    place: OwnedSemaphorePermit,
    studio: Arc<Studio>,
    body: Body,
    most: usize,
    handle: impl FnOnce(&Uploads, Vec<u8>) -> anyhow::Result<Value> + Send + 'static,
) -> Response {
    let bytes = match timeout(PATIENCE, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Vec::from(bytes),
        Ok(Err(_)) => {
            return problem(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!("The file did not come whole, or is larger than {} MiB.", most >> 20),
            );
        }
        Err(_) => return problem(StatusCode::REQUEST_TIMEOUT, "The file took too long to come: send it again."),
    };
    let uploads = studio.uploads.clone();
    let handled = move || {
        // The place is taken as long as this lasts, also when whoever asked has gone.
        let _place = place;
        handle(&uploads, bytes)
    };
    match spawn_blocking(handled).await {
        Ok(Ok(answer)) => json(&answer),
        Ok(Err(error)) => problem(StatusCode::BAD_REQUEST, &sentence(&error)),
        Err(_) => problem(StatusCode::BAD_REQUEST, "This file cannot be read."),
    }
}

/// A picture, as a file of any kind that sets may have.
pub(super) async fn picture(Shared(studio): Shared<Arc<Studio>>, body: Body) -> Response {
    receive(studio, body, |uploads, file| Ok(value!({ "id": uploads.add_picture(file)? }))).await
}

/// A file of styles.
pub(super) async fn styles(Shared(studio): Shared<Arc<Studio>>, body: Body) -> Response {
    receive(studio, body, |uploads, file| Ok(value!({ "id": uploads.add_styles(file)? }))).await
}

/// How a list of directions is called.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    name: String,
}

/// A file of directions.
pub(super) async fn directions(
    Shared(studio): Shared<Arc<Studio>>,
    named: Result<Query<Named>, QueryRejection>,
    body: Body,
) -> Response {
    let Some(name) = named.ok().map(|Query(named)| named.name).filter(|name| fits(name)) else {
        return problem(
            StatusCode::BAD_REQUEST,
            "A list of directions has a name of 1 to 60 letters, not sefa or pca.",
        );
    };
    receive(studio, body, move |uploads, file| {
        uploads.add_directions(&name, file)?;
        Ok(value!({ "name": name }))
    })
    .await
}

/// Whether a list of directions may be called so.
fn fits(name: &str) -> bool {
    (1..=60).contains(&name.chars().count()) && !name.chars().any(char::is_control) && !FOUND.contains(&name)
}

/// How large a map is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Size {
    width: usize,
    height: usize,
}

/// A map as it is drawn: a byte for the class of each pixel, row by row.
pub(super) async fn map(
    Shared(studio): Shared<Arc<Studio>>,
    size: Result<Query<Size>, QueryRejection>,
    body: Body,
) -> Response {
    let Ok(Query(Size { width, height })) = size else {
        return problem(StatusCode::BAD_REQUEST, "A map has a width and a height.");
    };
    let room = studio.maps_at_a_time.clone().acquire_owned();
    let Ok(Ok(place)) = timeout(PATIENCE, room).await else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "Other maps are just being sent: try again in a moment.");
    };
    receive_at(place, studio, body, MAX_MAP_SIDE * MAX_MAP_SIDE, move |uploads, classes| {
        Ok(value!({ "id": uploads.add_map(LabelMap { size: [height, width], classes })? }))
    })
    .await
}

/// For which network a map is, and how large it is to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForNetwork {
    network: String,
    width: usize,
    height: usize,
}

/// A map as a PNG file, resized to the network's size.
pub(super) async fn map_file(
    Shared(studio): Shared<Arc<Studio>>,
    of: Result<Query<ForNetwork>, QueryRejection>,
    body: Body,
) -> Response {
    let Ok(Query(ForNetwork { network, width, height })) = of else {
        return problem(StatusCode::BAD_REQUEST, "A map is for a network, and has a width and a height.");
    };
    let sides = 1..=MAX_MAP_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) {
        return problem(StatusCode::BAD_REQUEST, &format!("Maps have 1 to {MAX_MAP_SIDE} pixels a side."));
    }
    let library = studio.library.clone();
    receive(studio, body, move |uploads, file| {
        let table = library.find(&network).map(|entry| entry.classes()).transpose()?.flatten();
        let map = LabelMap::decode_up_to(MAX_MAP_SIDE, &file, table.as_ref())
            .map_err(|problem| anyhow::anyhow!("this map cannot be used: {problem}; {}", problem.remedy()))?;
        let [h, w] = map.size;
        if h * width != w * height {
            anyhow::bail!(
                "the map has {w}x{h} pixels, which is not the shape of the network's pictures, {width}x{height}: crop it, \
                 or make it larger at its sides"
            );
        }
        Ok(value!({ "id": uploads.add_map(map.resized([height, width]))? }))
    })
    .await
}

/// The classes of a map, as they were sent.
pub(super) async fn kept_map(Shared(studio): Shared<Arc<Studio>>, Path(id): Path<String>) -> Response {
    match studio.uploads.map(&id) {
        Ok(map) => ([(header::CONTENT_TYPE, "application/octet-stream")], map.classes.clone()).into_response(),
        Err(error) => problem(StatusCode::NOT_FOUND, &sentence(&error)),
    }
}

/// A map as a PNG file of class numbers, as `stylegan paint` reads it.
pub(super) async fn kept_map_file(Shared(studio): Shared<Arc<Studio>>, Path(id): Path<String>) -> Response {
    let map = match studio.uploads.map(&id) {
        Ok(map) => map,
        Err(error) => return problem(StatusCode::NOT_FOUND, &sentence(&error)),
    };
    let ([h, w], mut file) = (map.size, Vec::new());
    match PngEncoder::new(&mut file).write_image(&map.classes, w as u32, h as u32, ExtendedColorType::L8) {
        Ok(()) => (
            [(header::CONTENT_TYPE, "image/png"), (header::CONTENT_DISPOSITION, "attachment; filename=\"map.png\"")],
            file,
        )
            .into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "The map could not be written."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio::answers::{MAX_PAGES, MAX_UPLOADS};
    use crate::studio::gate::Gate;
    use crate::studio::library::Library;
    use axum::body::Bytes;
    use hyper::body::{Body as Parts, Frame};
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::sync::oneshot;
    use tokio::time::{Instant, sleep};

    /// A body that never comes.
    struct Nothing;

    impl Parts for Nothing {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    fn studio() -> anyhow::Result<Arc<Studio>> {
        let gate = Gate::new(([127, 0, 0, 1], 1).into())?;
        let library = Arc::new(Library::new(None));
        Ok(Arc::new(Studio::new(gate, library, Arc::default(), Arc::default(), Arc::default())))
    }

    /// Whoever sends files and goes would have more of them decoded at a time than there are places.
    #[tokio::test]
    async fn a_file_keeps_its_place_until_it_is_decoded() -> anyhow::Result<()> {
        let studio = studio()?;
        let ((begin, begun), (end, ended)) = (oneshot::channel(), std::sync::mpsc::channel::<()>());
        let handle = move |_: &Uploads, _: Vec<u8>| {
            let _ = begin.send(());
            let _ = ended.recv();
            Ok(Value::Null)
        };
        let request = tokio::spawn(receive(studio.clone(), Body::from("a file"), handle));
        begun.await?;
        request.abort();
        assert!(request.await.is_err());
        assert_eq!(studio.uploads_at_a_time.available_permits(), MAX_UPLOADS - 1);
        drop(end);
        let all = studio.uploads_at_a_time.acquire_many(MAX_UPLOADS as u32);
        assert!(timeout(PATIENCE, all).await.is_ok(), "the place is not given back");
        Ok(())
    }

    /// A stroke would be lost where a map found no place beside files.
    #[tokio::test(start_paused = true)]
    async fn maps_have_places_of_their_own() -> anyhow::Result<()> {
        let studio = studio()?;
        let _files = studio.uploads_at_a_time.acquire_many(MAX_UPLOADS as u32).await?;
        let send = |body: Body| map(Shared(studio.clone()), Ok(Query(Size { width: 2, height: 1 })), body);
        assert_eq!(send(Body::from("ab")).await.status(), StatusCode::OK);
        let slow: Vec<_> = (0..MAX_PAGES).map(|_| tokio::spawn(send(Body::new(Nothing)))).collect();
        // Another waits until one of them is given up.
        sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        assert_eq!(send(Body::from("ab")).await.status(), StatusCode::OK);
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs() - 1);
        for request in slow {
            assert_eq!(request.await?.status(), StatusCode::REQUEST_TIMEOUT);
        }
        Ok(())
    }

    /// On a simulated clock: two senders that send nothing hold their places for so long, and no others get one.
    #[tokio::test(start_paused = true)]
    async fn a_file_that_does_not_come_is_given_up() -> anyhow::Result<()> {
        let studio = studio()?;
        let take = |body: Body| receive(studio.clone(), body, |_, bytes| Ok(value!(bytes.len())));
        let began = Instant::now();
        let (first, second, third) =
            tokio::join!(take(Body::new(Nothing)), take(Body::new(Nothing)), take(Body::from("a file")));
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
        assert_eq!((first.status(), second.status()), (StatusCode::REQUEST_TIMEOUT, StatusCode::REQUEST_TIMEOUT));
        assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(take(Body::from("a file")).await.status(), StatusCode::OK);
        Ok(())
    }
}
