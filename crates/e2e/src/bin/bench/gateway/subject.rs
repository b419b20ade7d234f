//! What is measured: the gateway, and its peers when they were asked for.

mod durable_streams;
mod moorline;
mod socket_io;

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

pub(crate) use durable_streams::{DurableStreams, Storage};
pub(crate) use moorline::{Moorline, Start, attach};
pub(crate) use socket_io::SocketIo;

use super::follower::Follower;
use crate::{
    process::{Process, Side},
    raw::Line,
};

/// A server under test, with streams that texts are appended to and that are read from.
#[derive(Debug)]
pub(crate) enum Subject {
    Moorline(Box<Moorline>),
    DurableStreams(DurableStreams),
    SocketIo(SocketIo),
}

/// What can be measured on this machine.
#[derive(Debug, Clone)]
pub(crate) enum Candidate {
    Moorline { durability: &'static str },
    DurableStreams { program: String, storage: Storage },
    SocketIo { modules: String },
}

impl Candidate {
    /// The gateway, and the peers that were installed.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Moorline { durability: "full" }, Self::Moorline { durability: "os" }];
        if let Ok(program) = std::env::var("MOORLINE_BENCH_DURABLE_STREAMS") {
            all.extend([Storage::Wal, Storage::Memory].map(|storage| Self::DurableStreams { program: program.clone(), storage }));
        }
        if let Ok(modules) = std::env::var("MOORLINE_BENCH_SOCKET_IO") {
            all.push(Self::SocketIo { modules });
        }
        all
    }

    /// Its column in a table.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Moorline { durability: "full" } => "Moorline, full",
            Self::Moorline { .. } => "Moorline, os",
            Self::DurableStreams { storage: Storage::Wal, .. } => "durable-streams, wal",
            Self::DurableStreams { storage: Storage::Memory, .. } => "durable-streams, memory",
            Self::SocketIo { .. } => "socket.io",
        }
    }

    /// The lines on which it can be read.
    pub(crate) const fn lines(&self) -> &'static [Line] {
        match self {
            Self::Moorline { .. } => &[Line::WebSocket, Line::Events],
            Self::DurableStreams { .. } => &[Line::Events],
            Self::SocketIo { .. } => &[Line::WebSocket],
        }
    }

    /// Starts it on its processor, with nothing in it.
    pub(crate) async fn start(&self, start: Start) -> Subject {
        Side::Server.pin();
        let subject = match self {
            Self::Moorline { durability } => Subject::Moorline(Box::new(Moorline::start(durability, start).await)),
            Self::DurableStreams { program, storage } => Subject::DurableStreams(DurableStreams::start(program, *storage).await),
            Self::SocketIo { modules } => Subject::SocketIo(SocketIo::start(modules).await),
        };
        Side::Load.pin();
        subject
    }
}

impl Subject {
    /// A reader as by [`Self::read`], which counts only what is appended from now on.
    pub(crate) async fn read_new(&self, stream: &str, line: Line, reader: usize) -> io::Result<Follower> {
        let mut follower = self.read(stream, line, reader).await?;
        follower.marks = 0;
        Ok(follower)
    }

    pub(crate) fn process(&self) -> Process {
        match self {
            Self::Moorline(server) => server.process(),
            Self::DurableStreams(server) => server.process(),
            Self::SocketIo(server) => server.process(),
        }
    }

    /// Makes a stream that can be read.
    pub(crate) async fn make(&self, stream: &str) {
        match self {
            Self::Moorline(server) => server.make(stream).await,
            Self::DurableStreams(server) => server.make(stream).await,
            Self::SocketIo(_) => {}
        }
    }

    /// Appends texts of 200 bytes to a stream, with a pause behind each; zero = as fast as they go.
    pub(crate) async fn append(&self, stream: &str, texts: usize, pause: Duration) {
        match self {
            Self::Moorline(server) => server.append(stream, texts, pause).await,
            Self::DurableStreams(server) => server.append(stream, texts, pause).await,
            Self::SocketIo(server) => server.append(texts, pause).await,
        }
    }

    /// A reader of a stream that has been told that it has everything.
    ///
    /// # Errors
    /// When it is not let in.
    pub(crate) async fn read(&self, stream: &str, line: Line, reader: usize) -> io::Result<Follower> {
        match self {
            Self::Moorline(server) => server.read(stream, line, reader, None).await,
            Self::DurableStreams(server) => server.read(stream).await,
            Self::SocketIo(server) => server.read().await,
        }
    }
}

/// Starts a peer on this thread's processor, and waits for a word that it says when it listens. Its errors are shown.
async fn listening(mut command: Command, word: &str) -> Child {
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let said = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains(word) {
                return true;
            }
        }
        false
    };
    assert!(moorline_e2e::within("a peer to listen", Duration::from_secs(20), said).await, "{command:?} ended before it listened");
    // What comes behind it is read and dropped, so that the peer never waits for room.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

/// A port of the loopback that was free just now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
