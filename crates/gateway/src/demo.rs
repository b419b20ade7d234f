//! The demo agent: a real process that speaks the Agent Client Protocol on its stdio, without a model and without a network.
//!
//! It is `moorline-gateway demo-agent [--seed N] [--delay-ms N] [--fail-start exit|hang|garbage]`. The same seed and the same
//! messages give the same turns, chunk by chunk. A plain message gets a short turn with everything in it; a message that
//! begins with a slash is a command (`/help` lists them) that brings about one thing on purpose: many chunks, a question,
//! an error, a crash, a silence. A cancel is honoured at every step. The process ends with code 0 when its stdin closes or
//! the client answers one of its requests with an error.

mod command;
mod options;
mod peer;
mod prose;
mod random;
#[cfg(feature = "testing")]
pub(crate) mod testing;
mod turn;

use std::process::ExitCode;

use serde_json::{Value, json};

use command::Command;
use peer::{Incoming, Peer};
use random::Random;
use turn::{Stop, Turn};

pub use options::{InvalidOption, Options, StartFailure};

/// The code of an exit that was asked for with `/crash`.
const CRASH_CODE: u8 = 3;

/// Runs the demo agent until its stdin closes; `args` are those behind `demo-agent`.
///
/// The code is 0 at the end of stdin, 1 for a start that fails as told, 2 for options that it does not take, 3 for a crash.
#[must_use]
pub fn run(args: impl IntoIterator<Item = String>) -> ExitCode {
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match options.fail_start {
        None => serve(&options),
        Some(StartFailure::Exit) => {
            eprintln!("demo-agent: exiting at once, as told by --fail-start exit");
            ExitCode::FAILURE
        }
        Some(StartFailure::Hang) => stay_silent(),
        Some(StartFailure::Garbage) => {
            println!("Welcome to the demo agent! Loading plugins...\n{{\"not\": \"a message\"}}\n[1, 2");
            stay_silent()
        }
    }
}

fn stay_silent() -> ExitCode {
    let peer = Peer::open();
    while peer.receive().is_some() {}
    ExitCode::SUCCESS
}

fn serve(options: &Options) -> ExitCode {
    let mut peer = Peer::open();
    let mut turns = 0;
    while let Some(incoming) = peer.receive() {
        let Incoming::Request { id, method, params } = incoming else { continue };
        let sent = match method.as_str() {
            "initialize" => peer.respond(&id, json!({"protocolVersion": 1, "agentCapabilities": {}, "authMethods": []})),
            "session/new" => peer.respond(&id, json!({"sessionId": peer::SESSION})).and_then(|()| peer.update(commands())),
            "session/prompt" => {
                turns += 1;
                let text = message_text(&params);
                let random = Random::new(options.seed, turns, &text);
                match Turn::new(&mut peer, options, turns, random).play(&Command::parse(&text)) {
                    Ok(()) => peer.respond(&id, json!({"stopReason": "end_turn"})),
                    Err(Stop::Cancelled) => peer.respond(&id, json!({"stopReason": "cancelled"})),
                    Err(Stop::Late) => peer.respond(&id, json!({"stopReason": "end_turn"})).and_then(|()| {
                        let late = json!({"type": "text", "text": " And this is late."});
                        peer.update(json!({"sessionUpdate": "agent_message_chunk", "content": late}))
                    }),
                    Err(Stop::Failed(message)) => peer.refuse(&id, -32603, &message),
                    Err(Stop::Crashed) => {
                        eprintln!("demo-agent: crashing, as asked");
                        return ExitCode::from(CRASH_CODE);
                    }
                    Err(Stop::Closed) => return ExitCode::SUCCESS,
                }
            }
            _ => peer.refuse(&id, -32601, "method not found"),
        };
        if sent.is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

/// The commands, for a client that offers them.
fn commands() -> Value {
    let rows = command::HELP.lines().filter_map(|line| line.strip_prefix("| `/")?.split_once("` | "));
    let command = |(usage, what): (&str, &str)| {
        let name = usage.split(' ').next().unwrap_or(usage);
        json!({"name": name, "description": what.trim_end_matches(" |")})
    };
    json!({"sessionUpdate": "available_commands_update", "availableCommands": rows.map(command).collect::<Vec<_>>()})
}

/// A prompt's text blocks, one behind the other.
fn message_text(params: &Value) -> String {
    let blocks = params["prompt"].as_array().map_or(&[][..], Vec::as_slice);
    blocks.iter().filter_map(|block| block["text"].as_str()).collect()
}
