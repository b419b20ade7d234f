//! Looking a session up for an attach: what is kept of its journal for this client.

use std::sync::Arc;

use moorline_delivery::{ConnectionInput, Journal};
use moorline_protocol::{ClientId, Cursor, SessionId};
use moorline_session::{Store, StoreError};

use crate::{
    clock::wall,
    hub::Hub,
    sessions::{Committed, Standing, Surroundings},
};

/// The attaches whose sessions are being looked up.
///
/// No map: an emptied one keeps its room, and this is empty but for a moment.
#[derive(Debug, Default)]
pub(super) struct Openings(Vec<Opening>);

impl Openings {
    /// A newer attach of a session takes the place of the one before.
    pub(super) fn insert(&mut self, opening: Opening) {
        drop(self.remove(&opening.session));
        self.0.push(opening);
    }

    pub(super) fn remove(&mut self, session: &SessionId) -> Option<Opening> {
        let at = self.0.iter().position(|opening| opening.session == *session)?;
        let opening = self.0.swap_remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(opening)
    }
}

/// An attach whose session is being looked up.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) session: SessionId,
    pub(super) no: u64,
    /// What the client says that it has.
    pub(super) cursor: Option<Cursor>,
    /// Who it is.
    pub(super) client: Option<ClientId>,
}

/// What a session's standing comes to.
pub(super) enum Opened {
    Input(ConnectionInput),
    /// An attach's session is there.
    Found(Found),
}

/// The first standing of an opened session answers its attach; the later ones move its head.
pub(super) fn standing_input(opening: &mut Openings, session: SessionId, standing: Standing) -> Option<Opened> {
    match standing {
        Standing::Loading => None,
        Standing::Unknown => {
            let Opening { no, .. } = opening.remove(&session)?;
            Some(Opened::Input(ConnectionInput::Journal { session, no, journal: None }))
        }
        Standing::Deleted => {
            opening.remove(&session);
            Some(Opened::Input(ConnectionInput::Deleted { session }))
        }
        Standing::Known(committed) => {
            let Some(opening) = opening.remove(&session) else {
                let (head, state, agent) = (committed.head, committed.state.clone(), committed.agent.clone());
                return Some(Opened::Input(ConnectionInput::Head { session, head, state, agent }));
            };
            Some(Opened::Found(Found { opening, committed }))
        }
    }
}

/// A session that was found for an attach.
pub(super) struct Found {
    opening: Opening,
    committed: Arc<Committed>,
}

impl Found {
    /// The answer to the look-up. Heads that move meanwhile reach the core before it.
    pub(super) async fn journal(self, hub: Arc<Hub>) -> Option<ConnectionInput> {
        let Self { opening: Opening { session, no, cursor, client }, committed } = self;
        let (epoch, head, state) = (committed.epoch.clone(), committed.head, committed.state.clone());
        let mut journal = Journal { epoch, oldest: committed.oldest, head, state, behind: 0, agent: committed.agent.clone() };
        if let Some(cursor) = cursor.filter(|cursor| cursor.epoch == journal.epoch) {
            journal.behind = head.value().saturating_sub(cursor.seq.value());
            let surroundings = Arc::clone(hub.sessions.surroundings());
            let is_folded = cursor.seq < committed.folded;
            if is_folded || journal.behind > surroundings.limits().replay_events {
                let looking = tokio::task::spawn_blocking(move || look(&surroundings, client.as_ref(), &cursor));
                match looking.await {
                    Ok(Ok((behind, Acquaintance::Known))) => journal.behind = behind,
                    // For a client that nobody knows, only what is not folded is kept.
                    Ok(Ok((behind, Acquaintance::Stranger))) if is_folded => {
                        (journal.behind, journal.oldest) = (behind, committed.folded.next());
                    }
                    Ok(Ok((behind, Acquaintance::Stranger))) => journal.behind = behind,
                    // A snapshot comes from memory.
                    Ok(Err(_)) | Err(_) => journal.behind = u64::MAX,
                }
            }
        }
        Some(ConnectionInput::Journal { session, no, journal: Some(journal) })
    }
}

/// Whether it is known where a client stands.
enum Acquaintance {
    Known,
    Stranger,
}

/// How many rows lie behind the cursor, and whether the client is known. Blocks.
fn look(surroundings: &Surroundings, client: Option<&ClientId>, cursor: &Cursor) -> Result<(u64, Acquaintance), StoreError> {
    let store: &dyn Store = &*surroundings.store;
    let behind = store.count(&cursor.session, cursor.seq, surroundings.limits().replay_events + 1)?;
    let Some(client) = client else { return Ok((behind, Acquaintance::Stranger)) };
    let position = match surroundings.commits.unwritten(client, &cursor.session) {
        Some(position) => Some(position),
        None => store.position(client, &cursor.session)?,
    };
    let is_known =
        position.is_some_and(|known| known.epoch == cursor.epoch && wall() < known.seen_at.saturating_add(surroundings.client_idle.0));
    Ok((behind, if is_known { Acquaintance::Known } else { Acquaintance::Stranger }))
}
