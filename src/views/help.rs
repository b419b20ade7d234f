//! Help and settings: the keys, what the words mean, and what a user prefers.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlDialogElement;

use crate::{
    model::{Alerts, Model},
    settings::Theme,
};

use super::{
    attention,
    element::{Has, element},
    part::{button as plain_button, effect, find, happens, part, press, view, words},
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
    let has = vec![
        Has::Is("type", "button"),
        Has::Is("class", "help-button quiet"),
        Has::Is("aria-haspopup", "dialog"),
        Has::Is("aria-label", "Help and settings"),
        Has::Is("title", "Help and settings"),
        Has::Is("data-help", ""),
        Has::on("click", move |_| help.set(true)),
    ];
    element("button", has, vec!["?".into_any()])
}

/// The dialog, over all the rest; the browser keeps the focus in it, and gives it back.
pub(super) fn dialog(model: &Model) -> AnyView {
    let help = model.help();
    let (shown, closed, built) = (help.clone(), help.clone(), help);
    effect(move || {
        let is_shown = shown.get();
        let Some(dialog) = find("dialog").map(|dialog| dialog.unchecked_into::<HtmlDialogElement>()) else { return };
        match (is_shown, dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    let model = model.clone();
    let has = vec![
        Has::Is("class", "help"),
        Has::Is("aria-label", "Help and settings"),
        Has::on("close", move |event| closed.set(event_target::<HtmlDialogElement>(&event).open())),
    ];
    element("dialog", has, vec![part(move || built.get().then(|| content(&model)))])
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
    let labels = ["As the system", "Light", "Dark"];
    let chosen = model.theme().get_untracked();
    let model = model.clone();
    let choose = move |event| {
        if let Some(theme) = Theme::of_word(&event_target_value(&event)) {
            model.choose_theme(theme);
        }
    };
    let choices = Theme::ALL.into_iter().zip(labels).map(|(theme, label)| (theme.word(), label));
    view! {
        <label class="choice">
            <span>"Colours"</span>
            <select data-theme-choice="" on:change=happens(choose)>{options(choices, chosen.word())}</select>
        </label>
    }
}

fn options(choices: impl Iterator<Item = (&'static str, &'static str)>, chosen: &'static str) -> Vec<AnyView> {
    choices.map(|(word, label)| view! { <option value=word.to_owned() selected={word == chosen}>{label.to_owned()}</option> }).collect()
}

fn alerts(model: &Model) -> AnyView {
    let (alerts, model) = (model.alerts(), model.clone());
    let word = if alerts.get_untracked() == Alerts::On { "on" } else { "off" };
    let (value, state) = (alerts.clone(), alerts.clone());
    let explanation = move || match alerts.get() {
        Alerts::Off | Alerts::On => "Shown while this page is hidden, when an agent is done or asks something.",
        Alerts::Denied => "This browser blocks them: allow notifications for this site in its settings, then switch them on here.",
        Alerts::Unsupported => "This browser has none for this page; the number in the title counts all the same.",
    };
    view! {
        <label class="choice">
            <span>"Notifications"</span>
            <select
                data-alerts=words(move || alert_word(state.get()))
                prop:value=words(move || if value.get() == Alerts::On { "on" } else { "off" })
                on:change=happens(move |event| attention::switch(&model, event_target_value(&event) == "on"))
            >
                {options([("off", "Off"), ("on", "On")].into_iter(), word)}
            </select>
        </label>
        <p class="help-note" data-alerts-note="">{words(explanation)}</p>
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
        <p class="choice">{plain_button("", "sign-out", "Sign out", press(move |_| model.sign_out()))}</p>
        <p class="help-note">"Drafts and messages that wait stay in this tab until you sign in again."</p>
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
