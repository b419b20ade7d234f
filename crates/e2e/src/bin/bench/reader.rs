//! A connection that reads one session as a page would, and remembers when things arrived.

use std::{net::SocketAddr, time::Instant};

use moorline_e2e::Client;
use moorline_protocol::{Ack, ClientFrame, Cursor, Epoch, Event, EventBody, Events, GatewayFrame, MessageId, SessionId};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{agent, figures::Latencies};

/// Of 16 KiB at most: far below the credit, so that acks never hold the stream back.
const ACK_EVERY_FRAMES: usize = 8;

/// What a reader tells the moment it sees it.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It is attached and has caught up.
    CaughtUp,
    /// A message was accepted.
    Accepted { message: MessageId, arrived: Instant },
    /// A turn ended.
    Ended(MessageId),
}

/// Everything a reader has read when it is stopped.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// From a chunk's writing by the agent to its arrival.
    pub(crate) ages: Latencies,
    /// Events that arrived live.
    pub(crate) events: u64,
    /// Bytes of text in them.
    pub(crate) text_bytes: usize,
    /// The start of a stamp whose end is in the next event.
    unread: String,
}

/// A reader at work on a task of its own.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    ended: JoinHandle<Tally>,
}

impl Reader {
    /// Connects and attaches to a session, which must exist.
    pub(crate) async fn attach(address: SocketAddr, cookie: &str, name: &str, session: &SessionId) -> Self {
        let (mut client, _) = Client::greeted(address, cookie, name).await;
        client.attach(session, 1).await;
        let (tell, seen) = mpsc::unbounded_channel();
        let ended = tokio::spawn(read(client, session.clone(), tell));
        let mut reader = Self { seen, ended };
        while !matches!(reader.next().await, Seen::CaughtUp) {}
        reader
    }

    /// The next thing seen.
    pub(crate) async fn next(&mut self) -> Seen {
        self.seen.recv().await.expect("the reader goes on")
    }

    /// Waits for the end of a turn.
    pub(crate) async fn end_of(&mut self, turn: &MessageId) {
        while !matches!(self.next().await, Seen::Ended(ended) if ended == *turn) {}
    }

    /// Closes the connection and answers what was read.
    pub(crate) async fn stop(self) -> Tally {
        drop(self.seen);
        self.ended.await.expect("the reader's end")
    }
}

async fn read(mut client: Client, session: SessionId, tell: mpsc::UnboundedSender<Seen>) -> Tally {
    let mut tally = Tally::default();
    let mut epoch: Option<Epoch> = None;
    let (mut is_live, mut unacked) = (false, 0);
    loop {
        let frame = tokio::select! {
            frame = client.next() => frame,
            () = tell.closed() => return tally,
        };
        let Some(frame) = frame else { panic!("the gateway closed a reader's connection") };
        if let GatewayFrame::Attached(attached) = frame {
            epoch = Some(attached.epoch);
        } else if let GatewayFrame::CaughtUp(caught_up) = frame {
            is_live = true;
            // A snapshot may have used most of the credit up.
            let cursor = Cursor { session: session.clone(), epoch: caught_up.epoch, seq: caught_up.seq };
            client.send(&ClientFrame::Ack(Ack { cursors: vec![cursor] })).await;
            let _ = tell.send(Seen::CaughtUp);
        } else if let GatewayFrame::Events(Events { events, .. }) = frame
            && is_live
        {
            let arrived = Instant::now();
            events.iter().for_each(|event| note(event, arrived, &mut tally, &tell));
            unacked += 1;
            if unacked < ACK_EVERY_FRAMES {
                continue;
            }
            if let (Some(epoch), Some(last)) = (epoch.clone(), events.last()) {
                unacked = 0;
                let cursor = Cursor { session: session.clone(), epoch, seq: last.seq };
                client.send(&ClientFrame::Ack(Ack { cursors: vec![cursor] })).await;
            }
        }
    }
}

fn note(event: &Event, arrived: Instant, tally: &mut Tally, tell: &mpsc::UnboundedSender<Seen>) {
    tally.events += 1;
    // A closed channel ends the reader at its next turn of the loop.
    if let EventBody::Append(append) = &event.body {
        tally.text_bytes += append.text.len();
        tally.unread.push_str(&append.text);
        // A long text is split into events wherever it is full, so its end may be half a stamp.
        if let Some(end) = tally.unread.rfind(' ') {
            agent::ages(&tally.unread[..end]).for_each(|age| tally.ages.push(age));
            tally.unread.drain(..=end);
        }
    } else if let EventBody::Accepted(accepted) = &event.body {
        let _ = tell.send(Seen::Accepted { message: accepted.message.clone(), arrived });
    } else if let EventBody::TurnEnded(ended) = &event.body {
        let _ = tell.send(Seen::Ended(ended.turn.clone()));
    }
}
