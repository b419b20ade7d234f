//! The wire, version 1: every frame, event, id, code and limit, as serde types.
//!
//! This crate guarantees that what one end encodes the other end decodes to the same value, that a frame or event kind
//! it does not know decodes to `Unknown` instead of failing, and that an id or seq that exists is a valid one. It holds
//! no behaviour: what a frame *means* for a connection stands in `moorline-delivery`, for a transcript in
//! `moorline-transcript`, for a session in `moorline-session`. The prose twin of this crate is `docs/protocol.md`;
//! a test decodes every example on that page.
//!
//! Frames and event bodies are externally tagged (`{"ping": {…}}`): an internally tagged enum costs the browser
//! measurable parse time.

mod agent;
mod block;
mod code;
mod codec;
mod decode;
mod downstream;
mod event;
mod http;
mod ids;
mod json;
mod limits;
pub mod mutant;
mod patch;
mod session;
mod tagged;
mod upstream;

pub use agent::{AgentChoice, AgentFrame, AgentSetting, AgentState, AgentStatus, Context, SetAgent, SlashCommand};
pub use block::{
    Block, BlockKind, Fields, FieldsPatch, Outcome, PlanEntry, PlanStatus, RequestOption, Settlement, ToolKind, ToolStatus, Turn,
    TurnError, TurnState, Usage,
};
pub use code::Code;
pub use codec::{ClientDecodeError, DecodeError, decode, decode_client, decode_gateway, encode};
pub use decode::Decode;
pub use downstream::{
    Answer, Attached, AuthExpired, CaughtUp, ErrorFrame, Events, GatewayFrame, GatewayPong, GoingAway, Item, Ping, Receipt, ReceiptOutcome,
    Rows, SnapshotPart, SnapshotReason, Welcome,
};
pub use event::{Accepted, Answered, Append, Changed, Event, EventBody, Fold, Opened, TurnEnded, TurnStarted, TurnStopping, Withdrawn};
pub use http::{BlockText, ChangeSession, CreateSession, ErrorBody, Export, ExportedTurn, Hit, HitPlace, Hits, Login, Page, RawEvents};
pub use ids::{BlockId, ClientId, ConnectionId, Epoch, InvalidId, MessageId, PageId, Seq, SessionId, TurnId, payload_hash};
pub use json::{Flaw, Json};
pub use limits::{Limits, Millis, Timings, WallTime};
pub use patch::Patch;
pub use session::{Running, SessionRow, SessionState, TITLE_CHARS};
pub use upstream::{Ack, Attach, Cancel, ClientFrame, ClientPing, Create, Cursor, Detach, Hello, Pong, Send, SendBody, Withdraw};

/// The version of the wire that this crate speaks; told in `hello` and `welcome`.
pub const VERSION: u32 = 1;

/// The WebSocket subprotocol of [`VERSION`].
pub const SUBPROTOCOL: &str = "moorline.v1";

/// The header by which a `POST /v1/<verb>` names its connection.
pub const CONNECTION_HEADER: &str = "moorline-connection";

/// The header by which a `POST /v1/send` without a connection names its client: a script has none.
pub const CLIENT_HEADER: &str = "moorline-client";
