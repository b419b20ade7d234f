//! Sends and turns against a gateway, timed at native readers.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use moorline_e2e::{Client, within};
use moorline_protocol::{MessageId, SessionId};

use crate::{
    agent::Order,
    figures::Latencies,
    reader::{Reader, Seen},
};

/// Messages whose latency is measured, one after the other.
const SENDS: usize = 300;
/// Generous: a benchmark that hangs must end too.
const LONGEST: Duration = Duration::from_secs(120);

/// Where a round takes place; its name is part of every id.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) cookie: &'a str,
    pub(crate) name: String,
}

impl Place<'_> {
    fn session(&self, what: &str, n: usize) -> SessionId {
        SessionId::parse(&self.id(what, n)).expect("a valid id")
    }

    fn message(&self, what: &str, n: usize) -> MessageId {
        MessageId::parse(&self.id(what, n)).expect("a valid id")
    }

    fn id(&self, what: &str, n: usize) -> String {
        let word: String = what.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("{}-{word}-{n}", self.name)
    }
}

/// Several sessions that run one turn each, at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) sessions: usize,
    pub(crate) order: Order,
}

impl Load {
    /// The agents' updates, all together.
    pub(crate) const fn updates(&self) -> usize {
        self.sessions * self.order.chunks
    }
}

/// What a load came to.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) ages: Latencies,
    pub(crate) events: u64,
    pub(crate) text_bytes: usize,
    /// From the first send until the last reader has seen the end of its turn.
    pub(crate) took: Duration,
}

/// The latencies of sends on an idle gateway.
#[derive(Debug, Default)]
pub(crate) struct Sends {
    pub(crate) receipts: Latencies,
    pub(crate) events: Latencies,
}

/// Sends messages one after the other, each once the turn of the one before has ended, from one connection; a second one
/// reads the session.
pub(crate) async fn sends(place: &Place<'_>) -> Sends {
    let session = place.session("sends", 0);
    let (mut sender, mut reader) = warm(place, "sends", &session).await;
    let mut sends = Sends::default();
    for n in 0..SENDS {
        let message = place.message("send", n);
        let sent = Instant::now();
        sender.send_text(&session, &message, "0 0").await;
        sender.expect_receipt(&message).await;
        sends.receipts.push(sent.elapsed());
        loop {
            match within("a send's turn", LONGEST, reader.next()).await {
                Seen::Accepted { message: accepted, arrived } if accepted == message => sends.events.push(arrived - sent),
                Seen::Ended(ended) if ended == message => break,
                Seen::Accepted { .. } | Seen::Ended(_) | Seen::CaughtUp => {}
            }
        }
    }
    reader.stop().await;
    sends
}

/// Runs one turn in each session at once, each read by a connection of its own; the agents have been started before.
pub(crate) async fn run(place: &Place<'_>, what: &str, load: Load) -> Done {
    let sessions: Vec<SessionId> = (0..load.sessions).map(|n| place.session(what, n)).collect();
    let mut pairs = Vec::new();
    for session in &sessions {
        pairs.push(warm(place, session.as_str(), session).await);
    }
    let began = Instant::now();
    let turns = pairs.into_iter().zip(&sessions).enumerate().map(|(n, ((mut sender, mut reader), session))| async move {
        let message = place.message(&format!("{what}turn"), n);
        sender.send_text(session, &message, &load.order.message()).await;
        within("a turn under load", LONGEST, reader.end_of(&message)).await;
        (reader, began.elapsed())
    });
    let mut done = Done::default();
    for (reader, took) in join_all(turns).await {
        let tally = reader.stop().await;
        done.ages.extend(tally.ages);
        done.events += tally.events;
        done.text_bytes += tally.text_bytes;
        done.took = done.took.max(took);
    }
    done
}

/// A session whose agent is at work already, its sender and its reader.
async fn warm(place: &Place<'_>, what: &str, session: &SessionId) -> (Client, Reader) {
    let (mut sender, _) = Client::greeted(place.address, place.cookie, &format!("s-{what}")).await;
    let first = place.message(&format!("{what}first"), 0);
    sender.send_text(session, &first, "0 0").await;
    sender.expect_receipt(&first).await;
    let mut reader = Reader::attach(place.address, place.cookie, &format!("r-{what}"), session).await;
    let second = place.message(&format!("{what}second"), 0);
    sender.send_text(session, &second, "0 0").await;
    within("the agent's start", LONGEST, reader.end_of(&second)).await;
    (sender, reader)
}
