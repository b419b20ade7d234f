//! What screen readers are told: one polite region for the status, one assertive region for requests.

use std::{cell::RefCell, mem, rc::Rc};

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use crate::model::{Content, Model};

use super::{
    composer::refused,
    connection::{sentence, trouble_sentence},
    part::{effect, view, words},
};
use crate::timer::after;

/// Announcements of one region are at least this far apart; of several in between the last one counts.
const APART_MS: u32 = 450;

pub(super) fn announcer(model: &Model) -> AnyView {
    let (polite, assertive) = (Region::new(), Region::new());
    let (said, trouble, notices, refusal) = (model.said(), model.trouble(), model.notices().shown(), model.refusal());
    let say = polite.clone();
    let mut is_first = true;
    effect(move || {
        let words = notices.with(|notices| notices.last().map(|notice| notice.text.clone()));
        let standing = trouble.get().map_or_else(|| sentence(said.get().status), trouble_sentence);
        if !mem::replace(&mut is_first, false) {
            say.say(words.unwrap_or_else(|| standing.to_owned()));
        }
    });
    let say = polite.clone();
    effect(move || {
        if let Some(reason) = refusal.get() {
            say.say(refused(reason).1.to_owned());
        }
    });
    let (model, say) = (model.clone(), assertive.clone());
    let screen = model.screen();
    effect(move || say.say(screen.get().and_then(|screen| asked(&screen)).unwrap_or_default()));
    view! {
        <p class="unseen" role="status" aria-live="polite">{words(move || polite.words.get())}</p>
        <p class="unseen" role="alert" aria-live="assertive">{words(move || assertive.words.get())}</p>
    }
}

/// The oldest open request in words.
fn asked(screen: &crate::model::Screen) -> Option<String> {
    let request = screen.standing().with(|standing| standing.waiting.first().cloned())?;
    screen.entries().track();
    let row = screen.block(&request)?;
    match &row.content {
        Content::Request { title, .. } => Some(format!("The agent asks: {}", title.get())),
        Content::Message | Content::Text | Content::Thought | Content::Tool { .. } | Content::Plan { .. } | Content::Unsupported { .. } => {
            None
        }
    }
}

#[derive(Clone)]
struct Region {
    words: ArcRwSignal<String>,
    timer: SendWrapper<Rc<RefCell<Option<Timeout>>>>,
}

impl Region {
    fn new() -> Self {
        Self { words: ArcRwSignal::default(), timer: SendWrapper::new(Rc::default()) }
    }

    fn say(&self, words: String) {
        let signal = self.words.clone();
        let timer = after(APART_MS, move || {
            if signal.with_untracked(|said| *said != words) {
                signal.set(words);
            }
        });
        self.timer.replace(Some(timer));
    }
}
