//! Requests, responses and event streams, one by one, on connections that carry several.

use super::*;
use crate::proxy::http::{self, Body, Piece};

/// Answers `POST /echo` with its body, `GET /chunks` with `a`, `bc` in chunks, `HEAD` with a length and nothing, a WebSocket
/// upgrade with 101, and `GET /events` with five events, and keeps that stream open; `GET /ending` with the same, and ends.
async fn web() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut wire = Wire { stream, held: Vec::new() };
                while let Some((line, body)) = wire.request().await {
                    let answer = match line.as_str() {
                        "POST /echo" => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
                        "GET /chunks" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n".into(),
                        "GET /events" | "GET /ending" => {
                            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
                            let events: Vec<String> = (1..=5).map(|n| format!("9\r\ndata: {n}\n\n\r\n")).collect();
                            format!("{head}{}", events.concat())
                        }
                        "GET /socket" => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n".into(),
                        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n".to_owned(),
                    };
                    if wire.stream.write_all(answer.as_bytes()).await.is_err() || line == "GET /ending" {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// One end of a connection that carries HTTP.
struct Wire {
    stream: TcpStream,
    held: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Wire {
    async fn to(proxy: &Proxy) -> Self {
        Self { stream: TcpStream::connect(proxy.address()).await.unwrap(), held: Vec::new() }
    }

    async fn say(&mut self, line: &str, body: &str) {
        let upgrade = if line.contains("socket") { "Upgrade: websocket\r\n" } else { "" };
        let request = format!("{line} HTTP/1.1\r\nHost: test\r\n{upgrade}Content-Length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, line: &str, body: &str) -> Response {
        self.say(line, body).await;
        self.response(line.starts_with("HEAD")).await.unwrap()
    }

    /// The next request's method and path, and its body; none at the end.
    async fn request(&mut self) -> Option<(String, String)> {
        loop {
            if let Ok(Some(head)) = http::request_head(&self.held) {
                self.held.drain(..head.bytes);
                let body = self.body(head.body).await?;
                return Some((format!("{} {}", head.method, head.path), body));
            }
            self.more().await?;
        }
    }

    /// The next response, none when the connection ends first.
    async fn response(&mut self, to_head: bool) -> Option<Response> {
        loop {
            if let Ok(Some(head)) = http::response_head(&self.held, to_head) {
                let text = String::from_utf8(self.held.drain(..head.bytes).collect()).unwrap();
                let body = if head.is_event_stream || head.status == 101 { String::new() } else { self.body(head.body).await? };
                return Some(Response { status: head.status, head: text, body });
            }
            within("a response", SOON, self.more()).await?;
        }
    }

    /// The next event's chunk, none when the connection ends first.
    async fn event(&mut self) -> Option<String> {
        loop {
            if let Ok(Piece::Bytes(length)) = Body::Chunks.next(&self.held) {
                let chunk = String::from_utf8(self.held.drain(..length).collect()).unwrap();
                return Some(chunk.split("\r\n").nth(1).unwrap().trim_end().to_owned());
            }
            within("an event", SOON, self.more()).await?;
        }
    }

    async fn body(&mut self, mut body: Body) -> Option<String> {
        let mut text = String::new();
        loop {
            match body.next(&self.held).unwrap() {
                Piece::Over => return Some(text),
                Piece::Bytes(length) => text.push_str(&String::from_utf8(self.held.drain(..length).collect()).unwrap()),
                Piece::Incomplete => self.more().await?,
            }
        }
    }

    async fn more(&mut self) -> Option<()> {
        let mut bytes = [0; 4096];
        let length = self.stream.read(&mut bytes).await.ok().filter(|length| *length > 0)?;
        self.held.extend_from_slice(&bytes[..length]);
        Some(())
    }

    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(QUIET, self.more()).await.is_err()
    }
}

async fn proxied() -> (Proxy, Wire) {
    let proxy = Proxy::start(web().await).await;
    let wire = Wire::to(&proxy).await;
    (proxy, wire)
}

#[tokio::test]
async fn a_connection_carries_requests_of_every_kind_one_after_another() {
    let (proxy, mut wire) = proxied().await;
    for _ in 0..2 {
        assert_eq!(wire.ask("POST /echo?x=1", "hello").await.body, "hello");
        assert_eq!(wire.ask("GET /chunks", "").await.body, "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n");
        assert_eq!(wire.ask("HEAD /chunks", "").await.status, 404);
    }
    let counters = proxy.counters();
    assert_eq!((counters.connections, counters.requests, counters.answers), (1, 6, 6));
    let seen = proxy.requests(&On::post("/echo"));
    assert_eq!(seen.len(), 2);
    assert!(seen[0].at <= seen[1].at && seen.iter().all(|seen| seen.status == Some(200)));
    assert_eq!((seen[0].bytes_up, seen[0].bytes_down), (seen[1].bytes_up, seen[1].bytes_down));
    assert_eq!(proxy.requests(&On::get("/echo")), []);
}

#[tokio::test]
async fn the_next_requests_are_answered_here_and_then_no_more() {
    let (proxy, mut wire) = proxied().await;
    proxy.arm(On::post("/echo"), 2, Deed::Answer(Answer::new(503).header("Retry-After", "2").body("busy")));
    assert_eq!(wire.ask("GET /chunks", "").await.status, 200);
    for _ in 0..2 {
        let answer = wire.ask("POST /echo", "hello").await;
        assert_eq!((answer.status, answer.body.as_str()), (503, "busy"));
        assert!(answer.head.contains("Retry-After: 2\r\n"), "{}", answer.head);
    }
    assert_eq!(wire.ask("POST /echo", "hello").await.body, "hello");
    let seen = proxy.requests(&On::post("/echo"));
    assert_eq!(
        seen.iter().map(|seen| (seen.status, seen.bytes_up > 0)).collect::<Vec<_>>(),
        [(Some(503), false), (Some(503), false), (Some(200), true)]
    );
}

#[tokio::test]
async fn a_misreported_request_reached_its_target() {
    let (proxy, mut wire) = proxied().await;
    proxy.arm(On::post("/echo"), 1, Deed::Misreport(Answer::new(500)));
    let answer = wire.ask("POST /echo", "hello").await;
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    let seen = &proxy.requests(&On::post("/echo"))[0];
    assert!(seen.status == Some(500) && seen.bytes_up > 5, "{seen:?}");
    assert_eq!(wire.ask("POST /echo", "hello").await.body, "hello");
}

#[tokio::test]
async fn a_request_is_cut_at_exactly_its_byte_on_the_way_up() {
    let proxy = Proxy::start(web().await).await;
    let whole = {
        Wire::to(&proxy).await.ask("POST /echo", "hello").await;
        proxy.requests(&On::post("/echo"))[0].bytes_up
    };
    for bytes in [0, 1, whole - 3, whole] {
        let mut wire = Wire::to(&proxy).await;
        let before = proxy.counters();
        proxy.arm(On::post("/echo"), 1, Deed::CutUp { bytes, cut: Cut::Reset });
        wire.say("POST /echo", "hello").await;
        assert_eq!(wire.response(false).await, None, "{bytes} of {whole} bytes");
        proxy.until("the cut", SOON, |c| c.fired == before.fired + 1).await;
        assert_eq!(proxy.requests(&On::post("/echo")).last().unwrap().bytes_up, bytes);
    }
}

#[tokio::test]
async fn a_response_is_cut_at_exactly_its_byte_and_a_hole_keeps_the_connection() {
    let (proxy, mut wire) = proxied().await;
    wire.ask("POST /echo", "hello").await;
    let whole = proxy.requests(&On::post("/echo"))[0].bytes_down;
    for bytes in [0, 10, whole - 2] {
        let mut wire = Wire::to(&proxy).await;
        proxy.arm(On::post("/echo"), 1, Deed::CutDown { bytes, cut: Cut::Close });
        wire.say("POST /echo", "hello").await;
        assert_eq!(wire.response(false).await, None, "{bytes} of {whole} bytes");
        let seen = proxy.requests(&On::post("/echo")).pop().unwrap();
        assert_eq!((seen.bytes_down, seen.bytes_up > 5), (bytes, true));
    }
    proxy.arm(On::post("/echo"), 1, Deed::CutDown { bytes: whole - 2, cut: Cut::HoleDown });
    wire.say("POST /echo", "hello").await;
    proxy.until("the hole", SOON, |c| c.fired == 4).await;
    wire.more().await.unwrap();
    assert!(wire.is_quiet().await, "neither the rest nor an end");
}

#[tokio::test]
async fn an_upgrade_is_refused_dropped_or_hung_and_then_let_through() {
    let (proxy, mut wire) = proxied().await;
    proxy.admit_sockets(Sockets::Refused(403));
    assert_eq!(wire.ask("GET /socket", "").await.status, 403);
    assert_eq!(wire.ask("POST /echo", "hello").await.body, "hello");
    proxy.admit_sockets(Sockets::Hung);
    wire.say("GET /socket", "").await;
    assert!(wire.is_quiet().await);
    proxy.admit_sockets(Sockets::Dropped);
    let mut wire = Wire::to(&proxy).await;
    wire.say("GET /socket", "").await;
    assert_eq!(wire.response(false).await, None);
    assert_eq!((proxy.counters().sockets_refused, proxy.counters().upgrades), (3, 0));
    proxy.admit_sockets(Sockets::Open);
    assert_eq!(Wire::to(&proxy).await.ask("GET /socket", "").await.status, 101);
    assert_eq!(proxy.counters().upgrades, 1);
}

#[tokio::test]
async fn an_event_stream_is_counted_and_cut_at_exactly_its_byte() {
    let proxy = Proxy::start(web().await).await;
    for bytes in [0, 1, 14, 15, 40] {
        let mut wire = Wire::to(&proxy).await;
        let before = proxy.counters();
        proxy.cut_after(Direction::Down, bytes, Cut::Reset);
        wire.ask("GET /events", "").await;
        let mut events = 0;
        while wire.event().await.is_some() {
            events += 1;
        }
        let after = proxy.until("the cut", SOON, |c| c.fired == before.fired + 1 && c.open_streams == 0 && c.open == 0).await;
        assert_eq!((after.stream_down - before.stream_down, after.streams - before.streams), (bytes, 1));
        assert!(events <= bytes / 14, "14 bytes make a chunk");
    }
}

#[tokio::test]
async fn an_event_with_a_text_is_the_first_one_lost_and_its_hole_takes_in_all_connections() {
    let (proxy, mut wire) = proxied().await;
    let mut neighbour = Wire::to(&proxy).await;
    neighbour.ask("POST /echo", "hello").await;
    proxy.cut_at_message_with("3", Cut::HoleBoth);
    wire.ask("GET /events", "").await;
    assert_eq!([wire.event().await, wire.event().await], ["data: 1", "data: 2"].map(|event| Some(event.to_owned())));
    assert!(wire.is_quiet().await);
    assert_eq!(proxy.counters().messages_down, 2);
    neighbour.say("POST /echo", "hello").await;
    assert!(neighbour.is_quiet().await);
    assert_eq!(Wire::to(&proxy).await.ask("POST /echo", "hello").await.status, 200, "new connections pass beside the hole");
}

#[tokio::test]
async fn event_streams_are_held_back_with_or_without_their_heads_and_nothing_else_is() {
    let (proxy, mut wire) = proxied().await;
    proxy.let_streams(Streams::Hold);
    wire.say("GET /events", "").await;
    assert!(wire.is_quiet().await);
    assert_eq!(Wire::to(&proxy).await.ask("GET /chunks", "").await.status, 200);

    proxy.let_streams(Streams::HoldBodies);
    assert_eq!(wire.response(false).await.unwrap().status, 200);
    assert!(wire.is_quiet().await);
    proxy.let_streams(Streams::Flow);
    for n in 1..=5 {
        assert_eq!(wire.event().await, Some(format!("data: {n}")));
    }

    proxy.let_streams(Streams::Hold);
    let mut left = Wire::to(&proxy).await;
    left.say("GET /events", "").await;
    proxy.until("the held stream", SOON, |c| c.open_streams == 2).await;
    drop(left);
    proxy.until("a stream that nobody reads to be let go", SOON, |c| c.open_streams == 1).await;
}

#[tokio::test]
async fn the_end_of_a_stream_that_is_held_back_is_held_back_with_it() {
    let (proxy, mut wire) = proxied().await;
    proxy.let_streams(Streams::HoldBodies);
    assert_eq!(wire.ask("GET /ending", "").await.status, 200);
    assert!(wire.is_quiet().await);
    proxy.let_streams(Streams::Flow);
    for n in 1..=5 {
        assert_eq!(wire.event().await, Some(format!("data: {n}")));
    }
    assert_eq!(wire.event().await, None);
}

#[tokio::test]
async fn requests_are_waited_for_until_they_are_answered() {
    let (proxy, mut wire) = proxied().await;
    let on = On::post("/echo");
    let (seen, _) =
        tokio::join!(proxy.until_requests("two answers", SOON, &on, |seen| seen.len() == 2 && seen[1].status.is_some()), async {
            wire.ask("POST /echo", "one").await;
            wire.ask("POST /echo", "two").await;
        });
    assert_eq!(seen.len(), 2);
}
