//! One page's connection: states come in, pictures go out.

use super::frame::{Format, trouble};
use super::queue::Queue;
use super::wish::Request;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often a page is asked whether it is there.
const PULSE: Duration = Duration::from_secs(20);

/// How long a page may say nothing, not even that it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// How long a page may take to read a message.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves a page until it goes, breaks a rule, or falls silent.
pub(super) async fn serve(mut socket: WebSocket, queue: &Queue, format: Format) {
    let (page, mut messages) = queue.open(format);
    // Whatever ends this, the page's place in the queue goes with it.
    let _closing = Closing { queue, page };
    let mut heard = Instant::now();
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let answer = tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    heard = Instant::now();
                    match Request::parse(&text) {
                        Ok(Request::Wish(wish)) => {
                            queue.put(page, wish);
                            continue;
                        }
                        Ok(Request::Stop(view)) => {
                            queue.stop(page, view);
                            continue;
                        }
                        Err(sentence) => trouble(None, &sentence),
                    }
                }
                Some(Ok(Message::Binary(_))) => {
                    let reason = "pages send text alone".into();
                    let _ = timeout(PATIENCE, socket.send(Message::Close(Some(CloseFrame { code: close_code::UNSUPPORTED, reason })))).await;
                    return;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    heard = Instant::now();
                    continue;
                }
                // Gone, or a message beyond the limits.
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            Some(message) = messages.recv() => {
                queue.room();
                message
            }
            _ = pulse.tick() => {
                if heard.elapsed() > SILENCE {
                    return;
                }
                Message::Ping(Default::default())
            }
        };
        if !matches!(timeout(PATIENCE, socket.send(answer)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Takes the page out of the queue when it is dropped.
struct Closing<'a> {
    queue: &'a Queue,
    page: u64,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.queue.close(self.page);
    }
}
