//! The agent adapters against real processes, the demo agent and shell scripts that behave badly, and against a scripted chat
//! server.

mod bench;
#[path = "../chat_server/mod.rs"]
mod chat_server;
mod ends;
mod hostile;
mod leftovers;
mod openai;
mod restarts;
mod standing;
mod turns;
