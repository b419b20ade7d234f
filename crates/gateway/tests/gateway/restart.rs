//! What a kill leaves, and what the next start makes of it.

use std::{path::Path, time::Duration};

use moorline_protocol::{EventBody, Outcome, RawEvents};
use serde_json::json;

use crate::{
    chat_server::ChatServer,
    page::{Page, hello, message},
    process::{Process, WITH_TOKEN, run},
    world::{TOKEN, ended, within},
};

async fn events(process: &Process, session: &str) -> RawEvents {
    let url = process.url(&format!("/v1/sessions/{session}/events?limit=10000"));
    let request = reqwest::Client::new().get(url).bearer_auth(TOKEN);
    within("the journal", request.send()).await.unwrap().json().await.unwrap()
}

async fn journal_when(process: &Process, what: &str, holds: impl Fn(&RawEvents) -> bool) -> RawEvents {
    within(what, async {
        loop {
            let journal = events(process, "s").await;
            if holds(&journal) {
                return journal;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

/// Starts a gateway on a folder.
fn start(data: &Path, more: &[&str]) -> Process {
    let more: Vec<&str> = WITH_TOKEN.into_iter().chain(more.iter().copied()).collect();
    Process::start(data, &more)
}

/// Sends messages over a socket of their own.
async fn send(process: &Process, texts: &[(&str, &str)]) {
    let mut page = Page::open(&process.url("/v1/connect").replace("http", "ws")).await;
    page.send(&hello("sender")).await;
    for (name, text) in texts {
        page.send(&message("s", name, text)).await;
        page.receipt().await;
    }
}

#[tokio::test]
async fn a_kill_in_mid_turn_ends_the_turn_interrupted_and_starts_what_waited() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = start(&data, &["--agent", "demo:--delay-ms 5"]);
    send(&process, &[("m1", "/stream 100000"), ("m2", "/echo after the storm")]).await;
    let seen = journal_when(&process, "part of an answer", |journal| journal.events.len() > 10).await;
    process.kill();

    let process = start(&data, &["--agent", "demo:--delay-ms 0"]);
    let journal = journal_when(&process, "both ends", |journal| ended(journal).len() == 2).await;
    assert_eq!(journal.epoch, seen.epoch);
    assert_eq!(journal.events[..seen.events.len()], seen.events, "what was shown is still there");
    let outcomes: Vec<_> = ended(&journal).into_iter().map(|ended| (ended.turn.to_string(), ended.outcome)).collect();
    assert_eq!(outcomes, [("m1".to_owned(), Outcome::Interrupted), ("m2".to_owned(), Outcome::Completed)]);
    let started = journal.events.iter().filter(|event| matches!(event.body, EventBody::TurnStarted(_))).count();
    assert_eq!(started, 2, "no turn is handed over twice");
}

#[tokio::test]
async fn a_chat_goes_on_behind_a_kill_with_everything_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = ChatServer::start().await;
    let agent = server.agent();
    let process = start(&data, &["--agent", &agent]);
    send(&process, &[("m1", "hello")]).await;
    server.asked().await.say("hi").await;
    journal_when(&process, "the first answer", |journal| ended(journal).len() == 1).await;
    send(&process, &[("m2", "a story")]).await;
    let mut asked = server.asked().await.begin().await;
    asked.event(&json!({ "choices": [{ "delta": { "reasoning": "which one?" } }] })).await;
    asked.text("once upon").await;
    journal_when(&process, "part of the second", |journal| format!("{:?}", journal.events).contains("once upon")).await;
    process.kill();

    let process = start(&data, &["--agent", &agent]);
    journal_when(&process, "the end of the second", |journal| ended(journal).len() == 2).await;
    send(&process, &[("m3", "go on")]).await;
    let asked = server.asked().await;
    let said = [("user", "hello"), ("assistant", "hi"), ("user", "a story"), ("assistant", "once upon"), ("user", "go on")];
    assert_eq!(asked.messages(), said.map(|(role, text)| (role.to_owned(), text.to_owned())));
    asked.say("a time").await;
    let journal = journal_when(&process, "the end of the third", |journal| ended(journal).len() == 3).await;
    let outcomes: Vec<_> = ended(&journal).into_iter().map(|ended| ended.outcome).collect();
    assert_eq!(outcomes, [Outcome::Completed, Outcome::Interrupted, Outcome::Completed]);
}

#[tokio::test]
async fn commits_that_were_not_synced_give_a_new_epoch_after_a_kill_and_none_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let fast = ["--durability", "os", "--agent", "demo:--delay-ms 0"];
    let process = start(&data, &fast);
    send(&process, &[("m1", "/echo hi")]).await;
    let first = journal_when(&process, "the end", |journal| ended(journal).len() == 1).await;
    assert!(process.terminate().success());
    let process = start(&data, &fast);
    assert_eq!(events(&process, "s").await.epoch, first.epoch);
    process.kill();
    let again = events(&start(&data, &fast), "s").await;
    assert_ne!(again.epoch, first.epoch);
    assert_eq!(again.events, first.events);
}

#[tokio::test]
async fn a_second_gateway_on_the_same_folder_names_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = start(&data, &[]);
    let (code, stdout, stderr) = run(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], &[]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains(&format!("process id {}", process.id())), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}
