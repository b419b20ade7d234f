//! The server of the crate `durable-streams`: streams of JSON, appended to by POST and read as server-sent events.

use std::{io, net::SocketAddr, time::Duration};

use moorline_e2e::Api;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{MissedTickBehavior, interval},
};

use super::{free_port, listening};
use crate::{
    gateway::follower::{Follower, Upkeep, text},
    process::Process,
    raw::{Line, RawReader},
};

/// Where it keeps what was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    /// A log that is synced before an append is answered.
    Wal,
    /// Files that are not synced.
    Memory,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct DurableStreams {
    _child: Child,
    id: u32,
    address: SocketAddr,
    _data: TempDir,
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

impl DurableStreams {
    pub(super) async fn start(program: &str, storage: Storage) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let mut command = Command::new(program);
        command.args(["--port", &port.to_string(), "--data-dir"]).arg(data.path()).args([
            "--durability",
            match storage {
                Storage::Wal => "wal",
                Storage::Memory => "memory",
            },
        ]);
        let child = listening(command, "listening").await;
        let id = child.id().expect("it runs");
        Self { _child: child, id, address: SocketAddr::from(([127, 0, 0, 1], port)), _data: data }
    }

    pub(super) const fn process(&self) -> Process {
        Process(self.id)
    }

    pub(super) async fn make(&self, stream: &str) {
        let (status, _) = Api::stranger(self.address).raw(hyper::Method::PUT, &format!("/{stream}"), &JSON, "").await;
        assert!(status.is_success(), "a stream is made: {status}");
    }

    pub(super) async fn append(&self, stream: &str, texts: usize, pause: Duration) {
        let api = Api::stranger(self.address);
        let (path, body) = (format!("/{stream}"), serde_json::json!({ "text": text() }).to_string());
        let mut ticks = (pause > Duration::ZERO).then(|| interval(pause));
        if let Some(ticks) = &mut ticks {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        }
        for _ in 0..texts {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            let (status, _) = api.raw(hyper::Method::POST, &path, &JSON, body.clone()).await;
            assert!(status.is_success(), "an append answers {status}");
        }
    }

    /// A reader of what is appended from now on: it costs this server less than one that first caught up.
    pub(super) async fn read(&self, stream: &str) -> io::Result<Follower> {
        let mut follower = self.open(stream, "now").await?;
        follower.until_live().await?;
        Ok(follower)
    }

    /// A reader from an offset; -1 is the beginning.
    pub(crate) async fn open(&self, stream: &str, offset: &str) -> io::Result<Follower> {
        let reader = RawReader::open(self.address, Line::Events, &format!("/{stream}?offset={offset}&live=sse"), "").await?;
        Ok(Follower::new(reader, Upkeep::DurableStreams))
    }
}
