//! One window of the browser with a page in it.

mod hands;
mod life;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use fantoccini::{
    Locator,
    elements::Element,
    error::CmdError,
    wd::{WebDriverCompatibleCommand, WindowHandle},
};
use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{browser::Session, within};

/// What is waited for when a caller names no deadline of its own: elements that are there unless something is broken.
const PRESENT: Duration = Duration::from_secs(20);
/// Beyond a condition's own deadline, until the browser itself is given up.
const GRACE: Duration = Duration::from_secs(10);

/// The colours that a reader prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// A window with a page. All methods panic with one sentence when the browser fails or a deadline passes.
#[derive(Debug)]
pub struct Page {
    session: Arc<Session>,
    window: WindowHandle,
}

impl Page {
    pub(crate) fn new(session: Arc<Session>, window: WindowHandle) -> Self {
        Self { session, window }
    }

    /// Loads a document, also when only the fragment differs from what is shown.
    ///
    /// # Panics
    /// When it does not load.
    pub async fn open(&self, url: &str) {
        let _current = self.session.switch_to(&self.window).await;
        self.session.client.goto("about:blank").await.expect("an empty page opens");
        if let Err(error) = self.session.client.goto(url).await {
            panic!("{url} does not open: {error}");
        }
    }

    /// Loads the document again, as a reader's reload does.
    ///
    /// # Panics
    /// When it does not load.
    pub async fn reload(&self) {
        let _current = self.session.switch_to(&self.window).await;
        self.session.client.refresh().await.expect("the page reloads");
    }

    /// Opens a tab in the same browser; it shares cookies and local storage, not session storage.
    pub async fn new_tab(&self) -> Self {
        let window = self.session.new_window(true).await;
        Self::new(Arc::clone(&self.session), window)
    }

    /// Opens a window in the same browser. Unlike a tab beside another, both are visible.
    pub async fn new_window(&self) -> Self {
        let window = self.session.new_window(false).await;
        Self::new(Arc::clone(&self.session), window)
    }

    /// The address shown.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn url(&self) -> String {
        let _current = self.session.switch_to(&self.window).await;
        self.session.client.current_url().await.expect("the page's address").to_string()
    }

    /// Runs the body of a function and reads what it returns.
    ///
    /// # Panics
    /// When it throws, or returns something else than was asked for.
    pub async fn run<T: DeserializeOwned>(&self, body: &str) -> T {
        let _current = self.session.switch_to(&self.window).await;
        let value = match self.session.client.execute(body, Vec::new()).await {
            Ok(value) => value,
            Err(error) => panic!("the script {body:?} failed: {error}"),
        };
        match serde_json::from_value(value) {
            Ok(value) => value,
            Err(error) => panic!("the script {body:?} returned something unexpected: {error}"),
        }
    }

    /// Runs the body of a function that calls its last argument with its answer.
    ///
    /// # Panics
    /// When it throws.
    pub(crate) async fn run_async(&self, body: &str) -> Value {
        let _current = self.session.switch_to(&self.window).await;
        match within("a script of the harness", PRESENT, self.session.client.execute_async(body, Vec::new())).await {
            Ok(value) => value,
            Err(error) => panic!("the script {body:?} failed: {error}"),
        }
    }

    /// Waits until a JavaScript expression holds. It is looked at when the document changes, and never on a timer.
    ///
    /// # Panics
    /// When the deadline passes, with what the page shows.
    pub async fn wait_for(&self, what: &str, expression: &str, deadline: Duration) {
        let ends = Instant::now() + deadline;
        loop {
            let left = ends.saturating_duration_since(Instant::now());
            match within(what, left + GRACE, self.condition(expression, left)).await {
                Ok(reason) if reason.is_empty() => return,
                Ok(reason) => {
                    let shown = self.description().await;
                    panic!("waited {deadline:?} for {what} (`{expression}`: {reason}); the page shows\n{shown}");
                }
                // The document was replaced while it was watched: watch the next one.
                Err(error) if left > Duration::ZERO && is_navigation(&error) => {}
                Err(error) => panic!("waiting for {what} (`{expression}`) failed: {error}"),
            }
        }
    }

    /// Whether a JavaScript expression holds now.
    pub async fn holds(&self, expression: &str) -> bool {
        self.run(&format!("return Boolean({expression})")).await
    }

    async fn condition(&self, expression: &str, deadline: Duration) -> Result<String, CmdError> {
        let script = CONDITION.replace("EXPRESSION", expression);
        let _current = self.session.switch_to(&self.window).await;
        let deadline = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let answer = self.session.client.execute_async(&script, vec![json!(deadline)]).await?;
        Ok(answer.as_str().unwrap_or("no answer").to_owned())
    }

    /// Clicks the first element that matches, once there is one.
    ///
    /// # Panics
    /// When there is none, or it cannot be clicked.
    pub async fn click(&self, selector: &str) {
        let found = format!("document.querySelector({})", json!(selector));
        self.wait_for(&format!("{selector} to click"), &format!("{found} && !{found}.disabled"), PRESENT).await;
        let element = self.element(selector).await;
        let _current = self.session.switch_to(&self.window).await;
        if let Err(error) = element.click().await {
            panic!("{selector} cannot be clicked: {error}");
        }
    }

    /// Dismisses every notice, which may lie over what is to be clicked.
    ///
    /// # Panics
    /// When one cannot be dismissed.
    pub async fn dismiss_notices(&self) {
        while self.holds("document.querySelector('[data-notice]')").await {
            self.click("[data-notice] button").await;
        }
    }

    /// Types into the composer, key by key, behind what stands there.
    ///
    /// # Panics
    /// When there is no composer.
    pub async fn type_text(&self, text: &str) {
        self.wait_for("the composer", "document.querySelector('textarea[data-composer]:not(:disabled)')", PRESENT).await;
        let composer = self.element("textarea[data-composer]").await;
        let _current = self.session.switch_to(&self.window).await;
        if let Err(error) = composer.send_keys(text).await {
            panic!("the composer takes no text: {error}");
        }
    }

    /// Types a message and presses the send button.
    ///
    /// # Panics
    /// When there is no composer or no button.
    pub async fn send(&self, text: &str) {
        self.type_text(text).await;
        self.click("button[data-send]").await;
    }

    async fn element(&self, selector: &str) -> Element {
        let _current = self.session.switch_to(&self.window).await;
        match self.session.client.find(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => panic!("the page has no {selector}: {error}"),
        }
    }

    /// Everything the page wrote to the console as an error since this was last asked.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn console_errors(&self) -> Vec<String> {
        let _current = self.session.switch_to(&self.window).await;
        let entries = self.session.client.issue_cmd(ConsoleLog).await.expect("the browser's log");
        let errors = entries.as_array().into_iter().flatten().filter(|entry| entry["level"] == "SEVERE");
        errors.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The console errors since this was last asked that are the page's fault: a browser also reports every lost connection.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn crashes(&self) -> Vec<String> {
        let of_network = ["WebSocket connection to", "Failed to load resource", "net::ERR_"];
        let errors = self.console_errors().await.into_iter();
        errors.filter(|error| !of_network.iter().any(|words| error.contains(words))).collect()
    }

    /// Sets the window's inner size, in CSS pixels, and the colours preferred.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn look(&self, width: u32, height: u32, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Writes a PNG of what is shown at a size and in a colour scheme, once fonts are there and nothing moves any more.
    ///
    /// # Panics
    /// When the browser fails or the file cannot be written.
    pub async fn screenshot(&self, path: &Path, width: u32, height: u32, scheme: Scheme) {
        self.look(width, height, scheme).await;
        self.run_async(DRAWN).await;
        let image = {
            let _current = self.session.switch_to(&self.window).await;
            self.session.client.screenshot().await.expect("a screenshot")
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("the folder of the screenshot");
        }
        std::fs::write(path, image).expect("the screenshot's file");
    }

    /// Sends one command of the DevTools protocol.
    ///
    /// # Panics
    /// When the browser refuses it.
    pub async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        let _current = self.session.switch_to(&self.window).await;
        match self.session.client.issue_cmd(DevTools { command, parameters }).await {
            Ok(answer) => answer,
            Err(error) => panic!("the browser refuses {command}: {error}"),
        }
    }

    /// Closes the window.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn close(self) {
        let _current = self.session.switch_to(&self.window).await;
        self.session.client.close_window().await.expect("the window closes");
    }

    async fn description(&self) -> String {
        let shown: String = self.run(DESCRIPTION).await;
        let errors = self.console_errors().await.join("\n");
        format!("{shown}\nconsole errors:\n{errors}")
    }
}

/// Whether a script was cut off by the document's end, which the driver calls a timeout or an error of the script.
fn is_navigation(error: &CmdError) -> bool {
    error.is_script_timeout() || (error.is_javascript_error() && error.to_string().contains("unloaded"))
}

/// Answers "" once the expression holds, else why not.
const CONDITION: &str = r#"
const [deadline, done] = arguments;
let reason = "it never held";
const holds = () => {
  try { return Boolean(EXPRESSION); } catch (error) { reason = String(error); return false; }
};
const events = ["readystatechange", "input", "change", "visibilitychange"];
const windowEvents = ["load", "hashchange", "popstate", "online", "offline", "pageshow"];
const finish = (answer) => {
  watch.disconnect();
  clearTimeout(timer);
  for (const event of events) document.removeEventListener(event, check, true);
  for (const event of windowEvents) removeEventListener(event, check, true);
  done(answer);
};
const check = () => { if (holds()) finish(""); };
const watch = new MutationObserver(check);
const timer = setTimeout(() => finish(holds() ? "" : reason), deadline);
watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
for (const event of events) document.addEventListener(event, check, true);
for (const event of windowEvents) addEventListener(event, check, true);
check();
"#;

/// Answers once fonts are there, transitions have ended and a frame is drawn.
const DRAWN: &str = r"
const [done] = arguments;
const frame = () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
const ends = (animation) => animation.timeline === document.timeline && animation.effect?.getComputedTiming().iterations !== Infinity;
const moving = () => document.getAnimations().filter(ends);
document.fonts.ready.then(frame)
  .then(() => Promise.allSettled(moving().map((animation) => animation.finished)))
  .then(frame)
  .then(() => done(true));
";

const DESCRIPTION: &str = r#"
const root = document.querySelector("[data-transcript]");
const states = root ? JSON.stringify(root.dataset) : "no transcript";
const line = document.querySelector("[data-connection]")?.textContent ?? "no status line";
const text = document.body?.innerText ?? "";
return `${location.href}\n${states}\n${line}\n${text.slice(-3000)}`;
"#;

#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.command, "params": self.parameters }).to_string()))
    }
}

#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
