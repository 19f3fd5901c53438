//! The connections to the studio: how many there may be, how long each may take to say what it wants, and how long to
//! take what it asked for.

use super::patient::Patient;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Connections that are open at a time; a page has seven at most. Others wait with the system until there is room.
const MAX_CONNECTIONS: usize = 64;

/// How long a connection may take to send the head of a request, from its beginning or from its last answer on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers until the process ends.
pub(super) async fn serve(mut listener: impl Listener<Addr = SocketAddr>, routes: Router) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let (stream, peer) = listener.accept().await;
        let service = TowerToHyperService::new(routes.clone().layer(Extension(ConnectInfo(peer))));
        let connection = builder.serve_connection(TokioIo::new(Patient::new(stream)), service).with_upgrades();
        tokio::spawn(async move {
            // The socket of a page leaves this place; pages are counted for themselves.
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended: {error}");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio::patient;
    use axum::routing::get;
    use std::future::pending;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::sync::mpsc;
    use tokio::time::{Instant, sleep};

    const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

    /// A network of pipes.
    struct Pipes {
        coming: mpsc::UnboundedReceiver<DuplexStream>,
        accepted: Arc<Semaphore>,
    }

    impl Listener for Pipes {
        type Io = DuplexStream;
        type Addr = SocketAddr;

        async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
            match self.coming.recv().await {
                Some(stream) => {
                    self.accepted.add_permits(1);
                    (stream, NOWHERE)
                }
                None => pending().await,
            }
        }

        fn local_addr(&self) -> std::io::Result<SocketAddr> {
            Ok(NOWHERE)
        }
    }

    /// What connects to a studio that says "here", and how many connections that has taken.
    fn studio() -> (impl Fn() -> DuplexStream, Arc<Semaphore>) {
        let (connect, coming) = mpsc::unbounded_channel();
        let accepted = Arc::new(Semaphore::new(0));
        tokio::spawn(serve(Pipes { coming, accepted: accepted.clone() }, Router::new().route("/", get("here"))));
        let connect = move || {
            let (ours, theirs) = duplex(4096);
            assert!(connect.send(theirs).is_ok());
            ours
        };
        (connect, accepted)
    }

    async fn rest(stream: &mut DuplexStream) -> String {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// On a simulated clock: half a request, a byte now and then, and silence after an answer all end at the same time.
    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_has_to_go() -> anyhow::Result<()> {
        let (connect, _) = studio();
        let mut half = connect();
        half.write_all(b"GET / HTTP/1.1\r\nHost: ").await?;
        let began = Instant::now();
        assert!(!rest(&mut half).await.contains("here"));
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
        let mut slow = connect();
        let began = Instant::now();
        while slow.write_all(b"G").await.is_ok() && began.elapsed() < 4 * PATIENCE {
            sleep(Duration::from_millis(900)).await;
        }
        assert!(began.elapsed() < PATIENCE + Duration::from_secs(2), "{:?}", began.elapsed());
        let mut idle = connect();
        let began = Instant::now();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        assert!(rest(&mut idle).await.ends_with("here"));
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
        Ok(())
    }

    /// Who asks on and on and reads no answer would hold its place for good.
    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_has_to_go() -> anyhow::Result<()> {
        let (connect, _) = studio();
        let mut deaf = connect();
        let began = Instant::now();
        while deaf.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok() {}
        assert_eq!(began.elapsed().as_secs(), patient::UNREAD.as_secs());
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn connections_have_a_limit() -> anyhow::Result<()> {
        let (connect, accepted) = studio();
        let crowd: Vec<DuplexStream> = (0..2 * MAX_CONNECTIONS).map(|_| connect()).collect();
        let mut late = connect();
        late.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
        sleep(PATIENCE / 2).await;
        assert_eq!(accepted.available_permits(), MAX_CONNECTIONS);
        let began = Instant::now();
        assert!(rest(&mut late).await.ends_with("here"));
        assert!(began.elapsed() < 2 * PATIENCE, "{:?}", began.elapsed());
        drop(crowd);
        Ok(())
    }
}
