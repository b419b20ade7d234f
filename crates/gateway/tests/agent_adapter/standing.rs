//! What an agent tells of itself, and what it is set to; files that it reads and writes through us.

use moorline_protocol::{AgentState, Context, Usage};
use moorline_session::{AgentCommand, AgentUpdate};

use crate::bench::{Bench, text_of};

const TELLS: &str = r#"
read -r line; answer "$line" '{"protocolVersion":1}'
read -r line; answer "$line" '{"sessionId":"s","modes":{"currentModeId":"ask","availableModes":[{"id":"ask","name":"Ask"},{"id":"plan","name":"Plan"}]}}'
tell() { say "{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"sessionId\":\"s\",\"update\":{\"sessionUpdate\":$1}}}"; }
tell '"available_commands_update","availableCommands":[{"name":"init","description":"Look around"}]'
read -r prompt
tell '"usage_update","used":1200,"size":128000,"cost":{"amount":0.5,"currency":"USD"}'
tell '"session_info_update","title":"The tide"'
answer "$prompt" '{"stopReason":"end_turn","usage":{"inputTokens":1000,"outputTokens":20,"totalTokens":1020}}'
read -r line
case "$line" in *session/set_mode*'"modeId":"plan"'*) answer "$line" '{}';; esac
read -r prompt
tell '"usage_update","used":1300,"size":128000,"cost":{"amount":0.75,"currency":"USD"}'
tell '"current_mode_update","currentModeId":"ask"'
answer "$prompt" '{"stopReason":"end_turn"}'
read -r line
"#;

fn usage(updates: &[AgentUpdate]) -> Vec<Usage> {
    updates.iter().filter_map(|update| if let AgentUpdate::Usage(usage) = update { Some(usage.clone()) } else { None }).collect()
}

#[tokio::test]
async fn an_agent_tells_its_modes_commands_context_title_and_what_a_turn_took() {
    let mut bench = Bench::script(TELLS);
    let updates = bench.play("t1", "hello").await;
    assert!(updates.contains(&AgentUpdate::Title("The tide".into())), "{updates:?}");
    let first = Usage { cost: Some("0.5000 USD".into()), ..Usage::default() };
    assert_eq!(usage(&updates), [first, Usage { input: Some(1000), output: Some(20), cost: None }]);
    let status = bench.until_it_stands("it has told everything", |status| status.context.is_some()).await;
    assert_eq!((status.state, status.context), (AgentState::Ready, Some(Context { used: 1200, size: 128_000 })));
    assert_eq!(status.commands[0].name, "init");
    assert_eq!((status.settings[0].id.as_str(), status.settings[0].value.as_str()), ("mode", "ask"));

    bench.send(AgentCommand::Set { id: "mode".into(), value: "plan".into() });
    bench.until_it_stands("the mode is set", |status| status.settings[0].value == "plan").await;
    let updates = bench.play("t2", "hello").await;
    assert_eq!(usage(&updates), [Usage { cost: Some("0.2500 USD".into()), ..Usage::default() }], "what this turn cost");
    bench.until_it_stands("the agent has changed it back", |status| status.settings[0].value == "ask").await;
}

const FILES: &str = r#"
shake_hands
ask() { say "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"fs/$1\",\"params\":{\"sessionId\":\"s\",\"path\":\"$2\"$3}}"; read -r line; }
here=$(pwd)
ask write_text_file "$here/notes/a.txt" ',"content":"one\ntwo\n"'
case "$line" in *'"result"'*) text "written ";; esac
ask read_text_file "$here/notes/a.txt" ',"line":2,"limit":1'
case "$line" in *'"content":"two\n"'*) text "read ";; esac
ask read_text_file "/etc/hostname" ''
case "$line" in *'"error"'*'not inside'*) text "refused";; esac
answer "$prompt" '{"stopReason":"end_turn"}'
read -r line
"#;

#[tokio::test]
async fn files_inside_of_the_working_directory_are_written_and_read_for_the_agent_and_no_others() {
    let mut bench = Bench::script(FILES);
    assert_eq!(text_of(&bench.play("t1", "hello").await), "written read refused");
    assert_eq!(std::fs::read_to_string(bench.workdir().join("notes/a.txt")).unwrap(), "one\ntwo\n");
}
