//! The user's eye: whether it can see the page, the number in the title, and notifications while it cannot.

use std::rc::Rc;

use js_sys::Reflect;
use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission, VisibilityState};

use crate::{
    model::{Alerts, Call, Model, Reason},
    task::spawn,
};

use super::part::effect;

/// Follows both for as long as the page is there.
pub(super) fn attend(model: &Model) {
    let looks = model.clone();
    let look = move || looks.set_hidden(document().visibility_state() == VisibilityState::Hidden);
    look();
    // It bubbles from the document.
    let listener = window_event_listener_untyped("visibilitychange", move |_| look());
    count_in_title(model);
    if model.alerts().get_untracked() == Alerts::On {
        // What was granted once may have been taken back since.
        let alerts = granted();
        if alerts != Alerts::On {
            model.set_alerts(alerts);
        }
    }
    let caller = model.clone();
    model.set_caller(Some(Rc::new(move |call| {
        if caller.alerts().get_untracked() == Alerts::On {
            // A browser that lets only service workers show one refuses; the title counts all the same.
            let _ = tell(&caller, call);
        }
    })));
    let model = model.clone();
    on_cleanup(move || {
        listener.remove();
        model.set_caller(None);
    });
}

/// Stands the number before the title that the page has without one.
fn count_in_title(model: &Model) {
    let (calling, title) = (model.calling(), document().title());
    let bare = title.clone();
    effect(move || {
        let title = match calling.get() {
            0 => title.clone(),
            count => format!("({count}) {title}"),
        };
        document().set_title(&title);
    });
    on_cleanup(move || document().set_title(&bare));
}

/// One session has one notification at a time, in all tabs.
fn tell(model: &Model, call: &Call) -> Result<(), JsValue> {
    let options = NotificationOptions::new();
    options.set_tag(&format!("moorline.{}", call.session));
    options.set_body(match call.reason {
        Reason::Asks => "The agent waits for your answer.",
        Reason::Ended => "The agent is done.",
    });
    let title = if call.title.is_empty() { "Moorline" } else { &call.title };
    let notification = Notification::new_with_options(title, &options)?;
    let (model, session, shown) = (model.clone(), call.session.clone(), notification.clone());
    let open = Closure::once_into_js(move || {
        if let Some(window) = web_sys::window() {
            let _ = window.focus();
        }
        model.select(&session);
        shown.close();
    });
    notification.set_onclick(Some(open.unchecked_ref()));
    Ok(())
}

/// Switches notifications on, asking the browser first, or off.
pub(super) fn switch(model: &Model, on: bool) {
    if !on {
        return model.set_alerts(Alerts::Off);
    }
    if granted() != Alerts::Off {
        return model.set_alerts(granted());
    }
    let model = model.clone();
    spawn(async move {
        if let Ok(asked) = Notification::request_permission() {
            let _ = JsFuture::from(asked).await;
        }
        let answer = granted();
        // Not answered is no for now.
        model.set_alerts(if answer == Alerts::Off { Alerts::Denied } else { answer });
    });
}

/// What the browser allows; off: nobody has asked it yet.
fn granted() -> Alerts {
    if !Reflect::has(&js_sys::global(), &"Notification".into()).unwrap_or(false) {
        return Alerts::Unsupported;
    }
    let permission = Notification::permission();
    if permission == NotificationPermission::Granted {
        Alerts::On
    } else if permission == NotificationPermission::Denied {
        Alerts::Denied
    } else {
        Alerts::Off
    }
}
