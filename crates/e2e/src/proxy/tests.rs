//! The proxy against plain sockets and a real WebSocket; the requests are beside.

mod requests;

use std::io::ErrorKind;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::Instant,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message},
};

use super::*;

const SOON: Duration = Duration::from_secs(5);
/// Long enough for a byte that is on its way to arrive on loopback, for tests that show that none does.
const QUIET: Duration = Duration::from_millis(150);

/// Sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

/// A WebSocket server that answers each text `n` with the texts `1` to `n`.
async fn counting() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                while let Some(Ok(Message::Text(text))) = socket.next().await {
                    for n in 1..=text.parse::<u32>().unwrap() {
                        let _ = socket.send(Message::text(n.to_string())).await;
                    }
                }
            });
        }
    });
    address
}

async fn connected(target: SocketAddr) -> (Proxy, TcpStream) {
    let proxy = Proxy::start(target).await;
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    (proxy, stream)
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn socket(proxy: &Proxy) -> Socket {
    tokio_tungstenite::connect_async(format!("ws://{}/", proxy.address())).await.unwrap().0
}

async fn round_trip(stream: &mut TcpStream, text: &[u8]) {
    stream.write_all(text).await.unwrap();
    let mut back = vec![0; text.len()];
    within("the echo", SOON, stream.read_exact(&mut back)).await.unwrap();
    assert_eq!(back, text);
}

async fn texts_until_the_end(socket: &mut Socket) -> (Vec<String>, Option<tungstenite::Error>) {
    let mut texts = Vec::new();
    loop {
        match within("the end of the stream", SOON, socket.next()).await {
            Some(Ok(Message::Text(text))) => texts.push(text.to_string()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return (texts, Some(error)),
            None => return (texts, None),
        }
    }
}

#[tokio::test]
async fn bytes_pass_both_ways_and_are_counted() {
    let (proxy, mut stream) = connected(echo().await).await;
    round_trip(&mut stream, b"hello").await;
    let counters = proxy.until("both counts", SOON, |c| c.bytes_up == 5 && c.bytes_down == 5).await;
    assert_eq!((counters.connections, counters.open, counters.upgrades), (1, 1, 0));
    drop(stream);
    proxy.until("the connection's end", SOON, |c| c.open == 0).await;
}

#[tokio::test]
async fn a_clean_close_is_an_end_of_stream() {
    let (proxy, mut stream) = connected(echo().await).await;
    round_trip(&mut stream, b"hello").await;
    proxy.cut(Cut::Close);
    assert_eq!(within("the end", SOON, stream.read(&mut [0; 8])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_reset_is_an_error() {
    let (proxy, mut stream) = connected(echo().await).await;
    round_trip(&mut stream, b"hello").await;
    proxy.cut(Cut::Reset);
    let error = within("the reset", SOON, stream.read(&mut [0; 8])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_hole_up_swallows_and_keeps_the_connection() {
    let (proxy, mut stream) = connected(echo().await).await;
    round_trip(&mut stream, b"hello").await;
    proxy.cut(Cut::HoleUp);
    stream.write_all(b"lost").await.unwrap();
    assert!(tokio::time::timeout(QUIET, stream.read(&mut [0; 8])).await.is_err(), "nothing comes back, not even an end");
    assert_eq!(proxy.counters().bytes_up, 5);
    drop(stream);
    assert!(
        tokio::time::timeout(QUIET, proxy.until("never", SOON, |c| c.open == 0)).await.is_err(),
        "the target keeps a half-open connection"
    );
}

#[tokio::test]
async fn a_hole_down_still_lets_bytes_up() {
    let (proxy, mut stream) = connected(echo().await).await;
    proxy.until("the connection", SOON, |c| c.open == 1).await;
    proxy.cut(Cut::HoleDown);
    stream.write_all(b"hello").await.unwrap();
    proxy.until("the bytes up", SOON, |c| c.bytes_up == 5).await;
    assert!(tokio::time::timeout(QUIET, stream.read(&mut [0; 8])).await.is_err());
}

#[tokio::test]
async fn new_connections_pass_beside_a_hole() {
    let (proxy, mut holed) = connected(echo().await).await;
    round_trip(&mut holed, b"hello").await;
    proxy.cut(Cut::HoleBoth);
    let mut fresh = TcpStream::connect(proxy.address()).await.unwrap();
    round_trip(&mut fresh, b"hello").await;
}

#[tokio::test]
async fn refused_connections_are_reset() {
    let proxy = Proxy::start(echo().await).await;
    proxy.admit(Admission::Refuse);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let read = within("the refusal", SOON, stream.read(&mut [0; 8])).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn stalled_connections_go_on_once_admitted() {
    let proxy = Proxy::start(echo().await).await;
    proxy.admit(Admission::Stall);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    let mut back = [0; 5];
    assert!(tokio::time::timeout(QUIET, stream.read_exact(&mut back)).await.is_err());
    proxy.admit(Admission::Open);
    within("the echo", SOON, stream.read_exact(&mut back)).await.unwrap();
}

#[tokio::test]
async fn delay_holds_every_byte_back() {
    let (proxy, mut stream) = connected(echo().await).await;
    proxy.delay(Duration::from_millis(60));
    let started = Instant::now();
    round_trip(&mut stream, b"hello").await;
    assert!(started.elapsed() >= Duration::from_millis(120), "once each way");
}

#[tokio::test]
async fn bandwidth_is_limited() {
    let (proxy, mut stream) = connected(echo().await).await;
    proxy.bandwidth(Some(20_000));
    let started = Instant::now();
    round_trip(&mut stream, &[7; 4_000]).await;
    assert!(started.elapsed() >= Duration::from_millis(190), "4,000 bytes at 20,000 a second, less one piece");
}

#[tokio::test]
async fn a_byte_count_cuts_a_websocket_at_exactly_that_byte() {
    let proxy = Proxy::start(counting().await).await;
    for bytes in 0..12 {
        let mut socket = socket(&proxy).await;
        let before = proxy.counters();
        proxy.cut_after(Direction::Down, bytes, Cut::Reset);
        socket.send(Message::text("4")).await.unwrap();
        let (texts, error) = texts_until_the_end(&mut socket).await;
        let after = proxy.until("the cut", SOON, |c| c.fired == before.fired + 1 && c.open == 0).await;
        assert_eq!(after.websocket_down - before.websocket_down, bytes);
        assert!(texts.len() as u64 <= bytes / 3, "3 bytes make a frame");
        assert!(error.is_some());
    }
}

#[tokio::test]
async fn a_byte_count_up_opens_a_hole_at_exactly_that_byte() {
    let proxy = Proxy::start(counting().await).await;
    let mut socket = socket(&proxy).await;
    proxy.cut_after(Direction::Up, 10, Cut::HoleUp);
    socket.send(Message::text("1")).await.unwrap();
    within("the first answer", SOON, socket.next()).await.unwrap().unwrap();
    socket.send(Message::text("1")).await.unwrap();
    proxy.until("the cut", SOON, |c| c.fired == 1).await;
    assert!(tokio::time::timeout(QUIET, socket.next()).await.is_err());
    assert_eq!(proxy.counters().websocket_up, 10);
}

#[tokio::test]
async fn a_message_count_cuts_before_that_message() {
    let proxy = Proxy::start(counting().await).await;
    for n in 1..=4 {
        let mut socket = socket(&proxy).await;
        proxy.cut_at_message(n, Cut::Close);
        socket.send(Message::text("4")).await.unwrap();
        let (texts, _) = texts_until_the_end(&mut socket).await;
        assert_eq!(texts.len() as u64, n - 1);
    }
}

#[tokio::test]
async fn a_message_with_a_text_is_the_first_one_lost() {
    let proxy = Proxy::start(counting().await).await;
    let mut socket = socket(&proxy).await;
    proxy.cut_at_message_with("3", Cut::HoleDown);
    socket.send(Message::text("5")).await.unwrap();
    proxy.until("the cut", SOON, |c| c.fired == 1).await;
    for expected in ["1", "2"] {
        let Some(Ok(Message::Text(text))) = within("a text", SOON, socket.next()).await else { panic!("no text") };
        assert_eq!(text.as_str(), expected);
    }
    assert!(tokio::time::timeout(QUIET, socket.next()).await.is_err());
    assert_eq!(proxy.counters().messages_down, 2);
}

#[tokio::test]
async fn plain_http_is_never_cut_by_a_count() {
    let (proxy, mut stream) = connected(echo().await).await;
    proxy.cut_after(Direction::Down, 1, Cut::Reset);
    round_trip(&mut stream, b"hello").await;
    assert_eq!(proxy.counters().fired, 0);
    proxy.disarm();
}
