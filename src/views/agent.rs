//! The agent at the other end: whether it runs, what it is set to, what it can be asked for.

use leptos::prelude::*;
use moorline_protocol::{AgentSetting, AgentState, AgentStatus, Context, Millis};

use crate::model::{Model, Screen, as_sentence};

use super::{
    countdown::countdown,
    disclosure::disclosure,
    part::{button, happens, memo, part, press, view, words},
};

/// Commands that are offered at once.
const OFFERED: usize = 6;

/// A line above the composer: the agent's name and state, with its settings behind it; and when it is down, why.
///
/// Each part changes for itself: what the reader has opened stays open while the agent goes on telling.
pub(super) fn agent(model: &Model, screen: &Screen) -> AnyView {
    let (model, told) = (model.clone(), screen.agent());
    let name = of(&told, |agent| agent.name.clone());
    part(move || {
        let name = name.get()?;
        let (state, settings) = (of(&told, |agent| agent.state), of(&told, |agent| agent.settings.clone()));
        let (context, chosen_ones) = (of(&told, |agent| agent.context), settings.clone());
        let state_label = state.clone();
        let head = view! {
            <span class="agent-name" data-agent-name="">{name}</span>
            <span class="agent-state">{words(move || state_label.get().map_or("", label))}</span>
            {part(move || chosen_ones.get().unwrap_or_default().iter().map(chosen).collect::<Vec<_>>())}
            {part(move || context.get().flatten().map(full))}
        };
        let down = down(&model, &told);
        let model = model.clone();
        let body = move || {
            let (settings, setting) = (settings.clone(), model.clone());
            view! {
                <div class="agent-settings">
                    {part(move || settings.get().unwrap_or_default().iter().map(|held| choose(&setting, held)).collect::<Vec<_>>())}
                    {restart(&model, "Restart agent")}
                </div>
            }
        };
        Some(view! {
            {down}
            <div class="agent" data-agent-state=words(move || state.get().map_or("", word))>{disclosure(head, body)}</div>
        })
    })
}

type Told = ArcReadSignal<Option<(AgentStatus, Millis)>>;

fn of<T: PartialEq + Send + Sync + 'static>(told: &Told, read: fn(&AgentStatus) -> T) -> ArcMemo<Option<T>> {
    let told = told.clone();
    memo(move || told.with(|told| told.as_ref().map(|(agent, _)| read(agent))))
}

/// Why there is no agent, or what else is to be known of it.
fn down(model: &Model, told: &Told) -> AnyView {
    let (model, told) = (model.clone(), told.clone());
    let why = memo(move || {
        told.with(|told| {
            let (agent, at) = told.as_ref()?;
            Some((agent.state, agent.reason.clone()?, agent.retry_ms.map(|wait| *at + wait)))
        })
    });
    part(move || {
        let (state, reason, again) = why.get()?;
        let reason = as_sentence(&reason);
        if state != AgentState::Down {
            return Some(view! { <p class="agent-note" data-agent-note="">{reason}</p> });
        }
        let again = again.map(|again| view! { <p>"It starts again in " {countdown(&model, again)} "."</p> });
        Some(view! {
            <div class="agent-down" data-agent-down="">
                <p><strong>"The agent is down."</strong>" " {reason}</p>
                {again}
                {restart(&model, "Restart now")}
            </div>
        })
    })
}

fn restart(model: &Model, label: &'static str) -> AnyView {
    let model = model.clone();
    button("small", "restart-agent", label, press(move |_| model.restart_agent()))
}

fn chosen(setting: &AgentSetting) -> AnyView {
    let name = setting.choices.iter().find(|choice| choice.value == setting.value).map(|choice| choice.name.clone());
    view! { <span class="agent-chosen">{name.unwrap_or_else(|| setting.value.clone())}</span> }
}

fn full(context: Context) -> AnyView {
    let percent = (context.used.saturating_mul(100)).checked_div(context.size).unwrap_or_default().min(100);
    view! { <span class="agent-context" data-agent-context="">{format!("context {percent} % full")}</span> }
}

fn choose(model: &Model, setting: &AgentSetting) -> AnyView {
    let (model, id) = (model.clone(), setting.id.clone());
    let options = setting.choices.iter().map(|choice| {
        view! { <option value=choice.value.clone() selected={choice.value == setting.value}>{choice.name.clone()}</option> }
    });
    let options: Vec<AnyView> = options.collect();
    view! {
        <label>
            <span>{setting.name.clone()}</span>
            <select data-agent-setting=setting.id.clone() on:change=happens(move |event| model.set_agent(id.clone(), event_target_value(&event)))>
                {options}
            </select>
        </label>
    }
}

/// The agent's commands, as long as what is typed may become one of them.
pub(super) fn commands(model: &Model, screen: &Screen) -> AnyView {
    let (model, told, draft) = (model.clone(), screen.agent(), model.draft().unwrap_or_default());
    part(move || {
        let typed = draft.get();
        let typed = typed.strip_prefix('/').filter(|typed| !typed.contains(char::is_whitespace))?.to_owned();
        let (agent, _) = told.get()?;
        let fitting = agent.commands.into_iter().filter(|command| command.name.starts_with(&typed) && command.name != typed);
        let lines: Vec<AnyView> = fitting
            .take(OFFERED)
            .map(|command| {
                let (model, text) = (model.clone(), format!("/{} ", command.name));
                view! {
                    <li>
                        <button type="button" class="command" data-command=command.name.clone() on:click=press(move |_| model.set_draft(text.clone()))>
                            <code>"/"{command.name.clone()}</code>
                            <span>{command.description.clone()}</span>
                        </button>
                    </li>
                }
            })
            .collect();
        (!lines.is_empty()).then(|| view! { <ul class="commands" aria-label="Commands of the agent">{lines}</ul> })
    })
}

const fn word(state: AgentState) -> &'static str {
    match state {
        AgentState::Resting => "resting",
        AgentState::Starting => "starting",
        AgentState::Ready => "ready",
        AgentState::Down => "down",
    }
}

const fn label(state: AgentState) -> &'static str {
    match state {
        AgentState::Resting => "starts with the next message",
        AgentState::Starting => "starting…",
        AgentState::Ready => "ready",
        AgentState::Down => "down",
    }
}
