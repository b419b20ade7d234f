//! What a reader's hands do: keys, fingers, an input method.

use serde_json::json;

use crate::Page;

impl Page {
    /// Presses and releases one key, by its `KeyboardEvent.key`; what has the focus gets it.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn press(&self, key: &str) {
        let code = match key {
            "PageUp" => 33,
            "PageDown" => 34,
            "End" => 35,
            "Home" => 36,
            "ArrowUp" => 38,
            "ArrowDown" => 40,
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            " " => 32,
            other => other.chars().next().map_or(0, |first| u32::from(first.to_ascii_uppercase())),
        };
        let text = match key {
            "Enter" => "\r",
            one if one.chars().count() == 1 => one,
            _ => "",
        };
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        let down = json!({ "type": down, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        self.devtools("Input.dispatchKeyEvent", down).await;
        self.devtools("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code })).await;
    }

    /// Presses Enter as a browser tells of it while an input method composes: the key is the input method's.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn press_enter_in_composition(&self) {
        let key = |kind: &str| json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229 });
        self.devtools("Input.dispatchKeyEvent", key("rawKeyDown")).await;
        self.devtools("Input.dispatchKeyEvent", key("keyUp")).await;
    }

    /// Drags a finger over the transcript, so many pixels down; negative is up.
    ///
    /// # Panics
    /// When there is no transcript.
    pub async fn drag(&self, by: i32) {
        const STEPS: i32 = 8;
        let place = "const box = document.querySelector('[data-transcript]').getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]";
        let (x, y): (f64, f64) = self.run(place).await;
        let touch = |kind: &str, y: Option<f64>| {
            let points: Vec<_> = y.into_iter().map(|y| json!({ "x": x, "y": y })).collect();
            json!({ "type": kind, "touchPoints": points })
        };
        self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": true })).await;
        self.devtools("Input.dispatchTouchEvent", touch("touchStart", Some(y))).await;
        for step in 1..=STEPS {
            let at = y + f64::from(by * step) / f64::from(STEPS);
            self.devtools("Input.dispatchTouchEvent", touch("touchMove", Some(at))).await;
        }
        self.devtools("Input.dispatchTouchEvent", touch("touchEnd", None)).await;
        self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": false })).await;
    }

    /// Has an input method compose a text where the focus is.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn compose(&self, text: &str) {
        let end = text.chars().count();
        self.devtools("Input.imeSetComposition", json!({ "text": text, "selectionStart": end, "selectionEnd": end })).await;
    }

    /// Has the input method put in what it composed.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn compose_done(&self, text: &str) {
        self.devtools("Input.insertText", json!({ "text": text })).await;
    }
}
