//! Whose turn it is on a connection: where it is the client's, and there is no room for others, the connection is closed.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// A request that is honest is here by then, as a rule; its sender tries again.
const GRACE: Duration = Duration::from_secs(1);

/// The client of one connection.
pub(super) struct Client {
    turn: Mutex<ConnectionTurn>,
    dismissed: CancellationToken,
}

#[derive(Clone, Copy)]
struct ConnectionTurn {
    /// Since when we wait for a request of theirs, or for the rest of one.
    awaited_since: Option<Instant>,
    /// When they last sent something, or took a part of a stream.
    moved_at: Instant,
}

impl Client {
    /// It is the client's turn.
    pub(super) fn await_request(&self) {
        self.set(Some(Instant::now()));
    }

    /// A request is here whole: the turn is ours.
    pub(super) fn has_sent(&self) {
        self.set(None);
    }

    fn set(&self, since: Option<Instant>) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) =
            ConnectionTurn { awaited_since: since, moved_at: Instant::now() };
    }

    fn turn(&self) -> ConnectionTurn {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves once nothing has moved for so long.
    pub(super) async fn stalled(&self, max: Duration) {
        while let Some(left) = max.checked_sub(self.turn().moved_at.elapsed()).filter(|left| !left.is_zero()) {
            sleep(left).await;
        }
    }

    /// Resolves when others need the room.
    pub(super) async fn dismissed(&self) {
        self.dismissed.cancelled().await;
    }

    /// It is their turn, and has been for a while.
    pub(super) fn is_late(&self) -> bool {
        self.turn().awaited_since.is_some_and(|since| since.elapsed() >= GRACE)
    }
}

/// The clients of all connections.
#[derive(Default)]
pub(super) struct Clients(Vec<Weak<Client>>);

impl Clients {
    pub(super) fn add(&mut self) -> Arc<Client> {
        if self.0.len() == self.0.capacity() {
            self.0.retain(|client| client.strong_count() > 0);
        }
        let now = Instant::now();
        let turn = Mutex::new(ConnectionTurn { awaited_since: Some(now), moved_at: now });
        let client = Arc::new(Client { turn, dismissed: CancellationToken::new() });
        self.0.push(Arc::downgrade(&client));
        client
    }

    /// Closes the connections of those that have kept us waiting.
    pub(super) fn dismiss_late(&mut self) {
        self.0.retain(|client| client.strong_count() > 0);
        for client in self.0.iter().filter_map(Weak::upgrade).filter(|client| client.is_late()) {
            client.dismissed.cancel();
        }
    }
}

/// While a stream lasts it is never the client's turn: one that reads is not dismissed to make room.
pub(super) struct StreamTurn(Option<Arc<Client>>);

impl StreamTurn {
    pub(super) const fn of(client: Option<Arc<Client>>) -> Self {
        Self(client)
    }

    pub(super) fn streams(&self) {
        if let Some(client) = &self.0 {
            client.has_sent();
        }
    }
}

impl Drop for StreamTurn {
    fn drop(&mut self) {
        if let Some(client) = &self.0 {
            client.await_request();
        }
    }
}

/// Follows the turns of a connection from request to request.
pub(super) async fn take_turns(State(client): State<Arc<Client>>, mut request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        client.has_sent();
    }
    request.extensions_mut().insert(Arc::clone(&client));
    let response = next.run(request).await;
    client.await_request();
    response
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_on_reading_has_not_stalled_however_long_it_takes() {
        let client = Clients::default().add();
        let (max, step) = (Duration::from_secs(10), Duration::from_secs(8));
        let stream = StreamTurn::of(Some(Arc::clone(&client)));

        for _ in 0..5 {
            stream.streams();
            advance(step).await;
            assert!(timeout(Duration::from_secs(1), client.stalled(max)).await.is_err());
        }

        assert!(timeout(Duration::from_secs(3), client.stalled(max)).await.is_ok());
    }
}
