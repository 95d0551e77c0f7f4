use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::super::{HttpConnections, Via};
use super::pool::IDLE_FOR_AT_MOST;
use super::*;

/// What a server does with each request that it has read.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Answers(&'static str),
    /// Answers, and closes the connection.
    AnswersAndCloses(&'static str),
    Closes,
    ClosesWithoutReading,
    AnswersAfter(Duration),
    /// Answers, and closes whatever is idle for so long.
    ClosesIdle(Duration),
    /// Answers the first request of a connection, and closes it when it has read the second.
    AnswersOnce,
    Waits,
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const OK: Manner = Manner::Answers(ANSWER);

/// What a server saw.
#[derive(Debug, PartialEq, Eq)]
enum ServerEvent {
    Connected,
    Request(String),
    Gone,
}

async fn server(manner: Manner) -> (Url, mpsc::UnboundedReceiver<ServerEvent>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (seen, sees) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.send(ServerEvent::Connected).unwrap();
            tokio::spawn(serve(stream, manner, seen.clone()));
        }
    });
    (url, sees)
}

async fn serve(mut stream: TcpStream, manner: Manner, seen: mpsc::UnboundedSender<ServerEvent>) {
    let mut bytes = vec![0; 64 * 1024];
    if !matches!(manner, Manner::ClosesWithoutReading) {
        let idle = if let Manner::ClosesIdle(longest) = manner { longest } else { Duration::from_secs(60) };
        let mut answered = 0;
        while let Ok(Ok(n @ 1..)) = timeout(idle, stream.read(&mut bytes)).await {
            seen.send(ServerEvent::Request(String::from_utf8_lossy(&bytes[..n]).into_owned())).unwrap();
            match manner {
                Manner::Answers(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                Manner::AnswersAndCloses(answer) => {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    break;
                }
                Manner::Closes | Manner::ClosesWithoutReading => break,
                Manner::AnswersOnce if answered > 0 => break,
                Manner::ClosesIdle(_) | Manner::AnswersOnce => stream.write_all(ANSWER.as_bytes()).await.unwrap(),
                Manner::AnswersAfter(pause) => {
                    sleep(pause).await;
                    stream.write_all(ANSWER.as_bytes()).await.unwrap();
                }
                Manner::Waits => {}
            }
            answered += 1;
        }
    }
    let _ = stream.shutdown().await;
    drop(stream);
    let _ = seen.send(ServerEvent::Gone);
}

fn connections(url: &Url) -> HttpConnections {
    HttpConnections::new(url.clone(), Duration::from_millis(400), KeepAlive::Pooled { at_rest: 4 })
}

fn request(url: &Url) -> reqwest::Request {
    let mut request = reqwest::Request::new(Method::POST, url.join("/v1/send?x=1").unwrap());
    request.headers_mut().insert("x-token", HeaderValue::from_static("t"));
    *request.body_mut() = Some("{\"to\":1}".into());
    request
}

/// Until the server has seen a connection end.
async fn until_gone(sees: &mut mpsc::UnboundedReceiver<ServerEvent>) {
    while sees.recv().await.unwrap() != ServerEvent::Gone {}
}

#[tokio::test]
async fn a_connection_is_kept_and_the_request_is_complete() {
    let (url, mut sees) = server(OK).await;
    let connections = connections(&url);

    for _ in 0..3 {
        let answer = connections.exchange(request(&url)).await.unwrap();
        assert_eq!((answer.status, &*answer.body, answer.via), (200, &b"{}"[..], Via::Direct(0)));
    }

    assert_eq!(sees.recv().await, Some(ServerEvent::Connected));
    for _ in 0..3 {
        let Some(ServerEvent::Request(request)) = sees.recv().await else { panic!("another connection") };
        let request = request.to_ascii_lowercase();
        assert!(request.starts_with("post /v1/send?x=1 http/1.1\r\n"), "{request}");
        let host = format!("\r\nhost: {}\r\n", url.authority());
        for header in [&host, "\r\nx-token: t\r\n", "\r\nuser-agent: blastdeck/", "\r\ncontent-length: 8\r\n"] {
            assert!(request.contains(header), "{header}: {request}");
        }
        assert!(request.ends_with("\r\n\r\n{\"to\":1}"), "{request}");
    }
}

#[tokio::test]
async fn a_request_that_may_take_longer_than_others_does() {
    let (url, _sees) = server(Manner::AnswersAfter(Duration::from_millis(800))).await;
    let connections = connections(&url);
    let mut longer = request(&url);
    *longer.timeout_mut() = Some(Duration::from_secs(10));

    assert_eq!(connections.exchange(longer).await.unwrap().status, 200);
    assert!(connections.exchange(request(&url)).await.is_err());
}

#[tokio::test]
async fn what_was_closed_while_it_was_idle_is_not_used_and_leaves_no_doubt() {
    let (url, mut sees) = server(Manner::AnswersAndCloses("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")).await;
    let connections = connections(&url);

    for _ in 0..3 {
        assert_eq!(connections.exchange(request(&url)).await.unwrap().status, 200);
        until_gone(&mut sees).await;
    }
}

/// How often a server was connected to by one request more, that long after the one before.
async fn connects_after(
    http: &HttpConnections,
    url: &Url,
    sees: &mut mpsc::UnboundedReceiver<ServerEvent>,
    idle: Duration,
) -> usize {
    sleep(idle).await;
    http.exchange(request(url)).await.unwrap();
    std::iter::from_fn(|| sees.try_recv().ok()).filter(|seen| *seen == ServerEvent::Connected).count()
}

#[tokio::test]
async fn what_is_closed_when_it_is_idle_is_used_no_more_well_before_that() {
    let (url, mut sees) = server(Manner::ClosesIdle(Duration::from_millis(900))).await;
    let http = connections(&url);
    assert_eq!(connects_after(&http, &url, &mut sees, Duration::ZERO).await, 1);
    let since = Instant::now();
    until_gone(&mut sees).await;
    let idle = since.elapsed();
    assert_eq!(connects_after(&http, &url, &mut sees, Duration::ZERO).await, 1);

    assert_eq!(connects_after(&http, &url, &mut sees, idle.mul_f64(0.9)).await, 1, "nearly as long");
    assert_eq!(connects_after(&http, &url, &mut sees, Duration::ZERO).await, 0);
}

#[tokio::test]
async fn where_a_request_crossed_with_a_close_it_is_the_last_that_does() {
    let (url, mut sees) = server(Manner::AnswersOnce).await;
    let http = connections(&url);
    http.exchange(request(&url)).await.unwrap();
    sleep(Duration::from_millis(400)).await;
    let crossed = http.exchange(request(&url)).await.unwrap_err();
    assert!(matches!(crossed, ExchangeError::MayHaveSent { .. }), "{crossed:?}");
    while sees.try_recv().is_ok() {}

    for _ in 0..3 {
        assert_eq!(connects_after(&http, &url, &mut sees, Duration::from_millis(400)).await, 1);
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() {
    let twice = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]";
    let (url, mut sees) = server(Manner::Answers(twice)).await;
    let connections = connections(&url);

    for _ in 0..3 {
        assert_eq!(&*connections.exchange(request(&url)).await.unwrap().body, b"{}");
    }
    let opened = std::iter::from_fn(|| sees.try_recv().ok()).filter(|seen| *seen == ServerEvent::Connected).count();
    assert_eq!(opened, 3, "what said more is used no more");
}

#[tokio::test]
async fn whoever_drops_an_exchange_has_closed_its_connection() {
    let (url, mut sees) = server(Manner::Waits).await;
    let connections = connections(&url);
    let exchange = connections.exchange(request(&url));

    assert!(tokio::time::timeout(Duration::from_millis(100), exchange).await.is_err());

    assert_eq!(sees.recv().await, Some(ServerEvent::Connected));
    assert!(matches!(sees.recv().await, Some(ServerEvent::Request(_))));
    assert_eq!(sees.recv().await, Some(ServerEvent::Gone));
}

#[tokio::test]
async fn connections_that_are_given_up_are_closed_once() {
    let (url, mut sees) = server(OK).await;
    let connections = connections(&url);
    let mut answer = connections.exchange(request(&url)).await.unwrap();

    connections.abandon(&answer);
    // Whoever reads an answer has its connection.
    answer.used = None;

    until_gone(&mut sees).await;
    let next = connections.exchange(request(&url)).await.unwrap();
    connections.abandon(&answer);
    assert_eq!((next.via, connections.exchange(request(&url)).await.unwrap().via), (Via::Direct(1), Via::Direct(1)));
}

#[tokio::test]
async fn a_connection_that_nobody_uses_any_more_is_closed() {
    let (url, mut sees) = server(OK).await;
    let connections = connections(&url);
    connections.exchange(request(&url)).await.unwrap();

    tokio::time::pause();
    tokio::time::advance(2 * IDLE_FOR_AT_MOST).await;

    until_gone(&mut sees).await;
    tokio::time::resume();
    assert_eq!(connections.exchange(request(&url)).await.unwrap().status, 200);
}

#[tokio::test]
async fn what_may_have_been_sent_is_the_same_as_with_reqwest() {
    let long = "HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n{\"half\":1";
    for (manner, expected) in [
        (OK, "200 {}"),
        (
            Manner::Answers("HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n"),
            "404 [1]",
        ),
        (Manner::AnswersAndCloses("HTTP/1.0 200 OK\r\n\r\n{\"until\":\"the end\"}"), "200 {\"until\":\"the end\"}"),
        (Manner::Answers("HTTP/1.1 302 Found\r\nlocation: /v2\r\ncontent-length: 0\r\n\r\n"), "302 "),
        (Manner::Closes, "may have been sent: None "),
        (Manner::ClosesWithoutReading, "may have been sent: None "),
        (Manner::Waits, "may have been sent: None "),
        (Manner::Answers(long), "may have been sent: Some(200) {\"half\":1"),
        (Manner::AnswersAndCloses(long), "may have been sent: Some(200) {\"half\":1"),
        (Manner::Answers("garbage\r\n\r\n"), "may have been sent: None "),
    ] {
        let (url, _sees) = server(manner).await;
        let connections = connections(&url);
        let said = |outcome: Result<HttpAnswer, ExchangeError>| match outcome {
            Ok(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
            Err(ExchangeError::MayHaveSent { raw, .. }) => {
                format!("may have been sent: {:?} {}", raw.http_status, String::from_utf8_lossy(&raw.body))
            }
            Err(other) => format!("{other:?}"),
        };

        assert_eq!(said(connections.exchange(request(&url)).await), expected, "{manner:?}");
        assert_eq!(said(connections.reqwest.exchange(request(&url), 1_000_000).await), expected, "{manner:?}");
    }
}

#[tokio::test]
async fn nobody_who_could_not_be_connected_to_has_it() {
    // Bound and not listening: nobody else can have the port meanwhile.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = Url::parse(&format!("http://{}", closed.local_addr().unwrap())).unwrap();

    let refused = connections(&url).exchange(request(&url)).await.unwrap_err();

    assert!(matches!(&refused, ExchangeError::NotSent { why } if why.contains("refused")), "{refused:?}");
}

#[tokio::test]
async fn what_is_not_wanted_any_more_once_it_has_a_connection_is_not_sent() {
    let (url, mut sees) = server(OK).await;
    let connections = connections(&url);

    let withdrawn = connections.exchange_if(request(&url), &|| false).await.unwrap_err();

    assert!(matches!(withdrawn, ExchangeError::NotSent { .. }), "{withdrawn:?}");
    assert_eq!(sees.recv().await, Some(ServerEvent::Connected));
    // The connection is there for the next one, which is not asked about.
    connections.exchange_if(request(&url), &|| panic!("no connection was made")).await.unwrap();
    assert!(matches!(sees.recv().await, Some(ServerEvent::Request(_))));
}

#[tokio::test]
async fn what_is_too_long_is_read_up_to_its_bound() {
    let (url, _sees) = server(Manner::Answers("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789")).await;

    let error = connections(&url).exchange_within(request(&url), 9).await.unwrap_err();

    let ExchangeError::Overlong { why, raw } = error else { panic!("{error:?}") };
    assert_eq!((why.as_str(), &*raw.body), ("HTTP 200 with more than 9 bytes", &b"0123456789"[..]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_here_when_the_time_is_over_is_taken() {
    let deadline = Instant::now();
    sleep(Duration::from_secs(40)).await;

    // Ready at the second look, as a socket whose readiness was not read yet.
    in_time(deadline, tokio::task::yield_now()).await.unwrap();
    assert!(in_time(deadline, std::future::pending::<()>()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_in_drops_does_not_prolong_an_exchange() {
    let began = Instant::now();

    let drops = async {
        for _ in 0..100 {
            sleep(LAST_LOOK * 9 / 10).await;
        }
    };

    assert!(in_time(began + Duration::from_secs(1), drops).await.is_err());
    assert!(began.elapsed() <= Duration::from_secs(1) + LAST_LOOK, "{:?}", began.elapsed());
}
