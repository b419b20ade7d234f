//! From the page to the gateway: finds the requests, and does to each what is to be done.

use std::io;

use tokio::sync::mpsc;

use super::{
    Cut, Sockets,
    http::{self, Body, Piece, RequestHead},
    link::{AnswerFate, Exchange, Queued},
    outlet::{Account, Outlet, Reach},
    rules::{Answer, Deed},
};

pub(super) struct Up<'a> {
    outlet: Outlet<'a>,
    stage: Stage,
    /// What came and did not make a whole piece.
    held: Vec<u8>,
    /// Responses of the proxy's own.
    answers: mpsc::UnboundedSender<Vec<u8>>,
}

enum Stage {
    /// A request's head is next.
    Head,
    Body {
        number: usize,
        body: Body,
        fate: RequestFate,
    },
    /// No HTTP: everything passes as it is.
    Raw,
}

enum RequestFate {
    Passes,
    /// It is answered here.
    Answered(Answer),
    /// It is cut after so many more bytes.
    Cut {
        left: u64,
        cut: Cut,
    },
}

impl<'a> Up<'a> {
    pub(super) const fn new(outlet: Outlet<'a>, answers: mpsc::UnboundedSender<Vec<u8>>) -> Self {
        Self { outlet, stage: Stage::Head, held: Vec::new(), answers }
    }

    pub(super) async fn deliver(mut self, mut queued: Queued) -> io::Result<()> {
        while let Some((received, chunk)) = queued.recv().await {
            self.outlet.travel(received).await;
            if self.outlet.link.is_websocket() {
                self.outlet.account = Account::WebSocket;
                self.outlet.write_judged(&chunk, false, Reach::Connection).await?;
            } else {
                self.held.extend_from_slice(&chunk);
                while self.step().await? {}
            }
        }
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
            Stage::Head if self.held.is_empty() => Ok(false),
            Stage::Head => match http::request_head(&self.held) {
                Ok(None) => Ok(false),
                Ok(Some(head)) => self.begin(head).await.map(|()| true),
                Err(_) => {
                    self.stage = Stage::Raw;
                    Ok(true)
                }
            },
            Stage::Body { body, .. } => match body.next(&self.held) {
                Ok(Piece::Incomplete) => Ok(false),
                Ok(Piece::Bytes(length)) => self.pass(length).await.map(|()| true),
                Ok(Piece::Over) => {
                    self.end();
                    Ok(true)
                }
                Err(_) => {
                    self.stage = Stage::Raw;
                    Ok(true)
                }
            },
        }
    }

    async fn begin(&mut self, head: RequestHead) -> io::Result<()> {
        let shared = self.outlet.shared;
        let to_head = head.method == "HEAD";
        let (number, mut deed) = shared.requests().meet(head.method, head.path);
        shared.count(|counters| counters.requests += 1);
        if head.asks_for_websocket {
            let refusal = match shared.weather.borrow().sockets {
                Sockets::Open => None,
                Sockets::Refused(status) => Some(Deed::Answer(Answer::new(status))),
                Sockets::Dropped => Some(Deed::CutUp { bytes: 0, cut: Cut::Reset }),
                Sockets::Hung => Some(Deed::CutUp { bytes: 0, cut: Cut::HoleBoth }),
            };
            if refusal.is_some() {
                shared.count(|counters| counters.sockets_refused += 1);
                deed = refusal;
            }
        }
        let (request, answer) = match deed {
            None => (RequestFate::Passes, Some(AnswerFate::Passes)),
            Some(Deed::Answer(answer)) => (RequestFate::Answered(answer), None),
            Some(Deed::Misreport(answer)) => (RequestFate::Passes, Some(AnswerFate::Replaced(answer))),
            Some(Deed::CutUp { bytes, cut }) => (RequestFate::Cut { left: bytes, cut }, Some(AnswerFate::Passes)),
            Some(Deed::CutDown { bytes, cut }) => (RequestFate::Passes, Some(AnswerFate::Cut { left: bytes, cut })),
        };
        if let Some(fate) = answer {
            self.outlet.link.exchanges().push_back(Exchange { number, to_head, fate });
        }
        self.stage = Stage::Body { number, body: head.body, fate: request };
        self.pass(head.bytes).await
    }

    /// Takes the next bytes of a request, and forwards them if they are to be.
    async fn pass(&mut self, length: usize) -> io::Result<()> {
        let Stage::Body { number, fate, .. } = &mut self.stage else { return Ok(()) };
        let bytes: Vec<u8> = self.held.drain(..length).collect();
        self.outlet.account = Account::Request(*number);
        match fate {
            RequestFate::Answered(_) => Ok(()),
            RequestFate::Passes => self.outlet.write(&bytes).await,
            RequestFate::Cut { left, cut } => match usize::try_from(*left) {
                Ok(passing) if passing <= bytes.len() => {
                    let cut = *cut;
                    *fate = RequestFate::Passes;
                    self.outlet.shared.count(|counters| counters.fired += 1);
                    self.outlet.write_cut(&bytes, passing, cut, Reach::Connection).await
                }
                _ => {
                    *left -= bytes.len() as u64;
                    self.outlet.write(&bytes).await
                }
            },
        }
    }

    /// The request is over.
    fn end(&mut self) {
        if let Stage::Body { number, fate: RequestFate::Answered(answer), .. } = &self.stage {
            self.outlet.shared.answered(*number, answer.status);
            let _ = self.answers.send(answer.encode());
        }
        self.stage = Stage::Head;
    }
}
