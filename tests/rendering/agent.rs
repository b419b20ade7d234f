//! The agent at the other end, and what is sent in its place.

use moorline_delivery::ClientEvent;
use moorline_protocol::{
    AgentChoice, AgentSetting, AgentState, AgentStatus, BlockKind, Context, EventBody, FieldsPatch, Millis, Outcome, Patch, SendBody,
    SlashCommand, ToolKind, ToolStatus, TurnEnded, Usage,
};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use crate::{
    browser::until,
    stage::{Stage, accepted, append, event, message, opened, session, started, titled},
};

fn ready() -> AgentStatus {
    let choice = |value: &str, name: &str| AgentChoice { value: value.into(), name: name.into() };
    let mode = AgentSetting {
        id: "mode".into(),
        name: "Mode".into(),
        value: "ask".into(),
        choices: vec![choice("ask", "Ask first"), choice("plan", "Plan only")],
    };
    let command = |name: &str| SlashCommand { name: name.into(), description: format!("does {name}") };
    AgentStatus {
        name: "qwen".into(),
        state: AgentState::Ready,
        settings: vec![mode],
        commands: vec![command("init"), command("inspect"), command("stats")],
        context: Some(Context { used: 32, size: 128 }),
        ..AgentStatus::default()
    }
}

fn stands(stage: &Stage, agent: AgentStatus) {
    stage.tell(ClientEvent::Agent { session: session("s1"), agent });
}

fn choose(stage: &Stage, selector: &str, value: &str) {
    let select = stage.find(selector).expect("a select on screen");
    js_sys::Reflect::set(&select, &"value".into(), &value.into()).expect("it takes a value");
    let init = web_sys::EventInit::new();
    init.set_bubbles(true);
    let event = web_sys::Event::new_with_event_init_dict("change", &init).expect("an event");
    select.dispatch_event(&event).expect("it is dispatched");
}

#[wasm_bindgen_test]
async fn the_agents_name_state_settings_and_context_are_shown_and_a_choice_is_sent() {
    let stage = Stage::open();
    stands(&stage, ready());
    stage.until_texts("[data-agent-name]", &["qwen"]).await;
    stage.until_texts("[data-agent-context]", &["context 25 % full"]).await;
    assert_eq!(stage.attribute("[data-agent-state]", "data-agent-state"), "ready");
    stage.click("[data-agent-state] [data-disclosure]");
    stage.until_count("[data-agent-setting=mode]", 1).await;
    choose(&stage, "[data-agent-setting=mode]", "plan");
    assert!(stage.driver.called("set_agent s1 mode plan"));
}

#[wasm_bindgen_test]
async fn what_the_reader_has_opened_stays_open_while_the_agent_goes_on_telling() {
    let stage = Stage::open();
    stands(&stage, ready());
    stage.until_count("[data-agent-state]", 1).await;
    stage.click("[data-agent-state] [data-disclosure]");
    stage.until_count("[data-agent-setting=mode]", 1).await;
    let select = stage.find("[data-agent-setting=mode]").expect("the mode");
    stands(&stage, AgentStatus { context: Some(Context { used: 64, size: 128 }), ..ready() });
    stage.until_texts("[data-agent-context]", &["context 50 % full"]).await;
    assert!(select.is_connected());
}

#[wasm_bindgen_test]
async fn an_agent_that_is_down_says_why_and_when_it_starts_again_and_is_restarted_by_hand() {
    let stage = Stage::open();
    let reason = Some("the agent exited with code 3".to_owned());
    stands(&stage, AgentStatus { state: AgentState::Down, reason, retry_ms: Some(Millis(8_000)), ..ready() });
    stage.until_count("[data-agent-down]", 1).await;
    let said = stage.texts("[data-agent-down]").concat();
    assert!(said.contains("The agent exited with code 3.") && said.contains("It starts again in 8 s"), "{said}");
    stage.click("[data-agent-down] [data-action=restart-agent]");
    assert!(stage.driver.called("restart_agent s1"));
    until("the refusal as a sentence", || stage.texts(".notice").concat().contains("not restarted: The agent cannot be reached.")).await;
    stands(&stage, ready());
    stage.until_count("[data-agent-down]", 0).await;
}

#[wasm_bindgen_test]
async fn a_button_that_is_shown_again_is_the_one_that_has_the_focus() {
    let stage = Stage::open();
    let down = |code: u32| {
        let reason = Some(format!("the agent exited with code {code}"));
        AgentStatus { state: AgentState::Down, reason, retry_ms: Some(Millis(8_000)), ..ready() }
    };
    stands(&stage, down(3));
    stage.until_count("[data-agent-down]", 1).await;
    let restart = stage.find("[data-agent-down] [data-action=restart-agent]").expect("a button").unchecked_into::<HtmlElement>();
    restart.focus().expect("it takes the focus");
    stands(&stage, down(4));
    until("the other reason", || stage.texts("[data-agent-down]").concat().contains("code 4")).await;
    assert!(restart.is_connected() && stage.has_focus("[data-action=restart-agent]"), "the focus is lost");
}

#[wasm_bindgen_test]
async fn a_slash_offers_the_agents_commands_and_one_that_is_chosen_is_typed() {
    let stage = Stage::open();
    stands(&stage, ready());
    stage.type_text("/in");
    stage.until_count("[data-command]", 2).await;
    stage.click("[data-command=inspect]");
    until("the command in the composer", || stage.composer().value() == "/inspect ").await;
    stage.until_count("[data-command]", 0).await;
}

#[wasm_bindgen_test]
async fn a_new_session_is_made_with_the_agent_that_was_picked() {
    let stage = Stage::open();
    stage.tell(ClientEvent::Agents(vec!["demo".into()]));
    assert_eq!(stage.count("[data-pick-agent]"), 0, "there is nothing to pick");
    stage.tell(ClientEvent::Agents(vec!["demo".into(), "qwen".into()]));
    stage.until_count("[data-pick-agent]", 1).await;
    stage.until_count("[data-try]", 3).await;
    choose(&stage, "[data-pick-agent]", "qwen");
    stage.until_count("[data-try]", 0).await;
    stage.type_text("hello");
    stage.until_count("[data-send]:not([disabled])", 1).await;
    stage.click("[data-send]");
    let create = stage.driver.sends.borrow()[0].create.clone().expect("the first message makes the session");
    assert_eq!(create.agent.as_deref(), Some("qwen"));
}

#[wasm_bindgen_test]
async fn what_is_typed_while_a_turn_is_at_work_can_go_in_its_place() {
    let stage = Stage::open();
    stage.events("s1", vec![accepted(1, "m1", "long"), started(2, "m1")]);
    stage.until_count("[data-stop]", 1).await;
    assert_eq!(stage.count("[data-send-now]"), 0);
    stage.type_text("rather this");
    stage.until_count("[data-send-now]", 1).await;
    stage.click("[data-send-now]");
    let sent = stage.driver.sends.borrow()[0].clone();
    assert_eq!((sent.body, sent.interrupt), (SendBody::Text("rather this".into()), Some(message("m1"))));
    until("an empty composer", || stage.composer().value().is_empty()).await;
}

#[wasm_bindgen_test]
async fn a_message_that_waits_can_be_sent_now() {
    let stage = Stage::open();
    stage.events("s1", vec![accepted(1, "m1", "long"), started(2, "m1"), accepted(3, "m2", "later"), accepted(4, "m3", "now")]);
    stage.until_count("[data-turn=m3] [data-action=now]", 1).await;
    stage.click("[data-turn=m3] [data-action=now]");
    assert!(stage.driver.called("cancel m1 for m3"));
}

#[wasm_bindgen_test]
async fn a_diff_is_shown_line_by_line_and_its_text_stays_whole() {
    let stage = Stage::open();
    let diff = "--- /a.txt\n+++ /a.txt\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n";
    let edit = FieldsPatch { tool: Patch::Set(ToolKind::Edit), ..titled("Edit a.txt", ToolStatus::InProgress) };
    stage.events("s1", vec![accepted(1, "m1", "go"), started(2, "m1"), opened(3, "m1", "to", BlockKind::Tool, edit)]);
    stage.until_count("[data-kind=tool]", 1).await;
    stage.click("[data-kind=tool] [data-disclosure]");
    stage.events("s1", vec![append(4, "to", 0, diff)]);
    stage.until_texts("[data-kind=tool] [data-diff]", &[diff]).await;
    let of = |class: &str| stage.texts(&format!("[data-diff] .{class}"));
    assert_eq!((of("diff-old"), of("diff-new")), (vec!["-old\n".to_owned()], vec!["+new\n".to_owned()]));
    stage.events("s1", vec![append(5, "to", diff.len() as u64, "+more\n")]);
    stage.until_texts("[data-kind=tool] [data-diff] .diff-new", &["+new\n", "+more\n"]).await;
}

#[wasm_bindgen_test]
async fn what_a_turn_took_stands_at_its_foot_if_the_agent_told_it() {
    let stage = Stage::open();
    let usage = Some(Usage { input: Some(1_000), output: Some(20), cost: Some("0.0132 USD".into()) });
    let end = EventBody::TurnEnded(TurnEnded { turn: message("m1"), outcome: Outcome::Completed, error: None, usage });
    stage.events("s1", vec![accepted(1, "m1", "go"), started(2, "m1"), event(3, end)]);
    stage.until_texts("[data-usage]", &["0 s · 1000 tokens in · 20 tokens out · 0.0132 USD"]).await;
}
