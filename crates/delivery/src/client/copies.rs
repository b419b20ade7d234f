//! Sends of a tab that was duplicated: they are that tab's to send, for as long as it is there.

use std::collections::VecDeque;

use moorline_protocol::{ClientId, MessageId};

use super::{
    event::{ClientEvent, Failure},
    input::StoredSend,
    outbox::{Entry, Outbox, State},
    output::{Output, Persist},
    port::Port,
};

impl Outbox {
    /// From here on a tab that is duplicated takes a copy of everything in the storage with it.
    pub(super) fn may_be_copied(&mut self) {
        for entry in &mut self.entries {
            entry.may_be_copied = true;
        }
    }

    /// Another tab goes by the name that this one had: what both hold is set aside until that one is gone.
    pub(super) fn set_aside(&mut self, port: &mut Port<'_>, held: ClientId) {
        let copies: Vec<StoredSend> =
            self.entries.iter().filter(|entry| entry.may_be_copied && !entry.is_accepted()).map(Entry::stored).collect();
        for copy in copies {
            self.gone(port, &copy.send.message, false);
            port.persist(Persist::PutCopied(held.clone(), copy.clone()));
            self.copied.push((held.clone(), copy));
        }
        if self.copied.iter().any(|(client, _)| *client == held) {
            port.await_tab(held);
        }
    }

    /// The tab that these were copied from is gone. Nobody knows how far it came: they are shown as failed, and a retry under
    /// the same id has no second effect.
    pub(super) fn adopt(&mut self, port: &mut Port<'_>, gone: &ClientId) {
        let (adopted, kept) = std::mem::take(&mut self.copied).into_iter().partition(|(client, _)| client == gone);
        self.copied = kept;
        let adopted: Vec<(ClientId, StoredSend)> = adopted;
        for (client, StoredSend { send, attempts, .. }) in adopted {
            port.persist(Persist::RemoveCopied(client.clone(), send.message.clone()));
            let message = "It was typed in a tab that this one was copied from, and that tab is closed.".to_owned();
            let state = State::Failed(Failure { code: None, message });
            let entry = Entry { order: self.next_order, send, attempts, state, touched: true, may_be_copied: true };
            self.next_order += 1;
            port.persist(Persist::PutSend(entry.stored()));
            port.event(ClientEvent::Send(entry.status()));
            self.entries.push_back(entry);
        }
    }

    /// The journal shows this message: a copy of it is of no use.
    pub(super) fn forget_copy(&mut self, port: &mut Port<'_>, message: &MessageId) {
        if let Some(at) = self.copied.iter().position(|(_, copy)| copy.send.message == *message) {
            let (client, copy) = self.copied.remove(at);
            port.persist(Persist::RemoveCopied(client, copy.send.message));
        }
    }

    /// Asks to be told when each tab whose sends were set aside is gone.
    pub(super) fn await_tabs(&self, outputs: &mut VecDeque<Output>) {
        for (at, (client, _)) in self.copied.iter().enumerate() {
            if !self.copied[..at].iter().any(|(earlier, _)| earlier == client) {
                outputs.push_back(Output::AwaitTab { client: client.clone() });
            }
        }
    }
}
