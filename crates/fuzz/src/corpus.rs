//! What inputs are made from: valid examples, as values and as text.

use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/protocol.md");
const AGENT: &str = include_str!("agent.jsonl");

/// The examples on the protocol's page whose info string is one of these, each as one value.
pub(crate) fn examples(kinds: &[&str]) -> Vec<Value> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in PAGE.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let kind = info.strip_prefix("json ").unwrap_or_default();
                open = Some((kinds.contains(&kind), String::new()));
            }
            (Some(_), Some((is_wanted, text))) => {
                if *is_wanted {
                    found.push(serde_json::from_str(text).expect("the page's examples are JSON"));
                }
                open = None;
            }
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(!found.is_empty(), "the page has no example of {kinds:?}");
    found
}

/// The contents of those examples that are frames of one kind.
pub(crate) fn contents(kinds: &[&str], frame: &str) -> Vec<Value> {
    examples(kinds).into_iter().filter_map(|mut example| example.get_mut(frame).map(Value::take)).collect()
}

/// What an agent says: one message a line.
pub(crate) fn agent_lines() -> Vec<Value> {
    AGENT.lines().map(|line| serde_json::from_str(line).expect("the agent's lines are JSON")).collect()
}

/// Texts as values.
pub(crate) fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(*text)).collect()
}
