//! One page's connection over server-sent events and POST, event by event.

use moorline_protocol::{
    Attach, CONNECTION_HEADER, CaughtUp, ClientFrame, Cursor, Epoch, ErrorFrame, Event, GatewayFrame, Hello, Receipt, Welcome,
    decode_gateway, encode,
};
use reqwest::{RequestBuilder, Response, StatusCode, header};

use crate::{
    page::id,
    world::{TOKEN, World, within},
};

/// The hello of a client, with attaches.
pub(crate) fn greeting(client: &str, attaches: Vec<Attach>) -> Hello {
    Hello { version: 1, client: id(client), page: id(&format!("{client}-page")), attaches, rows_rev: None }
}

/// An attach with a cursor.
pub(crate) fn from(session: &str, no: u64, epoch: &Epoch, seq: u64) -> Attach {
    Attach { epoch: Some(epoch.clone()), seq: moorline_protocol::Seq::new(seq), ..crate::page::attach(session, no) }
}

/// A request for a stream, with no login yet.
pub(crate) fn stream_request(world: &World, hello: &Hello) -> RequestBuilder {
    world.http.get(world.url("/v1/events")).query(&[("hello", encode(hello))])
}

/// A stream as it is read.
pub(crate) struct EventStream {
    response: Response,
    unread: Vec<u8>,
    /// The last `id:` that came.
    pub(crate) last_id: Option<String>,
}

impl EventStream {
    /// Opens one with the token.
    pub(crate) async fn open(world: &World, hello: &Hello) -> Self {
        Self::of(stream_request(world, hello).bearer_auth(TOKEN)).await
    }

    /// Opens one with the token that goes on behind an id.
    pub(crate) async fn resume(world: &World, hello: &Hello, last_id: &str) -> Self {
        Self::of(stream_request(world, hello).bearer_auth(TOKEN).header("last-event-id", last_id)).await
    }

    /// Opens what is asked for.
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = within("the head of a stream", request.send()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{:?}", response.text().await);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { response, unread: Vec::new(), last_id: None }
    }

    /// Opens one that attaches nothing; its welcome too.
    pub(crate) async fn greet(world: &World, client: &str) -> (Self, Welcome) {
        let mut stream = Self::open(world, &greeting(client, vec![])).await;
        let welcome = stream.welcome().await;
        (stream, welcome)
    }

    /// The welcome, which comes first.
    pub(crate) async fn welcome(&mut self) -> Welcome {
        match self.next().await {
            GatewayFrame::Welcome(welcome) => welcome,
            other => panic!("welcome comes first, not {other:?}"),
        }
    }

    /// The next frame; panics at the end of the stream.
    pub(crate) async fn next(&mut self) -> GatewayFrame {
        self.next_or_end().await.expect("the stream goes on")
    }

    /// The next frame, or none at the end of the stream.
    pub(crate) async fn next_or_end(&mut self) -> Option<GatewayFrame> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = self.unread.drain(..end + 2).take(end).collect();
                return Some(self.take(&String::from_utf8(event).unwrap()));
            }
            match within("a piece of a stream", self.response.chunk()).await {
                Ok(Some(piece)) => self.unread.extend_from_slice(&piece),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    fn take(&mut self, event: &str) -> GatewayFrame {
        let mut frame = None;
        for line in event.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => self.last_id = Some(id.to_owned()),
                Some(("data", data)) if frame.is_none() => frame = Some(decode_gateway(data).unwrap()),
                _ => panic!("{line:?} is no line of a stream"),
            }
        }
        frame.unwrap_or_else(|| panic!("{event:?} carries no frame"))
    }

    /// The first frame that says what is waited for; all before it are dropped.
    pub(crate) async fn until<T>(&mut self, what: &str, pick: impl Fn(GatewayFrame) -> Option<T>) -> T {
        within(what, async {
            loop {
                if let Some(found) = pick(self.next().await) {
                    return found;
                }
            }
        })
        .await
    }

    pub(crate) async fn error(&mut self) -> ErrorFrame {
        self.until("an error", |frame| if let GatewayFrame::Error(error) = frame { Some(error) } else { None }).await
    }

    /// Reads on until a session's head is reached; everything that was said of sessions on the way.
    pub(crate) async fn catch_up(&mut self, session: &str) -> (CaughtUp, Vec<GatewayFrame>) {
        let mut seen = Vec::new();
        loop {
            match self.next().await {
                GatewayFrame::CaughtUp(caught_up) if caught_up.session.as_str() == session => return (caught_up, seen),
                GatewayFrame::Error(error) => panic!("refused: {error:?}"),
                frame => seen.push(frame),
            }
        }
    }

    /// The events of a session up to the one looked for.
    pub(crate) async fn events_until(&mut self, session: &str, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        while !events.last().is_some_and(&is_last) {
            match self.next().await {
                GatewayFrame::Events(batch) if batch.session.as_str() == session => events.extend(batch.events),
                GatewayFrame::Error(error) => panic!("refused: {error:?}"),
                _ => {}
            }
        }
        events
    }

    /// Reads on to the end of the stream; the frames that came.
    pub(crate) async fn rest(mut self) -> Vec<GatewayFrame> {
        let mut rest = Vec::new();
        while let Some(frame) = self.next_or_end().await {
            rest.push(frame);
        }
        rest
    }
}

/// A frame posted to a connection with the token.
pub(crate) fn post(world: &World, connection: &impl ToString, frame: &ClientFrame) -> RequestBuilder {
    post_text(world, connection, frame.kind(), &encode(frame))
}

/// Anything posted to a connection with the token.
pub(crate) fn post_text(world: &World, connection: &impl ToString, verb: &str, body: &str) -> RequestBuilder {
    world.post(&format!("/v1/{verb}"), body).header(CONNECTION_HEADER, connection.to_string())
}

/// Posts what is answered 204.
pub(crate) async fn posted(world: &World, connection: &impl ToString, frame: &ClientFrame) {
    let response = within("an answer", post(world, connection, frame).send()).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT, "{:?}", response.text().await);
}

/// Posts what is answered with a receipt.
pub(crate) async fn receipt(world: &World, connection: &impl ToString, frame: &ClientFrame) -> Receipt {
    let response = within("an answer", post(world, connection, frame).send()).await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{text}");
    match decode_gateway(&text).unwrap() {
        GatewayFrame::Receipt(receipt) => receipt,
        other => panic!("{other:?} is no receipt"),
    }
}

/// The cursors of an `id:`.
pub(crate) fn cursors(id_text: &str) -> Vec<Cursor> {
    let read = |text: &str| {
        let parts: Vec<&str> = text.split(':').collect();
        assert_eq!(parts.len(), 3, "{text}");
        Cursor { session: id(parts[0]), epoch: id(parts[1]), seq: moorline_protocol::Seq::new(parts[2].parse().unwrap()) }
    };
    id_text.split(',').map(read).collect()
}
