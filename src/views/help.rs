//! Help and settings: the keys, what the words mean, and what a user prefers.

use leptos::{html, prelude::*};

use crate::{
    model::{Alerts, Model},
    settings::Theme,
};

use super::{
    attention,
    part::{button as plain_button, effect, happens, part, press, view, word, words},
    shortcuts::SHORTCUTS,
};

/// What the words at a session, a message and the connection mean.
const WORDS: [(&str, &str); 7] = [
    ("Live", "All that the gateway has is here."),
    ("Catching up", "Connected; some of it is still on its way."),
    ("Connecting, Offline", "No connection: the page tries by itself, and what you send waits here."),
    ("running", "The agent is at work; it goes on when you close the page."),
    ("waiting for you", "The agent has asked something."),
    ("Interrupted", "The gateway or the agent stopped in the middle; what was done stays."),
    ("Archived", "Put away; a new message brings it back."),
];

/// What opens it.
pub(super) fn button(model: &Model) -> AnyView {
    let help = model.help();
    view! {
        <button type="button" class="help-button quiet" aria-haspopup="dialog" data-help="" title="Help and settings" on:click=press(move |_| help.set(true))>
            <span aria-hidden="true">"?"</span>
            <span class="unseen">"Help and settings"</span>
        </button>
    }
}

/// The dialog, over all the rest; the browser keeps the focus in it, and gives it back.
pub(super) fn dialog(model: &Model) -> AnyView {
    let (node, help) = (NodeRef::<html::Dialog>::new(), model.help());
    let (shown, closed, built) = (help.clone(), help.clone(), help);
    effect(move || {
        let Some(dialog) = node.get() else { return };
        match (shown.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    let model = model.clone();
    view! {
        <dialog class="help" aria-label="Help and settings" node_ref=node on:close=happens(move |event| closed.set(event_target::<web_sys::HtmlDialogElement>(&event).open()))>
            {part(move || built.get().then(|| content(&model)))}
        </dialog>
    }
}

fn content(model: &Model) -> AnyView {
    let help = model.help();
    let shortcuts: Vec<AnyView> = SHORTCUTS.iter().map(|shortcut| line(shortcut.keys, shortcut.what)).collect();
    let meanings: Vec<AnyView> = WORDS.into_iter().map(|(word, meaning)| line(word, meaning)).collect();
    view! {
        <div class="help-head">
            <h2>"Help and settings"</h2>
            {plain_button("quiet", "close-help", "Close", press(move |_| help.set(false)))}
        </div>
        {colours(model)}
        {alerts(model)}
        {sign_out(model)}
        <h3>"Keys"</h3>
        <dl class="help-keys" data-shortcuts="">{shortcuts}</dl>
        <h3>"Words"</h3>
        <dl>{meanings}</dl>
    }
}

fn line(term: &'static str, meaning: &'static str) -> AnyView {
    view! {
        <dt>{term}</dt>
        <dd>{meaning}</dd>
    }
}

fn colours(model: &Model) -> AnyView {
    let choices = Theme::ALL.map(|theme| {
        let label = match theme {
            Theme::System => "As the system",
            Theme::Light => "Light",
            Theme::Dark => "Dark",
        };
        let (model, is_chosen) = (model.clone(), model.theme().get_untracked() == theme);
        view! {
            <label>
                <input type="radio" name="theme" checked=is_chosen data-theme-choice=theme.word() on:change=happens(move |_| model.choose_theme(theme)) />
                {label}
            </label>
        }
    });
    view! { <fieldset class="choices"><legend>"Colours"</legend>{Vec::from(choices)}</fieldset> }
}

fn alerts(model: &Model) -> AnyView {
    let (alerts, model) = (model.alerts(), model.clone());
    let is_on = alerts.get_untracked() == Alerts::On;
    let explained = alerts.clone();
    let explanation = move || match explained.get() {
        Alerts::Off | Alerts::On => "Shown while this page is hidden, when an agent is done or asks something.",
        Alerts::Denied => "This browser blocks them: allow notifications for this site in its settings, then switch them on here.",
        Alerts::Unsupported => "This browser has none for this page; the number in the title counts all the same.",
    };
    let refused = alerts.clone();
    view! {
        <div class="choices">
            <label>
                <input
                    type="checkbox"
                    checked=is_on
                    prop:checked=super::part::flag(move || alerts.get() == Alerts::On)
                    aria-describedby="alerts-note"
                    data-alerts=word(move || Some(alert_word(refused.get())))
                    on:change=happens(move |event| attention::switch(&model, event_target_checked(&event)))
                />
                "Notifications"
            </label>
            <p id="alerts-note" class="help-note">{words(explanation)}</p>
        </div>
    }
}

const fn alert_word(alerts: Alerts) -> &'static str {
    match alerts {
        Alerts::Off => "off",
        Alerts::On => "on",
        Alerts::Denied => "denied",
        Alerts::Unsupported => "unsupported",
    }
}

fn sign_out(model: &Model) -> AnyView {
    let model = model.clone();
    view! {
        <div class="choices">
            {plain_button("", "sign-out", "Sign out", press(move |_| model.sign_out()))}
            <p class="help-note">"Drafts and messages that wait stay in this tab until you sign in again."</p>
        </div>
    }
}

/// Has the document wear the colours that the user prefers.
pub(super) fn dress(model: &Model) {
    let theme = model.theme();
    effect(move || {
        let Some(root) = document().document_element() else { return };
        let _ = match theme.get() {
            Theme::System => root.remove_attribute("data-theme"),
            Theme::Light | Theme::Dark => root.set_attribute("data-theme", theme.get_untracked().word()),
        };
    });
}
