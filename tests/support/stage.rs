//! The real page in a host element of its own, over a model that the test feeds and a transport that only takes notes.

#![allow(dead_code, reason = "every test binary uses its own part")]

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    ops::Deref,
    rc::Rc,
};

use moorline::model::{Driver, Format, Model, Pending};
use moorline_delivery::{AttachmentStatus, ClientEvent, Counters, Diagnostics, LinkStatus, SendResult, SendState, SendStatus};
use moorline_protocol::{
    Accepted, Append, Block, BlockId, BlockKind, BlockText, ChangeSession, Changed, Epoch, Event, EventBody, FieldsPatch, Hits, Item,
    MessageId, Millis, Opened, Outcome, Page, Patch, RequestOption, Rows, Send, SendBody, Seq, SessionId, SessionRow, SetAgent, ToolStatus,
    Turn, TurnEnded, TurnId, TurnStarted, TurnState, encode,
};

use crate::{browser::turn, dom::Dom};

pub(crate) fn session(name: &str) -> SessionId {
    SessionId::parse(name).expect("a valid id")
}

pub(crate) fn message(name: &str) -> MessageId {
    MessageId::parse(name).expect("a valid id")
}

pub(crate) fn block(name: &str) -> BlockId {
    BlockId::parse(name).expect("a valid id")
}

pub(crate) fn epoch() -> Epoch {
    Epoch::parse("e1").expect("a valid id")
}

/// An answer that comes once the test has put it here.
pub(crate) type HeldAnswer = Rc<RefCell<Option<Result<Hits, String>>>>;

/// The transport's stand-in.
#[derive(Default)]
pub(crate) struct FakeDriver {
    /// Every call, as `name argument`.
    pub(crate) calls: RefCell<Vec<String>>,
    pub(crate) sends: RefCell<Vec<Send>>,
    /// What `send` answers; none = sent.
    pub(crate) answer: Cell<Option<SendResult>>,
    pub(crate) drafts: RefCell<BTreeMap<String, String>>,
    pub(crate) page: RefCell<Option<Page>>,
    pub(crate) text: RefCell<Option<BlockText>>,
    /// What `change` answers, the next first; none = no answer.
    pub(crate) changes: RefCell<VecDeque<Result<SessionRow, String>>>,
    /// What `delete`, `export` and `sign_out` answer, the next first; none = no answer.
    pub(crate) done: RefCell<VecDeque<Result<(), String>>>,
    /// Every search, with the place of its answer, which it waits for.
    pub(crate) searches: RefCell<Vec<(String, HeldAnswer)>>,
    pub(crate) preferences: RefCell<BTreeMap<String, String>>,
    pub(crate) diagnostics: RefCell<Option<Diagnostics>>,
    pub(crate) looks: Cell<u32>,
    pub(crate) now: Cell<u64>,
    ids: Cell<u32>,
}

impl FakeDriver {
    fn note(&self, call: String) {
        self.calls.borrow_mut().push(call);
    }

    pub(crate) fn called(&self, call: &str) -> bool {
        self.calls.borrow().iter().any(|made| made == call)
    }

    fn next_done(&self) -> Pending<()> {
        let answer = self.done.borrow_mut().pop_front();
        Box::pin(async { answer.unwrap_or_else(no_answer) })
    }

    fn id(&self) -> u32 {
        self.ids.set(self.ids.get() + 1);
        self.ids.get()
    }
}

impl Driver for FakeDriver {
    fn send(&self, send: Send) -> SendResult {
        self.sends.borrow_mut().push(send);
        self.answer.get().unwrap_or(SendResult::Sent)
    }

    fn show(&self, session: &SessionId) {
        self.note(format!("show {session}"));
    }

    fn retry(&self, message: &MessageId) {
        self.note(format!("retry {message}"));
    }

    fn edit(&self, message: &MessageId) {
        self.note(format!("edit {message}"));
    }

    fn remove(&self, message: &MessageId) {
        self.note(format!("remove {message}"));
    }

    fn withdraw(&self, _session: &SessionId, message: &MessageId, text: Option<String>) {
        self.note(format!("withdraw {message} {}", text.unwrap_or_default()));
    }

    fn cancel(&self, _session: &SessionId, turn: &TurnId, next: Option<&MessageId>) {
        self.note(next.map_or_else(|| format!("cancel {turn}"), |next| format!("cancel {turn} for {next}")));
    }

    fn restart_agent(&self, session: &SessionId) -> Pending<()> {
        self.note(format!("restart_agent {session}"));
        Box::pin(async { Err("the agent cannot be reached".to_owned()) })
    }

    fn set_agent(&self, session: &SessionId, set: SetAgent) -> Pending<()> {
        self.note(format!("set_agent {session} {} {}", set.id, set.value));
        Box::pin(async { Ok(()) })
    }

    fn change(&self, session: &SessionId, change: ChangeSession) -> Pending<SessionRow> {
        self.note(format!("change {session} {}", encode(&change)));
        let answer = self.changes.borrow_mut().pop_front();
        Box::pin(async { answer.unwrap_or_else(no_answer) })
    }

    fn delete(&self, session: &SessionId) -> Pending<()> {
        self.note(format!("delete {session}"));
        self.next_done()
    }

    fn search(&self, query: &str) -> Pending<Hits> {
        let answer = HeldAnswer::default();
        self.searches.borrow_mut().push((query.to_owned(), Rc::clone(&answer)));
        Box::pin(async move {
            loop {
                if let Some(answer) = answer.take() {
                    return answer;
                }
                turn().await;
            }
        })
    }

    fn export(&self, session: &SessionId, format: Format, title: String) -> Pending<()> {
        self.note(format!("export {session} {} {title}", format.word()));
        self.next_done()
    }

    fn sign_out(&self) -> Pending<()> {
        self.note("sign_out".to_owned());
        self.next_done()
    }

    fn sign_in(&self, token: &str) -> Pending<()> {
        self.note(format!("sign_in {token}"));
        Box::pin(async { Err("the token was refused".to_owned()) })
    }

    fn load_page(&self, _session: &SessionId, before: Seq) -> Pending<Page> {
        self.note(format!("load_page {before}"));
        let page = self.page.borrow_mut().take();
        Box::pin(async { page.ok_or_else(|| "no answer".to_owned()) })
    }

    fn load_text(&self, _session: &SessionId, block: &BlockId, edition: u32, to: u64) -> Pending<BlockText> {
        self.note(format!("load_text {block} {edition} {to}"));
        let text = self.text.borrow_mut().take();
        Box::pin(async { text.ok_or_else(|| "no answer".to_owned()) })
    }

    fn draft(&self, session: &SessionId) -> String {
        self.drafts.borrow().get(session.as_str()).cloned().unwrap_or_default()
    }

    fn set_draft(&self, session: &SessionId, text: &str) {
        self.drafts.borrow_mut().insert(session.as_str().to_owned(), text.to_owned());
    }

    fn drafts(&self) -> Vec<SessionId> {
        self.drafts.borrow().iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| session(name)).collect()
    }

    fn preference(&self, name: &str) -> Option<String> {
        self.preferences.borrow().get(name).cloned()
    }

    fn set_preference(&self, name: &str, value: &str) {
        self.preferences.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    fn diagnostics(&self) -> Diagnostics {
        self.looks.set(self.looks.get() + 1);
        let nothing =
            || Diagnostics { transport: None, connection: None, pinged: None, cursors: Vec::new(), counters: Counters::default() };
        self.diagnostics.borrow().clone().unwrap_or_else(nothing)
    }

    fn now(&self) -> Millis {
        Millis(1_000 + self.now.get())
    }

    fn new_message_id(&self) -> MessageId {
        message(&format!("made{}", self.id()))
    }

    fn new_session_id(&self) -> SessionId {
        session(&format!("new{}", self.id()))
    }
}

fn no_answer<T>() -> Result<T, String> {
    Err("no answer".to_owned())
}

/// A mounted page. Dropping it takes the page out of the document.
pub(crate) struct Stage {
    pub(crate) model: Model,
    pub(crate) driver: Rc<FakeDriver>,
    dom: Dom,
}

impl Deref for Stage {
    type Target = Dom;

    fn deref(&self) -> &Dom {
        &self.dom
    }
}

impl Stage {
    /// The page with session `s1` on screen, connected and caught up at nothing.
    pub(crate) fn open() -> Self {
        let document = web_sys::window().and_then(|window| window.document()).expect("a document");
        Self::open_in(&document)
    }

    /// The same in another document of this browser, which may be of another size.
    pub(crate) fn open_in(document: &web_sys::Document) -> Self {
        Self::open_with(document, FakeDriver::default())
    }

    /// The same over a transport that holds something already.
    pub(crate) fn open_with(document: &web_sys::Document, driver: FakeDriver) -> Self {
        let driver = Rc::new(driver);
        let model = Model::new();
        model.connect(Rc::clone(&driver) as Rc<dyn Driver>);
        model.select(&session("s1"));
        let dom = Dom::mount(document, &model);
        let stage = Self { model, driver, dom };
        stage.tell(ClientEvent::Link(LinkStatus::Ready));
        stage.tell(ClientEvent::Attachment { session: session("s1"), status: AttachmentStatus::Live });
        stage
    }

    /// Gives the model a piece of news and has it shown.
    pub(crate) fn tell(&self, event: ClientEvent) {
        self.model.event(event);
        self.model.settle();
    }

    pub(crate) fn events(&self, name: &str, events: Vec<Event>) {
        self.tell(ClientEvent::Events { session: session(name), epoch: epoch(), events });
    }

    pub(crate) fn snapshot(&self, name: &str, seq: u64, from: u64, items: Vec<Item>) {
        self.tell(ClientEvent::Snapshot {
            session: session(name),
            epoch: epoch(),
            seq: Seq::new(seq),
            from: Seq::new(from),
            replaces: false,
            items,
        });
    }

    pub(crate) fn send_state(&self, order: u64, name: &str, text: &str, state: SendState) {
        self.attempts(order, name, text, 1, state);
    }

    pub(crate) fn attempts(&self, order: u64, name: &str, text: &str, attempts: u32, state: SendState) {
        self.tell(ClientEvent::Send(SendStatus { send: text_send(name, text), order, attempts, state }));
    }

    /// What a reader sees of the transcript, with everything a test may compare.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let described = self.all("[data-block]").into_iter().map(|block| {
            let name = |name: &str| block.get_attribute(name).unwrap_or_default();
            let turn = block.closest("[data-turn]").ok().flatten();
            let turn = turn.map(|turn| {
                format!(
                    "{} {}",
                    turn.get_attribute("data-turn").unwrap_or_default(),
                    turn.get_attribute("data-turn-state").unwrap_or_default()
                )
            });
            let text = block.text_content().unwrap_or_default();
            format!("{turn:?} {} {} {} {} {text}", name("data-block"), name("data-kind"), name("data-first-seq"), name("data-last-seq"))
        });
        described.collect()
    }
}

pub(crate) fn text_send(name: &str, text: &str) -> Send {
    Send { session: session("s1"), message: message(name), body: SendBody::Text(text.to_owned()), create: None, interrupt: None }
}

pub(crate) fn event(seq: u64, body: EventBody) -> Event {
    Event::plain(Seq::new(seq), 1_700_000_000_000 + seq, body)
}

pub(crate) fn accepted(seq: u64, name: &str, text: &str) -> Event {
    event(
        seq,
        EventBody::Accepted(Accepted {
            message: message(name),
            hash: String::new(),
            block: block(&format!("b-{name}")),
            text: text.to_owned(),
            interrupt: None,
        }),
    )
}

pub(crate) fn started(seq: u64, name: &str) -> Event {
    event(seq, EventBody::TurnStarted(TurnStarted { turn: message(name) }))
}

pub(crate) fn ended(seq: u64, name: &str, outcome: Outcome) -> Event {
    event(seq, EventBody::TurnEnded(TurnEnded { turn: message(name), outcome, error: None, usage: None }))
}

pub(crate) fn opened(seq: u64, turn: &str, name: &str, kind: BlockKind, fields: FieldsPatch) -> Event {
    event(seq, EventBody::Opened(Opened { block: block(name), turn: message(turn), kind, fields }))
}

pub(crate) fn changed(seq: u64, name: &str, fields: FieldsPatch) -> Event {
    event(seq, EventBody::Changed(Changed { block: block(name), fields }))
}

pub(crate) fn append(seq: u64, name: &str, at: u64, text: &str) -> Event {
    event(seq, EventBody::Append(Append { block: block(name), edition: 0, at, text: text.to_owned() }))
}

pub(crate) fn titled(title: &str, status: ToolStatus) -> FieldsPatch {
    FieldsPatch { title: Patch::Set(title.to_owned()), status: Patch::Set(status), ..FieldsPatch::default() }
}

pub(crate) fn asked(title: &str) -> FieldsPatch {
    let option = |id: &str, kind: &str| RequestOption { id: id.to_owned(), name: format!("{id}!"), kind: kind.to_owned() };
    FieldsPatch {
        title: Patch::Set(title.to_owned()),
        options: Patch::Set(vec![option("yes", "allow_once"), option("no", "reject_once")]),
        ..FieldsPatch::default()
    }
}

/// A whole turn of one message and one answer, as a snapshot or page carries it. It takes four seqs.
pub(crate) fn whole_turn(first: u64, name: &str, text: &str) -> Vec<Item> {
    let turn = Turn {
        id: message(name),
        opened: Seq::new(first),
        rev: Seq::new(first + 3),
        state: TurnState::Completed,
        urgent: false,
        started: Some(Seq::new(first + 1)),
        started_at: None,
        ended_at: None,
        error: None,
        usage: None,
    };
    let part = |id: String, kind, opened: u64, text: String| {
        Item::Block(Block {
            id: block(&id),
            turn: message(name),
            kind,
            opened: Seq::new(opened),
            rev: Seq::new(opened),
            fields: moorline_protocol::Fields::default(),
            edition: 0,
            from: 0,
            text,
        })
    };
    vec![
        Item::Turn(turn),
        part(format!("b-{name}"), BlockKind::Message, first, format!("ask {text}")),
        part(format!("t-{name}"), BlockKind::Text, first + 2, text.to_owned()),
    ]
}

pub(crate) fn row(name: &str, rev: u64, title: &str) -> SessionRow {
    SessionRow {
        session: session(name),
        rev,
        title: title.to_owned(),
        created_at: 1,
        changed_at: 1,
        running: false,
        waiting: false,
        pinned: false,
        archived: false,
        deleted: false,
    }
}

pub(crate) fn rows(rows: Vec<SessionRow>) -> ClientEvent {
    ClientEvent::Rows(Rows { rows, list_reset: false })
}
