use proptest::prelude::*;

use super::*;

/// What comes of a response that is received in such pieces and then closed: its status, body and whether its connection is kept.
fn received(pieces: &[&[u8]]) -> Result<(u16, String, bool), WireError> {
    let mut incoming = ResponseReader::default();
    let mut is_complete = false;
    for piece in pieces {
        is_complete = incoming.push(piece)?;
        if is_complete {
            break;
        }
    }
    if !is_complete {
        incoming.end()?;
    }
    let keeps_alive = incoming.keeps_alive() && !incoming.is_followed();
    let (head, body) = incoming.into_parts().unwrap();
    Ok((head.status, String::from_utf8_lossy(&body).into_owned(), keeps_alive))
}

type Expected = Result<(u16, &'static str, bool), WireError>;

/// Responses, and what they are.
const RESPONSES: [(&str, Expected); 29] = [
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Ok((200, "{}", true))),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\n{}", Ok((200, "{}", false))),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, close\r\n\r\n{}", Ok((200, "{}", false))),
    ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", Ok((200, "{}", false))),
    ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}", Ok((200, "{}", true))),
    ("HTTP/1.1 200 OK\r\n\r\nuntil the end", Ok((200, "until the end", false))),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", Ok((204, "", true))),
    ("HTTP/1.1 304 Not Modified\r\n\r\n", Ok((304, "", true))),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Ok((200, "", true))),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", Ok((200, "{}", true))),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", Err(WireError::Length)),
    ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", Err(WireError::Length)),
    ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n{}", Err(WireError::Length)),
    ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}", Err(WireError::Length)),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", Err(WireError::Closed)),
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\n1",
        Ok((201, "1", true)),
    ),
    ("HTTP/1.1 100 Continue\r\n\r\n", Err(WireError::Closed)),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
        Ok((200, "{\"0123456789", true)),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\n1\r\n0\r\nexpires: now\r\nx: y\r\n\r\n",
        Ok((200, "1", true)),
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        Ok((200, "{}", false)),
    ),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", Ok((200, "{}", true))),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz", Ok((200, "xyz", false))),
    ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Err(WireError::Length)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", Err(WireError::Closed)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n", Err(WireError::Chunk)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n\r\n", Err(WireError::Chunk)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", Err(WireError::Chunk)),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", Err(WireError::Chunk)),
    ("SSH-2.0-OpenSSH_9.2\r\n", Err(WireError::Head(httparse::Error::Version))),
];

fn expected(of: &Expected) -> Result<(u16, String, bool), String> {
    of.as_ref().map(|(status, body, kept)| (*status, (*body).to_owned(), *kept)).map_err(ToString::to_string)
}

#[test]
fn a_response_is_read_in_one_piece_and_byte_by_byte() {
    for (wire, response) in &RESPONSES {
        let bytes = wire.as_bytes();
        let drops: Vec<&[u8]> = bytes.chunks(1).collect();

        assert_eq!(received(&[bytes]).map_err(|error| error.to_string()), expected(response), "{wire:?}");
        assert_eq!(received(&drops).map_err(|error| error.to_string()), expected(response), "{wire:?} in drops");
    }
}

#[test]
fn what_follows_a_response_is_no_part_of_it() {
    for first in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
    ] {
        let mut incoming = ResponseReader::default();

        assert!(incoming.push(format!("{first}HTTP/1.1 500 No\r\n\r\n").as_bytes()).unwrap());

        assert!(incoming.is_followed());
        assert_eq!((incoming.status(), incoming.body()), (Some(200), &b"1"[..]));
    }
}

#[test]
fn a_head_and_chunks_without_end_are_given_up() {
    let endless = |begins: &str, more: &[u8]| {
        let mut incoming = ResponseReader::default();
        let mut pushed = incoming.push(begins.as_bytes());
        let mut bytes = 0;
        while matches!(pushed, Ok(false)) && bytes < 4 * HEAD_MAX {
            pushed = incoming.push(more);
            bytes += more.len();
        }
        pushed
    };
    assert_eq!(endless("HTTP/1.1 200 OK\r\nx: ", &[b'y'; 1000]), Err(WireError::LongHead));
    let headers = endless("HTTP/1.1 200 OK\r\n", b"x: y\r\n");
    assert_eq!(headers, Err(WireError::Head(httparse::Error::TooManyHeaders)));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(endless(&format!("{chunked}1;"), &[b'y'; 1000]), Err(WireError::Chunk));
    assert_eq!(endless(&format!("{chunked}0\r\n"), b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"), Err(WireError::Chunk));
    assert_eq!(endless(&format!("{chunked}0\r\n"), &[b'y'; 1000]), Err(WireError::Chunk));
}

#[test]
fn a_request_says_its_length_and_its_host_once() {
    let mut request = Request::new(Method::POST, "https://example.test/v1/a%20b?x=%0D".parse().unwrap());
    request.headers_mut().insert(HOST, HeaderValue::from_static("elsewhere"));
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
    request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    request.headers_mut().append("x-token", HeaderValue::from_static("a"));
    request.headers_mut().append("x-token", HeaderValue::from_static("b"));
    let encoded =
        |request: &Request| String::from_utf8(encode(request, &HeaderValue::from_static("example.test"))).unwrap();
    let head = format!(
        "POST /v1/a%20b?x=%0D HTTP/1.1\r\nhost: example.test\r\nuser-agent: {PROGRAM}\r\nx-token: a\r\nx-token: b\r\n"
    );

    assert_eq!(encoded(&request), format!("{head}content-length: 0\r\n\r\n"));
    *request.body_mut() = Some("{}".into());
    assert_eq!(encoded(&request), format!("{head}content-length: 2\r\n\r\n{{}}"));
    let get = Request::new(Method::GET, "http://example.test".parse().unwrap());
    assert_eq!(encoded(&get), format!("GET / HTTP/1.1\r\nhost: example.test\r\nuser-agent: {PROGRAM}\r\n\r\n"));
}

proptest! {
    /// However a response is cut, it is the same; and nothing that comes makes it panic.
    #[test]
    fn a_response_in_pieces_is_the_same(
        which in 0..RESPONSES.len(),
        cuts in proptest::collection::vec(1usize..40, 0..12),
        hostile in proptest::option::of((0usize..200, any::<u8>())),
    ) {
        let mut bytes = RESPONSES[which].0.as_bytes().to_vec();
        if let Some((at, byte)) = hostile {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);

        prop_assert_eq!(received(&pieces).is_ok(), received(&[&bytes]).is_ok());
        if let (Ok(cut), Ok(whole)) = (received(&pieces), received(&[&bytes])) {
            prop_assert_eq!((cut.0, cut.1), (whole.0, whole.1));
        }
    }
}
