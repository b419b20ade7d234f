//! Real agents behind the gateway, each with a scripted model: whole turns with tools, permission, cancel, crashes and cuts.
//!
//! `cargo xtask test agents` gets the agents and runs these; the everyday tests leave them out.

mod agent;
mod stage;

use std::fs;

use moorline_e2e::{Cut, Direction, Transport};

use agent::Agent;
use stage::{Process, Stage, TURN, answer_of, begin_answer, tools_of, turn};

const OVER: [&str; 1] = ["completed"];
const SENTENCE: &str = "This is a scripted answer, in one sentence.";
const WRITTEN: &str = "written by the scripted model\n";

/// A test of each scenario.
macro_rules! tests {
    ($agent:ident: $($scenario:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                crate::$scenario(crate::Agent::$agent).await;
            }
        )+
    };
}

/// A module for each agent, so that its name chooses its tests.
macro_rules! agents {
    ($($module:ident = $agent:ident),+ $(,)?) => {
        $(
            mod $module {
                tests!(
                    $agent:
                    two_messages_are_answered_one_after_the_other,
                    one_click_lets_it_edit_a_file_and_the_diff_is_shown,
                    one_click_lets_it_run_a_command,
                    a_cancelled_answer_ends_once_and_the_next_message_works,
                    a_killed_agent_ends_its_turn_once_and_the_next_message_works,
                    a_killed_gateway_takes_nothing_back_and_leaves_no_agent_behind,
                    ten_cuts_of_a_websocket_in_one_turn_leave_no_trace,
                    ten_cuts_of_an_event_stream_in_one_turn_leave_no_trace,
                );
            }
        )+
    };
}

agents!(qwen = Qwen, gemini = Gemini, claude = Claude, opencode = OpenCode);

async fn two_messages_are_answered_one_after_the_other(agent: Agent) {
    let stage = Stage::start(agent, Transport::WebSocket).await;
    let page = stage.scene.open().await;
    page.send("slow 40").await;
    page.send("hello").await;
    page.wait_for_turn(2, &OVER, TURN).await;
    let journal = stage.scene.settled(&page).await;
    assert_eq!((journal.messages(), journal.ends()), (vec!["slow 40".to_owned(), "hello".to_owned()], 2));
    let first: String = page.run(&format!("return {}", answer_of(1))).await;
    assert!(first.starts_with("word-1 word-2 ") && first.trim_end().ends_with("word-40"), "{first}");
    assert_eq!(page.run::<String>(&format!("return {}", answer_of(2))).await, SENTENCE);
    assert!(turn(&journal, 1).ended_at <= turn(&journal, 2).started_at, "one at a time");
}

async fn one_click_lets_it_edit_a_file_and_the_diff_is_shown(agent: Agent) {
    let stage = Stage::start(agent, Transport::WebSocket).await;
    let page = stage.scene.open().await;
    page.send("hello").await;
    page.wait_for_turn(1, &OVER, TURN).await;
    let file = stage.workdir(&page).await.join("note.txt");
    fs::write(&file, "one\ntwo\n").expect("a file in the agent's folder");

    page.send("edit note.txt").await;
    let option = stage.allowing_option(&page).await;
    assert_eq!(fs::read_to_string(&file).expect("the file"), "one\ntwo\n", "nothing is written unasked");
    // What is about to be written can be read before it is allowed; one agent tells only later what it replaces.
    let shown = tools_of(&page, 2).await;
    let has_new_line = |text: &str| text.contains("+written by the scripted model\n");
    assert!(shown.iter().any(|tool| tool.text.as_deref().is_some_and(has_new_line)), "{shown:#?}");
    page.click(&format!("[data-option='{}']", option.id)).await;
    page.wait_for_turn(2, &OVER, TURN).await;
    assert_eq!(fs::read_to_string(&file).expect("the file"), WRITTEN);

    let tools = tools_of(&page, 2).await;
    let shows_diff = |text: &str| ["-one\n", "-two\n", "+written by the scripted model\n"].iter().all(|line| text.contains(line));
    assert!(tools.iter().any(|tool| tool.text.as_deref().is_some_and(shows_diff)), "{tools:#?}");
    assert!(tools.iter().all(|tool| tool.tool_status.as_deref() == Some("completed")), "{tools:#?}");
    let journal = stage.scene.settled(&page).await;
    assert_eq!((journal.answers(), journal.ends()), (1, 2));
}

async fn one_click_lets_it_run_a_command(agent: Agent) {
    let stage = Stage::start(agent, Transport::WebSocket).await;
    let page = stage.scene.open().await;
    // Many agents run at once what only reads.
    page.send("run touch made-by-the-command").await;
    let option = stage.allowing_option(&page).await;
    let file = stage.workdir(&page).await.join("made-by-the-command");
    assert!(!file.exists(), "nothing is run unasked");
    page.click(&format!("[data-option='{}']", option.id)).await;
    page.wait_for_turn(1, &OVER, TURN).await;
    assert!(file.exists());
    let tools = tools_of(&page, 1).await;
    let title = tools[0].title.as_deref().unwrap_or_default();
    assert!(tools.len() == 1 && title.contains("touch made-by-the-command"), "{tools:#?}");
    assert_eq!(stage.scene.settled(&page).await.answers(), 1);
}

async fn a_cancelled_answer_ends_once_and_the_next_message_works(agent: Agent) {
    let stage = Stage::start(agent, Transport::WebSocket).await;
    let page = stage.scene.open().await;
    begin_answer(&page, 1).await;
    let shown: String = page.run(&format!("return {}", answer_of(1))).await;
    page.click("[data-stop]").await;
    page.wait_for_turn(1, &["cancelled"], TURN).await;
    page.send("hello").await;
    page.wait_for_turn(2, &OVER, TURN).await;
    let journal = stage.scene.settled(&page).await;
    assert_eq!(journal.ends(), 2);
    assert_eq!(turn(&journal, 1).error, None, "the agent stopped by itself");
    let kept: String = page.run(&format!("return {}", answer_of(1))).await;
    assert!(kept.starts_with(&shown), "{} bytes were shown, {} are left", shown.len(), kept.len());
}

async fn a_killed_agent_ends_its_turn_once_and_the_next_message_works(agent: Agent) {
    let stage = Stage::start(agent, Transport::WebSocket).await;
    let page = stage.scene.open().await;
    begin_answer(&page, 1).await;
    let shown: String = page.run(&format!("return {}", answer_of(1))).await;
    let processes = stage.kill_agent(&page).await;
    page.wait_for_turn(1, &["failed"], TURN).await;
    processes.iter().for_each(Process::gone);
    page.wait_for("the cause on screen", "document.querySelector('[data-turn]').textContent.includes('killed by signal 9')", TURN).await;

    page.send("hello").await;
    page.wait_for_turn(2, &OVER, TURN).await;
    assert_eq!(page.run::<String>(&format!("return {}", answer_of(2))).await, SENTENCE);
    let journal = stage.scene.settled(&page).await;
    assert_eq!((journal.ends(), turn(&journal, 1).error.map(|error| error.code)), (2, Some("agent_exited".to_owned())));
    let kept: String = page.run(&format!("return {}", answer_of(1))).await;
    assert!(kept.starts_with(&shown), "{} bytes were shown, {} are left", shown.len(), kept.len());
}

async fn a_killed_gateway_takes_nothing_back_and_leaves_no_agent_behind(agent: Agent) {
    let mut stage = Stage::start(agent, Transport::WebSocket).await;
    let page = stage.scene.open().await;
    begin_answer(&page, 1).await;
    let processes = stage.processes(&page).await;
    assert!(!processes.is_empty());
    stage.scene.gateway.kill().await;
    page.wait_for("the page to notice", "document.querySelector('[data-transcript]').dataset.status !== 'live'", TURN).await;
    let shown: String = page.run(&format!("return {}", answer_of(1))).await;
    stage.scene.gateway.restart().await;
    processes.iter().for_each(Process::gone);
    page.wait_for_turn(1, &["interrupted"], TURN).await;
    let kept: String = page.run(&format!("return {}", answer_of(1))).await;
    assert!(kept.starts_with(&shown), "{} bytes were shown, {} are left", shown.len(), kept.len());

    page.send("hello").await;
    page.wait_for_turn(2, &OVER, TURN).await;
    assert_eq!(page.run::<String>(&format!("return {}", answer_of(2))).await, SENTENCE);
    let journal = stage.scene.settled(&page).await;
    assert_eq!((journal.messages(), journal.ends()), (vec!["slow 3000".to_owned(), "hello".to_owned()], 2));
}

async fn ten_cuts_of_a_websocket_in_one_turn_leave_no_trace(agent: Agent) {
    ten_cuts_in_one_turn_leave_no_trace(agent, Transport::WebSocket).await;
}

async fn ten_cuts_of_an_event_stream_in_one_turn_leave_no_trace(agent: Agent) {
    ten_cuts_in_one_turn_leave_no_trace(agent, Transport::Sse).await;
}

async fn ten_cuts_in_one_turn_leave_no_trace(agent: Agent, on: Transport) {
    const LONG_TURN: &str = "slow 500";
    let stage = Stage::start(agent, on).await;
    let scene = &stage.scene;
    let page = scene.open().await;
    // The agent starts before the turn that counts.
    page.send("hello").await;
    page.wait_for_turn(1, &OVER, TURN).await;
    page.send(LONG_TURN).await;
    page.wait_for_turn(2, &["running"], TURN).await;
    for n in 0..10 {
        page.wait_until_live(TURN).await;
        let cut = [Cut::Close, Cut::Reset, Cut::HoleDown, Cut::HoleUp, Cut::HoleBoth][n % 5];
        let before = scene.proxy.counters();
        // A little of the turn passes between two cuts, and each one falls into the middle of a frame.
        scene.proxy.cut_after(Direction::Down, 701, cut);
        scene.proxy.until(&format!("cut {n}"), TURN, |c| c.fired > before.fired).await;
        if on.is_ended_by(cut) {
            scene.until_connected_since(&format!("a connection after cut {n}"), &before).await;
        }
    }
    assert!(page.holds("document.querySelector('[data-turn-state=running]')").await, "all cuts fall into one turn");
    page.wait_for_turn(2, &OVER, TURN).await;
    let journal = scene.settled(&page).await;
    assert_eq!((journal.acceptances(LONG_TURN), journal.ends()), (1, 2));
    assert_eq!(page.crashes().await, Vec::<String>::new());
}
