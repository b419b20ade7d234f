//! What a user prefers, in all tabs of this browser.

use leptos::prelude::*;

use super::{Driver, Model};
use crate::settings::Theme;

/// Under these names they are kept.
const THEME: &str = "theme";
const ALERTS: &str = "alerts";
const ON: &str = "on";

/// Whether the user is told of what calls while the page is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alerts {
    /// No.
    #[default]
    Off,
    /// Yes.
    On,
    /// It is wanted, and the browser refuses it.
    Denied,
    /// The browser has none.
    Unsupported,
}

/// The user's preferences.
#[derive(Default)]
pub(super) struct Preferences {
    theme: ArcRwSignal<Theme>,
    alerts: ArcRwSignal<Alerts>,
    help: ArcRwSignal<bool>,
}

impl Preferences {
    pub(super) fn restore(&self, driver: &dyn Driver) {
        if let Some(theme) = driver.preference(THEME).and_then(|word| Theme::of_word(&word)) {
            self.theme.set(theme);
        }
        if driver.preference(ALERTS).as_deref() == Some(ON) {
            self.alerts.set(Alerts::On);
        }
    }
}

impl Model {
    /// The colours.
    #[must_use]
    pub fn theme(&self) -> ArcReadSignal<Theme> {
        self.0.preferences.theme.read_only()
    }

    /// What holds unless the user has chosen; call it before [`Model::connect`].
    pub fn set_default_theme(&self, theme: Theme) {
        self.0.preferences.theme.set(theme);
    }

    /// Takes the user's choice of colours, and keeps it.
    pub fn choose_theme(&self, theme: Theme) {
        self.0.preferences.theme.set(theme);
        if let Some(driver) = self.driver() {
            driver.set_preference(THEME, theme.word());
        }
    }

    /// Whether the user is told of what calls.
    #[must_use]
    pub fn alerts(&self) -> ArcReadSignal<Alerts> {
        self.0.preferences.alerts.read_only()
    }

    /// Takes what came of the user's wish to be told, and keeps whether it is granted.
    pub fn set_alerts(&self, alerts: Alerts) {
        self.0.preferences.alerts.set(alerts);
        if let Some(driver) = self.driver() {
            driver.set_preference(ALERTS, if alerts == Alerts::On { ON } else { "" });
        }
    }

    /// Whether help and settings are open.
    #[must_use]
    pub fn help(&self) -> ArcRwSignal<bool> {
        self.0.preferences.help.clone()
    }
}
