//! As much of HTTP/1.1 (RFC 9112) as it takes to find where heads and bodies end.

use httparse::{EMPTY_HEADER, Header, Status};

const HEADERS: usize = 100;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestHead {
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    pub(super) asks_for_websocket: bool,
    pub(super) body: Body,
    /// The head's length.
    pub(super) bytes: usize,
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) is_event_stream: bool,
    pub(super) body: Body,
    /// The head's length.
    pub(super) bytes: usize,
}

/// What is still to come of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks, and a last one.
    Chunks,
    /// Everything until the connection ends.
    UntilEnd,
}

/// What stands at the start of some bytes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A piece of this length: a whole chunk, or any part of a body without chunks.
    Bytes(usize),
    /// Too little to say.
    Incomplete,
    /// Nothing: the body is over.
    Over,
}

/// The bytes are no HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotHttp;

/// Reads a request's head; none while it is incomplete.
pub(super) fn request_head(bytes: &[u8]) -> Result<Option<RequestHead>, NotHttp> {
    // All methods are written in capitals; anything else is told apart by its first byte, without waiting for a line's end.
    if !bytes.first().is_none_or(u8::is_ascii_uppercase) {
        return Err(NotHttp);
    }
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let Status::Complete(length) = request.parse(bytes).map_err(|_| NotHttp)? else { return Ok(None) };
    let (Some(method), Some(target)) = (request.method, request.path) else { return Err(NotHttp) };
    let path = target.split('?').next().unwrap_or_default();
    Ok(Some(RequestHead {
        method: method.to_owned(),
        path: path.to_owned(),
        asks_for_websocket: header(request.headers, "upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket")),
        body: body(request.headers).unwrap_or(Body::Length(0)),
        bytes: length,
    }))
}

/// Reads a response's head; none while it is incomplete. A response to HEAD has no body, whatever its head says.
pub(super) fn response_head(bytes: &[u8], to_head: bool) -> Result<Option<ResponseHead>, NotHttp> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let Status::Complete(length) = response.parse(bytes).map_err(|_| NotHttp)? else { return Ok(None) };
    let Some(status) = response.code else { return Err(NotHttp) };
    let has_none = to_head || matches!(status, 100..=199 | 204 | 304);
    Ok(Some(ResponseHead {
        status,
        is_event_stream: !to_head && header(response.headers, "content-type").is_some_and(|kind| kind.starts_with("text/event-stream")),
        body: if has_none { Body::Length(0) } else { body(response.headers).unwrap_or(Body::UntilEnd) },
        bytes: length,
    }))
}

impl Body {
    /// Finds the next piece at the start of the bytes, which must then be taken from them.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Piece, NotHttp> {
        match self {
            Self::Length(0) => Ok(Piece::Over),
            Self::Length(_) | Self::UntilEnd if bytes.is_empty() => Ok(Piece::Incomplete),
            Self::UntilEnd => Ok(Piece::Bytes(bytes.len())),
            Self::Length(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= length as u64;
                Ok(Piece::Bytes(length))
            }
            Self::Chunks => {
                let Status::Complete((start, size)) = httparse::parse_chunk_size(bytes).map_err(|_| NotHttp)? else {
                    return Ok(Piece::Incomplete);
                };
                if size == 0 {
                    // Behind the last chunk come trailers, each on a line of its own, and an empty line.
                    let line = start.saturating_sub(2);
                    let Some(end) = bytes[line..].windows(4).position(|window| window == b"\r\n\r\n") else {
                        return Ok(Piece::Incomplete);
                    };
                    *self = Self::Length(0);
                    return Ok(Piece::Bytes(line + end + 4));
                }
                let whole = usize::try_from(size).ok().and_then(|size| size.checked_add(start + 2)).ok_or(NotHttp)?;
                Ok(if bytes.len() >= whole { Piece::Bytes(whole) } else { Piece::Incomplete })
            }
        }
    }
}

fn header<'a>(headers: &[Header<'a>], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(found.value).ok()
}

fn body(headers: &[Header<'_>]) -> Option<Body> {
    if header(headers, "transfer-encoding").is_some_and(|coding| coding.trim().ends_with("chunked")) {
        return Some(Body::Chunks);
    }
    header(headers, "content-length")?.trim().parse().ok().map(Body::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_its_head_is_complete() {
        let bytes = b"POST /v1/send?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        for length in 0..bytes.len() - 3 {
            assert_eq!(request_head(&bytes[..length]), Ok(None), "{length} bytes");
        }
        let head = request_head(bytes).unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.path.as_str(), head.body), ("POST", "/v1/send", Body::Length(3)));
        assert_eq!(head.bytes, bytes.len() - 3);
        assert!(!head.asks_for_websocket);
    }

    #[test]
    fn an_upgrade_is_seen_and_what_is_no_http_is_known_by_its_first_byte() {
        let head = request_head(b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n").unwrap().unwrap();
        assert!(head.asks_for_websocket);
        assert_eq!(head.body, Body::Length(0));
        assert_eq!(request_head(b"hello"), Err(NotHttp));
    }

    #[test]
    fn responses_without_a_body_have_none_whatever_their_head_says() {
        let body = |text: &str, to_head| response_head(text.as_bytes(), to_head).unwrap().unwrap().body;
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", false), Body::Length(7));
        assert_eq!(body("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", true), Body::Length(0));
        assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n", false), Body::Length(0));
        assert_eq!(body("HTTP/1.1 200 OK\r\n\r\n", false), Body::UntilEnd);
        assert_eq!(body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false), Body::Chunks);
    }

    #[test]
    fn chunks_come_whole_and_the_last_one_ends_the_body() {
        let bytes = b"4\r\nwiki\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\nHTTP";
        let mut body = Body::Chunks;
        for length in 0..9 {
            assert_eq!(body.next(&bytes[..length]), Ok(Piece::Incomplete), "{length} bytes");
        }
        assert_eq!(body.next(bytes), Ok(Piece::Bytes(9)));
        assert_eq!(body.next(&bytes[9..]), Ok(Piece::Bytes(19)));
        assert_eq!(body.next(&bytes[28..40]), Ok(Piece::Incomplete));
        assert_eq!(body.next(&bytes[28..]), Ok(Piece::Bytes(17)));
        assert_eq!(body.next(&bytes[45..]), Ok(Piece::Over));
        assert_eq!(Body::Chunks.next(b"0\r\n\r\n"), Ok(Piece::Bytes(5)));
        assert_eq!(Body::Chunks.next(b"no size\r\n"), Err(NotHttp));
    }

    #[test]
    fn a_length_is_counted_down_over_pieces() {
        let mut body = Body::Length(5);
        assert_eq!(body.next(b"abc"), Ok(Piece::Bytes(3)));
        assert_eq!(body.next(b""), Ok(Piece::Incomplete));
        assert_eq!(body.next(b"defgh"), Ok(Piece::Bytes(2)));
        assert_eq!(body.next(b"fgh"), Ok(Piece::Over));
    }
}
