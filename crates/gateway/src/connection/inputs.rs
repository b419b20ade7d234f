//! Everything a connection's core may have to hear of, as one source.

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use moorline_delivery::{ConnectionInput, Journal};
use moorline_protocol::{Millis, SessionId};
use tokio::{sync::watch, time::sleep_until};
use tokio_stream::{StreamMap, wrappers::WatchStream};

use super::{
    Stop,
    line::{Incoming, Reader},
};
use crate::{
    hub::{Hub, Place},
    sessions::Standing,
};

/// Answers and outputs that may be outstanding before no further frame is read.
const OUTSTANDING: usize = 64;

/// Everything a core may have to hear of.
pub(super) struct Inputs<R> {
    pub(super) reader: R,
    pub(super) place: Place,
    pub(super) heads: StreamMap<SessionId, WatchStream<Standing>>,
    /// The attach that a session's first standing answers.
    pub(super) opening: BTreeMap<SessionId, u64>,
    pub(super) answers: FuturesUnordered<BoxFuture<'static, Option<ConnectionInput>>>,
    rows: watch::Receiver<u64>,
    login: Word,
    drain: Word,
}

/// What is said once, and stays true from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Ahead,
    Said,
}

impl<R: Reader> Inputs<R> {
    pub(super) fn new(place: Place, reader: R) -> Self {
        let mut rows = place.hub.sessions.surroundings().commits.newest_row();
        rows.mark_unchanged();
        Self {
            reader,
            place,
            heads: StreamMap::new(),
            opening: BTreeMap::new(),
            answers: FuturesUnordered::new(),
            rows,
            login: Word::Ahead,
            drain: Word::Ahead,
        }
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.place.hub
    }

    /// The next input; or why there will be none. Nothing is lost when the future is dropped.
    ///
    /// While the core has many outputs `waiting`, or many answers are outstanding, what the client says is not read.
    pub(super) async fn next(&mut self, deadline: Millis, waiting: usize) -> Result<ConnectionInput, Stop> {
        loop {
            let is_open = waiting < OUTSTANDING && self.answers.len() < OUTSTANDING;
            let Self { reader, place, heads, answers, rows, login, drain, opening } = self;
            let Place { hub, login: by, replaced, heard, frames, .. } = place;
            tokio::select! {
                incoming = reader.next(), if is_open => match incoming {
                    Incoming::Input(input) => return Ok(input),
                    Incoming::Nothing => {}
                    Incoming::TooLarge => return Err(Stop::TooLarge),
                    Incoming::Gone => return Err(Stop::Gone),
                },
                Some(frame) = frames.recv(), if is_open => return Ok(ConnectionInput::Frame(frame)),
                () = heard.notified() => return Ok(ConnectionInput::Heard),
                Some((session, standing)) = heads.next(), if !heads.is_empty() => {
                    if let Some(input) = standing_input(opening, session, standing) {
                        return Ok(input);
                    }
                }
                Some(input) = next_answer(answers), if !answers.is_empty() => {
                    if let Some(input) = input {
                        return Ok(input);
                    }
                }
                Ok(()) = rows.changed() => return Ok(ConnectionInput::RowsHead(*rows.borrow_and_update())),
                () = replaced.notified() => return Ok(ConnectionInput::Replaced),
                () = by.ended(), if *login == Word::Ahead => {
                    *login = Word::Said;
                    return Ok(ConnectionInput::AuthExpired);
                }
                () = hub.draining.cancelled(), if *drain == Word::Ahead => {
                    *drain = Word::Said;
                    let (min, max) = hub.come_back;
                    return Ok(ConnectionInput::Drain { min, max });
                }
                () = hub.closing.cancelled() => return Err(Stop::GoingAway),
                () = sleep_until(hub.clock.instant(deadline)) => return Ok(ConnectionInput::Deadline),
            }
        }
    }
}

/// The first standing of an opened session answers its attach; the later ones move its head.
fn standing_input(opening: &mut BTreeMap<SessionId, u64>, session: SessionId, standing: Standing) -> Option<ConnectionInput> {
    match (standing, opening.get(&session).copied()) {
        (Standing::Loading, _) | (Standing::Unknown, None) => None,
        (Standing::Unknown, Some(no)) => {
            opening.remove(&session);
            Some(ConnectionInput::Journal { session, no, journal: None })
        }
        (Standing::Known(committed), None) => Some(ConnectionInput::Head { session, head: committed.head, state: committed.state.clone() }),
        (Standing::Known(committed), Some(no)) => {
            opening.remove(&session);
            let journal =
                Journal { epoch: committed.epoch.clone(), oldest: committed.oldest, head: committed.head, state: committed.state.clone() };
            Some(ConnectionInput::Journal { session, no, journal: Some(journal) })
        }
    }
}

async fn next_answer<T>(answers: &mut FuturesUnordered<BoxFuture<'static, T>>) -> Option<T> {
    std::future::poll_fn(|context| Pin::new(&mut *answers).poll_next(context)).await
}
