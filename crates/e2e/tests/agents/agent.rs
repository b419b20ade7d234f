//! The agents, and what each needs to find the scripted model.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use moorline_e2e::ScriptedModel;
use serde_json::json;

/// One of the gateway's presets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    Qwen,
    Gemini,
    Claude,
    OpenCode,
}

impl Agent {
    /// What `--agent` calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Qwen => "qwen",
            Self::Gemini => "gemini",
            Self::Claude => "claude",
            Self::OpenCode => "opencode",
        }
    }

    const fn program(self) -> &'static str {
        match self {
            Self::Claude => "claude-agent-acp",
            Self::Qwen | Self::Gemini | Self::OpenCode => self.name(),
        }
    }

    /// Makes sure that the gateway will find it.
    ///
    /// # Panics
    /// When it is not on the PATH, with the command that gets it.
    pub(crate) fn expect_on_path(self) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_there = std::env::split_paths(&path).any(|folder| folder.join(self.program()).is_file());
        assert!(is_there, "{} is not on the PATH: run `cargo xtask test agents {}`, which gets it", self.program(), self.name());
    }

    /// Writes the settings that cannot be told in variables, and answers the gateway's environment: nothing of the person who
    /// runs the tests is read or written.
    pub(crate) fn settle_in(self, home: &Path, model: &ScriptedModel) -> Vec<(OsString, OsString)> {
        for (path, text) in self.settings(model) {
            let path = home.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the agent's settings have a folder");
            fs::write(path, text).expect("the agent's settings can be written");
        }
        let folders = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"].map(|name| {
            let folder = home.join(name.trim_start_matches("XDG_").trim_end_matches("_HOME").to_lowercase());
            (name, folder)
        });
        let folders = folders.into_iter().chain([("HOME", home.to_owned())]);
        let model = model.environment().into_iter().map(|(name, value)| (name, PathBuf::from(value)));
        folders.chain(model).map(|(name, value)| (OsString::from(name), value.into_os_string())).collect()
    }

    /// Files in its home.
    fn settings(self, model: &ScriptedModel) -> Vec<(&'static str, String)> {
        let url = format!("http://{}/v1", model.address());
        match self {
            Self::Qwen | Self::Gemini | Self::Claude => Vec::new(),
            Self::OpenCode => {
                let provider = json!({
                    "npm": "@ai-sdk/openai-compatible", "options": { "baseURL": url, "apiKey": "scripted" }, "models": { "scripted": {} },
                });
                let settings = json!({
                    "model": "scripted/scripted", "small_model": "scripted/scripted", "autoupdate": false, "share": "disabled",
                    "permission": { "edit": "ask", "bash": "ask" }, "provider": { "scripted": provider },
                });
                vec![("config/opencode/opencode.json", settings.to_string())]
            }
        }
    }
}
