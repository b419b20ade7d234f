//! A native client of the wire, without a page, a core or any patience of its own.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::header;
use moorline_protocol::{
    Ack, Attach, ClientFrame, ClientId, Create, Cursor, Epoch, ErrorFrame, Event, EventBody, Events, GatewayFrame, Hello, Item, MessageId,
    PageId, Pong, ReceiptOutcome, SUBPROTOCOL, Send, SendBody, Seq, SessionId, Turn, VERSION, Welcome, decode_gateway, encode,
};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::Request},
};

use crate::within;

const ANSWER: Duration = Duration::from_secs(10);

/// How a connection proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login<'a> {
    /// With the cookie of [`crate::Api::login`].
    Cookie(&'a str),
    /// Not at all.
    None,
}

/// One WebSocket connection. Methods panic, by name, when an answer does not come in 10 s.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Frames that were read while another kind was awaited, oldest first.
    passed_over: VecDeque<GatewayFrame>,
    /// The journals of attached sessions, if what is read is acked.
    epochs: Option<BTreeMap<SessionId, Epoch>>,
}

impl Client {
    /// Opens a connection without a word on it.
    ///
    /// # Errors
    /// What the handshake ended with.
    pub async fn connect(address: SocketAddr, login: Login<'_>, origin: Option<&str>) -> Result<Self, Error> {
        Self::connect_over(TcpStream::connect(address).await?, address, login, origin).await
    }

    async fn connect_over(stream: TcpStream, address: SocketAddr, login: Login<'_>, origin: Option<&str>) -> Result<Self, Error> {
        // A small frame behind another one is not held back, as a browser does not.
        stream.set_nodelay(true)?;
        let mut request: Request<()> = format!("ws://{address}/v1/connect").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.parse()?);
        if let Login::Cookie(cookie) = login {
            headers.insert(header::COOKIE, cookie.parse()?);
        }
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse()?);
        }
        let handshake = tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream));
        let (socket, _) = within("the handshake", ANSWER, handshake).await?;
        Ok(Self { socket, passed_over: VecDeque::new(), epochs: None })
    }

    /// Opens a connection and says hello; the client and page ids are made from a word.
    ///
    /// # Panics
    /// When there is no welcome.
    pub async fn greeted(address: SocketAddr, cookie: &str, name: &str) -> (Self, Welcome) {
        let client = Self::connect(address, Login::Cookie(cookie), None).await.expect("the handshake succeeds");
        client.greet(name).await
    }

    /// A reader that stops: it attaches to a session, and from the answer on reads nothing. The system takes as little for it as
    /// it can. The welcome names its connection.
    ///
    /// # Panics
    /// When it is not taken in.
    pub async fn stalled(address: SocketAddr, cookie: &str, name: &str, session: &SessionId) -> (Self, Welcome) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 << 10).expect("a small buffer");
        let stream = socket.connect(address).await.expect("the gateway listens");
        let client = Self::connect_over(stream, address, Login::Cookie(cookie), None).await.expect("the handshake succeeds");
        let (mut client, welcome) = client.greet(name).await;
        client.attach(session, 1).await;
        client.expect("an attached", |frame| matches!(frame, GatewayFrame::Attached(_)).then_some(())).await;
        (client, welcome)
    }

    async fn greet(self, name: &str) -> (Self, Welcome) {
        let mut client = self;
        client.send(&hello(name)).await;
        let welcome =
            client.expect("welcome", |frame| if let GatewayFrame::Welcome(welcome) = frame { Some(welcome.clone()) } else { None }).await;
        (client, welcome)
    }

    /// Sends a frame.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, frame: &ClientFrame) {
        self.send_raw(Message::text(encode(frame))).await;
    }

    /// Sends any WebSocket message.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("the connection takes a message");
    }

    /// Sends a text to a session, which is created if there is none.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_text(&mut self, session: &SessionId, message: &MessageId, text: &str) {
        let body = SendBody::Text(text.to_owned());
        let send = Send { session: session.clone(), message: message.clone(), body, create: Some(Create::default()), interrupt: None };
        self.send(&ClientFrame::Send(send)).await;
    }

    /// Attaches to a session without a cursor.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn attach(&mut self, session: &SessionId, no: u64) {
        let attach = Attach { session: session.clone(), no, epoch: None, seq: Seq::ZERO, snapshot: false };
        self.send(&ClientFrame::Attach(attach)).await;
    }

    /// The next frame, none when the gateway closed; pings are answered on the way.
    ///
    /// # Panics
    /// When a message is no frame.
    pub async fn next(&mut self) -> Option<GatewayFrame> {
        if let Some(frame) = self.passed_over.pop_front() {
            return Some(frame);
        }
        self.read().await
    }

    async fn read(&mut self) -> Option<GatewayFrame> {
        loop {
            let Message::Text(text) = self.socket.next().await?.ok()? else { continue };
            let frame = decode_gateway(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            if matches!(frame, GatewayFrame::Ping(_)) {
                let pong = ClientFrame::Pong(Pong { cursors: Vec::new() });
                self.socket.send(Message::text(encode(&pong))).await.ok()?;
            }
            if let Some(ack) = self.ack(&frame) {
                self.socket.send(Message::text(encode(&ack))).await.ok()?;
            }
            return Some(frame);
        }
    }

    /// What is to be said about a frame, if what is read is acked.
    fn ack(&mut self, frame: &GatewayFrame) -> Option<ClientFrame> {
        let epochs = self.epochs.as_mut()?;
        if let GatewayFrame::Attached(attached) = frame {
            epochs.insert(attached.session.clone(), attached.epoch.clone());
        }
        let GatewayFrame::Events(Events { session, events }) = frame else { return None };
        let (epoch, seq) = (epochs.get(session)?.clone(), events.last()?.seq);
        Some(ClientFrame::Ack(Ack { cursors: vec![Cursor { session: session.clone(), epoch, seq }] }))
    }

    /// Waits for a frame of which the picker takes something; the others are kept for later, in order.
    ///
    /// # Panics
    /// When none comes in 10 s, or the gateway closes.
    pub async fn expect<T>(&mut self, what: &str, mut pick: impl FnMut(&GatewayFrame) -> Option<T>) -> T {
        let kept = self.passed_over.iter().enumerate().find_map(|(at, frame)| Some((at, pick(frame)?)));
        if let Some((at, picked)) = kept {
            self.passed_over.remove(at);
            return picked;
        }
        within(what, ANSWER, async {
            loop {
                let Some(frame) = self.read().await else { panic!("the gateway closed before {what}") };
                match pick(&frame) {
                    Some(picked) => return picked,
                    None => self.passed_over.push_back(frame),
                }
            }
        })
        .await
    }

    /// Waits for a refusal.
    ///
    /// # Panics
    /// As [`Self::expect`].
    pub async fn expect_error(&mut self, what: &str) -> ErrorFrame {
        self.expect(what, |frame| if let GatewayFrame::Error(error) = frame { Some(error.clone()) } else { None }).await
    }

    /// Waits for the receipt of a message.
    ///
    /// # Panics
    /// As [`Self::expect`].
    pub async fn expect_receipt(&mut self, message: &MessageId) -> ReceiptOutcome {
        let ours = |frame: &GatewayFrame| {
            let GatewayFrame::Receipt(receipt) = frame else { return None };
            (receipt.message == *message).then_some(receipt.outcome)
        };
        self.expect("a receipt", ours).await
    }

    /// Drops the frames that were passed over: nothing of them is waited for any more.
    pub fn forget(&mut self) {
        self.passed_over.clear();
    }

    /// Acks from now on whatever is read of sessions that are attached from now on, so that the credit does not run out.
    pub fn ack_what_is_read(&mut self) {
        self.epochs = Some(BTreeMap::new());
    }

    /// Reads to the end of a turn in a session that is attached, and keeps nothing.
    ///
    /// # Panics
    /// When it does not come in time, or the gateway closes.
    pub async fn follow_to_turn_end(&mut self, turn: &MessageId, deadline: Duration) {
        within("the turn to end", deadline, async {
            loop {
                let frame = self.next().await.expect("the gateway goes on");
                if let GatewayFrame::Events(events) = frame
                    && events.events.iter().any(|event| ends(event, turn))
                {
                    return;
                }
            }
        })
        .await;
    }

    /// Waits for the end of a turn in a session that is attached.
    ///
    /// # Panics
    /// As [`Self::expect`].
    pub async fn expect_turn_end(&mut self, turn: &MessageId) {
        let over = |known: &Turn| is_over(known, turn);
        let pick = |frame: &GatewayFrame| {
            if let GatewayFrame::Events(events) = frame {
                return events.events.iter().any(|event| ends(event, turn)).then_some(());
            }
            let GatewayFrame::Snapshot(part) = frame else { return None };
            part.items.iter().any(|item| matches!(item, Item::Turn(known) if over(known))).then_some(())
        };
        self.expect("the turn to end", pick).await;
    }
}

/// Whether an event is a turn's end, or stands for it.
fn ends(event: &Event, turn: &MessageId) -> bool {
    if let EventBody::TurnEnded(ended) = &event.body {
        return ended.turn == *turn;
    }
    matches!(&event.body, EventBody::Fold(fold) if fold.turns.iter().any(|known| is_over(known, turn)))
}

fn is_over(known: &Turn, turn: &MessageId) -> bool {
    known.id == *turn && known.state.is_over()
}

/// The first frame of a connection.
fn hello(name: &str) -> ClientFrame {
    let client = ClientId::parse(&format!("client-{name}")).expect("a name of letters makes an id");
    let page = PageId::parse(&format!("page-{name}")).expect("a name of letters makes an id");
    ClientFrame::Hello(Hello { version: VERSION, client, page, attaches: Vec::new(), rows_rev: None })
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{ClientPing, ConnectionId, GatewayPong, Limits, Ping, Timings, decode_client};
    use tokio::net::TcpListener;

    use super::*;

    /// Greets, pings, then repeats the kind of every frame it gets in an error.
    async fn greeter() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            // The subprotocol is echoed as the gateway does.
            #[expect(clippy::result_large_err, reason = "the signature that the library asks for")]
            let choose = |_: &Request<()>, mut answer: tokio_tungstenite::tungstenite::handshake::server::Response| {
                answer.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.parse().unwrap());
                Ok(answer)
            };
            let mut socket = tokio_tungstenite::accept_hdr_async(stream, choose).await.unwrap();
            let welcome = Welcome {
                version: VERSION,
                connection: ConnectionId::parse("c1").unwrap(),
                limits: Limits::default(),
                timings: Timings::default(),
                build: String::new(),
                time: 0,
                agents: Vec::new(),
            };
            let greeting =
                [GatewayFrame::Ping(Ping { heads: Vec::new() }), GatewayFrame::Pong(GatewayPong {}), GatewayFrame::Welcome(welcome)];
            for frame in greeting {
                socket.send(Message::text(encode(&frame))).await.unwrap();
            }
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                let kind = decode_client(&text).unwrap().kind().to_owned();
                let error = ErrorFrame::new(moorline_protocol::Code::BadFrame, kind);
                socket.send(Message::text(encode(&GatewayFrame::Error(error)))).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn frames_passed_over_are_kept_and_pings_are_answered() {
        let (mut client, welcome) = Client::greeted(greeter().await, "a=b", "test").await;
        assert_eq!(welcome.connection.as_str(), "c1");
        client.send(&ClientFrame::Ping(ClientPing {})).await;
        for kind in ["hello", "pong", "ping"] {
            assert_eq!(client.expect_error("an error").await.message, kind);
        }
        assert!(matches!(client.next().await, Some(GatewayFrame::Ping(_))), "the oldest frame passed over");
        client.expect("the pong passed over", |frame| matches!(frame, GatewayFrame::Pong(_)).then_some(())).await;
    }

    #[tokio::test]
    #[should_panic(expected = "the gateway closed before a receipt")]
    async fn a_close_is_named_by_what_was_awaited() {
        let (mut client, _) = Client::greeted(greeter().await, "a=b", "test").await;
        client.send_raw(Message::Binary(vec![0].into())).await;
        client.expect_receipt(&MessageId::parse("m").unwrap()).await;
    }
}
