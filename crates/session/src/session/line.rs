//! The session's line of the list: its title, whether it is pinned or put away, and its end.

use moorline_protocol::{ChangeSession, Code, SessionRow, TITLE_CHARS};

use super::Session;
use crate::{Input, Now, Output, Reply, RowChange};

/// What the session list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    pub(super) title: String,
    pub(super) running: bool,
    pub(super) waiting: bool,
    pub(super) pinned: bool,
    pub(super) archived: bool,
}

impl Line {
    pub(super) fn of(row: &SessionRow) -> Self {
        Self { title: row.title.clone(), running: row.running, waiting: row.waiting, pinned: row.pinned, archived: row.archived }
    }

    /// What makes this line of an earlier one.
    pub(super) fn change_from(&self, before: &Self) -> RowChange {
        let other = |now: bool, then: bool| (now != then).then_some(now);
        RowChange {
            at: None,
            title: (self.title != before.title).then(|| self.title.clone()),
            running: other(self.running, before.running),
            waiting: other(self.waiting, before.waiting),
            pinned: other(self.pinned, before.pinned),
            archived: other(self.archived, before.archived),
        }
    }
}

impl Session {
    pub(super) fn change(&mut self, reply: Reply, change: ChangeSession) {
        if self.made.is_none() {
            return self.refuse(reply, None, Code::UnknownSession, format!("session {} does not exist", self.id));
        }
        let ChangeSession { title, pinned, archived } = change;
        if let Some(title) = title {
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            if title.is_empty() || title.chars().count() > TITLE_CHARS {
                let sentence = format!("a title takes 1 to {TITLE_CHARS} characters: type another one");
                return self.refuse(reply, None, Code::Unprocessable, sentence);
            }
            self.line.title = title;
            self.is_named = true;
        }
        self.line.pinned = pinned.unwrap_or(self.line.pinned);
        self.line.archived = archived.unwrap_or(self.line.archived);
        self.say(Output::Done { reply });
    }

    /// The agent's title takes the place of one that was taken from the first message.
    pub(super) fn take_agents_title(&mut self, title: &str) {
        let words: Vec<&str> = title.split_whitespace().collect();
        if !self.is_named && !words.is_empty() {
            self.line.title = words.join(" ").chars().take(TITLE_CHARS).collect();
        }
    }

    /// The end of the session, and of everything that it was at.
    pub(super) fn delete(&mut self, now: Now, reply: Reply) {
        if self.made.is_none() {
            return self.refuse(reply, None, Code::UnknownSession, format!("session {} does not exist", self.id));
        }
        self.is_gone = true;
        self.pending.deletion = Some(now.wall);
        self.say(Output::Gone);
        self.say(Output::Done { reply });
    }

    /// What an input comes to once the session is gone.
    pub(super) fn refuse_to_go_on(&mut self, input: Input) {
        let (reply, about) = match input {
            Input::Submit { reply, send, .. } => (reply, Some(send.message)),
            Input::Withdraw { reply, message: about } | Input::Cancel { reply, turn: about, .. } => (reply, Some(about)),
            Input::Create { reply, .. } | Input::Change { reply, .. } => (reply, None),
            Input::Delete { reply } => return self.say(Output::Done { reply }),
            Input::Report(_) | Input::Deadline | Input::Committed => return,
        };
        self.refuse(reply, about, Code::Deleted, format!("session {} was deleted: begin a new one", self.id));
    }
}
