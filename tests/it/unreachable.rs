//! Databases that cannot be used: each is reported with what to do about it, within a stated time.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::closed::ClosedPort;
use crate::support::{Setup, Shop, measured};

/// How a server behaves that is none.
#[derive(Clone, Copy)]
enum Manner {
    /// Accepts the connection, and says nothing.
    Mute,
    /// Lets the session begin, and answers no question.
    MuteOnceIn,
    /// Refuses with this code and message.
    Refuses(&'static str, &'static str),
}

/// Listens on loopback in place of Postgres; gone when dropped.
struct NoServer {
    url: String,
    listening: JoinHandle<()>,
}

impl NoServer {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://somebody@{}/shop?sslmode=disable", listener.local_addr().unwrap());
        let listening = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((client, _)) = listener.accept().await {
                held.push(tokio::spawn(behave(client, manner)));
            }
        });
        Self { url, listening }
    }
}

impl Drop for NoServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn behave(mut client: TcpStream, manner: Manner) {
    let mut startup = [0; 1024];
    let _ = client.read(&mut startup).await;
    let answer = match manner {
        Manner::Mute => Vec::new(),
        Manner::MuteOnceIn => b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec(),
        Manner::Refuses(code, message) => {
            let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
            let length = u32::try_from(fields.len() + 4).unwrap();
            [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()
        }
    };
    let _ = client.write_all(&answer).await;
    while !matches!(client.read(&mut startup).await, Ok(0) | Err(_)) {}
}

async fn shop(url: &str) -> Shop {
    let mut shop = Shop::open(Setup::default()).await;
    url.clone_into(&mut shop.database.url);
    shop
}

#[tokio::test]
async fn a_database_that_accepts_and_stays_silent_is_given_up_with_a_sentence() {
    tokio::join!(is_given_up(Manner::Mute), is_given_up(Manner::MuteOnceIn));
}

async fn is_given_up(manner: Manner) {
    let server = NoServer::start(manner).await;
    let shop = shop(&server.url).await;
    let began = Instant::now();

    let said = shop.run(&["blast", "list"]).await;

    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("the database does not answer: nothing came within 15 s"), "{said:?}");
    measured("a silent database is given up", began.elapsed(), Duration::from_secs(25));
}

#[tokio::test]
async fn a_refused_connection_is_reported_with_its_mend_and_without_the_drivers_words() {
    let cases: [(&str, &str, &[&str]); 7] = [
        ("53300", "sorry, too many clients already", &["cannot be reached", "close a dashboard", "max_connections"]),
        ("08P01", "no more connections allowed (max_client_conn)", &["close a dashboard", "max_client_conn"]),
        ("28P01", "password authentication failed for user \"somebody\"", &["correct the user and password"]),
        ("3D000", "database \"shop\" does not exist", &["createdb"]),
        ("57P03", "the database system is starting up", &["try again in a moment"]),
        ("42P05", "prepared statement \"sqlx_s_1\" already exists", &["1.21", "pool_mode = session"]),
        ("08P01", "transaction blocks not allowed in statement pooling mode", &["pool_mode = session"]),
    ];
    for (code, message, words) in cases {
        let server = NoServer::start(Manner::Refuses(code, message)).await;

        let said = shop(&server.url).await.run(&["blast", "list"]).await;

        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        assert!(words.iter().all(|word| said.err.contains(word)), "{words:?}: {said:?}");
        assert!(!said.err.contains("error returned from database"), "{said:?}");
    }
    let closed = ClosedPort::new();
    let said = shop(&format!("postgres://somebody@{}/shop?sslmode=disable", closed.address()))
        .await
        .run(&["blast", "list"])
        .await;
    assert!(said.err.contains("nothing listens there"), "{said:?}");
}
