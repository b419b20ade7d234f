//! What a part of the client's core may touch while it handles one input: the time, the connection, the outputs.

use std::collections::VecDeque;

use moorline_protocol::{ClientFrame, ClientId, Millis};

use super::event::ClientEvent;
use super::output::{LinkId, Output, Persist};

pub(super) struct Port<'a> {
    pub(super) now: Millis,
    link: Option<LinkId>,
    outputs: &'a mut VecDeque<Output>,
}

impl<'a> Port<'a> {
    pub(super) const fn new(now: Millis, link: Option<LinkId>, outputs: &'a mut VecDeque<Output>) -> Self {
        Self { now, link, outputs }
    }

    pub(super) const fn link(&self) -> Option<LinkId> {
        self.link
    }

    pub(super) const fn is_ready(&self) -> bool {
        self.link.is_some()
    }

    /// Writes a frame; without a connection there is nobody to write it to, and the caller's state says what is owed.
    pub(super) fn transmit(&mut self, frame: ClientFrame) {
        if let Some(link) = self.link {
            self.outputs.push_back(Output::Transmit { link, frame });
        }
    }

    pub(super) fn persist(&mut self, persist: Persist) {
        self.outputs.push_back(Output::Persist(persist));
    }

    pub(super) fn await_tab(&mut self, client: ClientId) {
        self.outputs.push_back(Output::AwaitTab { client });
    }

    pub(super) fn event(&mut self, event: ClientEvent) {
        self.outputs.push_back(Output::Event(event));
    }
}
