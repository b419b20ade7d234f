//! The protocol's updates as reports: what an agent says about a turn, in the session's words.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use agent_client_protocol_schema::v1::{
    ContentBlock, Diff, EmbeddedResourceResource, PlanEntryStatus, SessionUpdate, ToolCallContent, ToolCallStatus, ToolCallUpdate,
    ToolCallUpdateFields, ToolKind as AcpToolKind,
};
use moorline_protocol::{PlanEntry, PlanStatus, ToolKind, ToolStatus};
use moorline_session::{AgentUpdate, ToolUpdate};
use serde_json::Value;

/// Lines shown around a change.
const CONTEXT_LINES: usize = 3;

/// What is remembered of a turn's tool calls.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// By the agent's id.
    calls: BTreeMap<String, Tool>,
    /// Files below it are named as seen from here.
    workdir: PathBuf,
}

#[derive(Debug, Default)]
struct Tool {
    title: Option<String>,
    /// Content was shown, so the raw output says nothing new.
    has_content: bool,
    /// The change that was shown: some agents put a word in its place when it is made.
    diff: Option<String>,
}

/// What a session has cost, which agents tell as one sum over all turns.
#[derive(Debug, Default)]
pub(super) struct Spent {
    before: f64,
    sum: f64,
    /// Tokens in and out of the turn, where they are told answer by answer.
    tokens: [u64; 2],
}

impl Spent {
    pub(super) const fn begin_turn(&mut self) {
        self.before = self.sum;
        self.tokens = [0; 2];
    }

    /// One more answer of the turn's: the tokens of all of them.
    pub(super) const fn tokens(&mut self, input: u64, output: u64) -> [u64; 2] {
        self.tokens = [self.tokens[0].saturating_add(input), self.tokens[1].saturating_add(output)];
        self.tokens
    }

    /// The part of the turn, as people write it; none for what is no price.
    pub(super) fn in_turn(&mut self, sum: f64, currency: &str) -> Option<String> {
        if !sum.is_finite() || currency.len() > 8 {
            return None;
        }
        self.sum = sum;
        Some(format!("{:.4} {currency}", (sum - self.before).max(0.0)))
    }
}

impl Tools {
    /// Of an agent that works in a directory.
    pub(super) fn of_agent_in(workdir: &Path) -> Self {
        Self { calls: BTreeMap::new(), workdir: workdir.to_owned() }
    }

    /// The last title of a call.
    pub(super) fn title(&self, call: &str) -> Option<&str> {
        self.calls.get(call)?.title.as_deref()
    }

    /// Translates an update; none for one that says nothing about the turn.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the protocol adds kinds of update that mean nothing to a turn")]
    pub(super) fn translate(&mut self, update: SessionUpdate) -> Option<AgentUpdate> {
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => not_empty(text_of(chunk.content)).map(AgentUpdate::Text),
            SessionUpdate::AgentThoughtChunk(chunk) => not_empty(text_of(chunk.content)).map(AgentUpdate::Thought),
            SessionUpdate::ToolCall(call) => {
                let mut fields = ToolCallUpdateFields::new();
                fields.title = Some(call.title);
                fields.kind = Some(call.kind);
                fields.status = Some(call.status);
                fields.content = Some(call.content);
                fields.raw_input = call.raw_input;
                fields.raw_output = call.raw_output;
                Some(self.upsert(ToolCallUpdate::new(call.tool_call_id, fields)))
            }
            SessionUpdate::ToolCallUpdate(update) => Some(self.upsert(update)),
            SessionUpdate::Plan(plan) => {
                let entries = plan.entries.into_iter().map(|entry| PlanEntry { text: entry.content, status: plan_status(&entry.status) });
                Some(AgentUpdate::Plan(entries.collect()))
            }
            _ => None,
        }
    }

    /// Translates what a message says about a tool call, be it the first mention or not.
    pub(super) fn upsert(&mut self, update: ToolCallUpdate) -> AgentUpdate {
        let call = update.tool_call_id.0.to_string();
        let fields = update.fields;
        let known = self.calls.entry(call.clone()).or_default();
        if fields.title.is_some() {
            known.title.clone_from(&fields.title);
        }
        let content = fields.content.as_deref().map(|content| content_text(content, &self.workdir)).and_then(not_empty);
        known.has_content |= content.is_some();
        let is_change = fields.content.iter().flatten().any(|part| matches!(part, ToolCallContent::Diff(_)));
        let content = match (&known.diff, content) {
            (Some(diff), Some(word)) if !is_change => Some(format!("{diff}{word}")),
            (_, content) => content,
        };
        if is_change {
            known.diff.clone_from(&content);
        }
        let raw = || fields.raw_output.as_ref().and_then(|raw| raw.as_str().or_else(|| raw.get("output")?.as_str()));
        let output = content.or_else(|| if known.has_content { None } else { raw().map(str::to_owned) });
        let update = ToolUpdate {
            title: fields.title,
            kind: fields.kind.map(tool_kind),
            status: fields.status.map(tool_status),
            input: fields.raw_input.map(|input| input.to_string()),
            output,
            exit: exit_code(fields.raw_output.as_ref(), update.meta.as_ref()),
        };
        AgentUpdate::Tool { call, update }
    }
}

/// Where agents put the code with which a command ended: the protocol has no field for it but that of a terminal.
fn exit_code(output: Option<&Value>, meta: Option<&serde_json::Map<String, Value>>) -> Option<u32> {
    let output = output.and_then(|output| {
        let code = output.get("exitCode").or_else(|| output.get("exit_code"));
        code.or_else(|| output.get("metadata")?.get("exit"))
    });
    let code = output.or_else(|| meta?.get("terminal_exit")?.get("exit_code"));
    code?.as_u64()?.try_into().ok()
}

fn not_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn text_of(block: ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text,
        ContentBlock::ResourceLink(link) => format!("[{}]({})", link.name, link.uri),
        ContentBlock::Resource(embedded) => match embedded.resource {
            EmbeddedResourceResource::TextResourceContents(contents) => contents.text,
            EmbeddedResourceResource::BlobResourceContents(contents) => format!("[{}]", contents.uri),
            _ => String::new(),
        },
        ContentBlock::Image(image) => format!("[{}]", image.mime_type),
        ContentBlock::Audio(audio) => format!("[{}]", audio.mime_type),
        _ => String::new(),
    }
}

fn content_text(content: &[ToolCallContent], workdir: &Path) -> String {
    let mut text = String::new();
    for part in content {
        let part = match part {
            ToolCallContent::Content(content) => text_of(content.content.clone()),
            ToolCallContent::Diff(diff) => diff_text(diff, workdir),
            // A terminal would be ours to run, and we offer none.
            ToolCallContent::Terminal(_) | _ => continue,
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&part);
    }
    text
}

/// Writes a diff as one unified hunk: what begins and ends alike is left out but for a few lines.
fn diff_text(diff: &Diff, workdir: &Path) -> String {
    let old: Vec<&str> = diff.old_text.as_deref().unwrap_or_default().lines().collect();
    let new: Vec<&str> = diff.new_text.lines().collect();
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
    let from = head.saturating_sub(CONTEXT_LINES);
    let after = tail.min(CONTEXT_LINES);
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let path = diff.path.strip_prefix(workdir).unwrap_or(&diff.path).display();
    let old_path = if diff.old_text.is_some() { path.to_string() } else { "/dev/null".to_owned() };
    let mut text = format!("--- {old_path}\n+++ {path}\n");
    let start = |lines: usize| if lines == 0 { 0 } else { from + 1 };
    let (old_lines, new_lines) = (old_end + after - from, new_end + after - from);
    text.push_str(&format!("@@ -{},{old_lines} +{},{new_lines} @@\n", start(old_lines), start(new_lines)));
    let parts = [(' ', &old[from..head]), ('-', &old[head..old_end]), ('+', &new[head..new_end]), (' ', &new[new_end..new_end + after])];
    for (sign, lines) in parts {
        for line in lines {
            text.push(sign);
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the protocol's list is open")]
const fn tool_kind(kind: AcpToolKind) -> ToolKind {
    match kind {
        AcpToolKind::Read => ToolKind::Read,
        AcpToolKind::Edit => ToolKind::Edit,
        AcpToolKind::Delete => ToolKind::Delete,
        AcpToolKind::Move => ToolKind::Move,
        AcpToolKind::Search => ToolKind::Search,
        AcpToolKind::Execute => ToolKind::Execute,
        AcpToolKind::Think => ToolKind::Think,
        AcpToolKind::Fetch => ToolKind::Fetch,
        AcpToolKind::SwitchMode => ToolKind::SwitchMode,
        _ => ToolKind::Other,
    }
}

const fn tool_status(status: ToolCallStatus) -> ToolStatus {
    match status {
        ToolCallStatus::Pending => ToolStatus::Pending,
        ToolCallStatus::Completed => ToolStatus::Completed,
        ToolCallStatus::Failed => ToolStatus::Failed,
        ToolCallStatus::InProgress | _ => ToolStatus::InProgress,
    }
}

const fn plan_status(status: &PlanEntryStatus) -> PlanStatus {
    match status {
        PlanEntryStatus::InProgress => PlanStatus::InProgress,
        PlanEntryStatus::Completed => PlanStatus::Completed,
        PlanEntryStatus::Pending | _ => PlanStatus::Pending,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn translate(tools: &mut Tools, update: Value) -> Option<AgentUpdate> {
        tools.translate(serde_json::from_value(update).unwrap())
    }

    fn output(tools: &mut Tools, fields: Value) -> Option<String> {
        let mut update = json!({"sessionUpdate": "tool_call_update", "toolCallId": "c"});
        update.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        match translate(tools, update) {
            Some(AgentUpdate::Tool { update, .. }) => update.output,
            other => panic!("not a tool: {other:?}"),
        }
    }

    #[test]
    fn a_first_tool_call_says_everything() {
        let update = translate(
            &mut Tools::default(),
            json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "List", "kind": "execute", "rawInput": {"command": "ls"}}),
        );
        let expected = ToolUpdate {
            title: Some("List".into()),
            kind: Some(ToolKind::Execute),
            status: Some(ToolStatus::Pending),
            input: Some(r#"{"command":"ls"}"#.into()),
            output: None,
            exit: None,
        };
        assert_eq!(update, Some(AgentUpdate::Tool { call: "c".into(), update: expected }));
    }

    #[test]
    fn raw_output_is_shown_only_while_there_is_no_content() {
        let tools = &mut Tools::default();
        assert_eq!(output(tools, json!({"status": "completed", "content": []})), None);
        assert_eq!(output(tools, json!({"content": [], "rawOutput": {"output": "a", "exitCode": 0}})), Some("a".into()));
        assert_eq!(output(tools, json!({"rawOutput": "b"})), Some("b".into()));
        let block = json!({"type": "content", "content": {"type": "text", "text": "c"}});
        assert_eq!(output(tools, json!({"content": [block, {"type": "terminal", "terminalId": "t"}]})), Some("c".into()));
        assert_eq!(output(tools, json!({"rawOutput": "again"})), None);
    }

    #[test]
    fn an_exit_code_is_read_where_agents_put_it() {
        let exit = |fields: Value| {
            let mut update = json!({"sessionUpdate": "tool_call_update", "toolCallId": "c"});
            update.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            match translate(&mut Tools::default(), update) {
                Some(AgentUpdate::Tool { update, .. }) => update.exit,
                other => panic!("not a tool: {other:?}"),
            }
        };
        assert_eq!(exit(json!({"rawOutput": {"output": "a", "exitCode": 0}})), Some(0));
        assert_eq!(exit(json!({"rawOutput": {"exit_code": 101}})), Some(101));
        assert_eq!(exit(json!({"rawOutput": {"metadata": {"exit": 2}}})), Some(2));
        assert_eq!(exit(json!({"_meta": {"terminal_exit": {"exit_code": 3, "signal": null}}})), Some(3));
        assert_eq!(exit(json!({"rawOutput": {"exitCode": -1}})), None);
        assert_eq!(exit(json!({"rawOutput": "exitCode"})), None);
    }

    #[test]
    fn a_change_that_was_shown_stays_when_a_word_takes_its_place() {
        let tools = &mut Tools::default();
        let change = |new: &str| json!({"content": [{"type": "diff", "path": "/a", "newText": new}]});
        let shown = output(tools, change("x\n")).unwrap();
        let word = json!({"content": [{"type": "content", "content": {"type": "text", "text": "Wrote file."}}]});
        assert_eq!(output(tools, word), Some(format!("{shown}Wrote file.")));
        assert!(output(tools, change("y\n")).unwrap().ends_with("+y\n"), "another change takes the place of both");
    }

    #[test]
    fn a_diff_is_written_as_one_hunk_with_its_surroundings() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\nand a half\n6\n7\n8\n9\n";
        let shown = output(&mut Tools::default(), json!({"content": [{"type": "diff", "path": "/a", "oldText": old, "newText": new}]}));
        assert_eq!(shown.unwrap(), "--- /a\n+++ /a\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n+and a half\n 6\n 7\n 8\n");
        let made = output(&mut Tools::default(), json!({"content": [{"type": "diff", "path": "/a", "newText": "x\n"}]}));
        assert_eq!(made.unwrap(), "--- /dev/null\n+++ /a\n@@ -0,0 +1,1 @@\n+x\n");
        let named = |path: &str| {
            let content = json!({"content": [{"type": "diff", "path": path, "newText": "x\n"}]});
            output(&mut Tools::of_agent_in(Path::new("/project")), content).unwrap().lines().nth(1).unwrap().to_owned()
        };
        assert_eq!(named("/project/src/a.rs"), "+++ src/a.rs", "as seen from the working directory");
        assert_eq!(named("/projector/a.rs"), "+++ /projector/a.rs");
    }

    #[test]
    fn what_means_nothing_to_a_turn_is_left_out() {
        let tools = &mut Tools::default();
        assert_eq!(translate(tools, json!({"sessionUpdate": "current_mode_update", "currentModeId": "m"})), None);
        let own = json!({"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "hello"}});
        assert_eq!(translate(tools, own), None);
        let nothing = json!({"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": ""}});
        assert_eq!(translate(tools, nothing), None);
    }
}
