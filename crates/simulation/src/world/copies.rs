//! Tabs that were duplicated, and pages that the back button puts away: who goes by which name.

use moorline_delivery::Signal;
use moorline_protocol::{ClientId, Millis};

use super::{Happening, World};

/// A name that is free for this long belongs to a tab that is gone: a reload gives it up for a moment too.
const GONE: Millis = Millis(5_000);

impl World {
    /// Claims the tab's name as a Web Lock would; a tab that does not get it takes another.
    pub(super) fn claim_name(&mut self, no: usize) {
        let name = self.tabs[no].storage.client.clone();
        if self.plan.locks && self.is_held(&name, no) {
            self.trace.note(self.now, "name taken", || format!("tab {no}: {name}"));
            // What was set aside here is what the holder shows.
            self.oracle.waive(|_, typed| typed.tab == no);
            self.tabs[no].client.handle_name_taken(self.now);
            self.drain_tab(no);
            // Set aside is not taken back.
            let aside = &self.tabs[no].storage.copied;
            self.oracle.taken_back.retain(|message| !aside.keys().any(|(_, copied)| copied == message));
        }
    }

    pub(super) fn await_tab(&mut self, no: usize, client: ClientId) {
        let document = self.tabs[no].document;
        self.after(GONE, Happening::LooksForTab { tab: no, document, client });
    }

    pub(super) fn looks_for_tab(&mut self, no: usize, document: u64, client: &ClientId) {
        let tab = &self.tabs[no];
        if tab.is_closed || tab.document != document {
            return;
        }
        if tab.is_away || self.is_held(client, no) {
            return self.await_tab(no, client.clone());
        }
        self.trace.note(self.now, "tab gone", || format!("tab {no}: {client}"));
        let tab = &mut self.tabs[no];
        tab.inherits.insert(client.clone());
        tab.client.handle_tab_gone(self.now, client);
        self.drain_tab(no);
        self.oracle.moved.extend(self.tabs[no].sends.keys().cloned());
    }

    pub(super) fn put_away(&mut self, no: usize, length: Millis) {
        self.tabs[no].client.handle_signal(self.now, Signal::PutAway);
        self.drain_tab(no);
        let tab = &mut self.tabs[no];
        tab.is_away = true;
        tab.inherits.clear();
        let document = tab.document;
        self.after(length, Happening::ComesBack { tab: no, document });
    }

    pub(super) fn comes_back(&mut self, no: usize, document: u64) {
        let tab = &mut self.tabs[no];
        if tab.is_closed || tab.document != document {
            return;
        }
        tab.is_away = false;
        self.claim_name(no);
        let client = &mut self.tabs[no].client;
        client.handle_deadline(self.now);
        client.handle_signal(self.now, Signal::BroughtBack);
        self.drain_tab(no);
    }

    fn is_held(&self, name: &ClientId, but_for: usize) -> bool {
        let others = self.tabs.iter().filter(|tab| tab.no != but_for && !tab.is_closed && !tab.is_away);
        others.into_iter().any(|tab| tab.storage.client == *name || tab.inherits.contains(name))
    }
}
