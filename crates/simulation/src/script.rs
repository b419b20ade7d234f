//! What a scripted agent does with a message.

use moorline_delivery::Random;
use moorline_protocol::{Millis, Outcome, PlanEntry, PlanStatus, RequestOption, ToolKind, ToolStatus, TurnError};
use moorline_session::{AgentUpdate, ToolUpdate};

/// One step of a turn: a wait, then a report.
pub(crate) type Step = (Millis, AgentUpdate);

/// What an agent does after it was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnCancel {
    /// Ends the turn, cancelled.
    Obey,
    /// Goes on as if nothing had been said, and is killed.
    Ignore,
}

/// Draws what the agent does with a message: the same with the same message of the same run, whenever it comes. The last
/// step is its end, unless it hangs.
pub(crate) fn turn(seed: u64, text: &str, busy: u64) -> Vec<Step> {
    let mut random = Random::new(text.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)));
    let random = &mut random;
    let no = text.split(' ').nth(1).unwrap_or("?");
    let mut steps: Vec<Step> = Vec::new();
    let pieces = random.below(busy) + 1;
    let mut tools = 0;
    for piece in 0..pieces {
        let wait = |random: &mut Random| Millis(random.below(700));
        match random.below(10) {
            0 => steps.push((wait(random), AgentUpdate::Thought(format!("thinking {no}.{piece} … ")))),
            1 => steps.push((wait(random), AgentUpdate::Plan(plan(random)))),
            2 | 3 => {
                tools += 1;
                let call = format!("c{tools}");
                let mut output = String::new();
                steps.push((wait(random), tool(&call, ToolStatus::InProgress, None)));
                for line in 0..random.below(4) {
                    // Live output mostly continues; now and then the agent replaces it.
                    if random.below(5) == 0 {
                        output.clear();
                    }
                    output.push_str(&format!("line {line} of {call} ünï\n"));
                    steps.push((wait(random), tool(&call, ToolStatus::InProgress, Some(output.clone()))));
                }
                // Some calls are never finished: the end of the turn closes them.
                if random.below(6) > 0 {
                    let status = if random.below(4) == 0 { ToolStatus::Failed } else { ToolStatus::Completed };
                    steps.push((wait(random), tool(&call, status, None)));
                }
            }
            4 if random.below(2) == 0 => {
                steps.push((
                    wait(random),
                    AgentUpdate::Request {
                        request: format!("r{piece}"),
                        call: (tools > 0).then(|| format!("c{tools}")),
                        title: format!("May I do {no}.{piece}?"),
                        options: vec![option("yes", "allow_once"), option("no", "reject_once")],
                    },
                ));
            }
            _ => {
                for word in 0..random.below(12) + 1 {
                    steps.push((
                        Millis(random.below(120)),
                        AgentUpdate::Text(format!("w{no}.{piece}.{word} é{} ", "x".repeat(random.below(30) as usize))),
                    ));
                }
            }
        }
    }
    let end = match random.below(20) {
        0 => Some(failed("agent_error", "the model said no")),
        1 => Some(failed("agent_exited", "the agent exited with code 3")),
        2 if random.below(4) == 0 => None,
        _ => Some(AgentUpdate::Ended { outcome: Outcome::Completed, error: None }),
    };
    steps.extend(end.map(|end| (Millis(random.below(500)), end)));
    steps
}

fn tool(call: &str, status: ToolStatus, output: Option<String>) -> AgentUpdate {
    let update = ToolUpdate {
        title: Some(format!("tool {call}")),
        kind: Some(ToolKind::Execute),
        status: Some(status),
        input: None,
        output,
        exit: None,
    };
    AgentUpdate::Tool { call: call.to_owned(), update }
}

fn plan(random: &mut Random) -> Vec<PlanEntry> {
    let entry = |n| PlanEntry { text: format!("step {n}"), status: PlanStatus::Pending };
    (0..random.below(4)).map(entry).collect()
}

fn option(id: &str, kind: &str) -> RequestOption {
    RequestOption { id: id.to_owned(), name: id.to_owned(), kind: kind.to_owned() }
}

fn failed(code: &str, message: &str) -> AgentUpdate {
    AgentUpdate::Ended { outcome: Outcome::Failed, error: Some(TurnError { code: code.to_owned(), message: message.to_owned() }) }
}
