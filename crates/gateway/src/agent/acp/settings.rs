//! What an agent can be set to: its modes, its models, its configuration options.

use agent_client_protocol_schema::v1::{SessionConfigKind, SessionConfigOption, SessionConfigSelectOptions, SessionModeState};
use moorline_protocol::{AgentChoice, AgentSetting};
use serde::Deserialize;
use serde_json::{Value, json};

/// The name under which modes are one setting, and models another.
const MODE: &str = "mode";
const MODEL: &str = "model";

/// The settings as told by the answers to `session/new`, `session/load` and the updates behind them.
#[derive(Debug, Default)]
pub(super) struct Settings {
    settings: Vec<Setting>,
}

#[derive(Debug)]
struct Setting {
    how: How,
    shown: AgentSetting,
}

/// How it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Mode,
    Model,
    Select,
    Toggle,
}

/// The part of an opened session that says what can be set; what cannot be read is not there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Offered {
    modes: Option<Value>,
    models: Option<Models>,
    config_options: Option<Vec<Value>>,
}

/// Not in the protocol yet, but two agents of five have no other way to choose a model.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Models {
    current_model_id: String,
    available_models: Vec<Model>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    model_id: String,
    name: String,
}

impl Settings {
    /// Of a session that was opened. Options take the place of the modes and models that they stand for.
    pub(super) fn of(offered: Offered) -> Self {
        let options = offered.config_options.into_iter().flatten().filter_map(|option| serde_json::from_value(option).ok());
        let mut settings = Self { settings: options.filter_map(Setting::of_option).collect() };
        let modes = offered.modes.and_then(|modes| serde_json::from_value::<SessionModeState>(modes).ok());
        if let Some(modes) = modes.filter(|_| !settings.has(MODE)) {
            settings.settings.push(Setting::of_modes(modes));
        }
        if let Some(models) = offered.models.filter(|_| !settings.has(MODEL)) {
            settings.settings.push(Setting::of_models(models));
        }
        settings
    }

    /// All options, anew.
    pub(super) fn replace_options(&mut self, options: Vec<SessionConfigOption>) {
        self.settings.retain(|setting| matches!(setting.how, How::Mode | How::Model));
        for setting in options.into_iter().filter_map(Setting::of_option) {
            self.settings.retain(|held| held.shown.id != setting.shown.id);
            self.settings.push(setting);
        }
    }

    /// The agent has changed its mode, or did as it was told.
    pub(super) fn choose(&mut self, id: &str, value: &str) {
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.shown.id == id) {
            value.clone_into(&mut setting.shown.value);
        }
    }

    pub(super) fn mode_is(&mut self, mode: &str) {
        self.choose(MODE, mode);
    }

    /// As they are shown.
    pub(super) fn shown(&self) -> Vec<AgentSetting> {
        self.settings.iter().map(|setting| setting.shown.clone()).collect()
    }

    /// The request that sets one; none when there is no such value of it.
    pub(super) fn request(&self, session: &str, id: &str, value: &str) -> Option<(&'static str, Value)> {
        let setting = self.settings.iter().find(|setting| setting.shown.id == id)?;
        setting.shown.choices.iter().find(|choice| choice.value == value)?;
        Some(match setting.how {
            How::Mode => ("session/set_mode", json!({"sessionId": session, "modeId": value})),
            How::Model => ("session/set_model", json!({"sessionId": session, "modelId": value})),
            How::Select => ("session/set_config_option", json!({"sessionId": session, "configId": id, "value": value})),
            How::Toggle => {
                let value = value == "true";
                ("session/set_config_option", json!({"sessionId": session, "configId": id, "type": "boolean", "value": value}))
            }
        })
    }

    fn has(&self, id: &str) -> bool {
        self.settings.iter().any(|setting| setting.shown.id == id)
    }
}

impl Setting {
    fn of_modes(modes: SessionModeState) -> Self {
        let choices = modes.available_modes.into_iter().map(|mode| choice(mode.id.0.to_string(), mode.name)).collect();
        let shown = AgentSetting { id: MODE.into(), name: "Mode".into(), value: modes.current_mode_id.0.to_string(), choices };
        Self { how: How::Mode, shown }
    }

    fn of_models(models: Models) -> Self {
        let choices = models.available_models.into_iter().map(|model| choice(model.model_id, model.name)).collect();
        let shown = AgentSetting { id: MODEL.into(), name: "Model".into(), value: models.current_model_id, choices };
        Self { how: How::Model, shown }
    }

    /// None of a kind that is not known.
    fn of_option(option: SessionConfigOption) -> Option<Self> {
        let (id, name) = (option.id.0.to_string(), option.name);
        let (how, value, choices) = match option.kind {
            SessionConfigKind::Select(select) => {
                let options = match select.options {
                    SessionConfigSelectOptions::Ungrouped(options) => options,
                    SessionConfigSelectOptions::Grouped(groups) => groups.into_iter().flat_map(|group| group.options).collect(),
                    _ => return None,
                };
                let choices = options.into_iter().map(|option| choice(option.value.0.to_string(), option.name)).collect();
                (How::Select, select.current_value.0.to_string(), choices)
            }
            SessionConfigKind::Boolean(toggle) => {
                let choices = vec![choice("true".to_owned(), "On".to_owned()), choice("false".to_owned(), "Off".to_owned())];
                (How::Toggle, toggle.current_value.to_string(), choices)
            }
            _ => return None,
        };
        Some(Self { how, shown: AgentSetting { id, name, value, choices } })
    }
}

fn choice(value: String, name: String) -> AgentChoice {
    AgentChoice { value, name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(offered: Value) -> Settings {
        Settings::of(serde_json::from_value(offered).unwrap())
    }

    fn modes() -> Value {
        json!({"currentModeId": "ask", "availableModes": [{"id": "ask", "name": "Ask"}, {"id": "plan", "name": "Plan"}]})
    }

    #[test]
    fn modes_and_models_are_settings_where_no_option_stands_for_them() {
        let models = json!({"currentModelId": "a", "availableModels": [{"modelId": "a", "name": "A"}]});
        let mut settings = offered(json!({"modes": modes(), "models": models}));
        assert_eq!(
            settings.shown().iter().map(|setting| (setting.id.as_str(), setting.value.as_str())).collect::<Vec<_>>(),
            [("mode", "ask"), ("model", "a")]
        );
        let (method, params) = settings.request("s", "mode", "plan").unwrap();
        assert_eq!((method, params), ("session/set_mode", json!({"sessionId": "s", "modeId": "plan"})));
        assert_eq!(settings.request("s", "mode", "fly"), None, "there is no such mode");
        settings.mode_is("plan");
        assert_eq!(settings.shown()[0].value, "plan");
    }

    #[test]
    fn options_take_the_place_of_the_modes_they_stand_for() {
        let options = json!([
            {"id": "mode", "name": "Mode", "type": "select", "currentValue": "x", "options": [{"value": "x", "name": "X"}]},
            {"id": "web", "name": "Web", "type": "boolean", "currentValue": true},
            {"id": "odd", "name": "Odd", "type": "slider", "currentValue": 3},
        ]);
        let settings = offered(json!({"modes": modes(), "configOptions": options}));
        let shown = settings.shown();
        assert_eq!(shown.iter().map(|setting| setting.id.as_str()).collect::<Vec<_>>(), ["mode", "web"]);
        let (method, params) = settings.request("s", "web", "false").unwrap();
        assert_eq!(method, "session/set_config_option");
        assert_eq!(params, json!({"sessionId": "s", "configId": "web", "type": "boolean", "value": false}));
    }
}
