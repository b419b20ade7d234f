//! A keyboard and nothing else gets everywhere.

use moorline_e2e::{Pace, Page, Scene, Scheme, Transport};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{DESK, OVER, SOON, STOPPED};

/// What has the focus, as a reader of the page meets it.
#[derive(Debug, Deserialize)]
struct Focus {
    /// The element's tag, with its hooks.
    is: String,
    /// A whole ring is drawn around it, or around the field it stands in.
    ring: bool,
    /// It stands within the window.
    on_screen: bool,
}

/// As it is once what the last key set off has been drawn.
const FOCUS: &str = r#"
const look = () => {
  const e = document.activeElement;
  const ring = (e) => { const s = getComputedStyle(e); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 && s.visibility === "visible"; };
  // What costs nothing off screen draws nothing beyond its edges.
  const whole = (e) => {
    const s = getComputedStyle(e), by = parseFloat(s.outlineWidth) + parseFloat(s.outlineOffset) - 0.5, own = e.getBoundingClientRect();
    for (let at = e.parentElement; at !== null; at = at.parentElement) {
      const edge = at.getBoundingClientRect();
      const fits = own.left - by >= edge.left && own.right + by <= edge.right && own.top - by >= edge.top && own.bottom + by <= edge.bottom;
      if (getComputedStyle(at).contentVisibility === "auto" && !fits) return false;
    }
    return true;
  };
  const field = e.closest(".composer-field");
  const box = e.getBoundingClientRect();
  const hooks = [...e.attributes].filter((a) => a.name.startsWith("data-")).map((a) => `[${a.name}=${a.value}]`).join("");
  return {
    is: e.tagName.toLowerCase() + (e.className ? "." + e.className.replaceAll(" ", ".") : "") + hooks,
    ring: (ring(e) && whole(e)) || (field !== null && e.matches("textarea") && getComputedStyle(field).boxShadow !== "none"),
    on_screen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
  };
};
return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(look()))));
"#;

/// A reader with a keyboard and nothing else.
struct Reader<'a> {
    page: &'a Page,
}

impl Reader<'_> {
    /// Presses a key and looks where the focus is.
    async fn press(&self, key: &str) -> Focus {
        self.page.press(key).await;
        self.look().await
    }

    /// Holds that what has the focus is seen to have it, and has a name.
    async fn look(&self) -> Focus {
        let focus: Focus = self.page.run(FOCUS).await;
        if focus.is.starts_with("body") {
            return focus;
        }
        assert!(focus.ring && focus.on_screen, "the focus cannot be seen: {focus:?}");
        let element = self.page.devtools("Runtime.evaluate", json!({ "expression": "document.activeElement" })).await;
        let asked = json!({ "objectId": element["result"]["objectId"], "fetchRelatives": false });
        let told: Value = self.page.devtools("Accessibility.getPartialAXTree", asked).await;
        let name = told["nodes"][0]["name"]["value"].as_str().unwrap_or_default().trim().to_owned();
        let now: Focus = self.page.run(FOCUS).await;
        assert!(!name.is_empty(), "what has the focus has no name: {element}, before {focus:?}, behind {now:?}, {told}");
        focus
    }

    /// Presses Tab until something has the focus; a trap or a round without it fails.
    async fn tab(&self, to: &str) {
        self.walk(0, to).await;
    }

    /// As [`Self::tab`], backwards.
    async fn tab_back(&self, to: &str) {
        self.walk(8, to).await;
    }

    async fn walk(&self, modifiers: u8, to: &str) {
        const STEPS: usize = 60;
        let is_there = format!("document.activeElement.matches({})", json!(to));
        let mut passed = Vec::new();
        for _ in 0..STEPS {
            if self.page.holds(&is_there).await {
                self.look().await;
                return;
            }
            self.chord(modifiers, "Tab", 9).await;
            passed.push(self.look().await.is);
        }
        panic!("Tab does not lead to {to}; it led over\n{}", passed.join("\n"));
    }

    async fn type_keys(&self, text: &str) {
        for letter in text.chars() {
            self.page.press(&letter.to_string()).await;
        }
    }

    async fn until(&self, what: &str, expression: &str) {
        self.page.wait_for(what, expression, SOON).await;
    }

    /// Presses a key together with another, 1 = Alt, 2 = Ctrl, 8 = Shift.
    async fn chord(&self, modifiers: u8, key: &str, code: u8) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers });
            self.page.devtools("Input.dispatchKeyEvent", event).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_with_nothing_but_a_keyboard_gets_everywhere_and_always_sees_where() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 2"]).await;
    let page = scene.open().await;
    page.look(DESK.0, DESK.1, Scheme::Light).await;
    let reader = Reader { page: &page };
    page.run::<()>("document.activeElement.blur()").await;

    reader.tab("[data-composer]").await;
    reader.type_keys("Please look into the parser").await;
    reader.press("Enter").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    reader.look().await;

    reader.type_keys("/ask").await;
    reader.press("Enter").await;
    reader.until("the request", "document.querySelector('[data-option]:not(:disabled)')").await;
    // A digit is text while the composer has the focus.
    reader.press("Escape").await;
    reader.press("1").await;
    reader.until("the answer", "document.querySelector('[data-settled=answered]')").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    reader.press("/").await;
    reader.tab("[data-composer]").await;
    assert!(page.holds("document.querySelector('[data-composer]').value === ''").await, "the key that leads to the composer is not typed");

    reader.type_keys("/sleep 600").await;
    reader.press("Enter").await;
    reader.until("the stop button", "document.querySelector('[data-stop]:not(:disabled)')").await;
    reader.tab("[data-stop]").await;
    reader.press("Enter").await;
    page.wait_for_turn(3, &STOPPED, SOON).await;
    assert!(page.holds("document.activeElement.matches('[data-composer]')").await, "the focus stays when the button goes");

    reader.tab("[data-more]").await;
    reader.press("Enter").await;
    reader.until("the menu", "document.activeElement.matches('[data-act=rename]')").await;
    for act in ["pin", "archive", "export-markdown", "export-json", "delete", "rename"] {
        reader.press("ArrowDown").await;
        assert!(page.holds(&format!("document.activeElement.matches('[data-act={act}]')")).await, "{act} is next in the menu");
    }
    reader.press("Escape").await;
    reader.until("the menu to be closed", "document.activeElement.matches('[data-more]')").await;
    reader.press(" ").await;
    reader.until("the menu", "document.activeElement.matches('[data-act=rename]')").await;
    reader.press("Enter").await;
    reader.until("the field", "document.activeElement.matches('[data-rename]')").await;
    reader.look().await;
    reader.type_keys("Harbour").await;
    reader.press("Enter").await;
    reader.until("the name", "document.querySelector('.row-title').textContent === 'Harbour'").await;

    reader.chord(2, "k", 75).await;
    reader.until("the search", "document.activeElement.matches('[data-search]')").await;
    reader.look().await;
    reader.type_keys("parser").await;
    reader
        .until(
            "what was found",
            "document.querySelectorAll('[data-finding]').length > 0 && document.querySelector('[data-search-state=answered]')",
        )
        .await;
    reader.press("ArrowDown").await;
    let chosen = "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.getAttribute('aria-selected')";
    assert!(page.holds(&format!("{chosen} === 'true'")).await, "what Enter opens is told");
    reader.press("Enter").await;
    reader.until("the block", "document.querySelector('[data-block][data-found]')").await;

    page.run::<()>("document.activeElement.blur()").await;
    reader.press("?").await;
    reader.until("the help", "document.querySelector('dialog[open]')").await;
    // The dialog keeps the focus: a few rounds of it never leave.
    for _ in 0..12 {
        reader.press("Tab").await;
        assert!(page.holds("document.activeElement === document.body || document.activeElement.closest('dialog')").await);
    }
    reader.press("Escape").await;
    reader.until("the help to be closed", "!document.querySelector('dialog[open]')").await;

    reader.tab("[data-kind=tool] [data-disclosure]").await;
    reader.press("Enter").await;
    reader.until("the open card", "document.querySelector('.tool [data-input]')").await;
    reader.tab(".code [data-copy], .copyable [data-copy]").await;
    page.devtools("Browser.grantPermissions", json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] })).await;
    reader.press("Enter").await;
    reader.until("what was copied", "document.querySelector('[data-copy=copied], [data-copy=selected]')").await;

    // Forwards, Tab would come to the end itself.
    reader.tab_back("[data-transcript]").await;
    reader.press("Home").await;
    reader.until("the way to the latest", "document.querySelector('[data-action=latest]')").await;
    reader.press("/").await;
    reader.tab_back("[data-action=latest]").await;
    reader.press("Enter").await;
    reader.until("the end", "!document.querySelector('[data-action=latest]')").await;
    assert!(page.holds("document.activeElement.matches('[data-transcript]')").await, "the focus stays when the button goes");
    reader.tab("[data-composer]").await;
    assert_eq!(page.crashes().await, Vec::<String>::new());
}
