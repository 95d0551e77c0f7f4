//! Long bodies: kept in a file without a name until they are whole, so that neither memory nor a transaction is held by a slow
//! client, and read from there.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::super::body::{BodyBudget, declared, drain};
use super::super::client::Client;
use super::super::problem::Problem;

/// The longest body: a million people in 256 bytes each.
const UPLOAD_MAX: u64 = 256 * 1024 * 1024;
/// The longest array of people: longer lists come as CSV, or one a line.
const ARRAY_MAX: u64 = 25 * 1024 * 1024;
/// A body that comes more slowly than this after the first seconds is given up, in bytes a second.
const RATE_MIN: u64 = 16 * 1024;
const RATE_FROM: Duration = Duration::from_secs(10);

/// How long a body may be, and what else would do.
#[derive(Debug, Clone, Copy)]
pub(super) struct UploadMax {
    bytes: u64,
    what: &'static str,
    mend: &'static str,
}

impl UploadMax {
    /// One person a line.
    pub(super) const LIST: Self = Self { bytes: UPLOAD_MAX, what: "a list", mend: "send it in parts" };
    /// One value, which is held in memory.
    pub(super) const ARRAY: Self =
        Self { bytes: ARRAY_MAX, what: "an array", mend: "send one person a line as application/x-ndjson" };

    fn problem(self) -> Problem {
        let Self { bytes, what, mend } = self;
        let detail = format!("{what} has at most {bytes} bytes: {mend}");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", detail)
    }
}

/// A body that is here.
pub(super) struct Upload {
    pub file: File,
    pub sha256: [u8; 32],
}

/// Reads a body of at most `max` bytes to its end.
pub(super) async fn receive(budget: &BodyBudget, parts: &Parts, body: Body, max: UploadMax) -> Result<Upload, Problem> {
    if declared(parts).is_some_and(|length| length > max.bytes) {
        drain(budget, body);
        return Err(max.problem());
    }
    let began = Instant::now();
    let mut file = blocking(anonymous).await?;
    let mut stream = body.into_data_stream();
    let (mut hash, mut length) = (Sha256::new(), 0_u64);
    loop {
        let patience = RATE_FROM + Duration::from_secs(length / RATE_MIN);
        let chunk = match timeout_at(began + patience, stream.next()).await {
            Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body comes too slowly")),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Problem::new(StatusCode::BAD_REQUEST, "broken", "the body ended early")),
            Ok(Some(Ok(chunk))) => chunk,
        };
        length += chunk.len() as u64;
        if length > max.bytes {
            drain(budget, Body::from_stream(stream));
            return Err(max.problem());
        }
        hash.update(&chunk);
        file = append(file, chunk).await?;
    }
    // What follows may take a while, and keeps nobody waiting but us.
    if let Some(client) = parts.extensions.get::<Arc<Client>>() {
        client.has_sent();
    }
    file = blocking(move || file.rewind().map(|()| file)).await?;
    Ok(Upload { file, sha256: hash.finalize().into() })
}

async fn append(mut file: File, chunk: Bytes) -> Result<File, Problem> {
    blocking(move || file.write_all(&chunk).map(|()| file)).await
}

/// A file of this user's that has no name any more: it is gone when it is closed.
fn anonymous() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("blastdeck-{:032x}.upload", rand::random::<u128>()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| {
        tracing::error!(%error, "a body could not be kept: is there room in the directory for temporary files?");
        Problem::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "no-room",
            "the body could not be kept here: the server's log says why",
        )
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use tokio_util::sync::CancellationToken;

    use super::super::super::client::Clients;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_has_sent_a_whole_list_is_not_late_while_it_is_read() {
        let client = Clients::default().add();
        let mut request = Request::new(());
        request.extensions_mut().insert(client.clone());
        let (parts, ()) = request.into_parts();
        let budget = BodyBudget::new(CancellationToken::new());

        let upload = receive(&budget, &parts, Body::from("60123456789\n"), UploadMax::LIST).await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;

        assert_eq!(upload.file.metadata().unwrap().len(), 12);
        assert!(!client.is_late());
    }

    #[tokio::test]
    async fn a_list_that_announces_too_much_is_refused_before_any_of_it_came() {
        let budget = BodyBudget::new(CancellationToken::new());
        for (max, length) in [(UploadMax::LIST, "400000000"), (UploadMax::ARRAY, "26214401")] {
            let (parts, ()) = Request::builder().header("content-length", length).body(()).unwrap().into_parts();
            let silent = Body::from_stream(futures_util::stream::pending::<io::Result<Bytes>>());

            let refused = tokio::time::timeout(Duration::from_secs(1), receive(&budget, &parts, silent, max)).await;

            assert_eq!(refused.unwrap().err().unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
}
