//! Connections: how many, how slow their requests may be, and how they end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Router, middleware};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::api::PeerAddress;
use super::client::{Client, Clients, take_turns};

/// At most so many at once, and no more than a quarter of the files that this process may open: the database needs some as well.
/// For further ones, clients that keep us waiting are dismissed.
const CONNECTIONS_MAX: u64 = 1_024;
const CONNECTIONS_MIN: u64 = 8;
const DISMISS_EVERY: Duration = Duration::from_millis(100);
/// A client that has not sent the whole head of a request by then is disconnected, also one that keeps its connection idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest head, in bytes.
const HEAD_MAX: usize = 64 * 1024;
/// After so long a connection takes no further request; the one that it is at is answered.
const CONNECTION_MAX: Duration = Duration::from_secs(60 * 60);
/// From then on, whoever has taken nothing for so long is cut off: who reads no answer cannot hold a connection for ever.
const STALLED_MAX: Duration = Duration::from_secs(15 * 60);
/// How long answers have to end once a stop was asked for.
const STOP_PATIENCE: Duration = Duration::from_secs(8);
/// Out of file descriptors: others may be freed meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// That connections cannot be accepted is logged no more often than this.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Accepts until `stop`. Returns when the last answer has ended, or its time is up.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(connections_max(getrlimit(Resource::Nofile).current)));
    let connections = TaskTracker::new();
    let mut clients = Clients::default();
    let mut logged_at: Option<Instant> = None;
    while let Some(Some(permit)) = stop.run_until_cancelled(room(&permits, &mut clients)).await {
        match stop.run_until_cancelled(listener.accept()).await {
            None => break,
            Some(Err(error)) => {
                if logged_at.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
                    logged_at = Some(Instant::now());
                    tracing::warn!(%error, "connections cannot be accepted");
                }
                sleep(ACCEPT_PAUSE).await;
            }
            Some(Ok((stream, peer))) => {
                let connection = answer(stream, (PeerAddress(peer), clients.add()), router.clone(), stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
        }
    }
    drop(listener);
    connections.close();
    if timeout(STOP_PATIENCE, connections.wait()).await.is_err() {
        tracing::warn!("some requests were not answered before the stop");
    }
}

/// Room for one more connection.
async fn room(permits: &Arc<Semaphore>, clients: &mut Clients) -> Option<OwnedSemaphorePermit> {
    loop {
        match timeout(DISMISS_EVERY, Arc::clone(permits).acquire_owned()).await {
            Ok(permit) => return permit.ok(),
            Err(_) => clients.dismiss_late(),
        }
    }
}

/// How many may watch streams at once: half of all connections.
pub(super) fn viewers_max() -> usize {
    connections_max(getrlimit(Resource::Nofile).current) / 2
}

/// By how many files this process may open; `None`: any number.
fn connections_max(files: Option<u64>) -> usize {
    let max = files.map_or(CONNECTIONS_MAX, |files| (files / 4).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX));
    usize::try_from(max).unwrap_or(usize::MAX)
}

/// Answers the requests of one connection; after `stop`, and once it is old, the one that it is at.
async fn answer(
    stream: TcpStream,
    (peer, client): (PeerAddress, Arc<Client>),
    router: Router,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let router = router.layer(middleware::from_fn_with_state(Arc::clone(&client), take_turns));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_MAX);
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        service.call(request)
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = client.dismissed() => return tracing::debug!("a slow client made room"),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = sleep(CONNECTION_MAX) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = client.dismissed() => return tracing::debug!("a slow client made room"),
                () = client.stalled(STALLED_MAX) => return tracing::debug!("a client that reads nothing was cut off"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

#[cfg(test)]
mod tests {
    use super::connections_max;

    #[test]
    fn connections_leave_most_of_the_files_to_the_database_and_the_rest() {
        assert_eq!(connections_max(Some(1_024)), 256);
        assert_eq!(connections_max(Some(65_536)), 1_024);
        assert_eq!(connections_max(Some(10)), 8);
        assert_eq!(connections_max(None), 1_024);
    }
}
