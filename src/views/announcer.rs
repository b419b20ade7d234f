//! What screen readers are told: one polite region for the status, one assertive region for requests.

use std::{
    cell::{Cell, RefCell},
    mem,
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use moorline_protocol::{AgentState, MessageId, TurnId, TurnState};
use send_wrapper::SendWrapper;

use crate::model::{Content, Entry, Model, Screen, Status, as_sentence};

use super::{
    composer::refused,
    connection::{sentence, trouble_sentence},
    part::{effect, view, words},
};
use crate::timer::after;

/// Announcements of one region are at least this far apart; of several on one matter in between the last one counts.
const APART_MS: u32 = 450;

/// What has become of what the reader did, each time it is set.
pub(super) type Aloud = ArcRwSignal<&'static str>;

pub(super) fn announcer(model: &Model, aloud: &Aloud) -> AnyView {
    let (polite, assertive) = (Region::new(), Region::new());
    let (said, trouble, notices, refusal) = (model.said(), model.trouble(), model.notices().shown(), model.refusal());
    let say = polite.clone();
    let mut is_first = true;
    effect(move || {
        let words = notices.with(|notices| notices.last().map(|notice| notice.text.clone()));
        let standing = trouble.get().map_or_else(|| sentence(said.get().status), trouble_sentence);
        if !mem::replace(&mut is_first, false) {
            say.say(Matter::Page, words.unwrap_or_else(|| standing.to_owned()));
        }
    });
    let say = polite.clone();
    effect(move || {
        if let Some(reason) = refusal.get() {
            say.say(Matter::Page, refused(reason).1.to_owned());
        }
    });
    let (say, aloud) = (polite.clone(), aloud.clone());
    effect(move || {
        let words = aloud.get();
        if !words.is_empty() {
            say.say(Matter::Act, words.to_owned());
        }
    });
    follow_turns(model, polite.clone());
    let say = assertive.clone();
    let screen = model.screen();
    effect(move || say.say(Matter::Page, screen.get().and_then(|screen| asked(&screen)).unwrap_or_default()));
    let (polite, assertive) = (polite.words(), assertive.words());
    view! {
        <p class="unseen" role="status" aria-live="polite">{words(move || polite.get())}</p>
        <p class="unseen" role="alert" aria-live="assertive">{words(move || assertive.get())}</p>
    }
}

/// Says when the agent begins, when it has finished, and when it is down: nobody hears the text of a turn by itself.
fn follow_turns(model: &Model, say: Region) {
    let (screen, status) = (model.screen(), model.status());
    let mut last: Option<(Screen, Stand)> = None;
    effect(move || {
        let Some(screen) = screen.get() else { return };
        let now = Stand::of(&screen, status.get() == Status::Live);
        let before = last.take().filter(|(held, _)| held.session() == screen.session()).map(|(_, stand)| stand);
        // What there was when the session came on screen is read there.
        if let Some(before) = before.filter(|before| *before != now)
            && let Some(words) = now.since(&before, &screen)
        {
            say.say(Matter::Turn, words);
        }
        last = Some((screen, now));
    });
}

/// What is at work, what is over, and why nothing can be.
#[derive(PartialEq, Eq)]
struct Stand {
    is_live: bool,
    /// What was sent from here and is not in the transcript.
    sent: Vec<MessageId>,
    turn: Option<TurnId>,
    over: Option<TurnId>,
    down: Option<String>,
}

impl Stand {
    fn of(screen: &Screen, is_live: bool) -> Self {
        let turn = screen.standing().with(|standing| standing.running.as_ref().map(|running| running.turn.clone()));
        let down = screen.agent().with(|told| {
            let (agent, _) = told.as_ref().filter(|(agent, _)| agent.state == AgentState::Down)?;
            Some(agent.reason.as_deref().map(as_sentence).unwrap_or_default())
        });
        Self { is_live, sent: screen.echoes().get(), turn, over: newest_over(screen), down }
    }

    fn awaits(&self, turn: &TurnId) -> bool {
        self.is_live || self.sent.contains(turn)
    }

    /// What has become of it, in words.
    fn since(&self, before: &Self, screen: &Screen) -> Option<String> {
        if let Some(reason) = &self.down {
            return Some("The agent is down. ".to_owned() + reason);
        }
        let words = match (&before.turn, &self.turn) {
            // A turn may be over before anybody saw it at work. What a replay brings was over before.
            (None, None) => match &self.over {
                Some(over) if before.over.as_ref() != Some(over) && before.awaits(over) => ended(screen, over),
                _ => return None,
            },
            (Some(before), None) => ended(screen, before),
            (Some(before), Some(now)) if before == now => return None,
            (_, Some(_)) => "The agent is working.",
        };
        Some(words.to_owned())
    }
}

/// The newest turn on screen that is over.
fn newest_over(screen: &Screen) -> Option<TurnId> {
    screen.entries().with(|entries| {
        entries.iter().rev().find_map(|entry| {
            let Entry::Turn(id) = entry else { return None };
            screen.turn(id).filter(|row| is_over(row.state.get())).map(|_| id.clone())
        })
    })
}

const fn is_over(state: TurnState) -> bool {
    match state {
        TurnState::Completed | TurnState::Failed | TurnState::Cancelled | TurnState::Interrupted => true,
        TurnState::Queued | TurnState::Running | TurnState::Stopping | TurnState::Withdrawn => false,
    }
}

fn ended(screen: &Screen, turn: &TurnId) -> &'static str {
    match screen.turn(turn).map(|row| row.state.get_untracked()) {
        Some(TurnState::Failed) => "The turn failed.",
        Some(TurnState::Cancelled) => "The agent has stopped.",
        Some(TurnState::Interrupted) => "The turn was interrupted.",
        Some(TurnState::Completed | TurnState::Queued | TurnState::Running | TurnState::Stopping | TurnState::Withdrawn) | None => {
            "The agent has finished."
        }
    }
}

/// The oldest open request in words.
fn asked(screen: &Screen) -> Option<String> {
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

/// What words are about. Those on one matter never take the place of those on another.
#[derive(Clone, Copy)]
enum Matter {
    /// What has become of the agent and its turn.
    Turn,
    /// How the page stands, what it has to tell, and what the agent asks.
    Page,
    /// What has become of what the reader did.
    Act,
}

#[derive(Clone)]
struct Region(SendWrapper<Rc<Pending>>);

struct Pending {
    words: ArcRwSignal<String>,
    /// What is to be said next, by its matter.
    next: RefCell<[Option<String>; 3]>,
    timer: Cell<Option<Timeout>>,
}

impl Region {
    fn new() -> Self {
        let pending = Pending { words: ArcRwSignal::default(), next: RefCell::default(), timer: Cell::default() };
        Self(SendWrapper::new(Rc::new(pending)))
    }

    fn words(&self) -> ArcRwSignal<String> {
        self.0.words.clone()
    }

    fn say(&self, matter: Matter, words: String) {
        self.0.next.borrow_mut()[matter as usize] = Some(words);
        let this = Rc::downgrade(&self.0);
        let timer = after(APART_MS, move || {
            if let Some(this) = this.upgrade() {
                this.speak();
            }
        });
        self.0.timer.set(Some(timer));
    }
}

impl Pending {
    fn speak(&self) {
        let [turn, page, act] = self.next.take();
        // A reader hears only what changes: that of another turn or act may be in the same words, and a space more is a change.
        let is_anew = turn.is_some() || act.is_some();
        let mut words = [turn, page, act].into_iter().flatten().collect::<Vec<String>>().join(" ");
        if self.words.with_untracked(|said| *said == words) {
            if !is_anew {
                return;
            }
            words.push('\u{a0}');
        }
        self.words.set(words);
    }
}
