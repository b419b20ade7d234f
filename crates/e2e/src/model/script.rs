//! The script: what the model does, told by the last message of the user.
//!
//! The last line that begins with one of these words is an order; without one the answer is a sentence.
//!
//! - `edit FILE` calls the tool that reads files, if there is one, and then the one that writes them, with [`WRITTEN`];
//! - `run COMMAND` calls the tool that runs commands;
//! - `slow N` answers in N words, one every [`PAUSE`].
//!
//! When the last tool has answered, the model repeats its answer in a sentence and ends its turn.

use std::{fmt, time::Duration};

use serde_json::{Map, Value, json};

/// What every file contains after an `edit`.
pub(super) const WRITTEN: &str = "written by the scripted model\n";
/// Between two words of a slow answer.
const PAUSE: Duration = Duration::from_millis(20);
/// What is said to have been read, in tokens.
pub(super) const INPUT_TOKENS: u64 = 1_200;
/// How much of a tool's answer is repeated.
const REPEATED: usize = 200;

/// What edits files, best first: to write one whole needs no knowledge of what was in it.
const EDITORS: [&str; 5] = ["writefile", "write", "createfile", "applypatch", "edit"];
const READERS: [&str; 2] = ["readfile", "read"];
const SHELLS: [&str; 7] = ["runshellcommand", "bash", "execcommand", "shellcommand", "shell", "runcommand", "localshell"];

/// What the parameter that names a file is called.
const FILE: &[&str] = &["file_path", "filePath", "path", "filename", "absolute_path"];

/// A tool and its arguments.
type Call = (String, Value);

/// What a request says, whatever its API.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) system: String,
    pub(super) said: Vec<Said>,
    pub(super) tools: Vec<Tool>,
    /// What the answer must fit, null = nothing: agents ask models on the side to choose or to judge.
    pub(super) schema: Value,
}

/// One part of the conversation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    User(String),
    Model,
    /// By a tool.
    Result(String),
}

/// A tool on offer.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: String,
    /// A JSON Schema of its arguments; null for one that takes plain text.
    pub(super) parameters: Value,
}

/// What the model answers.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// Words, at once or slowly.
    Text { chunks: Vec<String>, pause: Duration },
    /// A call of a tool; the arguments are an object, or a string for a tool that takes plain text.
    Call { tool: String, arguments: Value },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order<'a> {
    Edit(&'a str),
    Run(&'a str),
    Slow(usize),
}

impl Request {
    /// What the script says to this.
    pub(super) fn reply(&self) -> Reply {
        if self.schema.is_object() {
            return text(&some_value(&self.schema).to_string());
        }
        let begins = self.said.iter().rposition(|said| matches!(said, Said::User(text) if !is_reminder(text)));
        let Some((begins, Said::User(asked))) = begins.map(|at| (at, &self.said[at])) else { return text("There is nothing to answer.") };
        let results = || self.said[begins..].iter().filter(|said| matches!(said, Said::Result(_)));
        let calls = match order(asked) {
            Some(Order::Edit(file)) => self.edit(file),
            Some(Order::Run(command)) => self.tool(&SHELLS).map(|tool| tool.call(&[(&["command", "cmd"], command)])).into_iter().collect(),
            Some(Order::Slow(words)) => return Reply::Text { chunks: (1..=words).map(|n| format!("word-{n} ")).collect(), pause: PAUSE },
            None => return text("This is a scripted answer, in one sentence."),
        };
        if calls.is_empty() {
            return text("There is no tool here that does this.");
        }
        if let Some((tool, arguments)) = calls.into_iter().nth(results().count()) {
            return Reply::Call { tool, arguments };
        }
        let Some(Said::Result(result)) = results().next_back() else { unreachable!("calls were answered") };
        let repeated: String = result.chars().take(REPEATED).collect();
        text(&format!("The tool has answered: {repeated}"))
    }

    /// Some agents let a model write over a file only after it has read it.
    fn edit(&self, file: &str) -> Vec<Call> {
        let file = &self.absolute(file);
        let Some(editor) = self.tool(&EDITORS) else { return Vec::new() };
        let reader = self.tool(&READERS).filter(|_| !editor.parameters.is_null());
        let read = reader.map(|reader| reader.call(&[(FILE, file)]));
        read.into_iter().chain([editor.edit(file)]).collect()
    }

    fn tool(&self, names: &[&str]) -> Option<&Tool> {
        names.iter().find_map(|name| self.tools.iter().find(|tool| plain(&tool.name) == *name))
    }

    /// A file's path from the root: some agents take no other, and all of them tell the model where they work.
    fn absolute(&self, file: &str) -> String {
        let users = self.said.iter().filter_map(|said| match said {
            Said::User(text) => Some(text.as_str()),
            Said::Model | Said::Result(_) => None,
        });
        let folder = if file.starts_with('/') { None } else { std::iter::once(self.system.as_str()).chain(users).find_map(workdir) };
        folder.map_or_else(|| file.to_owned(), |folder| format!("{}/{file}", folder.trim_end_matches('/')))
    }
}

impl Tool {
    fn edit(&self, file: &str) -> Call {
        if self.parameters.is_null() {
            let added: String = WRITTEN.lines().map(|line| format!("+{line}\n")).collect();
            return (self.name.clone(), json!(format!("*** Begin Patch\n*** Add File: {file}\n{added}*** End Patch\n")));
        }
        self.call(&[(FILE, file), (&["content", "contents", "text", "newString", "new_string"], WRITTEN)])
    }

    fn call(&self, values: &[(&[&str], &str)]) -> Call {
        (self.name.clone(), self.fill(values))
    }

    /// Arguments that fit the schema: the values given where a property has one of their names, something valid for every
    /// other one that is required.
    fn fill(&self, values: &[(&[&str], &str)]) -> Value {
        let required: Vec<&str> = self.parameters["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = self.parameters["properties"].as_object().cloned().unwrap_or_default();
        let mut arguments = Map::new();
        for (name, schema) in properties {
            let value = values.iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, value)| *value);
            match (value, required.contains(&name.as_str())) {
                // A command may be a list of words: then a shell is the first one.
                (Some(value), _) if is_type(&schema, "array") => drop(arguments.insert(name, json!(["bash", "-lc", value]))),
                (Some(value), _) => drop(arguments.insert(name, json!(value))),
                (None, true) => drop(arguments.insert(name, some_value(&schema))),
                (None, false) => {}
            }
        }
        Value::Object(arguments)
    }
}

/// A schema's types are lower case in one API and upper case in another.
fn is_type(schema: &Value, name: &str) -> bool {
    schema["type"].as_str().is_some_and(|named| named.eq_ignore_ascii_case(name))
}

fn some_value(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let of_type = [("boolean", json!(false)), ("integer", json!(1)), ("number", json!(1)), ("array", json!([]))];
    if let Some((_, value)) = of_type.into_iter().find(|(name, _)| is_type(schema, name)) {
        return value;
    }
    let Some(properties) = schema["properties"].as_object() else { return json!("scripted") };
    properties.iter().map(|(name, schema)| (name.clone(), some_value(schema))).collect()
}

impl Reply {
    /// Between two frames.
    pub(super) fn pause(&self) -> Duration {
        match self {
            Self::Text { pause, .. } => *pause,
            Self::Call { .. } => Duration::ZERO,
        }
    }

    /// What is said to have been written, in tokens.
    pub(super) fn tokens(&self) -> usize {
        match self {
            Self::Text { chunks, .. } => chunks.len(),
            Self::Call { .. } => 20,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        write!(f, "{} parts said, tools: {}", self.said.len(), names.join(" "))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { chunks, .. } => write!(f, "{} chunks of text", chunks.len()),
            Self::Call { tool, arguments } => write!(f, "{tool} {arguments}"),
        }
    }
}

fn text(sentence: &str) -> Reply {
    // As models stream: a word and the space behind it at a time.
    Reply::Text { chunks: sentence.split_inclusive(' ').map(str::to_owned).collect(), pause: Duration::ZERO }
}

/// What an agent adds of its own to a message of the user.
fn is_reminder(text: &str) -> bool {
    text.trim_start().starts_with("<system-reminder>")
}

fn order(text: &str) -> Option<Order<'_>> {
    text.lines().rev().find_map(|line| {
        let (word, rest) = line.trim().split_once(' ')?;
        match word {
            "edit" => Some(Order::Edit(rest)),
            "run" => Some(Order::Run(rest)),
            "slow" => rest.parse().ok().map(Order::Slow),
            _ => None,
        }
    })
}

/// The folder that an agent says it works in: a path among the first few words behind a phrase for it.
fn workdir(text: &str) -> Option<&str> {
    const PHRASES: [&str; 4] = ["orking directory", "in the directory", "orkspace Directories", "<cwd>"];
    const FEW: usize = 6;
    let behind = |phrase| text.match_indices(phrase).map(|(at, phrase): (usize, &str)| &text[at + phrase.len()..]);
    PHRASES.into_iter().flat_map(behind).find_map(|text| {
        let words = text.split(|c: char| c.is_whitespace() || ">`'\"".contains(c)).filter(|word| !word.is_empty());
        let path = words.take(FEW).find(|word| word.starts_with('/'))?;
        path.split('<').next()
    })
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Request {
        let tool = |name: &str, parameters| Tool { name: name.to_owned(), parameters };
        let write = json!({
            "properties": { "file_path": { "type": "string" }, "content": { "type": "string" }, "mode": { "enum": ["a", "b"] } },
            "required": ["file_path", "content", "mode"],
        });
        let shell = json!({
            "properties": { "command": { "type": "STRING" }, "is_background": { "type": "BOOLEAN" }, "timeout": { "type": "number" } },
            "required": ["command", "is_background"],
        });
        let system = "Name the working directory; use </b> for bold.\nWorking directory: /project\nToday is Monday.".to_owned();
        Request {
            system,
            said: vec![Said::User(text.into())],
            tools: vec![tool("write_file", write), tool("Bash", shell)],
            ..Request::default()
        }
    }

    fn called(request: &Request) -> (String, Value) {
        match request.reply() {
            Reply::Call { tool, arguments } => (tool, arguments),
            Reply::Text { chunks, .. } => panic!("not a call: {}", chunks.concat()),
        }
    }

    fn said(request: &Request) -> String {
        match request.reply() {
            Reply::Text { chunks, .. } => chunks.concat(),
            Reply::Call { tool, .. } => panic!("a call of {tool}"),
        }
    }

    #[test]
    fn an_order_calls_the_agents_own_tool_with_arguments_that_fit_its_schema() {
        let written = json!({ "file_path": "/project/a.txt", "content": WRITTEN, "mode": "a" });
        assert_eq!(called(&asked("Please\nedit a.txt")), ("write_file".to_owned(), written));
        let mut request = asked("edit /b.txt");
        request.tools.push(Tool { name: "read_file".into(), parameters: json!({ "properties": { "path": { "type": "string" } } }) });
        assert_eq!(called(&request), ("read_file".to_owned(), json!({ "path": "/b.txt" })));
        request.said.extend([Said::Model, Said::Result("old".into())]);
        assert_eq!(called(&request).0, "write_file");
        let run = json!({ "command": "echo 1 2", "is_background": false });
        assert_eq!(called(&asked("run echo 1 2")), ("Bash".to_owned(), run));
    }

    #[test]
    fn a_command_may_be_a_list_and_a_patch_plain_text() {
        let mut request = asked("run ls");
        request.tools = vec![Tool { name: "shell".into(), parameters: json!({ "properties": { "command": { "type": "array" } } }) }];
        assert_eq!(called(&request).1, json!({ "command": ["bash", "-lc", "ls"] }));
        request = asked("edit /a.txt");
        request.tools = vec![Tool { name: "apply_patch".into(), parameters: Value::Null }];
        assert!(called(&request).1.as_str().is_some_and(|patch| patch.contains("*** Add File: /a.txt\n+written")));
    }

    #[test]
    fn a_tool_that_has_answered_ends_the_turn_and_the_next_order_counts_again() {
        let mut request = asked("run ls");
        request.said.extend([Said::Model, Said::Result("a.txt".into()), Said::User("<system-reminder>be brief</system-reminder>".into())]);
        assert_eq!(said(&request), "The tool has answered: a.txt");
        request.said.extend([Said::Model, Said::User("run pwd".into())]);
        assert_eq!(called(&request).1["command"], "pwd");
    }

    #[test]
    fn everything_else_is_answered_with_a_sentence() {
        assert_eq!(said(&asked("hello\nthere")), "This is a scripted answer, in one sentence.");
        assert_eq!(said(&asked("slow 3")), "word-1 word-2 word-3 ");
        assert_eq!(said(&Request::default()), "There is nothing to answer.");
        let schema = json!({ "type": "OBJECT", "properties": { "reason": { "type": "STRING" }, "choice": { "enum": ["one", "two"] } } });
        let judged: Value = serde_json::from_str(&said(&Request { schema, ..asked("run ls") })).unwrap();
        assert_eq!(judged, json!({ "choice": "one", "reason": "scripted" }));
        let without_tools = Request { tools: Vec::new(), ..asked("run ls") };
        assert_eq!(said(&without_tools), "There is no tool here that does this.");
    }
}
