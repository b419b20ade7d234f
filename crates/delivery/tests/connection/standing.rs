//! How a session's agent stands: told to whoever follows it, the newest word and no older one.

use std::sync::Arc;

use moorline_delivery::ConnectionInput;
use moorline_protocol::{AgentState, AgentStatus, GatewayFrame, Seq, SessionState};

use crate::scene::{Scene, Written, caught_up, from, session};

fn stands(scene: &mut Scene, head: u64, state: AgentState) -> Vec<Written> {
    let agent = Some(Arc::new(AgentStatus { name: "demo".into(), state, ..AgentStatus::default() }));
    scene.handles(ConnectionInput::Head { session: session("s"), head: Seq::new(head), state: SessionState::default(), agent })
}

fn told(written: &[Written]) -> Vec<AgentState> {
    let told = |one: &Written| if let Written::Frame(GatewayFrame::Agent(frame)) = one { Some(frame.agent.state) } else { None };
    written.iter().filter_map(told).collect()
}

#[test]
fn an_agent_is_told_of_when_it_changes_and_then_only() {
    let mut scene = Scene::greeted("s", 4);
    scene.attach(from("s", 1, "e", 4));
    assert_eq!(told(&stands(&mut scene, 4, AgentState::Ready)), [AgentState::Ready]);
    assert_eq!(told(&stands(&mut scene, 4, AgentState::Ready)), []);
    assert_eq!(told(&stands(&mut scene, 4, AgentState::Down)), [AgentState::Down]);
}

#[test]
fn who_attaches_is_told_behind_what_was_missed_and_only_the_newest() {
    let mut scene = Scene::greeted("s", 4);
    scene.opens = false;
    scene.attach(from("s", 1, "e", 2));
    assert_eq!(told(&stands(&mut scene, 4, AgentState::Starting)), []);
    assert_eq!(told(&stands(&mut scene, 4, AgentState::Ready)), []);
    let journal = scene.journal(&session("s"));
    let written = scene.handles(ConnectionInput::Journal { session: session("s"), no: 1, journal });
    assert_eq!(told(&written), [AgentState::Ready]);
    assert_eq!(caught_up(&written).len(), 1);
    assert!(matches!(written.last(), Some(Written::Frame(GatewayFrame::Agent(_)))), "{written:?}");
}
