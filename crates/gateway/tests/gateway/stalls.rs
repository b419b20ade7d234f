//! Readers that stop: they are noticed from outside what writes to them, and cost little until then.

use std::{net::SocketAddr, path::Path, time::Duration};

use moorline_protocol::{ClientFrame, ClientPing, ConnectionId, Epoch, Hello, Seq, encode};
use reqwest::{Client, StatusCode, header};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::{
    access::pair,
    event_stream::{EventStream, from, greeting, post, receipt},
    page::{Page, id, message},
    process::{Process, WITH_TOKEN},
    world::{TOKEN, World, assert_problem, within},
};

/// A silence that is short to wait for, and credit so large that only the socket holds the gateway up.
const FLOOD: [&str; 8] = ["--ping-ms", "1000", "--silence-ms", "3000", "--credit-bytes", "1000000000", "--replay-cap", "1000000"];

/// A socket for which the system takes as little as it can while nobody reads it.
pub(crate) async fn request(address: SocketAddr, path_and_query: &str) -> TcpStream {
    request_with(address, path_and_query, &format!("authorization: Bearer {TOKEN}")).await
}

pub(crate) async fn request_with(address: SocketAddr, path_and_query: &str, login: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut socket = socket.connect(address).await.unwrap();
    let head = format!("GET {path_and_query} HTTP/1.1\r\nhost: {address}\r\n{login}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

fn stream_path(hello: &Hello) -> String {
    let url = Client::new().get("http://localhost/v1/events").query(&[("hello", encode(hello))]).build().unwrap().url().clone();
    format!("{}?{}", url.path(), url.query().unwrap())
}

/// A folder with a journal of 8 MiB, which no socket takes whole; and its epoch.
pub(crate) async fn flooded() -> (TempDir, Epoch) {
    let world = World::start(&[]).await;
    let (_stream, welcome) = EventStream::greet(&world, "writer").await;
    for name in ["m1", "m2"] {
        receipt(&world, &welcome.connection, &message("s", name, "/long 4096")).await;
        within("the end of the turn", async {
            while !is_at_rest(&world).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
    let epoch = world.events("s", Seq::MAX).await.epoch;
    (world.stop().await, epoch)
}

/// Whether the journal ends with the end of a turn.
async fn is_at_rest(world: &World) -> bool {
    let head = world.events("s", Seq::MAX).await.head;
    world.events("s", head.before()).await.events.last().is_some_and(|last| last.body.kind() == "turn_ended")
}

async fn ping(world: &World, connection: &ConnectionId) -> StatusCode {
    let request = post(world, connection, &ClientFrame::Ping(ClientPing {}));
    within("an answer", request.send()).await.unwrap().status()
}

/// Posts pings until one is answered so.
async fn ping_until(world: &World, connection: &ConnectionId, status: StatusCode) {
    within("the answer that is waited for", async {
        while ping(world, connection).await != status {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_is_not_read_delays_no_receipt_and_is_given_up() {
    let (folder, epoch) = flooded().await;
    let world = World::on(folder, &FLOOD).await;
    let path = stream_path(&greeting("a", vec![from("s", 1, &epoch, 0)]));
    let mut socket = request(world.gateway.address(), &path).await;
    let mut read = Vec::new();
    let connection: ConnectionId = within("welcome", async {
        loop {
            socket.read_buf(&mut read).await.unwrap();
            let text = String::from_utf8_lossy(&read);
            if let Some((_, rest)) = text.split_once(r#""connection":""#) {
                return id(&rest[..32]);
            }
        }
    })
    .await;
    // The answers wait behind what is not read; when enough do, no more frames are taken.
    ping_until(&world, &connection, StatusCode::TOO_MANY_REQUESTS).await;
    assert_problem(post(&world, &connection, &ClientFrame::Ping(ClientPing {})), StatusCode::TOO_MANY_REQUESTS, "too_many").await;
    receipt(&world, &connection, &message("t", "m1", "/echo hi")).await;
    assert_eq!(ping(&world, &connection).await, StatusCode::TOO_MANY_REQUESTS, "it is still stalled");
    // These are signs of life, so it is not for its silence that it ends.
    ping_until(&world, &connection, StatusCode::NOT_FOUND).await;
    let rest = within("the end of the socket", socket.read_to_end(&mut read)).await;
    assert!(rest.is_err(), "the socket was aborted rather than closed behind what it held");
}

#[tokio::test]
async fn a_websocket_that_is_not_read_is_given_up() {
    let (folder, epoch) = flooded().await;
    let world = World::on(folder, &FLOOD).await;
    let (mut page, welcome) = Page::greet(&world, "a").await;
    page.send(&ClientFrame::Attach(from("s", 1, &epoch, 0))).await;
    ping_until(&world, &welcome.connection, StatusCode::TOO_MANY_REQUESTS).await;
    ping_until(&world, &welcome.connection, StatusCode::NOT_FOUND).await;
    assert_eq!(page.closed().await, None, "there was no room to say why");
}

/// The time that a process has computed, in ticks of a hundredth of a second.
#[cfg(target_os = "linux")]
fn ticks(process: &Process) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let behind_name = stat.rsplit_once(") ").unwrap().1;
    behind_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stream_that_ends_while_it_is_not_read_waits_for_its_socket_idly() {
    let (folder, epoch) = flooded().await;
    let process = start(folder.path(), folder.path());
    let address: SocketAddr = process.url("").trim_start_matches("http://").parse().unwrap();
    let http = Client::new();
    let login = http.post(process.url("/v1/login")).body(format!(r#"{{"token":"{TOKEN}"}}"#)).send().await.unwrap();
    let cookie = pair(login.headers()[header::SET_COOKIE].to_str().unwrap()).to_owned();
    let path = stream_path(&greeting("a", vec![from("s", 1, &epoch, 0)]));
    let _unread = request_with(address, &path, &format!("cookie: {cookie}")).await;
    // It stalls at once; from its logout on there is nothing to do but to wait for the limit.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let logout = http.post(process.url("/v1/logout")).header(header::COOKIE, &cookie).send().await.unwrap();
    assert_eq!(logout.status(), StatusCode::NO_CONTENT);
    let before = ticks(&process);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let computed = ticks(&process) - before;
    assert!(computed < 30, "{computed} of 150 ticks");
}

/// The open sockets of a process, and the memory it has in use, in bytes.
#[cfg(target_os = "linux")]
fn costs(process: &Process) -> (usize, usize) {
    let proc = format!("/proc/{}", process.id());
    let fds = std::fs::read_dir(format!("{proc}/fd")).unwrap().filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
    let sockets = fds.filter(|target| target.to_string_lossy().starts_with("socket:")).count();
    let status = std::fs::read_to_string(format!("{proc}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (sockets, line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn readers_that_stop_cost_little_and_leave_nothing_behind() {
    const READERS: usize = 24;
    let (folder, epoch) = flooded().await;
    let files = folder.path().join("client");
    std::fs::create_dir(&files).unwrap();
    std::fs::File::create(files.join("large.bin")).unwrap().set_len(64 << 20).unwrap();
    let process = start(folder.path(), &files);
    let address: SocketAddr = process.url("").trim_start_matches("http://").parse().unwrap();
    let (sockets, _) = costs(&process);
    // What the first of each costs is not counted.
    let stream = |n: usize| stream_path(&greeting(&format!("reader-{n}"), vec![from("s", 1, &epoch, 0)]));
    drop((request(address, "/large.bin").await, request(address, &stream(0)).await));
    let idle = within("rest", async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let costs = costs(&process);
            if costs.0 == sockets {
                return costs;
            }
        }
    })
    .await;
    let mut readers = Vec::new();
    for n in 0..READERS {
        readers.push(request(address, "/large.bin").await);
        readers.push(request(address, &stream(n)).await);
    }
    let mut most = (0, 0);
    within("the end of every socket", async {
        loop {
            let now = costs(&process);
            most = (most.0.max(now.0), most.1.max(now.1));
            if most.0 > READERS && now.0 == idle.0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(most.0, idle.0 + 2 * READERS, "all were open at once");
    let grown = most.1.saturating_sub(idle.1);
    assert!(grown < READERS * (3 << 20), "{grown} bytes, where {READERS} readers of 8 MiB and as many of 64 MiB stopped");
    drop(readers);
}

#[cfg(target_os = "linux")]
fn start(folder: &Path, files: &Path) -> Process {
    let more = ["--client", files.to_str().unwrap(), "--agent", "demo:--delay-ms 0", "--fold-events", "1000000"];
    let options: Vec<&str> = WITH_TOKEN.into_iter().chain(FLOOD).chain(more).collect();
    Process::start(&folder.join("data"), &options)
}
