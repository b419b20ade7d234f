//! Copies of a store, made and put back by the binary.

use std::path::Path;

use moorline_protocol::RawEvents;

use crate::{
    page::{Page, message},
    process::{Process, WITH_TOKEN, run},
    world::{TOKEN, ended, within},
};

fn start(data: &Path) -> Process {
    let more: Vec<&str> = WITH_TOKEN.into_iter().chain(["--agent", "demo:--delay-ms 0"]).collect();
    Process::start(data, &more)
}

async fn journal_with(process: &Process, turns: usize) -> RawEvents {
    let url = process.url("/v1/sessions/s/events?limit=10000");
    within("the end of the turns", async {
        loop {
            let request = reqwest::Client::new().get(&url).bearer_auth(TOKEN);
            let journal: RawEvents = request.send().await.unwrap().json().await.unwrap();
            if ended(&journal).len() >= turns {
                return journal;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

async fn say(process: &Process, name: &str) {
    let mut page = Page::open(&process.url("/v1/connect").replace("http", "ws")).await;
    page.send(&crate::page::hello("sender")).await;
    page.send(&message("s", name, "/echo hi")).await;
    page.receipt().await;
}

#[tokio::test]
async fn a_copy_made_while_a_gateway_runs_is_put_back_with_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("copy"));
    let (data_arg, file_arg) = (data.to_str().unwrap(), file.to_str().unwrap());
    let process = start(&data);
    say(&process, "m1").await;
    let first = journal_with(&process, 1).await;
    assert_eq!(run(&["backup", "--data", data_arg, file_arg], &[]), (Some(0), String::new(), String::new()));
    let (code, _, stderr) = run(&["backup", "--data", data_arg, file_arg], &[]);
    assert!(code == Some(1) && stderr.contains("exists"), "a copy is not written over: {stderr}");
    say(&process, "m2").await;
    journal_with(&process, 2).await;

    let (code, _, stderr) = run(&["restore", "--data", data_arg, file_arg], &[]);
    assert!(code == Some(1) && stderr.contains("in use"), "{stderr}");
    process.kill();
    assert_eq!(run(&["restore", "--data", data_arg, file_arg], &[]), (Some(0), String::new(), String::new()));
    let again = journal_with(&start(&data), 1).await;
    assert_eq!(again.events, first.events);
    assert_ne!(again.epoch, first.epoch);
}

#[tokio::test]
async fn a_copy_takes_the_place_of_a_damaged_store() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join("copy"));
    let (data_arg, file_arg) = (data.to_str().unwrap(), file.to_str().unwrap());
    let process = start(&data);
    say(&process, "m1").await;
    let first = journal_with(&process, 1).await;
    assert_eq!(run(&["backup", "--data", data_arg, file_arg], &[]).0, Some(0));
    assert!(process.terminate().success());
    std::fs::write(data.join("moorline.sqlite"), "no store at all, but a rather long letter. ".repeat(200)).unwrap();
    assert_eq!(run(&["restore", "--data", data_arg, file_arg], &[]), (Some(0), String::new(), String::new()));
    assert!(data.join("damaged.sqlite").exists());
    assert_eq!(journal_with(&start(&data), 1).await.events, first.events);
}

#[test]
fn what_cannot_be_copied_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("letter"), "dear store, ".repeat(500)).unwrap();
    for (args, said) in [
        (["backup", "--data", &path("none"), &path("copy")], "there is no store"),
        (["restore", "--data", &path("data"), &path("none")], "none"),
        (["restore", "--data", &path("data"), &path("letter")], "not a gateway's store"),
    ] {
        let (code, stdout, stderr) = run(&args, &[]);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{args:?}: {stderr}");
        assert!(stderr.contains(said) && stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
    assert!(!folder.path().join("copy").exists());
}
