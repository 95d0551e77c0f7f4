//! Calls to other systems' addresses: one POST, without redirects, to an address that was checked after its name was resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;
use reqwest::{Client, Response, Url, redirect, retry};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::http::{chain, retry_after, tls};
use crate::domain::text::clean;

/// How long a call may take, its connection and the end of its answer included.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read. Nobody needs it but whoever looks for the fault.
const ANSWER_MAX: usize = 2 * 1024;
/// How much of an answer is kept, in characters.
const EXCERPT_MAX: usize = 200;

/// Which addresses may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public internet.
    Public,
    /// Also those of private networks and of this machine.
    Anywhere,
}

/// A call, signed.
#[derive(Debug, Clone)]
pub struct HookCall {
    pub message_id: String,
    /// Seconds since 1970, as signed.
    pub timestamp: i64,
    /// One or more, separated by spaces.
    pub signatures: String,
    pub body: Bytes,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookReply {
    /// `None`: there was no answer.
    pub status: Option<u16>,
    /// Why it is not delivered; `None` for a status from 200 to 299.
    pub error: Option<String>,
    /// How long the receiver asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Until the status came.
    pub took: Duration,
}

impl HookReply {
    pub const fn is_delivered(&self) -> bool {
        self.error.is_none()
    }

    /// Whether the receiver as a whole is in trouble, and not only this call.
    pub fn is_down(&self) -> bool {
        self.status.is_none_or(|status| status >= 500 || matches!(status, 408 | 429))
    }
}

/// Calls one address.
#[derive(Debug)]
pub struct HookClient {
    url: Url,
    reach: Reach,
    within: Duration,
    /// Made for the addresses that its name had last.
    current: Mutex<Option<(Vec<SocketAddr>, Client)>>,
}

impl HookClient {
    pub const fn new(url: Url, reach: Reach) -> Self {
        Self { url, reach, within: TIMEOUT, current: Mutex::new(None) }
    }

    /// Makes a call. Never repeats it by itself. The status counts once it is here. What is left of the time is the answer's to end: a
    /// receiver that works behind its status may stop where nobody listens any more.
    pub async fn call(&self, call: HookCall) -> HookReply {
        let began = Instant::now();
        let answered = timeout(self.within, self.exchange(call)).await;
        let answered = answered.unwrap_or_else(|_| Err(format!("no answer within {} s", self.within.as_secs())));
        let took = began.elapsed();
        let response = match answered {
            Ok(response) => response,
            Err(why) => return HookReply { status: None, error: Some(why), retry_after: None, took },
        };
        let (status, wait) = (response.status().as_u16(), retry_after(response.headers(), Utc::now()));
        let answer = beginning(response, self.within.saturating_sub(took)).await;
        let error = (!(200..300).contains(&status)).then(|| refusal(status, &answer));
        HookReply { status: Some(status), error, retry_after: wait, took }
    }

    /// The addresses that a call goes to now, or why it would not be made.
    pub async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(443);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => match timeout(CONNECT_TIMEOUT, lookup_host((bare, port))).await {
                Ok(Ok(found)) => found.collect(),
                Ok(Err(error)) => return Err(format!("{} cannot be resolved: {error}", clean(bare))),
                Err(_) => return Err(format!("{} cannot be resolved in time", clean(bare))),
            },
        };
        if found.is_empty() {
            return Err(format!("{} has no address", clean(bare)));
        }
        // One that is not public is enough: which of several is connected to is nobody's choice.
        let private = found.iter().find(|address| self.reach == Reach::Public && !is_public(address.ip()));
        match private {
            Some(address) => Err(format!(
                "{} is {}, which is not an address of the public internet: set allow_private = true if that is meant",
                clean(bare),
                address.ip()
            )),
            None => Ok(found),
        }
    }

    /// Up to the answer's head.
    async fn exchange(&self, call: HookCall) -> Result<Response, String> {
        let client = self.client(self.addresses().await?)?;
        let request = client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", call.message_id)
            .header("webhook-timestamp", call.timestamp.to_string())
            .header("webhook-signature", call.signatures)
            .body(call.body);
        request.send().await.map_err(|error| format!("no answer: {}", chain(&error.without_url())))
    }

    /// A client that connects to these addresses and to no other, whatever the name says a moment later.
    fn client(&self, addresses: Vec<SocketAddr>) -> Result<Client, String> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made_for, client)) = &*current
            && same(made_for, &addresses)
        {
            return Ok(client.clone());
        }
        let client = self.build(&addresses)?;
        *current = Some((addresses, client.clone()));
        Ok(client)
    }

    fn build(&self, addresses: &[SocketAddr]) -> Result<Client, String> {
        super::init();
        let mut builder = Client::builder()
            .user_agent(concat!("blastdeck/", env!("CARGO_PKG_VERSION")))
            .retry(retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            // A proxy would resolve the name once more.
            .no_proxy()
            .http1_only()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(20))
            .tcp_nodelay(true)
            .resolve_to_addrs(self.url.host_str().unwrap_or_default(), addresses);
        builder = if self.url.scheme() == "http" {
            builder.tls_certs_only([])
        } else {
            builder.tls_backend_preconfigured(tls().map_err(|error| error.to_string())?)
        };
        builder.build().map_err(|error| format!("cannot create a client: {}", chain(&error)))
    }
}

/// Whether two answers of a name server mean the same, in whichever order.
fn same(before: &[SocketAddr], now: &[SocketAddr]) -> bool {
    before.len() == now.len() && now.iter().all(|address| before.contains(address))
}

/// The beginning of an answer, or what of it came in time, as text that is fit for a screen.
async fn beginning(mut response: Response, within: Duration) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while bytes.len() < ANSWER_MAX
            && let Ok(Some(chunk)) = response.chunk().await
        {
            bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER_MAX - bytes.len())]);
        }
    };
    let _ = timeout(within, reading).await;
    clean(&String::from_utf8_lossy(&bytes)).trim().chars().take(EXCERPT_MAX).collect()
}

fn refusal(status: u16, answer: &str) -> String {
    let hint = if (300..400).contains(&status) { ", which is not followed" } else { "" };
    if answer.is_empty() { format!("HTTP {status}{hint}") } else { format!("HTTP {status}{hint}: {answer}") }
}

/// Whether an address is one of the public internet: neither this machine's, nor a private network's, nor one that is set apart
/// (IANA's special-purpose registries), nor such a one in disguise.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_apart = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !is_apart
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let low = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        // An address of version 4 behind a translator (RFC 6052), or 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, tail] | [0x2002, high, tail, ..] => is_public_v4(low(high, tail)),
        // IETF protocol assignments, Teredo among them, and documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // What is assigned to the internet; local, private, mapped and reserved addresses lie outside.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinHandle;

    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for public in ["8.8.8.8", "192.0.1.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        let private = [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "3fff::1",
            "100::1",
        ];
        for private in private {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    fn client(url: &str, reach: Reach) -> HookClient {
        HookClient::new(Url::parse(url).unwrap(), reach)
    }

    fn call() -> HookCall {
        let body = Bytes::from_static(b"{}");
        HookCall { message_id: "msg_1".to_owned(), timestamp: 7, signatures: "v1,x v1,y".to_owned(), body }
    }

    /// A server that answers one request with this; it gives what it was asked, and its connection, which is open until then.
    async fn holding(answer: &'static str) -> (u16, JoinHandle<(String, TcpStream)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut said = Vec::new();
            while !said.ends_with(b"{}") {
                let mut part = [0; 1024];
                let n = stream.read(&mut part).await.unwrap();
                said.extend_from_slice(&part[..n]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            (String::from_utf8(said).unwrap(), stream)
        });
        (port, asked)
    }

    /// The same of one that ends its connection.
    async fn answering(answer: &'static str) -> (u16, JoinHandle<String>) {
        let (port, held) = holding(answer).await;
        (port, tokio::spawn(async move { held.await.unwrap().0 }))
    }

    #[tokio::test]
    async fn an_address_of_this_machine_is_called_only_where_that_is_allowed() {
        let (port, asked) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        for url in [
            format!("http://127.0.0.1:{port}/"),
            format!("http://localhost:{port}/"),
            format!("http://[::1]:{port}/"),
            format!("http://2130706433:{port}/"),
            format!("http://[::ffff:127.0.0.1]:{port}/"),
        ] {
            let reply = client(&url, Reach::Public).call(call()).await;
            assert!(reply.error.as_ref().is_some_and(|why| why.contains("allow_private")), "{url}: {reply:?}");
            assert!(reply.status.is_none() && reply.is_down());
        }

        let reply = client(&format!("http://localhost:{port}/in?key=s3cret"), Reach::Anywhere).call(call()).await;

        assert!(reply.is_delivered() && reply.status == Some(204), "{reply:?}");
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /in?key=s3cret HTTP/1.1\r\n"), "{asked}");
        for line in [
            "webhook-id: msg_1",
            "webhook-timestamp: 7",
            "webhook-signature: v1,x v1,y",
            "content-type: application/json",
        ] {
            assert!(asked.contains(line), "{line}: {asked}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_an_answer_is_kept_in_part() {
        let (port, asked) =
            answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n").await;
        let reply = client(&format!("http://127.0.0.1:{port}/"), Reach::Anywhere).call(call()).await;
        asked.await.unwrap();
        assert_eq!(reply.error.as_deref(), Some("HTTP 302, which is not followed"));

        let (port, asked) =
            answering("HTTP/1.1 503 No\r\nRetry-After: 9\r\nContent-Length: 100000\r\n\r\nbusy \x1b[31mnow").await;
        let reply = client(&format!("http://127.0.0.1:{port}/"), Reach::Anywhere).call(call()).await;
        asked.await.unwrap();
        assert_eq!((reply.status, reply.retry_after), (Some(503), Some(Duration::from_secs(9))));
        assert!(reply.is_down() && !reply.error.as_ref().unwrap().contains('\x1b'), "{reply:?}");
    }

    #[tokio::test]
    async fn a_status_counts_also_where_its_answer_does_not_end_in_time() {
        let reply = async |answer| {
            let (port, _held) = holding(answer).await;
            let url = format!("http://127.0.0.1:{port}/");
            HookClient { within: Duration::from_secs(2), ..client(&url, Reach::Anywhere) }.call(call()).await
        };

        let (taken, busy) = tokio::join!(
            reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            reply("HTTP/1.1 503 No\r\nRetry-After: 9\r\nContent-Length: 100\r\n\r\nbusy"),
        );

        assert!(taken.is_delivered() && taken.status == Some(200) && !taken.is_down(), "{taken:?}");
        assert_eq!((busy.status, busy.retry_after), (Some(503), Some(Duration::from_secs(9))));
        assert_eq!(busy.error.as_deref(), Some("HTTP 503: busy"));
    }

    #[tokio::test]
    async fn an_error_names_no_secret_of_the_address() {
        let reply = client("http://127.0.0.1:1/s3cret?key=s3cret", Reach::Anywhere).call(call()).await;

        assert!(reply.error.as_ref().is_some_and(|why| !why.contains("s3cret")), "{reply:?}");
    }
}
