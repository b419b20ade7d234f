//! Holds `docs/protocol.md` against the code: every example is what the types say, and nothing of the code is left out.

#![expect(clippy::wildcard_enum_match_arm, reason = "a check looks at the kinds it is about")]

use std::collections::BTreeSet;

use moorline_protocol::{
    BlockText, ChangeSession, ClientFrame, Code, CreateSession, ErrorBody, Event, EventBody, Export, FieldsPatch, GatewayFrame, Hits,
    Limits, Login, Page, Patch, RawEvents, Rows, SUBPROTOCOL, Send, SessionRow, SetAgent, Timings,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/protocol.md");

/// A fenced block of JSON with what its info string says it is.
struct Example {
    line: usize,
    what: &'static str,
    text: String,
}

fn examples() -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut open = false;
    for (index, line) in PAGE.lines().enumerate() {
        match (open, line.strip_prefix("```")) {
            (false, Some(info)) => {
                let what = match info {
                    // The shape of a stream, and a shell's session, which a test of the gateway runs.
                    "" | "console session" => info,
                    json => json.strip_prefix("json ").unwrap_or_else(|| panic!("line {}: {info:?} says not what it is", index + 1)),
                };
                found.push(Example { line: index + 1, what, text: String::new() });
                open = true;
            }
            (true, Some(_)) => open = false,
            (true, None) => {
                let text = &mut found.last_mut().expect("an open block").text;
                text.push_str(line);
                text.push('\n');
            }
            (false, None) => {}
        }
    }
    assert!(!open, "the last example is not closed");
    found
}

fn of<T: DeserializeOwned>(what: &str) -> Vec<T> {
    examples()
        .iter()
        .filter(|example| example.what == what)
        .map(|example| serde_json::from_str(&example.text).expect("an example"))
        .collect()
}

/// Decodes, and checks that nothing of the example was ignored or is spelled differently by the code.
fn returns<T: Serialize + DeserializeOwned>(example: &Example) -> T {
    let place = format!("docs/protocol.md:{}", example.line);
    let value: Value = serde_json::from_str(&example.text).unwrap_or_else(|error| panic!("{place} is not JSON: {error}"));
    let decoded: T = serde_json::from_str(&example.text).unwrap_or_else(|error| panic!("{place}: {error}"));
    assert_eq!(serde_json::to_value(&decoded).expect("encodable"), value, "{place}: encoded again, the example is another");
    decoded
}

/// Checks the lines of a stream: ids are cursors, and every line of data is a frame.
fn returns_a_stream(example: &Example) {
    for line in example.text.lines() {
        let place = format!("docs/protocol.md:{}: {line}", example.line);
        match line.split_once(": ") {
            Some(("id", cursors)) => assert!(cursors.split(',').all(|cursor| cursor.split(':').count() == 3), "{place}"),
            Some(("data", text)) => {
                drop(returns::<GatewayFrame>(&Example { line: example.line, what: "gateway", text: text.to_owned() }));
            }
            _ => panic!("{place} is no line of a stream"),
        }
    }
}

/// The first cells of the rows of the table below a heading, with their whole rows.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let section = PAGE.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().expect("a section");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect()).collect()
}

fn assert_table_tells(heading: &str, defaults: &impl Serialize) {
    let told: Vec<(String, String)> = table(heading).iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    let Value::Object(fields) = serde_json::to_value(defaults).expect("encodable") else { panic!("defaults are an object") };
    let held: BTreeSet<_> = fields.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), held);
    assert_eq!(told.len(), held.len(), "a row stands twice");
}

#[test]
fn every_example_is_what_its_info_string_says() {
    for example in examples() {
        match example.what {
            "client" => assert!(!matches!(returns::<ClientFrame>(&example), ClientFrame::Unknown { .. }), "line {}", example.line),
            "gateway" => match returns::<GatewayFrame>(&example) {
                GatewayFrame::Unknown { kind } => panic!("line {}: no frame is named {kind}", example.line),
                GatewayFrame::Error(error) => assert_ne!(error.code, Code::Unknown, "line {}", example.line),
                _ => {}
            },
            "event" => assert!(!matches!(returns::<Event>(&example).body, EventBody::Unknown { .. }), "line {}", example.line),
            "" => returns_a_stream(&example),
            "console session" => assert!(example.text.starts_with("$ "), "line {}: a session begins with a command", example.line),
            "http:ErrorBody" => drop(returns::<ErrorBody>(&example)),
            "http:Login" => drop(returns::<Login>(&example)),
            "http:CreateSession" => drop(returns::<CreateSession>(&example)),
            "http:ChangeSession" => drop(returns::<ChangeSession>(&example)),
            "http:SetAgent" => drop(returns::<SetAgent>(&example)),
            "http:Hits" => drop(returns::<Hits>(&example)),
            "http:Export" => drop(returns::<Export>(&example)),
            "http:SessionRow" => drop(returns::<SessionRow>(&example)),
            "http:Rows" => drop(returns::<Rows>(&example)),
            "http:RawEvents" => drop(returns::<RawEvents>(&example)),
            "http:BlockText" => drop(returns::<BlockText>(&example)),
            "http:Page" => drop(returns::<Page>(&example)),
            other => panic!("line {}: nobody knows what {other:?} is", example.line),
        }
    }
}

#[test]
fn every_kind_of_frame_and_event_has_an_example() {
    let client: Vec<ClientFrame> = of("client");
    let gateway: Vec<GatewayFrame> = of("gateway");
    let events: Vec<Event> = of("event");
    assert_eq!(client.iter().map(ClientFrame::kind).collect::<BTreeSet<_>>(), ClientFrame::KINDS.iter().copied().collect());
    assert_eq!(gateway.iter().map(GatewayFrame::kind).collect::<BTreeSet<_>>(), GatewayFrame::KINDS.iter().copied().collect());
    assert_eq!(events.iter().map(|event| event.body.kind()).collect::<BTreeSet<_>>(), EventBody::KINDS.iter().copied().collect());
}

#[test]
fn every_code_stands_in_the_table_with_its_status_and_who_retries() {
    let rows = table("Codes");
    let told: BTreeSet<(&str, String)> = rows.iter().map(|row| (row[0], row[1].to_owned())).collect();
    assert_eq!(told, Code::ALL.iter().map(|code| (code.word(), code.status().to_string())).collect());
    assert_eq!(rows.len(), Code::ALL.len(), "a code stands twice");
    assert!(rows.iter().all(|row| row.len() == 4 && !row[3].is_empty()), "a row does not say who retries");
}

#[test]
fn every_limit_and_timing_stands_in_its_table_with_its_default() {
    assert_table_tells("Limits", &Limits::default());
    assert_table_tells("Timings", &Timings::default());
}

#[test]
fn the_welcome_example_tells_every_limit_and_timing() {
    let welcome = of::<GatewayFrame>("gateway").into_iter().find_map(|frame| match frame {
        GatewayFrame::Welcome(welcome) => Some(welcome),
        _ => None,
    });
    // Encoding it again gave the same JSON, so no field was filled in.
    let welcome = welcome.expect("an example of welcome");
    assert_eq!((welcome.limits, welcome.timings), (Limits::default(), Timings::default()));
}

#[test]
fn every_field_of_a_block_stands_in_the_table_of_fields() {
    let every = FieldsPatch {
        title: Patch::Clear,
        tool: Patch::Clear,
        status: Patch::Clear,
        input: Patch::Clear,
        entries: Patch::Clear,
        options: Patch::Clear,
        about: Patch::Clear,
        settled: Patch::Clear,
        closed: Patch::Clear,
        exit: Patch::Clear,
    };
    let Value::Object(fields) = serde_json::to_value(every).expect("encodable") else { panic!("a patch is an object") };
    let listed: BTreeSet<&str> = table("Events").iter().filter(|row| row.len() == 3).map(|row| row[0]).collect();
    for field in fields.keys() {
        assert!(listed.contains(field.as_str()), "the field {field} is not described");
    }
}

#[test]
fn the_subprotocol_stands_on_the_page() {
    assert!(PAGE.contains(&format!("`{SUBPROTOCOL}`")));
}

#[test]
fn the_acceptance_carries_the_hash_of_the_send_beside_it() {
    let sends = of::<ClientFrame>("client").into_iter().filter_map(|frame| match frame {
        ClientFrame::Send(send) => Some(send),
        _ => None,
    });
    let sends: Vec<Send> = sends.collect();
    let sent = |message: &str| sends.iter().find(|send| send.message.as_str() == message).expect("an example of its send");
    for event in of::<Event>("event") {
        match event.body {
            EventBody::Accepted(accepted) => assert_eq!(accepted.hash, sent(accepted.message.as_str()).hash(), "{}", accepted.message),
            EventBody::Answered(answered) => assert_eq!(answered.hash, sent(answered.message.as_str()).hash(), "{}", answered.message),
            _ => {}
        }
    }
    let first = sent("m1").hash();
    assert!(PAGE.contains(&format!("`Tidy the parser`, is `{first}`")), "the hash in the prose is not {first}");
}
