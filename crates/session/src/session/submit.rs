//! Sends: accepted exactly once, answered every time.

use moorline_protocol::{
    Accepted, Answered, BlockId, Changed, Code, ErrorFrame, EventBody, FieldsPatch, MessageId, Millis, Patch, ReceiptOutcome, Send,
    SendBody, TurnId, Withdrawn, encode, mutant,
};

use super::Session;
use crate::{
    AgentCommand, Early, NewSession, Now, Output, Reply, split,
    state::{Record, RecordKind, Request},
};

/// When to try again while the queue is full; it moves when a turn ends.
const QUEUE_RETRY: Millis = Millis(5_000);

/// The longest title taken from a message.
const TAKEN_TITLE_CHARS: usize = 80;

/// Withdrawals remembered for a session that does not exist: as many as a tab's outbox holds by default.
const EARLY_MAX: usize = 100;

impl Session {
    pub(super) fn submit(&mut self, now: Now, reply: Reply, send: Send, new: NewSession) {
        let hash = send.hash();
        if let Some(record) = self.state.records.get(&send.message).filter(|_| !mutant::is("forgets_messages")).cloned() {
            return self.answer_again(reply, send.message, &hash, &record);
        }
        if mutant::is("dedups_by_content")
            && let Some((_, record)) = self.state.records.iter().find(|(_, record)| record.hash.as_ref() == Some(&hash))
        {
            return self.receipt(reply, send.message, ReceiptOutcome::Accepted { seq: record.seq });
        }
        if self.early.contains(&send.message) {
            return self.refuse_withdrawn(reply, send.message);
        }
        let size = encode(&send).len();
        let most = self.config.limits.send_bytes;
        if size > most {
            let sentence = format!("the message takes {size} bytes, and {most} is the most: shorten it");
            return self.refuse(reply, Some(send.message), Code::TooLarge, sentence);
        }
        if self.made.is_none() && (send.create.is_none() || matches!(send.body, SendBody::Answer { .. })) {
            return self.refuse(reply, Some(send.message), Code::UnknownSession, format!("session {} does not exist", self.id));
        }
        match send.body {
            SendBody::Text(text) => self.accept(now, reply, Message { id: send.message, hash, text, interrupt: send.interrupt }, new),
            SendBody::Answer { request, option } => self.answer(now, reply, Answer { id: send.message, hash, request, option }),
        }
    }

    /// The same id came before: the same answer, and no second effect.
    fn answer_again(&mut self, reply: Reply, message: MessageId, hash: &str, record: &Record) {
        if record.kind == RecordKind::Withdrawn {
            return self.refuse_withdrawn(reply, message);
        }
        if record.hash.as_ref().is_some_and(|known| known != hash) {
            let sentence = format!("message id {message} was used with another payload: send this one under a new id");
            return self.refuse(reply, Some(message), Code::MessageConflict, sentence);
        }
        self.receipt(reply, message, ReceiptOutcome::Accepted { seq: record.seq });
    }

    fn refuse_withdrawn(&mut self, reply: Reply, message: MessageId) {
        let sentence = format!("message {message} was withdrawn: send it under a new id");
        self.refuse(reply, Some(message), Code::Withdrawn, sentence);
    }

    fn accept(&mut self, now: Now, reply: Reply, message: Message, new: NewSession) {
        if message.text.trim().is_empty() {
            return self.refuse(reply, Some(message.id), Code::Unprocessable, "the message is empty: type something");
        }
        let most = self.config.limits.queue;
        if self.state.running.is_some() && self.state.queue.len() >= most {
            let error = ErrorFrame {
                retry_after_ms: Some(QUEUE_RETRY),
                message_id: Some(message.id),
                session: Some(self.id.clone()),
                ..ErrorFrame::new(Code::TooMany, format!("{most} messages wait already: try again when a turn has ended"))
            };
            return self.say(Output::Refused { reply, error });
        }
        self.make(now, new);
        self.take_title(&message.text);
        // What somebody goes on with is not put away any more.
        self.line.archived = false;
        let interrupt = message.interrupt.filter(|turn| self.is_running(turn));
        let accepted =
            Accepted { message: message.id.clone(), hash: message.hash, block: self.next_block(), text: String::new(), interrupt };
        let (block, interrupt) = (accepted.block.clone(), accepted.interrupt.clone());
        let room = self.config.limits.event_bytes.saturating_sub(encode(&EventBody::Accepted(accepted.clone())).len());
        let (start, rest) = message.text.split_at(split::fitting(&message.text, room));
        let seq = self.push(now, EventBody::Accepted(Accepted { text: start.to_owned(), ..accepted }));
        self.push_text(now, &block, 0, start.len() as u64, rest);
        self.receipt(reply, message.id, ReceiptOutcome::Accepted { seq });
        if let Some(turn) = interrupt {
            let commands = self.begin_stop(now, &turn, None);
            self.say_all(commands);
        }
        self.start_next(now);
    }

    fn answer(&mut self, now: Now, reply: Reply, answer: Answer) {
        let Some(request) = self.state.requests.get(&answer.request) else {
            let sentence = format!("{} is no request of this session", answer.request);
            return self.refuse(reply, Some(answer.id), Code::Unprocessable, sentence);
        };
        let options = match request {
            Request::Open { options } => options,
            Request::Answered(name) => {
                let sentence = format!("the request was answered before: {name}");
                return self.refuse(reply, Some(answer.id), Code::AlreadySettled, sentence);
            }
            Request::Cancelled => {
                let sentence = "the request was cancelled before, by a stop or the end of its turn";
                return self.refuse(reply, Some(answer.id), Code::AlreadySettled, sentence);
            }
        };
        let Some(turn) = self.state.running.as_ref().map(|running| running.turn.clone()) else {
            return self.refuse(reply, Some(answer.id), Code::AlreadySettled, "the request's turn is over");
        };
        if !options.iter().any(|option| option.id == answer.option) {
            let offered: Vec<&str> = options.iter().map(|option| option.id.as_str()).collect();
            let sentence = format!("the request has no option {:?}: choose one of {}", answer.option, offered.join(", "));
            return self.refuse(reply, Some(answer.id), Code::Unprocessable, sentence);
        }
        let asked = self.live.requests.iter().find(|(_, block)| *block == answer.request).map(|(name, _)| name.clone());
        self.live.heard = now.monotonic;
        let (block, option) = (answer.request, answer.option);
        let seq = self.push(
            now,
            EventBody::Answered(Answered { message: answer.id.clone(), hash: answer.hash, block: block.clone(), option: option.clone() }),
        );
        let fields = FieldsPatch { closed: Patch::Set(true), ..FieldsPatch::default() };
        self.push(now, EventBody::Changed(Changed { block, fields }));
        self.receipt(reply, answer.id, ReceiptOutcome::Accepted { seq });
        if let Some(request) = asked {
            self.say(Output::Agent(AgentCommand::Answer { turn, request, option: Some(option) }));
        }
    }

    /// A message is taken back: it will never start, or it is told that it has.
    pub(super) fn withdraw(&mut self, now: Now, reply: Reply, message: MessageId) {
        let outcome = match self.state.records.get(&message).map(|record| record.kind) {
            Some(RecordKind::Withdrawn) => ReceiptOutcome::Withdrawn,
            Some(RecordKind::Answer) => ReceiptOutcome::Started,
            Some(RecordKind::Message) if !self.state.is_queued(&message) => ReceiptOutcome::Started,
            None if self.made.is_none() => return self.withdraw_early(now, reply, message),
            None if mutant::is("forgets_withdrawals") => ReceiptOutcome::Withdrawn,
            Some(RecordKind::Message) | None => {
                self.push(now, EventBody::Withdrawn(Withdrawn { message: message.clone() }));
                ReceiptOutcome::Withdrawn
            }
        };
        self.receipt(reply, message, outcome);
    }

    /// There is no journal to record it in: the store keeps it beside, and it is written first when the session is made.
    fn withdraw_early(&mut self, now: Now, reply: Reply, message: MessageId) {
        if !self.early.contains(&message) {
            if self.early.len() >= EARLY_MAX {
                let sentence = "too many messages were withdrawn from a session that does not exist";
                return self.refuse(reply, Some(message), Code::TooMany, sentence);
            }
            self.early.push(message.clone());
            if !mutant::is("forgets_early_withdrawals") {
                self.pending.early.push(Early { message: message.clone(), at: now.wall });
            }
        }
        self.receipt(reply, message, ReceiptOutcome::Withdrawn);
    }

    /// The first message names the session, unless somebody did.
    fn take_title(&mut self, text: &str) {
        if !self.line.title.is_empty() {
            return;
        }
        let line = text.trim_start().lines().next().unwrap_or_default();
        self.line.title = line.trim_end().chars().take(TAKEN_TITLE_CHARS).collect();
    }
}

struct Message {
    id: MessageId,
    hash: String,
    text: String,
    interrupt: Option<TurnId>,
}

struct Answer {
    id: MessageId,
    hash: String,
    request: BlockId,
    option: String,
}
