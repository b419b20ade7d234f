//! Ties transport, model and views together.

use std::rc::Rc;

use leptos::mount::mount_to_body;
use moorline_delivery::{ClientEvent, Diagnostics, SendResult};
use moorline_protocol::{MessageId, Millis, Send, Seq, SessionId, SetAgent, TurnId};
use wasm_bindgen_futures::spawn_local;

use crate::{
    model::{Driver, Model, Pending, ReadMarks},
    settings::{Fragment, Settings, Theme},
    transport::{Shared, Sink, Transport},
    views,
};

/// The key of what all tabs know of the reader.
const READ_MARKS: &str = "read";

/// Reads the settings, starts the transport and mounts the page.
pub fn start() {
    spawn_local(async {
        let (settings, complaints) = Settings::load().await;
        dress(&settings);
        let model = Model::new();
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

/// Title and theme, which belong to the document and not to a view.
fn dress(settings: &Settings) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    if let Some(title) = &settings.title {
        document.set_title(title);
    }
    let theme = match settings.theme {
        Theme::System => return,
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    if let Some(root) = document.document_element() {
        let _ = root.set_attribute("data-theme", theme);
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
        let done = Self::restart_agent(self, session);
        Box::pin(async move { done.await.map_err(|error| error.to_string()) })
    }

    fn set_agent(&self, session: &SessionId, set: SetAgent) -> Pending<()> {
        let done = Self::set_agent(self, session, set);
        Box::pin(async move { done.await.map_err(|error| error.to_string()) })
    }

    fn sign_in(&self, token: &str) -> Pending<()> {
        let answer = Self::sign_in(self, token);
        Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
    }

    fn load_page(&self, session: &SessionId, before: Seq) -> Pending<moorline_protocol::Page> {
        let page = Self::load_page(self, session, before);
        Box::pin(async move { page.await.map_err(|error| error.to_string()) })
    }

    fn draft(&self, session: &SessionId) -> String {
        Self::draft(self, session)
    }

    fn set_draft(&self, session: &SessionId, text: &str) {
        // Where it cannot be stored it lives in the composer alone, as the notice about storage says.
        let _ = Self::set_draft(self, session, text);
    }

    fn read_marks(&self) -> ReadMarks {
        Shared::get(READ_MARKS).unwrap_or_default()
    }

    fn keep_read_marks(&self, marks: &ReadMarks) {
        // Where it cannot be kept, what was read is unread again after a reload.
        let _ = Shared::set(READ_MARKS, marks);
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
