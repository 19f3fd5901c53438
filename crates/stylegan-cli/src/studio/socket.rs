//! One page's connection: states come in, pictures go out.

use super::frame::{Format, trouble};
use super::queue::Queue;
use super::wish::Request;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often a page is asked whether it is there.
const PULSE: Duration = Duration::from_secs(20);

/// How long a page may say nothing, not even that it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// How long a page may take to read a message.
const PATIENCE: Duration = Duration::from_secs(30);

/// The line to a page.
pub(super) trait Line {
    /// The next message; none after the last.
    fn recv(&mut self) -> impl Future<Output = Option<Result<Message, axum::Error>>> + Send;

    /// Sends a message, which takes as long as the page takes to read.
    fn send(&mut self, message: Message) -> impl Future<Output = Result<(), axum::Error>> + Send;
}

impl Line for WebSocket {
    async fn recv(&mut self) -> Option<Result<Message, axum::Error>> {
        WebSocket::recv(self).await
    }

    async fn send(&mut self, message: Message) -> Result<(), axum::Error> {
        WebSocket::send(self, message).await
    }
}

/// Serves a page until it goes, breaks a rule, or falls silent.
pub(super) async fn serve(mut socket: impl Line, queue: &Queue, format: Format) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::sync::mpsc;

    /// A page that says a word whenever it hears one, reads, or does neither.
    struct Pretended {
        talks: bool,
        reads: bool,
        pings: usize,
        waiting: mpsc::UnboundedReceiver<Message>,
        says: mpsc::UnboundedSender<Message>,
    }

    impl Pretended {
        fn new(talks: bool, reads: bool) -> Self {
            let (says, waiting) = mpsc::unbounded_channel();
            Self { talks, reads, pings: 0, waiting, says }
        }
    }

    impl Line for &mut Pretended {
        async fn recv(&mut self) -> Option<Result<Message, axum::Error>> {
            self.waiting.recv().await.map(Ok)
        }

        async fn send(&mut self, message: Message) -> Result<(), axum::Error> {
            if !self.reads {
                return pending().await;
            }
            if let Message::Ping(bytes) = message {
                self.pings += 1;
                if self.talks {
                    let _ = self.says.send(Message::Pong(bytes));
                }
            }
            Ok(())
        }
    }

    /// On a simulated clock.
    #[tokio::test(start_paused = true)]
    async fn silent_pages_are_closed_and_others_stay() {
        let queue = Queue::default();
        let began = Instant::now();
        let mut silent = Pretended::new(false, true);
        serve(&mut silent, &queue, Format::Rgb).await;
        // At the first pulse after so long a silence; it was asked at once and at each before.
        assert_eq!(began.elapsed().as_secs(), (SILENCE + PULSE).as_secs());
        assert_eq!(silent.pings, 4);
        let mut deaf = Pretended::new(false, false);
        let began = Instant::now();
        serve(&mut deaf, &queue, Format::Rgb).await;
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
        let mut there = Pretended::new(true, true);
        assert!(timeout(60 * SILENCE, serve(&mut there, &queue, Format::Rgb)).await.is_err(), "it was closed");
        assert!(there.pings >= 180, "{} pings in an hour", there.pings);
    }
}
