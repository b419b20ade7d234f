//! The POSTs that are out: a frame on SSE is one each, and each is answered, fails, or is aborted.

use moorline_protocol::{ClientFrame, MessageId, Millis, SessionId, TurnId};

use super::output::{LinkId, PostId};

#[derive(Debug, Default)]
pub(super) struct Posts {
    last_id: u64,
    out: Vec<Out>,
}

/// One POST without an answer yet.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) id: PostId,
    pub(super) link: LinkId,
    pub(super) what: What,
    due: Millis,
}

/// What a POST carries, as far as its answer matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A message or an answer, or taking one back.
    Send(MessageId),
    Cancel(SessionId, TurnId),
    /// The stream brings nothing of the session unless this arrives.
    Attach(SessionId, u64),
    /// What the next one of its kind makes good.
    Other,
}

impl Posts {
    /// Notes a POST that has to be answered by `due`.
    pub(super) fn begin(&mut self, due: Millis, link: LinkId, frame: &ClientFrame) -> PostId {
        self.last_id += 1;
        let id = PostId(self.last_id);
        let what = match frame {
            ClientFrame::Send(send) => What::Send(send.message.clone()),
            ClientFrame::Withdraw(withdraw) => What::Send(withdraw.message.clone()),
            ClientFrame::Cancel(cancel) => What::Cancel(cancel.session.clone(), cancel.turn.clone()),
            ClientFrame::Attach(attach) => What::Attach(attach.session.clone(), attach.no),
            ClientFrame::Hello(_)
            | ClientFrame::Detach(_)
            | ClientFrame::Ack(_)
            | ClientFrame::Ping(_)
            | ClientFrame::Pong(_)
            | ClientFrame::Unknown { .. } => What::Other,
        };
        self.out.push(Out { id, link, what, due });
        id
    }

    /// Takes the one that was answered; none if it was given up before.
    pub(super) fn end(&mut self, id: PostId) -> Option<Out> {
        let at = self.out.iter().position(|out| out.id == id)?;
        Some(self.out.swap_remove(at))
    }

    /// Takes one that was not answered in time.
    pub(super) fn expired(&mut self, now: Millis) -> Option<Out> {
        let at = self.out.iter().position(|out| now >= out.due)?;
        Some(self.out.remove(at))
    }

    /// Takes all of them.
    pub(super) fn take(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.out)
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        self.out.iter().map(|out| out.due).min()
    }
}
