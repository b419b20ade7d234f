//! Ties transport, model and views together.

use std::rc::Rc;

use leptos::mount::mount_to_body;
use moorline_delivery::{ClientEvent, Diagnostics, SendResult};
use moorline_protocol::{
    BlockId, BlockText, ChangeSession, Hits, MessageId, Millis, Page, Send, Seq, SessionId, SessionRow, SetAgent, TurnId,
};

use crate::{
    model::{Driver, Format, Model, Pending},
    settings::{Fragment, Settings},
    task::spawn,
    transport::{Asked, Sink, Transport, preferences},
    views,
};

/// Reads the settings, starts the transport and mounts the page.
pub fn start() {
    spawn(async {
        let (settings, complaints) = Settings::load().await;
        set_title(&settings);
        let model = Model::new();
        model.set_default_theme(settings.theme);
        for complaint in complaints {
            model.notice(complaint.to_string());
        }
        let transport = Transport::start(&settings, Rc::new(model.clone()));
        model.connect(Rc::new(transport));
        match Fragment::session() {
            Some(session) => model.select(&session),
            None => model.select_any(),
        }
        mount_to_body(move || views::page(&model));
    });
}

/// The title belongs to the document and not to a view.
fn set_title(settings: &Settings) {
    let document = web_sys::window().and_then(|window| window.document());
    if let (Some(document), Some(title)) = (document, &settings.title) {
        document.set_title(title);
    }
}

impl Sink for Model {
    fn event(&self, event: ClientEvent) -> Option<(SessionId, Seq)> {
        Self::event(self, event)
    }

    fn flush(&self) {
        Self::flush(self);
    }

    fn notice(&self, sentence: &str) {
        Self::notice(self, sentence);
    }

    fn crashed(&self, message: &str) {
        views::show_crash(message);
    }
}

/// Has an error told in its own words.
fn pending<T: 'static>(answer: Asked<T>) -> Pending<T> {
    Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
}

impl Driver for Transport {
    fn send(&self, send: Send) -> SendResult {
        Self::send(self, send)
    }

    fn show(&self, session: &SessionId) {
        Self::show(self, session);
    }

    fn retry(&self, message: &MessageId) {
        Self::retry(self, message);
    }

    fn edit(&self, message: &MessageId) {
        Self::edit(self, message);
    }

    fn remove(&self, message: &MessageId) {
        Self::remove(self, message);
    }

    fn withdraw(&self, session: &SessionId, message: &MessageId, text: Option<String>) {
        Self::withdraw(self, session, message, text);
    }

    fn cancel(&self, session: &SessionId, turn: &TurnId, next: Option<&MessageId>) {
        Self::cancel(self, session, turn, next);
    }

    fn restart_agent(&self, session: &SessionId) -> Pending<()> {
        pending(Self::restart_agent(self, session))
    }

    fn set_agent(&self, session: &SessionId, set: SetAgent) -> Pending<()> {
        pending(Self::set_agent(self, session, set))
    }

    fn change(&self, session: &SessionId, change: ChangeSession) -> Pending<SessionRow> {
        pending(Self::change(self, session, change))
    }

    fn delete(&self, session: &SessionId) -> Pending<()> {
        pending(Self::delete(self, session))
    }

    fn search(&self, query: &str) -> Pending<Hits> {
        pending(Self::search(self, query))
    }

    fn export(&self, session: &SessionId, format: Format, title: String) -> Pending<()> {
        pending(Self::export(self, session, format.word(), title))
    }

    fn sign_out(&self) -> Pending<()> {
        pending(Self::sign_out(self))
    }

    fn sign_in(&self, token: &str) -> Pending<()> {
        pending(Self::sign_in(self, token))
    }

    fn load_page(&self, session: &SessionId, before: Seq) -> Pending<Page> {
        pending(Self::load_page(self, session, before))
    }

    fn load_text(&self, session: &SessionId, block: &BlockId, edition: u32, to: u64) -> Pending<BlockText> {
        pending(Self::load_text(self, session, block, edition, to))
    }

    fn draft(&self, session: &SessionId) -> String {
        Self::draft(self, session)
    }

    fn set_draft(&self, session: &SessionId, text: &str) {
        // Where it cannot be stored it lives in the composer alone, as the notice about storage says.
        let _ = Self::set_draft(self, session, text);
    }

    fn drafts(&self) -> Vec<SessionId> {
        Self::drafts(self)
    }

    fn preference(&self, name: &str) -> Option<String> {
        preferences::read(name)
    }

    fn set_preference(&self, name: &str, value: &str) {
        preferences::write(name, value);
    }

    fn diagnostics(&self) -> Diagnostics {
        Self::diagnostics(self)
    }

    fn now(&self) -> Millis {
        Self::now(self)
    }

    fn new_message_id(&self) -> MessageId {
        Self::new_message_id(self)
    }

    fn new_session_id(&self) -> SessionId {
        Self::new_session_id(self)
    }
}
