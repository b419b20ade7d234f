//! A gateway in this process, and plain HTTP to it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser as _;
use moorline_gateway::{
    Gateway,
    options::{Command, CommandLine, Options},
    start,
};
use moorline_protocol::{EventBody, RawEvents, Seq, TurnEnded};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

/// The token of every gateway here.
pub(crate) const TOKEN: &str = "a-token-for-tests";

/// The gateway's binary, which is the demo agent too.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_moorline-gateway");

/// No single step takes this long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for something that must come.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} did not come within {DEADLINE:?}"),
    }
}

/// A gateway on a folder of its own.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) http: Client,
    folder: TempDir,
}

impl World {
    /// Starts one with further options.
    pub(crate) async fn start(more: &[&str]) -> Self {
        Self::on(tempfile::tempdir().unwrap(), more).await
    }

    /// Starts one on a folder that may hold something.
    pub(crate) async fn on(folder: TempDir, more: &[&str]) -> Self {
        let gateway = start(&options(folder.path(), more), BINARY.into()).await.unwrap();
        Self { gateway, http: Client::new(), folder }
    }

    /// Stops the gateway; its folder stays.
    pub(crate) async fn stop(self) -> TempDir {
        within("the end of the gateway", self.gateway.drain()).await;
        self.folder
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address())
    }

    /// A GET with the token.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path)).bearer_auth(TOKEN)
    }

    /// A POST with the token.
    pub(crate) fn post(&self, path: &str, body: &str) -> RequestBuilder {
        self.http.post(self.url(path)).bearer_auth(TOKEN).body(body.to_owned())
    }

    /// A PATCH with the token.
    pub(crate) fn patch(&self, path: &str, body: &str) -> RequestBuilder {
        self.http.patch(self.url(path)).bearer_auth(TOKEN).body(body.to_owned())
    }

    /// A DELETE with the token.
    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.http.delete(self.url(path)).bearer_auth(TOKEN)
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The agents at work, by the records that the gateway keeps of them.
    pub(crate) fn agents(&self) -> Vec<PathBuf> {
        let records = std::fs::read_dir(self.data().join("agents")).into_iter().flatten();
        records.map(|record| record.unwrap().path()).collect()
    }

    /// A session's journal behind a seq.
    pub(crate) async fn events(&self, session: &str, after: Seq) -> RawEvents {
        let request = self.get(&format!("/v1/sessions/{session}/events?limit=10000&after={after}"));
        within("the journal", request.send()).await.unwrap().json().await.unwrap()
    }

    /// The whole journal, once as many turns have ended.
    pub(crate) async fn journal_with_ended_turns(&self, session: &str, turns: usize) -> RawEvents {
        within("the end of the turns", async {
            loop {
                let journal = self.events(session, Seq::ZERO).await;
                if over(&journal) >= turns {
                    return journal;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }
}

/// The options of a gateway on a folder.
pub(crate) fn options(folder: &Path, more: &[&str]) -> Options {
    let data = folder.join("data");
    let first = ["moorline-gateway", "serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let mut line: Vec<&str> = first.into_iter().chain(more.iter().copied()).collect();
    // Tests compare journals event by event, unless they say otherwise.
    for (option, value) in [("--token", TOKEN), ("--agent", "demo:--delay-ms 0"), ("--fold-events", "1000000")] {
        if !more.contains(&option) {
            line.extend([option, value]);
        }
    }
    match CommandLine::try_parse_from(line).unwrap().command {
        Command::Serve(options) => *options,
        Command::Send(_) | Command::Agents | Command::Backup(_) | Command::Restore(_) | Command::DemoAgent { .. } => {
            unreachable!("serve was asked for")
        }
    }
}

/// The terminal events of a journal.
pub(crate) fn ended(journal: &RawEvents) -> Vec<TurnEnded> {
    let bodies = journal.events.iter().map(|event| &event.body);
    bodies.filter_map(|body| if let EventBody::TurnEnded(ended) = body { Some(ended.clone()) } else { None }).collect()
}

/// How many turns are over, also those of which only a fold tells.
fn over(journal: &RawEvents) -> usize {
    let mut over = BTreeSet::new();
    for event in &journal.events {
        if let EventBody::TurnEnded(ended) = &event.body {
            over.insert(&ended.turn);
        } else if let EventBody::Fold(fold) = &event.body {
            over.extend(fold.turns.iter().filter(|turn| turn.state.is_over()).map(|turn| &turn.id));
        }
    }
    over.len()
}

/// Checks an answer to be an error of ours.
pub(crate) async fn assert_problem(request: RequestBuilder, status: StatusCode, code: &str) {
    let response: Response = within("an answer", request.send()).await.unwrap();
    assert_eq!(response.status(), status);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["code"], code, "{body}");
    assert!(body["message"].as_str().is_some_and(|sentence| sentence.len() > 10), "{body}");
}
