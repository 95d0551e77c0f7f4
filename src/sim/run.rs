//! The simulator as its own process: binds, reports its address, and serves until it is stopped.

use std::{
    io::{self, Read},
    net::SocketAddr,
    thread,
};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Options, serve};

/// What ends a simulator.
#[derive(Debug, Clone)]
pub enum StopWhen {
    /// Only its token.
    Cancelled(CancellationToken),
    /// Its token, or the end of standard input, so that the simulator ends with its parent, however that dies.
    CancelledOrInputCloses(CancellationToken),
}

/// Serves on a loopback address (port 0 for any free one). Calls `on_ready` with the bound address once it listens.
pub async fn run(
    listen: SocketAddr,
    options: Options,
    stop: StopWhen,
    on_ready: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let token = stop.watch(io::stdin())?;
    on_ready(address);
    serve(listener, options, token).await
}

impl StopWhen {
    fn watch(self, input: impl Read + Send + 'static) -> io::Result<CancellationToken> {
        match self {
            Self::Cancelled(token) => Ok(token),
            Self::CancelledOrInputCloses(token) => {
                // A child token, so that the end of our input does not cancel the caller's other work.
                let token = token.child_token();
                cancel_at_end_of(input, token.clone())?;
                Ok(token)
            }
        }
    }
}

/// Uses a thread: tokio's standard input would keep the runtime from ending while nothing is typed.
fn cancel_at_end_of(mut input: impl Read + Send + 'static, token: CancellationToken) -> io::Result<()> {
    let watch = move || {
        // The input itself is ignored; an error counts as its end.
        let _ = io::copy(&mut input, &mut io::sink());
        token.cancel();
    };
    thread::Builder::new().name("sim-stdin".to_owned()).spawn(watch).map(drop)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    /// An input that ends when its other end is dropped, as a pipe does.
    struct Pipe(mpsc::Receiver<u8>);

    impl Read for Pipe {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let Ok(byte) = self.0.recv() else { return Ok(0) };
            buf[0] = byte;
            Ok(1)
        }
    }

    #[tokio::test]
    async fn the_end_of_the_input_stops_it_and_typing_does_not() {
        let (typing, pipe) = mpsc::channel();
        let outer = CancellationToken::new();
        let token = StopWhen::CancelledOrInputCloses(outer.clone()).watch(Pipe(pipe)).unwrap();

        typing.send(b'x').unwrap();
        let early = token.is_cancelled();
        drop(typing);

        tokio::time::timeout(Duration::from_secs(20), token.cancelled()).await.expect("stops in time");
        assert!(!early && !outer.is_cancelled());
    }

    #[tokio::test]
    async fn it_says_where_it_listens_serves_there_and_ends_with_its_token() {
        let stop = CancellationToken::new();
        let (ready, bound) = tokio::sync::oneshot::channel();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let when = StopWhen::Cancelled(stop.clone());
        let running = tokio::spawn(run(listen, Options::default(), when, |address| ready.send(address).unwrap()));

        let address = bound.await.unwrap();
        let answer = super::super::test_client::call(address, "GET", "/v1/server", &[], "").await;
        stop.cancel();

        assert_eq!(answer.code, 200);
        tokio::time::timeout(Duration::from_secs(20), running).await.expect("ends in time").unwrap().unwrap();
    }
}
