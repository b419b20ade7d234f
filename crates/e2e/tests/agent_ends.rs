//! Agents that fail, die or do not heed: the page shows what had come and why it ended, and the next message works.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command, time::Duration};

use moorline_e2e::{Gateway, Journal, Pace, Page, Scene, Transport, on_both_transports};
use rustix::process::{Pid, Signal, kill_process};

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
const FAILED: [&str; 1] = ["failed"];
const RUNNING: [&str; 1] = ["running"];
const DEMO: [&str; 2] = ["--agent", "demo:--delay-ms 5"];

on_both_transports!(
    a_killed_agent_leaves_its_partial_answer_and_the_cause_and_the_next_message_works,
    a_message_sent_in_the_place_of_a_turn_arrives_whatever_the_agent_makes_of_the_stop,
);

fn turn_text(n: usize) -> String {
    format!("document.querySelectorAll('[data-turn]')[{}].textContent", n - 1)
}

/// The messages in the order of their turns.
fn order(journal: &Journal) -> Vec<String> {
    let transcript = journal.transcript();
    let message = |turn: &moorline_protocol::Turn| {
        transcript.blocks(&turn.id).find(|block| block.kind == moorline_protocol::BlockKind::Message).map(|block| block.text.clone())
    };
    transcript.turns().filter_map(message).collect()
}

/// Kills the only agent of a gateway.
fn kill_agent(gateway: &Gateway) {
    let records = fs::read_dir(gateway.data().join("agents")).expect("the records of agents").flatten();
    let pids: Vec<i32> = records.filter_map(|record| fs::read_to_string(record.path()).ok()?.parse().ok()).collect();
    let [pid] = pids[..] else { panic!("one agent runs: {pids:?}") };
    kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL).expect("it is killed");
}

async fn a_killed_agent_leaves_its_partial_answer_and_the_cause_and_the_next_message_works(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &DEMO).await;
    let page = scene.open().await;
    page.send("/stream 5000").await;
    let answer = "document.querySelector('[data-kind=text] [data-text]')?.textContent ?? ''";
    page.wait_for("some of the answer", &format!("({answer}).length > 200"), SOON).await;
    let shown: String = page.run(&format!("return {answer}")).await;
    kill_agent(&scene.gateway);
    page.wait_for_turn(1, &FAILED, SOON).await;
    page.wait_for("the cause", &format!("({}).includes('killed by signal 9')", turn_text(1)), SOON).await;
    page.send("/echo on it goes").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!((journal.ends(), journal.messages().len()), (2, 2));
    let kept: String = page.run(&format!("return {answer}")).await;
    assert!(kept.starts_with(&shown), "{} bytes were shown, {} are left", shown.len(), kept.len());
}

async fn in_the_place_of(page: &Page, n: usize, at_work: &str, rather: &str) {
    page.send(at_work).await;
    page.wait_for_turn(n, &RUNNING, SOON).await;
    page.type_text(rather).await;
    page.click("[data-send-now]").await;
    page.wait_for_turn(n + 1, &OVER, SOON).await;
}

async fn a_message_sent_in_the_place_of_a_turn_arrives_whatever_the_agent_makes_of_the_stop(on: Transport) {
    // Longer than any start of a process, and much shorter than the agent's stubbornness.
    let options = [&DEMO[..], &["--agent-stop-ms", "50000"]].concat();
    let scene = Scene::start(on, Pace::Fast, &options).await;
    let page = scene.open().await;
    in_the_place_of(&page, 1, "/sleep 600", "/echo one").await;
    in_the_place_of(&page, 3, "/crash-on-cancel", "/echo two").await;
    in_the_place_of(&page, 5, "/stubborn 600", "/echo three").await;
    let journal = scene.settled(&page).await;
    assert_eq!(journal.ends(), 6);
    assert_eq!(order(&journal), ["/sleep 600", "/echo one", "/crash-on-cancel", "/echo two", "/stubborn 600", "/echo three"]);
    let ends: String = page.run(&format!("return {}", turn_text(5))).await;
    assert!(ends.contains("did not stop within 1 s and was killed"), "{ends}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_waits_is_sent_now_before_the_others_and_one_is_taken_back() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &DEMO).await;
    let page = scene.open().await;
    for text in ["/sleep 600", "/echo one", "/echo two", "/echo three"] {
        page.send(text).await;
    }
    let waiting = |n: usize| format!("document.querySelectorAll('[data-turn-state=queued]').length === {n}");
    page.wait_for("three that wait", &waiting(3), SOON).await;
    page.click("[data-turn-state=queued] [data-action=remove]").await;
    page.wait_for("two that wait", &waiting(2), SOON).await;
    page.run::<()>("[...document.querySelectorAll('[data-turn-state=queued] [data-action=now]')].at(-1).click()").await;
    page.wait_until_idle(SOON).await;
    let journal = scene.settled(&page).await;
    let order: Vec<String> = order(&journal).into_iter().filter(|text| text != "/echo one").collect();
    assert_eq!(order, ["/sleep 600", "/echo three", "/echo two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_start_is_on_screen_after_a_reload_and_is_sent_again() {
    let dir = tempfile::tempdir().expect("a folder for the agent");
    let program = dir.path().join("later-agent");
    let agent = format!("acp:{} --delay-ms 0", program.display());
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", &agent]).await;
    let page = scene.open().await;
    page.send("/echo at last").await;
    page.wait_for_turn(1, &FAILED, SOON).await;
    page.reload().await;
    page.wait_for_turn(1, &FAILED, SOON).await;
    let said: String = page.run(&format!("return {}", turn_text(1))).await;
    assert!(said.contains("/echo at last") && said.contains("it could not be run (No such file or directory"), "{said}");

    let script = format!("#!/bin/sh\nexec '{}' demo-agent \"$@\"\n", Gateway::program().display());
    fs::write(&program, script).expect("the agent is installed");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be run");
    page.click("[data-action=again]").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!((journal.ends(), journal.messages()), (2, vec!["/echo at last".to_owned(); 2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_click_allows_an_edit_whose_change_the_page_shows() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &DEMO).await;
    let page = scene.open().await;
    page.send("/edit notes.md").await;
    page.wait_for("the question", "document.querySelector('[data-option=allow]')", SOON).await;
    let file = scene.gateway.data().join("work").join(page.session().await.as_str()).join("notes.md");
    assert!(!file.exists(), "nothing is written unasked");
    page.click("[data-option=allow]").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    let written = fs::read_to_string(&file).expect("the file was written");
    page.click("[data-kind=tool] [data-disclosure]").await;
    page.wait_for("the line that was added", "document.querySelector('[data-diff] .diff-new')", SOON).await;
    let shown: String = page.run("return document.querySelector('[data-diff] .diff-new').textContent").await;
    assert_eq!(shown, format!("+{written}"));
    scene.settled(&page).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_from_a_script_is_a_turn_like_any_other_on_an_open_page() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &DEMO).await;
    let page = scene.open().await;
    page.send("/echo from the page").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    let session = page.session().await;
    let mut command = Command::new(Gateway::program());
    command.args(["send", "--data"]).arg(scene.gateway.data()).args(["--token", scene.gateway.token(), "--session", session.as_str()]);
    command.args(["--wait", "/echo from a script"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("it runs");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), "from a script\n"), "{output:?}");
    page.wait_for_turn(2, &OVER, SOON).await;
    assert_eq!(scene.settled(&page).await.messages(), ["/echo from the page", "/echo from a script"]);
}
