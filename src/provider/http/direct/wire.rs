//! HTTP/1.1 as it stands on the wire: a request in one piece, and a response as it comes in.

use bytes::Bytes;
use reqwest::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use reqwest::{Body, Method, Request};
use thiserror::Error;

use super::super::PROGRAM;

/// The longest head that is read, in bytes.
const HEAD_MAX: usize = 128 * 1024;
/// The most headers that a response may have.
const HEADERS_MAX: usize = 100;
/// The longest line between two chunks, and the longest trailers, in bytes.
const CHUNK_LINE_MAX: usize = 16 * 1024;

/// A request with a body of bytes. Nothing is in it that would have to be escaped: its URL and its headers are valid as they are.
pub(super) fn encode(request: &Request, host: &HeaderValue) -> Vec<u8> {
    let (url, body) = (request.url(), request.body().and_then(Body::as_bytes).unwrap_or_default());
    let mut wire = Vec::with_capacity(512 + body.len());
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| wire.extend_from_slice(part));
    put(&[request.method().as_str().as_bytes(), b" ", url.path().as_bytes()]);
    if let Some(query) = url.query() {
        put(&[b"?", query.as_bytes()]);
    }
    put(&[b" HTTP/1.1\r\n"]);
    let mut header = |name: &HeaderName, value: &[u8]| put(&[name.as_str().as_bytes(), b": ", value, b"\r\n"]);
    header(&HOST, host.as_bytes());
    header(&USER_AGENT, PROGRAM.as_bytes());
    let is_ours = |name: &HeaderName| [HOST, USER_AGENT, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name);
    for (name, value) in request.headers().iter().filter(|(name, _)| !is_ours(name)) {
        header(name, value.as_bytes());
    }
    if !body.is_empty() || ![Method::GET, Method::HEAD].contains(request.method()) {
        header(&CONTENT_LENGTH, body.len().to_string().as_bytes());
    }
    put(&[b"\r\n", body]);
    wire
}

/// Why what came is no response.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum WireError {
    #[error("no valid HTTP: {0}")]
    Head(#[from] httparse::Error),
    #[error("a header of more than {HEAD_MAX} bytes")]
    LongHead,
    #[error("no valid length of the body")]
    Length,
    #[error("no valid chunk of the body")]
    Chunk,
    #[error("closed before the whole answer came")]
    Closed,
}

/// A response, as far as it was received.
#[derive(Debug, Default)]
pub(super) struct ResponseReader {
    /// Received, and not read yet.
    unread: Vec<u8>,
    head: Option<ResponseHead>,
    body: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct ResponseHead {
    pub status: u16,
    pub headers: HeaderMap,
    keeps_alive: bool,
    rest: Rest,
}

/// What is still to come of a body.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    Bytes(u64),
    Chunks(ChunkState),
    UntilClosed,
}

/// What comes next of a body in chunks.
#[derive(Debug, PartialEq, Eq)]
enum ChunkState {
    Size,
    Data(u64),
    /// The end of a chunk's line of data.
    End,
    /// So many bytes of trailers have been dropped.
    Trailers(usize),
    Done,
}

impl ResponseReader {
    /// Takes what was received. Whether the response is complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, WireError> {
        self.unread.extend_from_slice(bytes);
        // Read once per line, so that a head in drops costs no more than one in a piece.
        let is_line = self.head.is_some() || bytes.contains(&b'\n');
        while self.head.is_none() {
            if !(is_line && self.read_head()?) {
                return if self.unread.len() > HEAD_MAX { Err(WireError::LongHead) } else { Ok(false) };
            }
        }
        self.read_body()
    }

    /// The connection was closed.
    pub fn end(&self) -> Result<(), WireError> {
        match &self.head {
            Some(ResponseHead { rest: Rest::UntilClosed, .. }) => Ok(()),
            _ => Err(WireError::Closed),
        }
    }

    /// Whether its connection may be used once more after it.
    pub fn keeps_alive(&self) -> bool {
        self.head.as_ref().is_some_and(|head| head.keeps_alive)
    }

    /// The status of a response that has begun.
    pub fn status(&self) -> Option<u16> {
        self.head.as_ref().map(|head| head.status)
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether something follows this response that nobody asked for.
    pub fn is_followed(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The head and the body of a complete one.
    pub fn into_parts(self) -> Option<(ResponseHead, Bytes)> {
        Some((self.head?, Bytes::from(self.body)))
    }

    /// Whether a head was read: also an interim one, after which the response is still to come.
    fn read_head(&mut self) -> Result<bool, WireError> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response.parse(&self.unread)? else { return Ok(false) };
        let (status, version) = (response.code.unwrap_or_default(), response.version.unwrap_or_default());
        let is_interim = (100..200).contains(&status) && status != 101;
        if !is_interim {
            self.head = Some(ResponseHead::new(status, version, owned(response.headers)?)?);
        }
        self.unread.drain(..length);
        Ok(true)
    }

    fn read_body(&mut self) -> Result<bool, WireError> {
        let Some(head) = &mut self.head else { return Ok(false) };
        match &mut head.rest {
            Rest::UntilClosed => {
                self.body.append(&mut self.unread);
                Ok(false)
            }
            Rest::Bytes(left) => {
                let mut at = 0;
                move_data(&self.unread, &mut at, left, &mut self.body);
                self.unread.drain(..at);
                Ok(*left == 0)
            }
            Rest::Chunks(chunk) => {
                let mut at = 0;
                while chunk.advance(&self.unread, &mut at, &mut self.body)? {}
                self.unread.drain(..at);
                let is_done = *chunk == ChunkState::Done;
                if self.unread.len() > CHUNK_LINE_MAX && !is_done {
                    return Err(WireError::Chunk);
                }
                Ok(is_done)
            }
        }
    }
}

impl ResponseHead {
    /// RFC 9112, 6.3, for a response to anything but `HEAD`.
    fn new(status: u16, version: u8, headers: HeaderMap) -> Result<Self, WireError> {
        let codings = tokens(&headers, &TRANSFER_ENCODING);
        let lengths = tokens(&headers, &CONTENT_LENGTH);
        let rest = if matches!(status, 204 | 304) {
            Rest::Bytes(0)
        } else if let Some(last) = codings.last() {
            if version == 0 {
                return Err(WireError::Length);
            }
            if last == "chunked" { Rest::Chunks(ChunkState::Size) } else { Rest::UntilClosed }
        } else if let Some(first) = lengths.first() {
            let is_number =
                first.bytes().all(|byte| byte.is_ascii_digit()) && lengths.iter().all(|other| other == first);
            Rest::Bytes(first.parse().ok().filter(|_| is_number).ok_or(WireError::Length)?)
        } else {
            Rest::UntilClosed
        };
        let said = tokens(&headers, &CONNECTION);
        let says = |what: &str| said.iter().any(|token| token == what);
        let keeps_alive = if version == 0 { says("keep-alive") } else { !says("close") };
        // Whoever says both lengths may have been made to say one of them.
        let is_clear = rest != Rest::UntilClosed && (codings.is_empty() || lengths.is_empty()) && status != 101;
        Ok(Self { status, headers, keeps_alive: keeps_alive && is_clear, rest })
    }
}

impl ChunkState {
    /// Takes what comes next out of `from`. `false`: it is not there yet, or all is done.
    fn advance(&mut self, from: &[u8], at: &mut usize, body: &mut Vec<u8>) -> Result<bool, WireError> {
        let rest = &from[*at..];
        *self = match self {
            Self::Size => {
                if rest.first().is_some_and(|digit| !digit.is_ascii_hexdigit()) {
                    return Err(WireError::Chunk);
                }
                match httparse::parse_chunk_size(rest).map_err(|_| WireError::Chunk)? {
                    httparse::Status::Partial => return Ok(false),
                    httparse::Status::Complete((line, size)) => {
                        *at += line;
                        if size == 0 { Self::Trailers(0) } else { Self::Data(size) }
                    }
                }
            }
            Self::Data(left) => {
                move_data(from, at, left, body);
                if *left > 0 {
                    return Ok(false);
                }
                Self::End
            }
            Self::End => match rest {
                [b'\r', b'\n', ..] => {
                    *at += 2;
                    Self::Size
                }
                [] | [b'\r'] => return Ok(false),
                _ => return Err(WireError::Chunk),
            },
            Self::Trailers(dropped) => {
                let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return Ok(false) };
                *at += end + 1;
                match (&rest[..end], *dropped + end) {
                    (b"" | b"\r", _) => Self::Done,
                    (_, dropped) if dropped > CHUNK_LINE_MAX => return Err(WireError::Chunk),
                    (_, dropped) => Self::Trailers(dropped),
                }
            }
            Self::Done => return Ok(false),
        };
        Ok(true)
    }
}

/// Moves as much of a body as is there.
fn move_data(from: &[u8], at: &mut usize, left: &mut u64, body: &mut Vec<u8>) {
    let there = &from[*at..];
    let count = usize::try_from(*left).map_or(there.len(), |left| left.min(there.len()));
    body.extend_from_slice(&there[..count]);
    *at += count;
    *left -= count as u64;
}

/// The parsed headers, with copies of their names and values.
fn owned(headers: &[httparse::Header<'_>]) -> Result<HeaderMap, WireError> {
    let mut owned = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| httparse::Error::HeaderName)?;
        owned.append(name, HeaderValue::from_bytes(header.value).map_err(|_| httparse::Error::HeaderValue)?);
    }
    Ok(owned)
}

/// What a header lists, in lower case. A value that is no text is no token.
fn tokens(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
    values.flat_map(|value| value.split(',')).map(|token| token.trim().to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests;
