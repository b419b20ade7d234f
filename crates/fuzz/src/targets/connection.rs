//! A client's frames in the gateway's end of a connection.

use std::sync::Arc;

use moorline_delivery::{Connection, ConnectionConfig, ConnectionInput, ConnectionOutput, Journal, Terms};
use moorline_protocol::{
    Code, ConnectionId, Epoch, ErrorFrame, Limits, Millis, Receipt, ReceiptOutcome, Seq, SessionState, SnapshotPart, Timings,
    decode_client, decode_gateway, encode,
};

use super::Execute;
use crate::{
    Dice,
    corpus::{contents, examples},
    maker::{Maker, Shape},
};

/// Frames of one execution at most.
const FRAMES: usize = 6;

/// No input leads to more outputs than this: more of them would be a loop.
const OUTPUTS: usize = 5_000;

/// The head of every journal.
const HEAD: Seq = Seq::new(6);

pub(super) fn frames() -> Execute {
    let frames = Maker::new(examples(&["client"]));
    let hellos = Maker::new(contents(&["client"], "hello"));
    Box::new(move |dice| {
        let mut scene = Scene::new();
        if !dice.once_in(16) {
            let hello = format!(r#"{{"hello":{}}}"#, hellos.text(Shape::Near, dice));
            scene.said(&hello, dice);
        }
        for _ in 0..dice.below(FRAMES) {
            match dice.below(12) {
                0 => scene.wait(dice),
                1 => scene.handle(ConnectionInput::Heard, dice),
                _ => scene.said(&frames.text(Shape::Any, dice), dice),
            }
        }
    })
}

/// A connection whose driver completes everything at once.
struct Scene {
    core: Connection,
    now: Millis,
    limits: Limits,
}

impl Scene {
    fn new() -> Self {
        let limits = Limits { attaches: 3, credit_bytes: 2_000, ..Limits::default() };
        let terms = Terms { timings: Timings::default(), limits: limits.clone(), build: String::new(), agents: Vec::new() };
        let config = ConnectionConfig { id: ConnectionId::parse("c1").expect("an id"), terms: Arc::new(terms), time: 0 };
        Self { core: Connection::new(Millis(1), config), now: Millis(1), limits }
    }

    fn said(&mut self, text: &str, dice: &mut Dice) {
        let input = match decode_client(text) {
            Ok(frame) => ConnectionInput::Frame(frame),
            Err(error) => ConnectionInput::Undecodable(error.to_string()),
        };
        self.handle(input, dice);
    }

    fn wait(&mut self, dice: &mut Dice) {
        self.now = self.core.deadline().min(self.now + Millis(100_000));
        self.handle(ConnectionInput::Deadline, dice);
    }

    fn handle(&mut self, input: ConnectionInput, dice: &mut Dice) {
        self.core.handle(self.now, input);
        let mut attached = 0;
        for _ in 0..OUTPUTS {
            let Some(output) = self.core.poll_output() else { return };
            if let ConnectionOutput::Open { .. } = output {
                attached += 1;
            }
            if let Some(answer) = self.complete(output, dice) {
                self.core.handle(self.now, answer);
            }
            let followed = self.core.cursors(None).len();
            assert!(followed <= self.limits.attaches, "{followed} sessions are followed, after {attached} were opened");
        }
        panic!("the connection's outputs have no end");
    }

    fn complete(&self, output: ConnectionOutput, dice: &mut Dice) -> Option<ConnectionInput> {
        match output {
            ConnectionOutput::Transmit(frame) => {
                let text = encode(&frame);
                assert_eq!(decode_gateway(&text).ok(), Some(frame), "{text} is not what was to be written");
                None
            }
            ConnectionOutput::Claim { .. } => dice.once_in(16).then_some(ConnectionInput::ClientTaken),
            ConnectionOutput::Open { session, no, .. } => {
                let epoch = Epoch::parse(dice.one_of(&["e-4f2a", "b1"])).expect("an id");
                let (oldest, behind) = (Seq::new(dice.below(4) as u64), dice.below(300) as u64);
                let journal = Journal { epoch, oldest, head: HEAD, state: SessionState::default(), behind, agent: None };
                Some(ConnectionInput::Journal { session, no, journal: (!dice.once_in(6)).then_some(journal) })
            }
            ConnectionOutput::Serve { session, after, max_bytes } => {
                assert!(after < HEAD, "events behind the head are asked for");
                let last = (after.value() + 1 + dice.below(3) as u64).min(HEAD.value());
                Some(ConnectionInput::Served { session, seq: Seq::new(last), bytes: 1 + dice.below(max_bytes) })
            }
            ConnectionOutput::Snapshot { session, no, since } => {
                assert!(since.is_none_or(|since| since <= HEAD), "a cursor ahead of the head is believed");
                let epoch = Epoch::parse("e-4f2a").expect("an id");
                let part = |part| SnapshotPart {
                    session: session.clone(),
                    no,
                    epoch: epoch.clone(),
                    seq: HEAD,
                    part,
                    last: part == 1,
                    from: Seq::new(1),
                    items: Vec::new(),
                };
                Some(ConnectionInput::Snapshot { session: session.clone(), no, seq: HEAD, parts: vec![part(0), part(1)] })
            }
            ConnectionOutput::Position(cursor) => {
                assert!(cursor.seq <= HEAD, "a position ahead of the head is written down");
                None
            }
            ConnectionOutput::Check { session } => {
                Some(ConnectionInput::Head { session, head: HEAD, state: SessionState::default(), agent: None })
            }
            ConnectionOutput::Rows { since } => Some(ConnectionInput::RowsServed(since.unwrap_or(0))),
            ConnectionOutput::Submit(send) => {
                let outcome = ReceiptOutcome::Accepted { seq: HEAD };
                Some(ConnectionInput::Receipt(Receipt { session: send.session, message: send.message, outcome }))
            }
            ConnectionOutput::Withdraw(withdraw) => {
                let error = ErrorFrame::new(Code::TooMany, "later");
                Some(ConnectionInput::Refused(ErrorFrame { message_id: Some(withdraw.message), ..error }))
            }
            ConnectionOutput::Cancel(_) | ConnectionOutput::Leave { .. } | ConnectionOutput::Close(_) => None,
        }
    }
}
