//! Which page holds which client id.

use std::collections::BTreeMap;

use moorline_protocol::{ClientId, ConnectionId, PageId};

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Nobody held it.
    Granted,
    /// This older connection of the same page held it: tell it that it is replaced.
    Replaces(ConnectionId),
    /// Another page holds it.
    Taken,
}

/// The client ids in use: one live connection each.
///
/// sessionStorage is copied when a tab is duplicated, so two pages may come with one id: the second is told to take
/// another. The same page coming again is a reconnect, and the older connection a dead one.
#[derive(Debug, Default)]
pub struct Holders {
    by_client: BTreeMap<ClientId, (PageId, ConnectionId)>,
}

impl Holders {
    /// Claims a client id for a page's connection.
    pub fn claim(&mut self, client: &ClientId, page: &PageId, connection: ConnectionId) -> Holder {
        match self.by_client.get_mut(client) {
            Some((holder, _)) if holder != page => Holder::Taken,
            Some((_, held)) => Holder::Replaces(std::mem::replace(held, connection)),
            None => {
                self.by_client.insert(client.clone(), (page.clone(), connection));
                Holder::Granted
            }
        }
    }

    /// Gives up what a connection holds; one that was replaced holds nothing.
    pub fn release(&mut self, connection: &ConnectionId) {
        self.by_client.retain(|_, (_, held)| held != connection);
    }
}
