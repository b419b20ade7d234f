//! Hello and welcome.

use moorline_delivery::{ConnectionInput, ConnectionOutput, End};
use moorline_protocol::{ClientFrame, ClientPing, Code, GatewayFrame, Hello, Limits, Timings};

use crate::scene::{Scene, Written, answers, errors, frames, fresh, greeting};

#[test]
fn hello_is_answered_by_welcome_and_then_by_everything_else() {
    let mut scene = Scene::new();
    scene.keep("a", "e", 3);
    scene.keep("b", "e", 3);
    let written = scene.says(greeting(vec![fresh("a", 1), fresh("b", 2)]));
    let Written::Frame(GatewayFrame::Welcome(welcome)) = &written[0] else { panic!("{written:?}") };
    assert_eq!((welcome.version, welcome.connection.as_str(), welcome.build.as_str(), welcome.time), (1, "c1", "1.2.3", 99));
    assert_eq!((&welcome.limits, &welcome.timings), (&Limits::default(), &Timings::default()));
    assert_eq!(welcome.agents, ["demo"]);
    assert_eq!(written[1], Written::Rows(None));
    assert_eq!(answers(&written).len(), 2);
}

#[test]
fn the_client_id_is_claimed_before_anything_is_written() {
    let mut scene = Scene::new();
    scene.says(greeting(Vec::new()));
    assert!(matches!(&scene.asked[0], ConnectionOutput::Claim { client, page } if client.as_str() == "client" && page.as_str() == "page"));
}

#[test]
fn frames_before_hello_are_refused_and_the_connection_stays() {
    let mut scene = Scene::new();
    for frame in [ClientFrame::Ping(ClientPing {}), ClientFrame::Attach(fresh("a", 1))] {
        let errors = errors(&scene.says(frame));
        assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::HelloExpected]);
    }
    assert_eq!(scene.says(ClientFrame::Unknown { kind: "later".to_owned() }), [], "an unknown one is ignored");
    assert!(matches!(frames(&scene.says(greeting(Vec::new())))[0], GatewayFrame::Welcome(_)));
}

#[test]
fn a_second_hello_is_refused_and_changes_nothing() {
    let mut scene = Scene::greeted("s", 3);
    scene.attach(fresh("s", 1));
    let written = scene.says(greeting(vec![fresh("s", 9)]));
    assert_eq!(errors(&written)[0].code, Code::HelloExpected);
    assert_eq!(written.len(), 1);
    assert_eq!(scene.commits("s", 1).len(), 1, "and what was followed is");
}

#[test]
fn a_hello_with_attaches_without_end_is_answered_by_a_bounded_number_of_refusals() {
    let mut scene = Scene::new();
    let attaches = (0..20_000).map(|n| fresh(&format!("s{n}"), n)).collect();
    let written = scene.says(greeting(attaches));
    let refused = errors(&written);
    assert_eq!(refused.iter().filter(|error| error.code == Code::TooMany).count(), 64);
    assert!(written.len() < 100, "{}", written.len());
}

#[test]
fn an_older_version_is_told_so_and_closed() {
    let mut scene = Scene::new();
    let ClientFrame::Hello(hello) = greeting(Vec::new()) else { panic!("a hello") };
    let written = scene.says(ClientFrame::Hello(Hello { version: 0, ..hello }));
    assert_eq!(errors(&written)[0].code, Code::IncompatibleVersion);
    assert_eq!((written.len(), scene.end), (1, Some(End::IncompatibleVersion)));
}

#[test]
fn a_newer_version_is_answered_with_ours() {
    let mut scene = Scene::new();
    let ClientFrame::Hello(hello) = greeting(Vec::new()) else { panic!("a hello") };
    let written = scene.says(ClientFrame::Hello(Hello { version: 7, ..hello }));
    assert!(matches!(&written[0], Written::Frame(GatewayFrame::Welcome(welcome)) if welcome.version == 1));
}

#[test]
fn a_connection_without_hello_is_closed_after_five_seconds() {
    let mut scene = Scene::new();
    scene.passes(4_000);
    scene.handles(ConnectionInput::Undecodable("no frame".to_owned()));
    scene.passes(999);
    assert_eq!(scene.end, None);
    let written = scene.passes(1);
    assert_eq!((errors(&written)[0].code, scene.end), (Code::HelloExpected, Some(End::NoHello)));
}

#[test]
fn what_is_no_frame_is_refused_with_its_reason_and_the_connection_stays() {
    let mut scene = Scene::greeted("s", 1);
    let written = scene.handles(ConnectionInput::Undecodable("not JSON".to_owned()));
    assert_eq!((errors(&written)[0].code, errors(&written)[0].message.as_str()), (Code::BadFrame, "not JSON"));
    assert_eq!(scene.end, None);
}

#[test]
fn a_client_id_that_another_page_holds_is_told_so_and_closed() {
    let mut scene = Scene::greeted("s", 1);
    let written = scene.handles(ConnectionInput::ClientTaken);
    assert_eq!((errors(&written)[0].code, scene.end), (Code::ClientTaken, Some(End::ClientTaken)));
    assert_eq!(scene.says(ClientFrame::Ping(ClientPing {})), [], "no input counts any more");
}

#[test]
fn a_client_id_that_is_taken_is_told_in_place_of_the_welcome() {
    let mut scene = Scene::new();
    scene.core.handle(scene.now, ConnectionInput::Frame(greeting(Vec::new())));
    assert!(matches!(scene.core.poll_output(), Some(ConnectionOutput::Claim { .. })));
    let written = scene.handles(ConnectionInput::ClientTaken);
    assert_eq!(written.len(), 1, "a client that was welcomed would act on it: {written:?}");
    assert_eq!((errors(&written)[0].code, scene.end), (Code::ClientTaken, Some(End::ClientTaken)));
}

#[test]
fn rows_are_asked_for_once_and_then_when_the_list_moved() {
    let mut scene = Scene::new();
    let ClientFrame::Hello(hello) = greeting(Vec::new()) else { panic!("a hello") };
    scene.rows = 9;
    let rows = |written: &[Written]| -> Vec<Option<u64>> {
        written.iter().filter_map(|written| if let Written::Rows(since) = written { Some(*since) } else { None }).collect()
    };
    assert_eq!(rows(&scene.says(ClientFrame::Hello(Hello { rows_rev: Some(7), ..hello }))), [Some(7)]);
    assert_eq!(rows(&scene.handles(ConnectionInput::RowsHead(9))), [], "these are here already");
    scene.rows = 12;
    assert_eq!(rows(&scene.handles(ConnectionInput::RowsHead(12))), [Some(9)]);
    assert_eq!(rows(&scene.handles(ConnectionInput::RowsHead(11))), [], "a late word of an older rev");
    assert_eq!(rows(&scene.passes(30_000)), []);
}
