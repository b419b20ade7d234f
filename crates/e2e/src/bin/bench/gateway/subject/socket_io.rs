//! socket.io with the recovery of a connection's state: a small server of our own around it.

use std::{io, net::SocketAddr, time::Duration};

use moorline_e2e::Api;
use tokio::process::{Child, Command};

use super::{free_port, listening};
use crate::{
    gateway::follower::{Follower, Upkeep, text},
    process::Process,
    raw::{Line, RawReader},
};

/// A running server.
#[derive(Debug)]
pub(crate) struct SocketIo {
    _child: Child,
    id: u32,
    address: SocketAddr,
}

/// The server; it listens on a port, and emits what is posted to it.
const SERVER: &str = include_str!("../../peers/socket_io.cjs");

const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

impl SocketIo {
    pub(super) async fn start(modules: &str) -> Self {
        let port = free_port();
        let mut command = Command::new("node");
        command.args(["-e", SERVER]).env("NODE_PATH", modules).env("PORT", port.to_string());
        let child = listening(command, "listening").await;
        let id = child.id().expect("it runs");
        Self { _child: child, id, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    pub(super) const fn process(&self) -> Process {
        Process(self.id)
    }

    /// Has it emit a text so many times.
    pub(super) async fn append(&self, texts: usize, pause: Duration) {
        let path = format!("/emit?texts={texts}&pause={}", pause.as_millis());
        let (status, _) = Api::stranger(self.address).raw(hyper::Method::POST, &path, &[], text()).await;
        assert!(status.is_success(), "an emit answers {status}");
    }

    pub(crate) async fn read(&self) -> io::Result<Follower> {
        let mut follower = self.open().await?;
        follower.say("40").await?;
        follower.until_live().await?;
        Ok(follower)
    }

    /// A connection that has not yet asked to be let in. Any message that is no packet, an empty one too, would end it.
    pub(crate) async fn open(&self) -> io::Result<Follower> {
        let reader = RawReader::open(self.address, Line::WebSocket, PATH, "").await?;
        Ok(Follower::new(reader, Upkeep::SocketIo { connected: String::new(), offset: String::new() }))
    }
}
