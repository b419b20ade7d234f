//! From the gateway to the page: finds the responses, WebSocket frames and event streams.

use std::io;

use tokio::sync::mpsc;

use super::{
    Shared, frames,
    http::{self, Body, Piece, ResponseHead},
    link::{AnswerFate, Exchange, Link, Part, Queued},
    outlet::{Account, Outlet, Reach},
};

pub(super) struct Down<'a> {
    outlet: Outlet<'a>,
    stage: Stage<'a>,
    /// What came and did not make a whole piece.
    held: Vec<u8>,
}

enum Stage<'a> {
    /// A response's head is next.
    Head,
    Body {
        exchange: Exchange,
        body: Body,
        stream: Option<OpenStream<'a>>,
    },
    WebSocket,
    /// No HTTP: everything passes as it is.
    Raw,
}

impl<'a> Down<'a> {
    pub(super) const fn new(outlet: Outlet<'a>) -> Self {
        Self { outlet, stage: Stage::Head, held: Vec::new() }
    }

    /// Delivers what comes, and between two responses those of the proxy's own.
    pub(super) async fn deliver(mut self, mut queued: Queued, mut answers: mpsc::UnboundedReceiver<Vec<u8>>) -> io::Result<()> {
        loop {
            tokio::select! {
                received = queued.recv() => {
                    let Some((received, chunk)) = received else { break };
                    self.outlet.travel(received).await;
                    self.held.extend_from_slice(&chunk);
                    while self.step().await? {}
                }
                Some(answer) = answers.recv() => {
                    self.outlet.write(&answer).await?;
                }
            }
        }
        if let Stage::Body { stream: Some(_), .. } = self.stage {
            self.outlet.link.flow(self.outlet.shared, Part::Body).await?;
        }
        let held = std::mem::take(&mut self.held);
        self.outlet.write(&held).await?;
        self.outlet.finish().await
    }

    /// Does what the held bytes suffice for; answers whether there may be more to do.
    async fn step(&mut self) -> io::Result<bool> {
        match &mut self.stage {
            Stage::Raw => {
                let held = std::mem::take(&mut self.held);
                self.outlet.write(&held).await?;
                Ok(false)
            }
            Stage::WebSocket => self.pass_frame().await,
            Stage::Head if self.held.is_empty() => Ok(false),
            Stage::Head => {
                let to_head = self.outlet.link.exchanges().front().map(|exchange| exchange.to_head);
                match to_head.map(|to_head| http::response_head(&self.held, to_head)) {
                    Some(Ok(None)) => Ok(false),
                    Some(Ok(Some(head))) => self.begin(head).await.map(|()| true),
                    None | Some(Err(_)) => {
                        self.stage = Stage::Raw;
                        Ok(true)
                    }
                }
            }
            Stage::Body { body, .. } => match body.next(&self.held) {
                Ok(Piece::Incomplete) => Ok(false),
                Ok(Piece::Bytes(length)) => self.pass(length, Part::Body).await.map(|()| true),
                Ok(Piece::Over) => self.end().await.map(|()| true),
                Err(_) => {
                    self.stage = Stage::Raw;
                    Ok(true)
                }
            },
        }
    }

    async fn begin(&mut self, head: ResponseHead) -> io::Result<()> {
        let ResponseHead { status, is_event_stream, body, bytes } = head;
        let (link, shared) = (self.outlet.link, self.outlet.shared);
        self.outlet.account = Account::Other;
        if status == 101 {
            let exchange = link.exchanges().pop_front();
            let head: Vec<u8> = self.held.drain(..bytes).collect();
            link.becomes_websocket();
            shared.count(|counters| counters.upgrades += 1);
            if let Some(exchange) = exchange {
                shared.answered(exchange.number, status);
            }
            self.stage = Stage::WebSocket;
            return self.outlet.write(&head).await;
        }
        if (100..200).contains(&status) {
            let interim: Vec<u8> = self.held.drain(..bytes).collect();
            return self.outlet.write(&interim).await;
        }
        let Some(exchange) = link.exchanges().pop_front() else { return Ok(()) };
        let stream = (is_event_stream && status == 200).then(|| OpenStream::begin(link, shared));
        if !matches!(exchange.fate, AnswerFate::Replaced(_)) {
            shared.answered(exchange.number, status);
        }
        self.stage = Stage::Body { exchange, body, stream };
        self.pass(bytes, Part::Head).await
    }

    /// Takes the next bytes of a response, and delivers them if they are to be.
    async fn pass(&mut self, length: usize, part: Part) -> io::Result<()> {
        let Stage::Body { exchange, stream, .. } = &mut self.stage else { return Ok(()) };
        let bytes: Vec<u8> = self.held.drain(..length).collect();
        self.outlet.account = Account::Request(exchange.number);
        if stream.is_some() {
            self.outlet.link.flow(self.outlet.shared, part).await?;
            if part == Part::Body {
                self.outlet.account = Account::EventStream(exchange.number);
            }
        }
        match &mut exchange.fate {
            AnswerFate::Replaced(_) => Ok(()),
            AnswerFate::Cut { left, cut } => match usize::try_from(*left) {
                Ok(passing) if passing <= bytes.len() => {
                    let cut = *cut;
                    exchange.fate = AnswerFate::Passes;
                    self.outlet.shared.count(|counters| counters.fired += 1);
                    self.outlet.write_cut(&bytes, passing, cut, Reach::Connection).await
                }
                _ => {
                    *left -= bytes.len() as u64;
                    self.outlet.write(&bytes).await
                }
            },
            AnswerFate::Passes if stream.is_some() && part == Part::Body => {
                let begins_message = bytes.windows(5).any(|window| window == b"data:");
                self.outlet.write_judged(&bytes, begins_message, Reach::Neighbours).await
            }
            AnswerFate::Passes => self.outlet.write(&bytes).await,
        }
    }

    /// The response is over.
    async fn end(&mut self) -> io::Result<()> {
        let Stage::Body { exchange, .. } = std::mem::replace(&mut self.stage, Stage::Head) else { return Ok(()) };
        let AnswerFate::Replaced(answer) = exchange.fate else { return Ok(()) };
        self.outlet.shared.answered(exchange.number, answer.status);
        self.outlet.account = Account::Request(exchange.number);
        self.outlet.write(&answer.encode()).await
    }

    /// Passes a whole frame on, so that a cut can fall between two or at a byte inside one.
    async fn pass_frame(&mut self) -> io::Result<bool> {
        let Some(length) = frames::complete_frame(&self.held) else { return Ok(false) };
        let frame: Vec<u8> = self.held.drain(..length).collect();
        let begins_message = frames::begins_message(&frame);
        self.outlet.account = Account::WebSocket;
        self.outlet.write_judged(&frame, begins_message, Reach::Connection).await?;
        Ok(true)
    }
}

/// Counts an event stream for as long as it lasts.
struct OpenStream<'a>(&'a Link, &'a Shared);

impl<'a> OpenStream<'a> {
    fn begin(link: &'a Link, shared: &'a Shared) -> Self {
        link.set_streams(true);
        shared.count(|counters| {
            counters.streams += 1;
            counters.open_streams += 1;
        });
        Self(link, shared)
    }
}

impl Drop for OpenStream<'_> {
    fn drop(&mut self) {
        self.0.set_streams(false);
        self.1.count(|counters| counters.open_streams -= 1);
    }
}
