//! A place in a session that shall come on screen, wherever it lies.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use moorline_delivery::AttachmentStatus;
use moorline_protocol::{Block, BlockId, HitPlace, SessionId};

use super::{Model, Screen, as_sentence};
use crate::task::spawn;

#[derive(Default)]
pub(super) struct Reveal {
    wanted: RefCell<Option<(SessionId, HitPlace)>>,
    /// The page that holds it has been asked for.
    is_asked: Cell<bool>,
    found: ArcRwSignal<Option<BlockId>>,
}

impl Model {
    /// Puts a session on screen, and a block of it where the reader sees it: one that is not held is fetched, in one page.
    /// Another session that comes on screen before that ends it.
    pub fn reveal(&self, session: &SessionId, place: Option<HitPlace>) {
        let reveal = &self.0.reveal;
        reveal.is_asked.set(false);
        reveal.found.set(None);
        // What was wanted before goes with the session that goes off the screen.
        self.select(session);
        reveal.wanted.replace(place.map(|place| (session.clone(), place)));
        self.settle();
    }

    /// Puts the oldest open request of the session on screen where the reader sees it.
    pub fn reveal_request(&self) {
        let Some(screen) = self.0.screen.get_untracked() else { return };
        let request = screen.standing().with_untracked(|standing| standing.waiting.first().cloned());
        let place = |block: &Block| HitPlace { turn: block.turn.clone(), block: block.id.clone(), opened: block.opened };
        if let Some(place) = request.and_then(|request| screen.with_block(&request, place)) {
            self.reveal(screen.session(), Some(place));
        }
    }

    /// The block that is to be scrolled to; it is mounted.
    #[must_use]
    pub fn revealed(&self) -> ArcRwSignal<Option<BlockId>> {
        self.0.reveal.found.clone()
    }

    /// Goes on with what is wanted, as far as what is held allows.
    pub(super) fn go_on_revealing(&self, screen: &Screen, attachment: Option<AttachmentStatus>) {
        let reveal = &self.0.reveal;
        let Some((session, place)) = reveal.wanted.borrow().clone() else { return };
        if screen.session() != &session {
            reveal.wanted.take();
            return;
        }
        if screen.with_block(&place.block, |_| ()).is_some() {
            reveal.wanted.take();
            screen.set_at_end(false);
            screen.mount_around(&place.block);
            reveal.found.set(Some(place.block));
        } else if attachment == Some(AttachmentStatus::Live) {
            self.fetch(&session, &place);
        }
    }

    fn fetch(&self, session: &SessionId, place: &HitPlace) {
        let reveal = &self.0.reveal;
        let Some(driver) = self.driver() else { return };
        if reveal.is_asked.replace(true) {
            return;
        }
        let page = driver.load_page(session, place.opened.next());
        let (this, session, place) = (self.clone(), session.clone(), place.clone());
        spawn(async move {
            let page = page.await;
            let reveal = &this.0.reveal;
            let is_wanted = reveal.wanted.borrow().as_ref().is_some_and(|wanted| *wanted == (session.clone(), place));
            let trouble = match page {
                Ok(page) => {
                    this.take_page(&session, page);
                    // What was found and came is wanted no more.
                    let is_missing = is_wanted && reveal.wanted.borrow().is_some();
                    is_missing.then(|| "What was found is not in the conversation any more.".to_owned())
                }
                Err(reason) => is_wanted.then(|| format!("What was found did not load: {}", as_sentence(&reason))),
            };
            if let Some(trouble) = trouble {
                reveal.wanted.take();
                this.notice(trouble);
            }
        });
    }
}
