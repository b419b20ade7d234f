//! Everything that a stranger reaches, one by one.

mod agent;
mod client;
mod connection;
mod markup;
mod requests;
mod transcript;
mod wire;

use crate::Dice;

/// Runs one execution: it makes its input from the dice, and panics if something does not hold.
pub(crate) type Execute = Box<dyn FnMut(&mut Dice)>;

/// One thing that a stranger reaches.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Who can send such inputs, and what they meet.
    pub what: &'static str,
    pub(crate) prepare: fn() -> Execute,
}

macro_rules! targets {
    ($($name:literal, $what:literal => $prepare:path;)+) => {
        /// Every target.
        pub const TARGETS: &[Target] = &[$(Target { name: $name, what: $what, prepare: $prepare }),+];
    };
}

targets! {
    "client-frames", "a client: the frames that the gateway decodes" => wire::client_frames;
    "socket", "anybody who opened a WebSocket: its bytes, cut into messages" => wire::socket;
    "gateway-frames", "a gateway, or a proxy: the frames that the page decodes, its reader beside serde's" => wire::gateway_frames;
    "page-answers", "the same: what else the page decodes, from requests and from its own storage" => wire::page_answers;
    "events", "whoever wrote the store's file: events as they are read from it" => wire::events;
    "ids", "anybody: ids, epochs and seqs" => wire::ids;
    "hello", "a client: the hello in the URL of an event stream, with its headers" => requests::hello;
    "last-event-id", "a client: the cursors that come back in a header" => requests::last_event_id;
    "posts", "a client: posted frames and the other bodies" => requests::posts;
    "queries", "a client: the queries of reads" => requests::queries;
    "searches", "anybody who is logged in: words to be found" => requests::searches;
    "door", "anybody: cookies, bearers, tickets, origins and hosts" => requests::door;
    "agent-lines", "an agent: its stdout, cut into lines" => agent::lines;
    "agent", "an agent: its messages, through the adapter and the session into a transcript" => agent::messages;
    "markdown", "an agent: its texts, cut anywhere, as the page shows them" => markup::markdown;
    "terminal", "an agent: what its commands print, cut anywhere" => markup::terminal;
    "code", "an agent: code in any language, as it is coloured" => markup::code;
    "demo", "a user of the demo agent: messages and commands" => agent::demo;
    "connection", "a client: decoded frames in the gateway's end of a connection" => connection::frames;
    "client", "a gateway: decoded frames in the page's end of a connection, and what it tells into transcripts" => client::frames;
    "transcript", "the same: events, folds, snapshots and pages in any order" => transcript::inputs;
}
