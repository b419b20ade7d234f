//! What a tab's storage holds, in memory.

use std::collections::BTreeMap;

use moorline_delivery::{Persist, Restored, StoredSend};
use moorline_protocol::{ClientId, Cursor, MessageId, SessionId};

/// What survives a reload.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) client: ClientId,
    outbox: BTreeMap<MessageId, StoredSend>,
    copied: BTreeMap<(ClientId, MessageId), StoredSend>,
    seen: BTreeMap<SessionId, Cursor>,
}

impl Storage {
    pub(super) const fn new(client: ClientId) -> Self {
        Self { client, outbox: BTreeMap::new(), copied: BTreeMap::new(), seen: BTreeMap::new() }
    }

    pub(super) fn write(&mut self, persist: Persist) {
        match persist {
            Persist::PutSend(stored) => drop(self.outbox.insert(stored.send.message.clone(), stored)),
            Persist::RemoveSend(message) => drop(self.outbox.remove(&message)),
            Persist::PutCopied(client, stored) => drop(self.copied.insert((client, stored.send.message.clone()), stored)),
            Persist::RemoveCopied(client, message) => drop(self.copied.remove(&(client, message))),
            Persist::Cursor(cursor) => drop(self.seen.insert(cursor.session.clone(), cursor)),
            Persist::ClientId(client) => self.client = client,
        }
    }

    pub(super) fn restore(&self) -> Restored {
        let copied = self.copied.iter().map(|((client, _), stored)| (client.clone(), stored.clone())).collect();
        Restored { outbox: self.outbox.values().cloned().collect(), copied }
    }
}
