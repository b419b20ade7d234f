//! One page's connection, frame by frame.

use futures_util::{SinkExt as _, StreamExt as _};
use moorline_protocol::{
    Ack, Attach, CaughtUp, ClientFrame, Code, Create, Cursor, Epoch, ErrorFrame, Event, EventBody, GatewayFrame, Hello, Receipt,
    SUBPROTOCOL, Send, SendBody, Seq, Welcome, decode_gateway, encode,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{HeaderName, HeaderValue, header},
        protocol::CloseFrame,
    },
};

use crate::world::{TOKEN, World, within};

pub(crate) struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Page {
    /// Connects with headers instead of the token.
    pub(crate) async fn try_connect(world: &World, path: &str, headers: &[(HeaderName, &str)]) -> Result<Self, Error> {
        Self::try_open(&format!("ws://{}{path}", world.gateway.address()), headers).await
    }

    /// Connects to any address with the token.
    pub(crate) async fn open(url: &str) -> Self {
        Self::try_open(url, &[(header::AUTHORIZATION, &format!("Bearer {TOKEN}"))]).await.unwrap()
    }

    async fn try_open(url: &str, headers: &[(HeaderName, &str)]) -> Result<Self, Error> {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        for (name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let (socket, response) = within("an answer to the upgrade", connect_async(request)).await?;
        assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], SUBPROTOCOL);
        Ok(Self { socket })
    }

    /// Connects with the token.
    pub(crate) async fn connect(world: &World) -> Self {
        Self::try_connect(world, "/v1/connect", &[(header::AUTHORIZATION, &format!("Bearer {TOKEN}"))]).await.unwrap()
    }

    /// Connects and says hello.
    pub(crate) async fn greet(world: &World, client: &str) -> (Self, Welcome) {
        let mut page = Self::connect(world).await;
        page.send(&hello(client)).await;
        let welcome = page.until("welcome", |frame| if let GatewayFrame::Welcome(welcome) = frame { Some(welcome) } else { None }).await;
        (page, welcome)
    }

    pub(crate) async fn send(&mut self, frame: &ClientFrame) {
        self.send_raw(Message::text(encode(frame))).await;
    }

    /// Sends what the other end may refuse to read.
    pub(crate) async fn try_send(&mut self, message: Message) {
        drop(within("the end of a send", self.socket.send(message)).await);
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        within("room for a frame", self.socket.send(message)).await.unwrap();
    }

    /// The next frame; panics when the connection is closed.
    pub(crate) async fn next(&mut self) -> GatewayFrame {
        self.next_or_close().await.unwrap_or_else(|close| panic!("closed: {close:?}"))
    }

    /// The next frame, or how the connection was closed.
    pub(crate) async fn next_or_close(&mut self) -> Result<GatewayFrame, Option<CloseFrame>> {
        loop {
            match within("a frame", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(decode_gateway(&text).unwrap()),
                Some(Ok(Message::Close(close))) => return Err(close),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
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

    pub(crate) async fn receipt(&mut self) -> Receipt {
        self.until("a receipt", |frame| match frame {
            GatewayFrame::Receipt(receipt) => Some(receipt),
            GatewayFrame::Error(error) => panic!("refused: {error:?}"),
            _ => None,
        })
        .await
    }

    pub(crate) async fn error(&mut self) -> ErrorFrame {
        self.until("an error", |frame| if let GatewayFrame::Error(error) = frame { Some(error) } else { None }).await
    }

    /// Follows a session's events, acking them, until its turn has ended; returns them all.
    pub(crate) async fn follow_until_ended(&mut self, session: &str, epoch: &Epoch) -> Vec<Event> {
        self.follow_until(session, epoch, |last| matches!(last.body, EventBody::TurnEnded(_))).await
    }

    /// Follows a session's events, acking them, until a frame's last one is the one looked for.
    pub(crate) async fn follow_until(&mut self, session: &str, epoch: &Epoch, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        within("the event that ends it", async {
            loop {
                match self.next().await {
                    GatewayFrame::Events(batch) if batch.session.as_str() == session => {
                        let last = batch.events.last().unwrap().clone();
                        events.extend(batch.events);
                        let cursor = Cursor { session: id(session), epoch: epoch.clone(), seq: last.seq };
                        self.send(&ClientFrame::Ack(Ack { cursors: vec![cursor] })).await;
                        if is_last(&last) {
                            return;
                        }
                    }
                    GatewayFrame::Error(error) => panic!("refused: {error:?}"),
                    _ => {}
                }
            }
        })
        .await;
        events
    }

    /// Attaches without a cursor and reads on until the head is reached.
    pub(crate) async fn attach(&mut self, session: &str, no: u64) -> CaughtUp {
        self.send(&ClientFrame::Attach(attach(session, no))).await;
        self.until("caught_up", |frame| match frame {
            GatewayFrame::CaughtUp(caught_up) if caught_up.no == no => Some(caught_up),
            GatewayFrame::Error(error) => panic!("refused: {error:?}"),
            _ => None,
        })
        .await
    }

    /// Whether the gateway still answers on this connection.
    pub(crate) async fn assert_alive(&mut self) {
        self.send(&ClientFrame::Ping(moorline_protocol::ClientPing {})).await;
        self.until("a pong", |frame| matches!(frame, GatewayFrame::Pong(_)).then_some(())).await;
    }

    /// Reads on until the connection is closed; the reason, if one was given.
    pub(crate) async fn closed(&mut self) -> Option<String> {
        loop {
            if let Err(close) = self.next_or_close().await {
                return close.map(|close| close.reason.as_str().to_owned());
            }
        }
    }
}

/// Any kind of id.
pub(crate) fn id<T: for<'de> serde::Deserialize<'de>>(text: &str) -> T {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap()
}

pub(crate) fn hello(client: &str) -> ClientFrame {
    ClientFrame::Hello(Hello { version: 1, client: id(client), page: id(&format!("{client}-page")), attaches: vec![], rows_rev: None })
}

/// An attach without a cursor.
pub(crate) fn attach(session: &str, no: u64) -> Attach {
    Attach { session: id(session), no, epoch: None, seq: Seq::ZERO, snapshot: false }
}

/// A message that makes its session.
pub(crate) fn message(session: &str, message: &str, text: &str) -> ClientFrame {
    let body = SendBody::Text(text.to_owned());
    ClientFrame::Send(Send { session: id(session), message: id(message), body, create: Some(Create::default()), interrupt: None })
}

/// Whether an error has this code.
pub(crate) fn is(error: &ErrorFrame, code: Code) -> bool {
    error.code == code && error.message.len() > 10
}
