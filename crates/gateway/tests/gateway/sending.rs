//! `moorline-gateway send`: from a script, with no page anywhere.

use std::{path::Path, process::Stdio};

use moorline_protocol::{EventBody, Outcome, RawEvents};
use tempfile::TempDir;

use crate::{
    process::{Process, WITH_TOKEN, run},
    world::{BINARY, TOKEN, ended},
};

fn send(data: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let data = data.to_str().unwrap();
    run(&[&["send", "--data", data, "--token", TOKEN], more].concat(), &[])
}

async fn journal(gateway: &Process, session: &str) -> RawEvents {
    let url = gateway.url(&format!("/v1/sessions/{session}/events"));
    let response = reqwest::Client::new().get(url).bearer_auth(TOKEN).send().await.unwrap();
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_message_from_a_script_makes_its_session_and_its_answer_is_printed() {
    let dir = TempDir::new().unwrap();
    let gateway = Process::start(dir.path(), &[&WITH_TOKEN[..], &["--agent", "demo:--delay-ms 0"]].concat());
    let (code, said, error) = send(dir.path(), &["--session", "cron", "--create", "--wait", "/echo the tide is high"]);
    assert_eq!((code, said.as_str(), error.as_str()), (Some(0), "the tide is high\n", ""));
    let (code, message, _) = send(dir.path(), &["--session", "cron", "/echo again"]);
    assert_eq!(code, Some(0));
    let journal = journal(&gateway, "cron").await;
    let accepted = |body: &EventBody| matches!(body, EventBody::Accepted(accepted) if accepted.message.as_str() == message.trim());
    assert_eq!(journal.events.iter().filter(|event| accepted(&event.body)).count(), 1, "the id that was printed is the message's");
}

#[tokio::test]
async fn a_message_is_read_from_stdin_and_the_link_alone_is_enough() {
    let dir = TempDir::new().unwrap();
    let gateway = Process::start(dir.path(), &[&WITH_TOKEN[..], &["--agent", "demo:--delay-ms 0"]].concat());
    let mut command = std::process::Command::new(BINARY);
    command
        .args(["send", "--url", &gateway.link, "--session", "s", "--create", "--wait", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"/echo two\nlines").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap().as_str()), (Some(0), "two\nlines\n"));
}

#[tokio::test]
async fn a_turn_that_fails_with_no_page_open_is_in_the_journal_and_in_the_exit_code() {
    let dir = TempDir::new().unwrap();
    let gateway = Process::start(dir.path(), &[&WITH_TOKEN[..], &["--agent", "acp:moorline-no-such-agent"]].concat());
    let (code, said, error) = send(dir.path(), &["--session", "cron", "--create", "--wait", "hello"]);
    assert_eq!((code, said.as_str()), (Some(5), ""));
    assert!(error.starts_with("the turn failed: the agent did not start: it could not be run"), "{error}");
    let journal = journal(&gateway, "cron").await;
    let ends = ended(&journal);
    assert_eq!(ends.len(), 1);
    assert_eq!((ends[0].outcome, ends[0].error.as_ref().unwrap().code.as_str()), (Outcome::Failed, "agent_start"));
    assert_eq!(journal.events.last().unwrap().seq, journal.head, "a failed start has a seq like everything else");
}

#[test]
fn what_cannot_be_sent_says_why_by_sentence_and_by_code() {
    let dir = TempDir::new().unwrap();
    let (code, _, error) = send(dir.path(), &["--session", "s", "hello"]);
    assert_eq!(code, Some(3));
    assert!(error.contains("no gateway has served"), "{error}");

    let gateway = Process::start(dir.path(), &WITH_TOKEN);
    let (code, _, error) = send(dir.path(), &["--session", "nowhere", "hello"]);
    assert_eq!((code, error.as_str()), (Some(4), "refused: session nowhere does not exist\n"));
    let (code, _, error) = send(dir.path(), &["--session", "no/id", "hello"]);
    assert_eq!(code, Some(2), "{error}");
    let (code, _, error) = send(dir.path(), &["--session", "s", "--create", "--agent", "nobody", "hello"]);
    assert_eq!(code, Some(4));
    assert!(error.contains("no agent is named \"nobody\""), "{error}");
    let (code, _, error) = run(&["send", "--data", dir.path().to_str().unwrap(), "--token", "wrong", "--session", "s", "hello"], &[]);
    assert_eq!(code, Some(4), "{error}");
    drop(gateway);
}

#[tokio::test]
async fn a_gateway_that_is_away_for_a_moment_gets_the_message_once() {
    let dir = TempDir::new().unwrap();
    let options = [&WITH_TOKEN[..], &["--agent", "demo:--delay-ms 0"]].concat();
    let gateway = Process::start(dir.path(), &options);
    let address = gateway.url("").trim_start_matches("http://").to_owned();
    gateway.kill();
    let data = dir.path().to_owned();
    let sending = tokio::task::spawn_blocking(move || send(&data, &["--session", "s", "--create", "--wait", "/echo late"]));
    // The first try finds nobody, or the gateway is there already: the message counts once either way.
    let again = Process::start_at(&address, dir.path(), &options);
    let (code, said, error) = sending.await.unwrap();
    assert_eq!((code, said.as_str(), error.as_str()), (Some(0), "late\n", ""));
    let journal = journal(&again, "s").await;
    assert_eq!(journal.events.iter().filter(|event| matches!(event.body, EventBody::Accepted(_))).count(), 1);
}
