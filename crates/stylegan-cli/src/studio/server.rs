//! The studio's answers: the page, its files, its socket, pictures to download, and what runs have to say.

use super::answers::{MAX_PAGES, Studio, json, problem};
use super::frame::Format;
use super::gate::Refusal;
use super::kinds::Kind;
use super::library::Entry;
use super::moves::Move;
use super::order::{Order, Wanted};
use super::posts;
use super::scene::Scene;
use super::wish::{Look, MAX_BYTES, State};
use super::{assets, connections, runs, socket};
use crate::invocation::program;
use crate::status::say;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Path, Query, Request, State as Shared};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a download may take to be computed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What every answer says: nothing from elsewhere runs in our pages, and they run in no one else's.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Answers until the process ends.
pub(super) async fn serve(listener: TcpListener, studio: Arc<Studio>) {
    let routes = Router::new()
        .route("/", get(async || assets::serve("index.html")))
        .route("/assets/{name}", get(async |Path(name): Path<String>| assets::serve(&name)))
        .route("/door", get(door))
        .route("/socket", get(page))
        .route("/picture", get(picture))
        .route("/styles", get(styles).post(posts::styles))
        .route("/films", get(film))
        .route("/directions", get(directions).post(posts::directions))
        .route("/pictures", post(posts::picture))
        .route("/maps", post(posts::map))
        .route("/map-files", post(posts::map_file))
        .route("/maps/{id}", get(posts::kept_map))
        .route("/maps/{id}/file", get(posts::kept_map_file))
        .route("/library", get(library))
        .route("/runs/{run}", get(run))
        .route("/runs/{run}/stats", get(stats))
        .route("/runs/{run}/pictures/{name}", get(run_picture))
        .route("/runs/{run}/pictures/{name}/file", get(run_picture_file))
        .layer(from_fn_with_state(studio.clone(), guard))
        .with_state(studio);
    // Frames leave as they are made: waiting for more to send with them would cost a delay that is felt.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection waits before it sends: {error}");
        }
    });
    connections::serve(listener, routes).await;
}

/// The token of a link.
#[derive(Deserialize)]
struct Link {
    token: String,
}

/// Stands before every answer.
async fn guard(Shared(studio): Shared<Arc<Studio>>, request: Request, next: Next) -> Response {
    let link = Query::<Link>::try_from_uri(request.uri()).ok().filter(|_| request.uri().path() == "/");
    let mut response = match studio.gate.check_origin(request.headers()) {
        Err(refusal) => refused(refusal),
        Ok(()) => match link.and_then(|Query(link)| studio.gate.exchange(&link.token)) {
            Some(cookie) => {
                // Another browser, or another person, needs another one.
                if let Ok(link) = studio.gate.link() {
                    say(&format!("opened; for another browser: {link}"));
                }
                (StatusCode::SEE_OTHER, [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie)])
                    .into_response()
            }
            None => match studio.gate.check_cookie(request.headers()) {
                Err(refusal) => refused(refusal),
                Ok(()) => next.run(request).await,
            },
        },
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whoever is turned away goes: asking on and on costs it a connection each.
fn refused(refusal: Refusal) -> Response {
    let (status, sentence) = refusal.answer();
    ([(header::CONNECTION, "close")], problem(status, sentence)).into_response()
}

/// Whether a page may come in: a socket that is turned away does not tell its page why.
async fn door(Shared(studio): Shared<Arc<Studio>>) -> Response {
    match studio.pages.available_permits() {
        0 => full(),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

fn full() -> Response {
    let sentence = format!("{MAX_PAGES} pages of the studio are open, which is the most: close one.");
    problem(StatusCode::SERVICE_UNAVAILABLE, &sentence)
}

/// A page's connection.
async fn page(
    Shared(studio): Shared<Arc<Studio>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(place) = studio.pages.clone().try_acquire_owned() else { return full() };
    let upgrade = upgrade.max_message_size(MAX_BYTES).max_frame_size(MAX_BYTES);
    upgrade.on_upgrade(async move |socket| {
        let _place = place;
        socket::serve(socket, &studio.queue, Format::for_page(peer.ip())).await;
    })
}

/// A link to a picture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PictureLink {
    state: String,
    cell: Option<usize>,
}

/// A picture as a PNG file that says where it comes from.
async fn picture(Shared(studio): Shared<Arc<Studio>>, link: Result<Query<PictureLink>, QueryRejection>) -> Response {
    let Ok(Query(link)) = link else {
        return problem(StatusCode::BAD_REQUEST, "A picture's link has a state, and perhaps the number of a cell.");
    };
    let state = match State::parse(&link.state) {
        Ok(state) => state,
        Err(sentence) => return problem(StatusCode::BAD_REQUEST, &sentence),
    };
    order(&studio, Wanted::Picture(state, link.cell)).await
}

/// The styles of a picture, or the moved ones of an edit, as a file.
async fn styles(Shared(studio): Shared<Arc<Studio>>, link: Result<Query<StateLink>, QueryRejection>) -> Response {
    match stated(link) {
        Ok(state) => order(&studio, Wanted::Styles(state)).await,
        Err(sentence) => problem(StatusCode::BAD_REQUEST, &sentence),
    }
}

/// A film that was made on the socket.
async fn film(Shared(studio): Shared<Arc<Studio>>, link: Result<Query<StateLink>, QueryRejection>) -> Response {
    let state = match stated(link) {
        Ok(state) => state,
        Err(sentence) => return problem(StatusCode::BAD_REQUEST, &sentence),
    };
    let Some(film) = studio.films.find(&state) else {
        return problem(StatusCode::NOT_FOUND, "The studio has no such film (any more): make it again.");
    };
    let name = if matches!(state, State::Film { scene: Scene::Walk { .. }, .. }) { "walk.gif" } else { "edit.gif" };
    attachment(name, "image/gif", film)
}

/// A file to keep.
fn attachment(name: &str, kind: &'static str, contents: impl Into<Bytes>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], contents.into())
        .into_response()
}

/// A link to what a state holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateLink {
    state: String,
}

/// The state of a link, or what is wrong with it.
fn stated(link: Result<Query<StateLink>, QueryRejection>) -> Result<State, String> {
    let Ok(Query(link)) = link else { return Err("This link has no state.".into()) };
    State::parse(&link.state)
}

/// Which directions are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    look: Look,
    of: Move,
}

/// A link to a list of directions; without `list` their names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListLink {
    list: Option<String>,
}

/// The directions of a kind, which are found in the network if need be.
async fn directions(Shared(studio): Shared<Arc<Studio>>, link: Result<Query<ListLink>, QueryRejection>) -> Response {
    let Ok(Query(ListLink { list })) = link else {
        return problem(StatusCode::BAD_REQUEST, "A link to directions says which list is wanted.");
    };
    let Some(list) = list else { return json(&studio.uploads.lists().into()) };
    match serde_json::from_str(&list) {
        Ok(Listed { look, of }) => order(&studio, Wanted::Directions(look, of)).await,
        Err(error) => problem(StatusCode::BAD_REQUEST, &format!("this is no list of directions: {error}")),
    }
}

/// Has a file made, and sends it.
async fn order(studio: &Studio, what: Wanted) -> Response {
    let (reply, made) = oneshot::channel();
    if !studio.queue.order(Order::new(what, reply)) {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "Too many pictures wait to be downloaded: try again soon.");
    }
    let file = match timeout(PATIENCE, made).await {
        Ok(Ok(Ok(file))) => file,
        Ok(Ok(Err(sentence))) => return problem(StatusCode::BAD_REQUEST, &sentence),
        _ => return problem(StatusCode::SERVICE_UNAVAILABLE, "The picture could not be computed in time."),
    };
    attachment(&file.name, file.kind, file.bytes)
}

/// All networks and runs, and what their commands begin with here.
async fn library(Shared(studio): Shared<Arc<Studio>>) -> Response {
    let entry = |(name, entry): (String, Entry)| {
        let mut value = if entry.is_run { runs::summary(&entry.path) } else { serde_json::json!({}) };
        let kind = studio.library.kind(&entry);
        value["name"] = name.into();
        value["run"] = entry.is_run.into();
        value["network"] = (entry.has_network && kind != Some(Kind::Nothing)).into();
        value["of"] = kind.map(Kind::as_str).into();
        value["given"] = entry.given.into();
        value
    };
    let entries: Vec<_> = studio.library.entries().into_iter().map(entry).collect();
    json(&serde_json::json!({ "program": program(), "entries": entries }))
}

async fn run(Shared(studio): Shared<Arc<Studio>>, Path(name): Path<String>) -> Response {
    match find_run(&studio, &name) {
        Some(entry) => json(&runs::details(&entry.path)),
        None => no_run(),
    }
}

/// From which byte statistics are wanted.
#[derive(Deserialize)]
struct From {
    from: u64,
}

async fn stats(Shared(studio): Shared<Arc<Studio>>, Path(name): Path<String>, Query(from): Query<From>) -> Response {
    match find_run(&studio, &name) {
        Some(entry) => json(&runs::stats(&entry.path, from.from)),
        None => no_run(),
    }
}

async fn run_picture(Shared(studio): Shared<Arc<Studio>>, Path((run, name)): Path<(String, String)>) -> Response {
    match find_run(&studio, &run).and_then(|entry| runs::picture(&entry.path, &name)) {
        Some(bytes) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
        None => problem(StatusCode::NOT_FOUND, "This run has no such picture (any more)."),
    }
}

/// A run's grid to keep.
async fn run_picture_file(Shared(studio): Shared<Arc<Studio>>, Path((run, name)): Path<(String, String)>) -> Response {
    let Some(entry) = find_run(&studio, &run) else { return no_run() };
    let plain =
        |text: String| text.replace(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter), "-");
    let made = spawn_blocking(move || Some((plain(format!("{run}-{name}")), runs::grid_file(&entry.path, &name)?)));
    match made.await {
        Ok(Some((name, file))) => attachment(&name, "image/png", file),
        _ => problem(StatusCode::NOT_FOUND, "This run has no such picture (any more)."),
    }
}

fn find_run(studio: &Studio, name: &str) -> Option<Entry> {
    studio.library.find(name).filter(|entry| entry.is_run)
}

fn no_run() -> Response {
    problem(StatusCode::NOT_FOUND, "There is no such run (any more).")
}
