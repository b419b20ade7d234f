//! A gateway's frames in the page's end of a connection, and what it tells into transcripts.

use std::collections::BTreeMap;

use moorline_delivery::{
    Checked, Client, ClientConfig, ClientEvent, LinkClosed, LinkId, Output, PostId, Posted, Restored, SendResult, Signal,
};
use moorline_protocol::{
    ClientId, Code, ErrorFrame, Limits, MessageId, Millis, PageId, Send, SendBody, SessionId, Timings, decode_client, decode_gateway,
    encode,
};
use moorline_transcript::{Changes, Snapshot, Transcript};
use serde_json::json;

use super::Execute;
use crate::{
    Dice,
    corpus::{contents, examples},
    maker::{Maker, Shape},
};

/// Inputs of one execution at most.
const INPUTS: usize = 8;

/// No input leads to more outputs than this: more of them would be a loop.
const OUTPUTS: usize = 5_000;

pub(super) fn frames() -> Execute {
    let frames = Maker::new(examples(&["gateway"]));
    // Most of what comes is about a session: what is not has its say all the same.
    let told = Maker::new(
        examples(&["gateway"])
            .into_iter()
            .filter(|frame| ["events", "attached", "snapshot", "caught_up"].iter().any(|kind| frame.get(kind).is_some()))
            .collect(),
    );
    let events = Maker::new(examples(&["event"]));
    let welcome = contents(&["gateway"], "welcome").remove(0);
    let welcome = json!({ "welcome": welcome }).to_string();
    Box::new(move |dice| {
        let mut scene = Scene::new(dice);
        if !dice.once_in(16) {
            scene.opened();
            scene.frame(&welcome);
        }
        for _ in 0..dice.below(INPUTS) {
            match dice.below(16) {
                0 => scene.wait(),
                1 => scene.send(dice),
                2 => scene.signal(dice),
                3 => scene.posted(dice),
                4 => scene.opened(),
                5 | 6 => scene.frame(&frames.text(Shape::Any, dice)),
                7..10 => {
                    let at = scene.next_seq();
                    let events: Vec<_> = (at..)
                        .take(1 + dice.below(3))
                        .map(|seq| {
                            let mut event = events.value(dice);
                            if let Some(fields) = event.as_object_mut().filter(|_| !dice.once_in(6)) {
                                fields.insert("seq".to_owned(), json!(seq));
                            }
                            event
                        })
                        .collect();
                    scene.frame(&json!({"events": {"session": "s1", "events": events}}).to_string());
                }
                _ => {
                    let mut frame = told.value(dice);
                    scene.address(&mut frame, dice);
                    scene.frame(&frame.to_string());
                }
            }
        }
    })
}

/// A page whose driver completes everything at once.
struct Scene {
    client: Client,
    now: Millis,
    link: LinkId,
    posts: Vec<PostId>,
    transcripts: BTreeMap<SessionId, Transcript>,
    /// The newest attach.
    no: u64,
}

impl Scene {
    fn new(dice: &mut Dice) -> Self {
        let config = ClientConfig {
            client: ClientId::parse("c").expect("an id"),
            page: PageId::parse("p").expect("an id"),
            seed: dice.next(),
            timings: Timings::default(),
            limits: Limits::default(),
        };
        let client = Client::new(Millis(1), config, Restored::default());
        let mut scene = Self { client, now: Millis(1), link: LinkId(0), posts: Vec::new(), transcripts: BTreeMap::new(), no: 0 };
        scene.client.start(scene.now);
        scene.client.show(scene.now, &session("s1"));
        scene.client.show(scene.now, &session("s2"));
        scene.drain();
        scene
    }

    fn opened(&mut self) {
        self.client.handle_opened(self.now, self.link);
        self.drain();
    }

    fn frame(&mut self, text: &str) {
        self.now += Millis(1);
        match decode_gateway(text) {
            Ok(frame) => self.client.handle_frame(self.now, self.link, frame, text.len()),
            Err(_) => self.client.handle_undecodable(self.now, self.link),
        }
        self.drain();
    }

    /// Makes a frame an answer to the newest attach, most of the time.
    fn address(&self, frame: &mut serde_json::Value, dice: &mut Dice) {
        let Some(content) = frame.as_object_mut().and_then(|frame| frame.values_mut().next()).and_then(serde_json::Value::as_object_mut)
        else {
            return;
        };
        if content.contains_key("no") && !dice.once_in(6) {
            content.insert("no".to_owned(), json!(self.no));
            content.insert("epoch".to_owned(), json!("e-4f2a"));
            content.insert("session".to_owned(), json!(if dice.once_in(4) { "s2" } else { "s1" }));
        }
    }

    fn next_seq(&self) -> u64 {
        self.transcripts.get(&session("s1")).map_or(1, |transcript| transcript.seq().value() + 1)
    }

    fn wait(&mut self) {
        let Some(deadline) = self.client.deadline() else { return };
        self.now = self.now.max(deadline.min(self.now + Millis(1_000_000)));
        self.client.handle_deadline(self.now);
        self.drain();
    }

    fn send(&mut self, dice: &mut Dice) {
        let message = MessageId::parse(dice.one_of(&["m1", "m2", "m3"])).expect("an id");
        let session = session(dice.one_of(&["s1", "s2"]));
        match dice.below(6) {
            0 => self.client.cancel(self.now, &session, &message, None),
            1 => self.client.retry(self.now, &message),
            2 => self.client.edit(self.now, &message),
            3 => self.client.withdraw(self.now, &session, &message, Some("text".to_owned())),
            _ => {
                let body = SendBody::Text("look".to_owned());
                let send = Send { session, message: self.client.new_message_id(), body, create: None, interrupt: None };
                let send = if dice.once_in(2) && self.client.sends().all(|held| held.send.message != message) {
                    Send { message, ..send }
                } else {
                    send
                };
                let result = self.client.send(self.now, send);
                assert!(matches!(result, SendResult::Sent | SendResult::Queued | SendResult::Dropped(_)));
            }
        }
        self.drain();
    }

    fn signal(&mut self, dice: &mut Dice) {
        let all = [Signal::Awake, Signal::Hidden, Signal::Online, Signal::Offline, Signal::PutAway, Signal::BroughtBack];
        match dice.below(10) {
            at @ 0..6 => self.client.handle_signal(self.now, all[at]),
            6 => self.client.handle_closed(self.now, self.link, LinkClosed::Lost),
            7 => self.client.handle_closed(self.now, self.link, LinkClosed::Unauthorized),
            8 => self.client.signed_in(self.now),
            _ => self.client.handle_checked(self.now, self.link, Checked::Welcome),
        }
        self.drain();
    }

    fn posted(&mut self, dice: &mut Dice) {
        let Some(post) = self.posts.pop() else { return };
        let posted = match dice.below(4) {
            0 => Posted::Done,
            1 => Posted::NoAnswer,
            2 => Posted::Status { status: dice.below(700) as u16, retry_after: Some(Millis(dice.next())) },
            _ => Posted::Refused(ErrorFrame { retry_after_ms: Some(Millis(dice.next())), ..ErrorFrame::new(Code::TooMany, "later") }),
        };
        self.client.handle_posted(self.now, post, posted);
        self.drain();
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS {
            let Some(output) = self.client.poll_output() else { return };
            self.complete(output);
        }
        panic!("the client's outputs have no end");
    }

    fn complete(&mut self, output: Output) {
        match output {
            Output::OpenSocket { link } | Output::OpenStream { link, .. } => self.link = link,
            Output::Transmit { frame, .. } => self.note(&encode(&frame)),
            Output::Post { post, frame, .. } => {
                self.note(&encode(&frame));
                self.posts.push(post);
            }
            Output::Event(ClientEvent::Events { session, events, .. }) => {
                let (there, mut changes) = (self.transcripts.entry(session.clone()).or_default(), Changes::new());
                for event in &events {
                    there.apply(event, &mut changes);
                }
                let seq = there.seq();
                self.client.applied(self.now, &session, seq);
            }
            Output::Event(ClientEvent::Snapshot { session, epoch, seq, from, replaces, items }) => {
                let (there, mut changes) = (self.transcripts.entry(session.clone()).or_default(), Changes::new());
                if replaces {
                    there.reset(&mut changes);
                }
                there.merge_snapshot(Snapshot { epoch, seq, from, items }, &mut changes);
                self.client.applied(self.now, &session, seq);
            }
            Output::Event(_)
            | Output::Check { .. }
            | Output::Abort { .. }
            | Output::Disconnect { .. }
            | Output::Farewell { .. }
            | Output::AwaitTab { .. }
            | Output::Persist(_) => {}
        }
    }

    /// What is written can be read, and its attaches are known.
    fn note(&mut self, text: &str) {
        let frame = decode_client(text).unwrap_or_else(|error| panic!("the page wrote {text}: {error}"));
        match frame {
            moorline_protocol::ClientFrame::Hello(hello) => {
                self.no = hello.attaches.iter().map(|attach| attach.no).max().unwrap_or(self.no)
            }
            moorline_protocol::ClientFrame::Attach(attach) => self.no = attach.no,
            _ => {}
        }
    }
}

fn session(id: &str) -> SessionId {
    SessionId::parse(id).expect("an id")
}
