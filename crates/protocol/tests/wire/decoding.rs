//! What a decoder does with what it does not expect.

use moorline_protocol::{
    Answer, BlockKind, ClientFrame, Code, Event, EventBody, Fields, FieldsPatch, GatewayFrame, Limits, Millis, Patch, ReceiptOutcome, Seq,
    Settlement, SnapshotReason, Timings, ToolKind, ToolStatus, decode_client, decode_gateway, encode,
};

#[test]
fn an_unknown_frame_is_no_error() {
    for content in ["{}", "null", "[1,2]", r#""text""#, r#"{"deep":[{"er":null}],"n":1e999}"#] {
        let text = format!(r#"{{"later":{content}}}"#);
        assert_eq!(decode_client(&text).expect("a frame"), ClientFrame::Unknown { kind: "later".to_owned() });
        assert_eq!(decode_gateway(&text).expect("a frame"), GatewayFrame::Unknown { kind: "later".to_owned() });
    }
}

#[test]
fn a_frame_of_the_other_direction_is_unknown() {
    assert_eq!(decode_client(r#"{"welcome":{}}"#).expect("a frame").kind(), "welcome");
    assert!(matches!(decode_client(r#"{"welcome":{}}"#), Ok(ClientFrame::Unknown { .. })));
    assert!(matches!(decode_gateway(r#"{"hello":{}}"#), Ok(GatewayFrame::Unknown { .. })));
}

#[test]
fn an_unknown_event_keeps_its_place() {
    let text = r#"{"events":{"session":"s","events":[{"seq":7,"first":5,"at":1,"body":{"hologram":{"x":[1]}}}]}}"#;
    let Ok(GatewayFrame::Events(events)) = decode_gateway(text) else { panic!("an events frame") };
    assert_eq!(events.events[0].body, EventBody::Unknown { kind: "hologram".to_owned() });
    assert_eq!((events.events[0].first(), events.events[0].seq), (Seq::new(5), Seq::new(7)));
}

#[test]
fn unknown_fields_are_ignored_everywhere() {
    let known = r#"{"attach":{"session":"s","no":1,"epoch":"e","seq":4}}"#;
    let more = r#"{"attach":{"session":"s","later":{"a":[]},"no":1,"epoch":"e","seq":4,"x":null},"trace":"t","attach":5}"#;
    assert_eq!(decode_client(more).expect("a frame"), decode_client(known).expect("a frame"));
    let known = r#"{"seq":1,"at":2,"body":{"opened":{"block":"b","turn":"m","kind":"tool","title":"t"}}}"#;
    let more = r#"{"seq":1,"at":2,"x":0,"body":{"opened":{"block":"b","turn":"m","kind":"tool","title":"t","y":{}}}}"#;
    assert_eq!(serde_json::from_str::<Event>(more).expect("an event"), serde_json::from_str(known).expect("an event"));
}

#[test]
fn unknown_words_of_open_lists_decode_to_their_stand_in() {
    assert_eq!(serde_json::from_str::<BlockKind>(r#""hologram""#).expect("a kind"), BlockKind::Unsupported);
    assert_eq!(serde_json::from_str::<ToolKind>(r#""teleport""#).expect("a tool"), ToolKind::Other);
    assert_eq!(serde_json::from_str::<Code>(r#""teapot""#).expect("a code"), Code::Unknown);
    assert!(serde_json::from_str::<ToolStatus>(r#""dreaming""#).is_err(), "a closed list stays closed");
}

#[test]
fn every_code_decodes_from_its_word_and_has_a_status_of_an_error() {
    for code in Code::ALL {
        assert_eq!(serde_json::from_str::<Code>(&format!("\"{}\"", code.word())).expect("a code"), *code);
        assert_eq!(encode(code), format!("\"{}\"", code.word()));
        assert!((400..600).contains(&code.status()), "{code:?}");
    }
}

#[test]
fn two_not_founds_that_mean_different_things_have_different_codes() {
    let not_found: Vec<_> = Code::ALL.iter().filter(|code| code.status() == 404).map(|code| code.word()).collect();
    assert_eq!(not_found, ["unknown_session", "unknown_connection", "not_found"]);
}

#[test]
fn what_is_no_frame_is_an_error() {
    for text in
        ["", " ", "{}", "[]", "null", "1", "\"ping\"", "{", "{\"ping\"}", "{\"ping\":{}", "ping", "{\"ping\":{}}x", "{1:2}", "\u{0}"]
    {
        assert!(decode_client(text).is_err(), "{text:?}");
        assert!(decode_gateway(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_known_frame_of_a_wrong_shape_is_an_error() {
    for text in [
        r#"{"hello":{}}"#,
        r#"{"hello":{"version":-1,"client":"c","page":"p"}}"#,
        r#"{"hello":{"version":4294967296,"client":"c","page":"p"}}"#,
        r#"{"attach":{"session":"s"}}"#,
        r#"{"attach":{"session":"s","no":"1"}}"#,
        r#"{"send":{"session":"s","message":"m"}}"#,
        r#"{"send":{"session":"s","message":"m","body":"text"}}"#,
        r#"{"send":{"session":"s","message":"m","body":{"picture":""}}}"#,
        r#"{"ack":{}}"#,
        r#"{"ack":{"cursors":[{}]}}"#,
        r#"{"cancel":null}"#,
    ] {
        assert!(decode_client(text).is_err(), "{text}");
    }
}

#[test]
fn half_a_character_in_what_is_not_read_is_no_error() {
    for unread in [r#""\ud800""#, r#"{"\udc00x":[]}"#, r#"["\ud800\u0041","\\"]"#] {
        let text = format!(r#"{{"ping":{{"later":{unread}}}}}"#);
        assert!(matches!(decode_gateway(&text), Ok(GatewayFrame::Ping(_))), "{text}");
        assert!(serde_json::from_str::<GatewayFrame>(&text).is_ok(), "{text}");
    }
    for text in [
        r#"{"later":"\ud80"}"#,
        r#"{"later":"\x"}"#,
        "{\"later\":\"\n\"}",
        r#"{"later":"\"}"#,
        r#"{"error":{"code":"too_many","message":"\ud800"}}"#,
    ] {
        assert!(decode_gateway(text).is_err(), "{text}");
        assert!(serde_json::from_str::<GatewayFrame>(text).is_err(), "{text}");
    }
}

#[test]
fn deep_nesting_does_not_overflow() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(decode_client(&format!(r#"{{"later":{deep}}}"#)), Ok(ClientFrame::Unknown { .. })));
    assert!(matches!(decode_gateway(&format!(r#"{{"ping":{{"later":{deep}}}}}"#)), Ok(GatewayFrame::Ping(_))));
    assert!(decode_client(&format!(r#"{{"ack":{{"cursors":{deep}}}}}"#)).is_err());
    assert!(decode_gateway(&format!(r#"{{"events":{{"session":"s","events":{deep}}}}}"#)).is_err());
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert!(matches!(decode_client(&objects), Ok(ClientFrame::Unknown { .. })));
}

#[test]
fn an_upsert_tells_omitted_from_null_from_a_value() {
    let patch = |text: &str| serde_json::from_str::<FieldsPatch>(text).expect("a patch");
    assert_eq!(patch("{}").title, Patch::Keep);
    assert_eq!(patch(r#"{"title":null}"#).title, Patch::Clear);
    assert_eq!(patch(r#"{"title":"t"}"#).title, Patch::Set("t".to_owned()));
    for text in ["{}", r#"{"title":null}"#, r#"{"title":"t","status":null,"closed":true}"#] {
        assert_eq!(encode(&patch(text)), text, "and tells it on");
    }
}

#[test]
fn an_upsert_changes_what_it_names_and_nothing_else() {
    let before = Fields { title: Some("old".to_owned()), status: Some(ToolStatus::Pending), closed: Some(false), ..Fields::default() };
    let mut fields = before.clone();
    FieldsPatch::default().apply(&mut fields);
    assert_eq!(fields, before);
    FieldsPatch { title: Patch::Clear, status: Patch::Set(ToolStatus::Failed), ..FieldsPatch::default() }.apply(&mut fields);
    assert_eq!(fields, Fields { title: None, status: Some(ToolStatus::Failed), closed: Some(false), ..Fields::default() });
}

#[test]
fn numbers_may_be_as_large_as_they_come() {
    let text = r#"{"append":{"block":"b","edition":4294967295,"at":18446744073709551615,"text":""}}"#;
    let Ok(EventBody::Append(append)) = serde_json::from_str(text) else { panic!("an append") };
    assert_eq!((append.edition, append.at), (u32::MAX, u64::MAX));
    let text = format!(r#"{{"attach":{{"session":"s","no":{},"seq":0}}}}"#, u64::MAX);
    let Ok(ClientFrame::Attach(attach)) = decode_client(&text) else { panic!("an attach") };
    assert_eq!(attach.no, u64::MAX);
    assert_eq!(encode(&ClientFrame::Attach(attach)), text);
    let text = format!(r#"{{"going_away":{{"min_ms":{0},"max_ms":{0}}}}}"#, u64::MAX);
    let Ok(GatewayFrame::GoingAway(going)) = decode_gateway(&text) else { panic!("a going_away") };
    assert_eq!(going.min_ms + going.max_ms, Millis(u64::MAX), "times do not overflow");
    assert_eq!(going.min_ms.scaled(3, 2), Millis(u64::MAX / 2));
    assert_eq!(Millis(1) - Millis(2), Millis::ZERO);
}

#[test]
fn an_attach_without_an_epoch_has_no_cursor_whatever_its_seq() {
    let Ok(ClientFrame::Attach(attach)) = decode_client(r#"{"attach":{"session":"s","no":1,"seq":9}}"#) else { panic!("an attach") };
    assert_eq!(attach.cursor(), None);
}

#[test]
fn the_first_seq_of_an_event_is_never_above_its_last() {
    let event: Event = serde_json::from_str(r#"{"seq":3,"first":9,"at":0,"body":{"fold":{}}}"#).expect("an event");
    assert_eq!(event.first(), Seq::new(3));
    let event: Event = serde_json::from_str(r#"{"seq":3,"at":0,"body":{"fold":{}}}"#).expect("an event");
    assert_eq!(event.first(), Seq::new(3));
}

#[test]
fn missing_limits_and_timings_take_their_defaults() {
    let text = r#"{"welcome":{"version":1,"connection":"c","limits":{"queue":7},"timings":{"ping":300}}}"#;
    let Ok(GatewayFrame::Welcome(welcome)) = decode_gateway(text) else { panic!("a welcome") };
    assert_eq!(welcome.limits, Limits { queue: 7, ..Limits::default() });
    assert_eq!(welcome.timings, Timings { ping: Millis(300), ..Timings::default() });
}

#[test]
fn divided_timings_keep_their_proportions_and_never_reach_zero() {
    let fast = Timings::default().divided(50);
    assert_eq!((fast.ping, fast.silence, fast.backoff_min), (Millis(300), Millis(750), Millis(10)));
    let least = Timings::default().divided(u64::MAX);
    assert_eq!((least.ping, least.retry_after_max), (Millis(1), Millis(1)));
    assert_eq!(Timings::default().divided(0), Timings::default());
}

#[test]
fn outcomes_answers_and_settlements_are_written_as_the_page_says() {
    assert_eq!(encode(&Answer::UpToDate), r#""up_to_date""#);
    assert_eq!(encode(&Answer::Snapshot(SnapshotReason::TooOld)), r#"{"snapshot":"too_old"}"#);
    assert_eq!(encode(&ReceiptOutcome::Accepted { seq: Seq::new(3) }), r#"{"accepted":{"seq":3}}"#);
    assert_eq!(encode(&ReceiptOutcome::Started), r#""started""#);
    assert_eq!(encode(&Settlement::Cancelled), r#""cancelled""#);
}
