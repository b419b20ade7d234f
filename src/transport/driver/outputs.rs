//! What the core wants done.

use std::rc::Rc;

use moorline_delivery::{ClientEvent, LinkId, Output, Persist, StoredSend};
use moorline_protocol::{Hello, encode};

use super::{Driver, Input, warn};
use crate::transport::lines::Way;

impl Driver {
    /// Completes every output. Called from within itself (the sink gives a command) it leaves the rest to the outer call.
    pub(super) fn drain(&self) {
        if self.draining.replace(true) {
            return;
        }
        loop {
            let output = self.core.borrow_mut().poll_output();
            let Some(output) = output else { break };
            self.complete(output);
        }
        self.draining.set(false);
    }

    fn complete(&self, output: Output) {
        match output {
            Output::OpenSocket { link } => self.open(link, None),
            Output::OpenStream { link, hello } => self.open(link, Some(hello)),
            Output::Check { link } => {
                let gateway = Rc::clone(&self.gateway);
                self.expect(async move {
                    let (checked, why) = gateway.check().await;
                    Input::Checked(link, checked, why)
                });
            }
            Output::Transmit { link, frame } => self.lines.transmit(link, &encode(&frame)),
            Output::Post { post, connection, frame } => {
                let posted = self.posts.begin(post, &self.gateway.post(connection, &frame));
                self.expect(async move { Input::Posted(post, posted.await) });
            }
            Output::Abort { post } => self.posts.abort(post),
            Output::Disconnect { link } => self.lines.end(link),
            Output::Farewell { connection, cursors } => self.gateway.farewell(connection, cursors).send_off(),
            Output::AwaitTab { client } => self.await_tab(client),
            Output::Persist(persist) => self.persist(persist),
            Output::Event(event) => self.tell(event),
        }
    }

    fn persist(&self, persist: Persist) {
        let written = self.storage.write(&persist);
        match persist {
            Persist::PutSend(StoredSend { send, .. }) | Persist::PutCopied(_, StoredSend { send, .. }) if written.is_err() => {
                self.core.borrow_mut().handle_persist_failed(self.now.get(), &send.message);
            }
            Persist::ClientId(client) => {
                self.name.change(client);
                self.claim_name(true);
            }
            Persist::PutSend(_) | Persist::PutCopied(..) | Persist::RemoveSend(_) | Persist::RemoveCopied(..) | Persist::Cursor(_) => {}
        }
    }

    pub(super) fn tell(&self, event: ClientEvent) {
        if let Some(untold) = &mut *self.untold.borrow_mut() {
            untold.push(event);
            return;
        }
        if let ClientEvent::AttemptFailed { message, attempts, failure } = &event {
            let why = match failure.code {
                Some(code) => code.word(),
                None => &failure.message,
            };
            warn(&format!("attempt {attempts} of {message} failed: {why}"));
        }
        if let Some((session, seq)) = self.sink.event(event) {
            self.core.borrow_mut().applied(self.now.get(), &session, seq);
        }
    }

    fn open(&self, link: LinkId, hello: Option<Hello>) {
        self.lines.expect(link);
        let gateway = Rc::clone(&self.gateway);
        self.expect(async move {
            let way = match &hello {
                None => Way::Socket,
                Some(_) => match gateway.claim_slot().await {
                    Ok(slot) => Way::Stream(slot),
                    Err(_) => return Input::NoSlot(link),
                },
            };
            match gateway.admit(hello.as_ref()).await {
                Ok(url) => Input::Admitted(link, way, url),
                Err(error) => Input::NotAdmitted(link, error),
            }
        });
    }
}
