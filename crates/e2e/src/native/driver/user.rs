//! The user: what is ordered from outside, and what this user does by itself.

use moorline_delivery::{SendResult, SendState, SendStatus, Signal};
use moorline_protocol::{BlockId, Code, Create, MessageId, Send, SendBody, SessionId};
use tokio::sync::mpsc;

use super::{Driver, INPUTS, load};
use crate::native::{
    Order,
    ledger::{Kind, Typed},
    reader::Reader,
};

/// What the user does by itself.
pub(super) enum Reaction {
    Answer(SessionId, BlockId, String),
    Retry(MessageId),
}

impl Driver {
    pub(super) fn obey(&mut self, order: Order) {
        self.standing.obeyed += 1;
        match order {
            Order::Show(session) => self.show(session),
            Order::Send { session, message, text } => self.send(session, message, text),
            Order::Cancel(session) => {
                if let Some(turn) = self.readers.get(&session).and_then(Reader::running) {
                    self.core.cancel(self.now, &session, &turn, None);
                }
            }
            Order::Reload => self.reload(),
            Order::Stop => {}
        }
    }

    fn show(&mut self, session: SessionId) {
        self.readers.entry(session.clone()).or_insert_with(|| Reader::new(&self.name, session.clone()));
        self.core.show(self.now, &session);
        self.shown.retain(|shown| *shown != session);
        self.shown.push(session);
    }

    fn send(&mut self, session: SessionId, message: MessageId, text: String) {
        let body = SendBody::Text(text.clone());
        let send = Send { session: session.clone(), message: message.clone(), body, create: Some(Create::default()), interrupt: None };
        if let SendResult::Dropped(_) = self.core.send(self.now, send) {
            return;
        }
        self.unfinished.insert(message.clone(), session.clone());
        self.ledger.typed(Typed { client: self.name.clone(), session, message, kind: Kind::Text(text) });
    }

    /// What is left is what the storage keeps.
    fn reload(&mut self) {
        self.core.handle_signal(self.now, Signal::PutAway);
        self.drain();
        self.counters.push(self.core.counters());
        self.lines.clear();
        for (_, post) in std::mem::take(&mut self.posts) {
            post.abort();
        }
        // What an old document still hears is nothing to the new one, whose links have the same names.
        self.inputs = mpsc::channel(INPUTS);
        self.reactions.clear();
        self.readers.clear();
        self.document += 1;
        self.core = load(&self.storage, &self.name, self.document, self.now);
        for session in std::mem::take(&mut self.shown) {
            self.show(session);
        }
        self.core.start(self.now);
    }

    pub(super) fn answer(&mut self, session: SessionId, request: BlockId, option: String) {
        self.answers += 1;
        let message = MessageId::parse(&format!("{}-answer-{}", self.name, self.answers)).expect("a name of letters makes an id");
        let body = SendBody::Answer { request, option };
        let send = Send { session: session.clone(), message: message.clone(), body, create: None, interrupt: None };
        if !matches!(self.core.send(self.now, send), SendResult::Dropped(_)) {
            self.ledger.typed(Typed { client: self.name.clone(), session, message, kind: Kind::Answer });
        }
    }

    /// What the user sees of a session, and does about it.
    pub(super) fn look_at(&mut self, session: &SessionId) {
        let Some(reader) = self.readers.get_mut(session) else { return };
        let requests = reader.new_requests();
        self.reactions.extend(requests.into_iter().map(|(request, option)| Reaction::Answer(session.clone(), request, option)));
    }

    /// A failed send is tried again by hand, unless the gateway refused it for good.
    pub(super) fn sent(&mut self, status: SendStatus) {
        let SendState::Failed(failure) = status.state else { return };
        let may_pass = matches!(
            failure.code,
            None | Some(Code::TooMany | Code::Internal | Code::StoreUnavailable | Code::GoingAway | Code::UnknownConnection)
        );
        if may_pass {
            self.reactions.push_back(Reaction::Retry(status.send.message));
        } else {
            let (session, message) = (&status.send.session, &status.send.message);
            self.ledger.violate(format!("session {session}: {message} of {} was refused: {}", self.name, failure.message));
        }
    }
}
