//! Addresses that nobody else gets: one that refuses connections, one that a server has again after a kill.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::Shop;

/// A loopback port that refuses every connection until it is opened.
///
/// Bound without listening: a port that is merely free may be given to another test's server at any moment.
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    pub fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Has the port lead to the shop's simulator until the task is aborted.
    pub fn open(self, shop: &Shop) -> JoinHandle<()> {
        let listener = self.0.listen(128).unwrap();
        let provider = shop.sim.base_url().trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut behind = TcpStream::connect(&provider).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut stream, &mut behind).await });
            }
        })
    }
}

/// A free address for a server that is started on it again and again.
///
/// On a loopback address of its own: ports of 127.0.0.1 are given to every test's servers and clients meanwhile.
pub fn address_to_return_to() -> String {
    std::net::TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap().to_string()
}
