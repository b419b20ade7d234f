//! Everything a connection's core may have to hear of, as one source.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use moorline_delivery::ConnectionInput;
use moorline_protocol::{Millis, SessionId};
use tokio::{
    sync::watch,
    time::{Sleep, sleep_until},
};
use tokio_stream::{StreamMap, wrappers::WatchStream};

use super::{
    Stop,
    line::{Incoming, Reader},
    opening::{Opened, Openings, standing_input},
};
use crate::{
    door::Login,
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
    pub(super) opening: Openings,
    pub(super) answers: FuturesUnordered<BoxFuture<'static, Option<ConnectionInput>>>,
    /// What the transport wants to have back; only the newest, which answers for the others.
    pub(super) ping: Option<Vec<u8>>,
    rows: watch::Receiver<u64>,
    /// What is said once to everyone, or to all of a login. Kept between two inputs: each wait for it is a place in a list.
    word: BoxFuture<'static, Word>,
    heard: [Option<Word>; 2],
    /// The core's deadline, and a timer that is moved only when that changes.
    deadline: Millis,
    timer: Pin<Box<Sleep>>,
}

/// Something that ends a connection soon, or at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    LoginEnded,
    Drain,
    Close,
}

/// The next word, for a connection that has heard these already.
async fn word(hub: Arc<Hub>, login: Login, heard: [Option<Word>; 2]) -> Word {
    tokio::select! {
        () = hub.closing.cancelled() => Word::Close,
        () = login.ended(), if !heard.contains(&Some(Word::LoginEnded)) => Word::LoginEnded,
        () = hub.draining.cancelled(), if !heard.contains(&Some(Word::Drain)) => Word::Drain,
    }
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Next {
    Input(ConnectionInput),
    /// Answer the transport's [ping](Inputs::ping).
    Pong,
}

impl<R: Reader> Inputs<R> {
    pub(super) fn new(place: Place, reader: R) -> Self {
        let mut rows = place.hub.sessions.surroundings().commits.newest_row();
        rows.mark_unchanged();
        let word = Box::pin(word(Arc::clone(&place.hub), place.login.clone(), [None; 2]));
        let timer = Box::pin(sleep_until(place.hub.clock.instant(Millis::ZERO)));
        Self {
            reader,
            place,
            heads: StreamMap::new(),
            opening: Openings::default(),
            answers: FuturesUnordered::new(),
            ping: None,
            rows,
            word,
            heard: [None; 2],
            deadline: Millis::ZERO,
            timer,
        }
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.place.hub
    }

    /// The next input; or why there will be none. Nothing is lost when the future is dropped.
    ///
    /// While the core has many outputs `waiting`, or many answers are outstanding, what the client says is not read.
    pub(super) async fn next(&mut self, deadline: Millis, waiting: usize) -> Result<Next, Stop> {
        if deadline != self.deadline {
            self.deadline = deadline;
            self.timer.as_mut().reset(self.place.hub.clock.instant(deadline));
        }
        loop {
            let is_open = waiting < OUTSTANDING && self.answers.len() < OUTSTANDING;
            if let Some(letter) = self.letter(is_open) {
                return Ok(Next::Input(letter));
            }
            let Self { reader, place, heads, answers, rows, word, opening, timer, ping, .. } = self;
            tokio::select! {
                incoming = reader.next(), if is_open => match incoming {
                    Incoming::Input(input) => return Ok(Next::Input(input)),
                    Incoming::Ping(payload) => {
                        *ping = Some(payload);
                        return Ok(Next::Pong);
                    }
                    Incoming::TooLarge => return Err(Stop::TooLarge),
                    Incoming::Left => return Err(Stop::Left),
                    Incoming::Gone => return Err(Stop::Gone),
                },
                () = place.letterbox.rang() => {}
                Some((session, standing)) = heads.next(), if !heads.is_empty() => {
                    match standing_input(opening, session, standing) {
                        Some(Opened::Input(input)) => return Ok(Next::Input(input)),
                        Some(Opened::Found(found)) => answers.push(Box::pin(found.journal(Arc::clone(&place.hub)))),
                        None => {}
                    }
                }
                Some(input) = next_answer(answers), if !answers.is_empty() => {
                    if let Some(input) = input {
                        return Ok(Next::Input(input));
                    }
                }
                Ok(()) = rows.changed() => return Ok(Next::Input(ConnectionInput::RowsHead(*rows.borrow_and_update()))),
                said = &mut *word => return self.say(said),
                () = &mut *timer => {
                    // It is past: the next one is set anew, also if the core's deadline stays.
                    self.deadline = Millis::ZERO;
                    return Ok(Next::Input(ConnectionInput::Deadline));
                }
            }
        }
    }

    /// What was left in the letterbox. Frames stay there while nothing is read.
    fn letter(&self, is_open: bool) -> Option<ConnectionInput> {
        self.place.letterbox.look(|letters| {
            if std::mem::take(&mut letters.replaced) {
                return Some(ConnectionInput::Replaced);
            }
            if std::mem::take(&mut letters.heard) {
                return Some(ConnectionInput::Heard);
            }
            let frame = if is_open { letters.frames.pop_front() } else { None };
            frame.map(ConnectionInput::Frame)
        })
    }

    fn say(&mut self, said: Word) -> Result<Next, Stop> {
        self.heard = [self.heard[1], Some(said)];
        self.word = Box::pin(word(Arc::clone(&self.place.hub), self.place.login.clone(), self.heard));
        match said {
            Word::LoginEnded => Ok(Next::Input(ConnectionInput::AuthExpired)),
            Word::Drain => {
                let (min, max) = self.place.hub.come_back;
                Ok(Next::Input(ConnectionInput::Drain { min, max }))
            }
            Word::Close => Err(Stop::GoingAway),
        }
    }
}

async fn next_answer<T>(answers: &mut FuturesUnordered<BoxFuture<'static, T>>) -> Option<T> {
    std::future::poll_fn(|context| Pin::new(&mut *answers).poll_next(context)).await
}
