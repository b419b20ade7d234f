//! Whoever does not see the page, or has no mouse: axe-core over every state, the keyboard alone, and what is announced.

use std::{env, fs, time::Duration};

use moorline_e2e::{Answer, Deed, Gateway, On, Pace, Page, Scene, Scheme, Transport};
use serde::Deserialize;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
const DESK: (u32, u32) = (1280, 800);
const PHONE: (u32, u32) = (390, 844);

const FAILED: &str = "document.querySelector('[data-send-state=failed]')";
const STOPPED: [&str; 1] = ["cancelled"];

/// What axe finds once nothing moves, a line each: the rule, and where. An agent's headings keep the levels that it gave them.
const AXE: &str = r#"
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
const ends = (animation) => animation.timeline === document.timeline && animation.effect?.getComputedTiming().iterations !== Infinity;
const moving = document.getAnimations().filter(ends);
const isAgents = (rule, node) => rule.id === "heading-order" && document.querySelector(node.target[0]).closest(".markdown");
return Promise.allSettled(moving.map((animation) => animation.finished))
  .then(() => axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] }))
  .then((found) => found.violations.flatMap((rule) => rule.nodes.filter((node) => !isAgents(rule, node)).slice(0, 5).map((node) =>
    `${rule.id} (${rule.help}): ${node.target.join(" ")}: ${node.html.slice(0, 160)}: ${node.failureSummary.split("\n")[1] ?? ""}`)));
"#;

/// A page with axe in it, and what it has found so far.
struct Judge<'a> {
    page: &'a Page,
    found: Vec<String>,
}

impl<'a> Judge<'a> {
    async fn of(page: &'a Page) -> Self {
        let path = env::var_os("MOORLINE_E2E_AXE").expect("MOORLINE_E2E_AXE names the script of axe-core: run `cargo xtask test e2e`");
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
        // Through the debugger: the page's own policy lets no script in.
        page.devtools("Runtime.evaluate", json!({ "expression": source + ";0" })).await;
        Self { page, found: Vec::new() }
    }

    /// Looks at what is shown, in both schemes.
    async fn look(&mut self, state: &str, (width, height): (u32, u32)) {
        for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
            self.page.look(width, height, scheme).await;
            let found: Vec<String> = self.page.run(AXE).await;
            self.found.extend(found.into_iter().map(|line| format!("{state}, {width} px, {word}: {line}")));
        }
    }

    fn say(self) {
        assert!(self.found.is_empty(), "axe finds\n{}", self.found.join("\n"));
    }
}

/// Types into a field other than the composer.
async fn fill(page: &Page, selector: &str, text: &str) {
    let typed = format!("const field = document.querySelector('{selector}'); field.value = {}", json!(text));
    page.run::<()>(&format!("{typed}; field.dispatchEvent(new Event('input', {{ bubbles: true }}))")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axe_finds_nothing_in_any_state_in_either_scheme() {
    let slow = format!("acp:{} demo-agent --delay-ms 150", Gateway::program().display());
    let scene = Scene::start(Transport::Sse, Pace::Fast, &["--agent", "demo:--delay-ms 2", "--agent", &slow]).await;
    let page = scene.open().await;
    let mut judge = Judge::of(&page).await;
    judge.look("welcome", DESK).await;

    page.wait_for("the agents to pick from", "document.querySelector('[data-pick-agent]')", SOON).await;
    page.run::<()>(
        "const pick = document.querySelector('[data-pick-agent]'); pick.selectedIndex = 1; \
         pick.dispatchEvent(new Event('change', { bubbles: true }))",
    )
    .await;
    page.send("Please look into the parser").await;
    page.wait_for(
        "a plan and a tool at work",
        "document.querySelector('[data-plan-panel]') && document.querySelector('[data-kind=tool]')",
        SOON,
    )
    .await;
    page.click("[data-kind=tool] summary").await;
    page.click("[data-plan-panel] summary").await;
    page.click("[data-kind=thought] summary").await;
    judge.look("a turn at work", DESK).await;
    page.click("[data-stop]").await;
    page.wait_for_turn(1, &STOPPED, SOON).await;
    judge.look("a stopped turn", DESK).await;

    page.new_session().await;
    page.send("/help").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.send("/ask").await;
    page.wait_for("the request", "document.querySelector('[data-option]:not(:disabled)')", SOON).await;
    judge.look("an open request", DESK).await;
    page.click("[data-option]").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    page.send("Please look into the parser").await;
    page.wait_for_turn(3, &OVER, SOON).await;
    page.send("/fail").await;
    page.wait_for_turn(4, &["failed"], SOON).await;
    judge.look("answers and a failed turn", DESK).await;

    let refusal = Answer::new(400).body(r#"{"code":"bad_frame","message":"something is missing from this frame"}"#);
    scene.proxy.arm(On::post("/v1/send"), 1, Deed::Answer(refusal));
    page.send("This fails").await;
    page.wait_for("the failed message", FAILED, SOON).await;
    judge.look("a failed send", DESK).await;
    page.click("[data-send-state=failed] [data-action=remove]").await;
    page.wait_for("nothing that failed", &format!("!{FAILED}"), SOON).await;

    fill(&page, "[data-search]", "pars").await;
    page.wait_for(
        "what was found",
        "document.querySelector('[data-search-state=answered]') && document.querySelector('[data-finding]')",
        SOON,
    )
    .await;
    judge.look("search results", DESK).await;
    fill(&page, "[data-search]", "no such words").await;
    page.wait_for("nothing found", "!document.querySelector('[data-finding]')", SOON).await;
    judge.look("nothing found", DESK).await;
    fill(&page, "[data-search]", "").await;

    page.run::<()>("document.querySelector('[data-more]').click()").await;
    page.wait_for("the menu", "document.activeElement.matches('[data-act=rename]')", SOON).await;
    judge.look("the list's menu", DESK).await;
    page.click("[data-act=rename]").await;
    page.wait_for("the field", "document.activeElement.matches('[data-rename]')", SOON).await;
    judge.look("a session being renamed", DESK).await;
    page.click("[data-action=leave]").await;
    page.run::<()>("document.querySelector('[data-more]').click()").await;
    page.click("[data-act=delete]").await;
    page.wait_for("the question", "document.activeElement.matches('[data-action=keep]')", SOON).await;
    judge.look("the question before a session goes", DESK).await;
    page.click("[data-action=keep]").await;

    page.click("[data-help]").await;
    page.wait_for("the help", "document.querySelector('dialog[open] [data-shortcuts]')", SOON).await;
    judge.look("help and settings", DESK).await;
    page.click("[data-action=close-help]").await;
    page.click("[data-connection]").await;
    page.wait_for("the diagnostics", "document.querySelector('[data-diagnostics]')", SOON).await;
    judge.look("diagnostics", DESK).await;
    page.click("[data-diagnostics] [data-action=close]").await;

    page.look(PHONE.0, PHONE.1, Scheme::Light).await;
    judge.look("a phone", PHONE).await;
    page.click(".menu").await;
    page.wait_for("the drawer", "document.querySelector('[data-drawer=open] .main[inert]')", SOON).await;
    judge.look("a phone with the drawer open", PHONE).await;
    judge.say();
}

/// What has the focus, as a reader of the page meets it.
#[derive(Debug, Deserialize)]
struct Focus {
    /// The element's tag, with its hooks.
    is: String,
    /// A ring is drawn around it, or around the field it stands in.
    ring: bool,
    /// It stands within the window.
    on_screen: bool,
}

/// As it is once what the last key set off has been drawn.
const FOCUS: &str = r#"
const look = () => {
  const e = document.activeElement;
  const ring = (e) => { const s = getComputedStyle(e); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 && s.visibility === "visible"; };
  const field = e.closest(".composer-field");
  const box = e.getBoundingClientRect();
  const hooks = [...e.attributes].filter((a) => a.name.startsWith("data-")).map((a) => `[${a.name}=${a.value}]`).join("");
  return {
    is: e.tagName.toLowerCase() + (e.className ? "." + e.className.replaceAll(" ", ".") : "") + hooks,
    ring: ring(e) || (field !== null && e.matches("textarea") && getComputedStyle(field).boxShadow !== "none"),
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

    reader.tab("[data-kind=tool] summary").await;
    reader.press("Enter").await;
    reader.until("the open card", "document.querySelector('details.tool[open] [data-input]')").await;
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

/// Notes from now on each change of the two live regions, and of the log's being busy.
const LISTEN: &str = r#"
globalThis.heard = { polite: [], assertive: [], busy: [] };
for (const [kind, element] of [["polite", document.querySelector(".page > [aria-live=polite]")], ["assertive", document.querySelector(".page > [aria-live=assertive]")]]) {
  new MutationObserver(() => heard[kind].push([performance.now(), element.textContent])).observe(element, { childList: true, characterData: true, subtree: true });
}
const log = document.querySelector("[data-transcript]");
new MutationObserver(() => heard.busy.push(log.getAttribute("aria-busy"))).observe(log, { attributeFilter: ["aria-busy"] });
"#;

#[derive(Debug, Deserialize)]
struct Heard {
    polite: Vec<(f64, String)>,
    assertive: Vec<(f64, String)>,
    busy: Vec<String>,
}

impl Heard {
    async fn by(page: &Page) -> Self {
        page.run("return heard").await
    }

    fn polite(&self) -> Vec<&str> {
        // The same twice in a row differs by a space at the end.
        self.polite.iter().map(|(_, words)| words.trim_end()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_deltas_and_a_request_are_a_few_sentences_in_the_live_regions() {
    const APART_MS: f64 = 400.0;
    let options = ["--agent", "demo:--delay-ms 3", "--agent-restart-ms", "6000000"];
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &options).await;
    let page = scene.open().await;
    page.send("/echo one").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.wait_for(
        "the first turn's end to be told",
        "document.querySelector('.page > [aria-live=polite]').textContent.startsWith('The agent has finished.')",
        SOON,
    )
    .await;
    page.run::<()>(LISTEN).await;
    page.send("/stream 1000").await;
    page.wait_for_turn(2, &["running"], SOON).await;
    assert!(page.holds("document.querySelector('[data-transcript]').getAttribute('aria-busy') === 'true'").await);
    let live = "[...document.querySelectorAll('[aria-live]:not([aria-live=off]), [role=status], [role=alert]')]";
    assert!(page.holds(&format!("{live}.every((region) => !region.querySelector('[data-text]') && !region.closest('[data-text]'))")).await);
    page.wait_for_turn(2, &OVER, SOON).await;
    page.wait_for("the end to be told", "heard.polite.at(-1)?.[1].startsWith('The agent has finished.')", SOON).await;
    let heard = Heard::by(&page).await;
    assert_eq!(heard.polite(), ["The agent is working.", "The agent has finished."]);
    assert_eq!(heard.assertive, []);
    assert_eq!(heard.busy, ["true", "false"]);

    page.send("/ask").await;
    page.wait_for("the request to be told", "heard.assertive.length > 0", SOON).await;
    page.click("[data-option]").await;
    page.wait_for_turn(3, &OVER, SOON).await;
    page.wait_for(
        "both regions to be done",
        "heard.assertive.length > 1 && heard.polite.at(-1)[1].startsWith('The agent has finished.') && heard.polite.length > 2",
        SOON,
    )
    .await;
    page.send("/crash").await;
    page.wait_until_idle(SOON).await;
    page.send("Is anybody there?").await;
    page.wait_for("the agent's being down to be told", "heard.polite.at(-1)?.[1].startsWith('The agent is down.')", SOON).await;

    let heard = Heard::by(&page).await;
    let assertive: Vec<&str> = heard.assertive.iter().map(|(_, words)| words.as_str()).collect();
    assert_eq!(assertive, ["The agent asks: rm -r target/old", ""], "a request is told once");
    let states = ["The agent is working.", "The agent has finished.", "The turn failed.", "The turn was interrupted."];
    for words in heard.polite() {
        assert!(states.contains(&words) || words.starts_with("The agent is down."), "{words} is no state");
    }
    for region in [&heard.polite, &heard.assertive] {
        for two in region.windows(2) {
            assert!(two[1].0 - two[0].0 >= APART_MS, "{two:?} follow each other too soon");
        }
    }
    assert_eq!(page.crashes().await, Vec::<String>::new());
}

/// Everything to tap that is less than 44 px high or wide; a link in a sentence may be.
const SMALL: &str = r#"
const found = [];
for (const element of document.querySelectorAll("button, select, summary, input, textarea, a.row, [role=option], a.image")) {
  if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || element.closest("[inert]")) continue;
  const { width, height } = element.getBoundingClientRect();
  if (width < 43.5 || height < 43.5) found.push(`${element.tagName} ${element.className} ${element.textContent.slice(0, 30)}: ${width} × ${height}`);
}
return [...new Set(found)];
"#;

async fn expect_room(page: &Page, state: &str) {
    assert_eq!(page.run::<Vec<String>>(SMALL).await, Vec::<String>::new(), "too small for a finger: {state}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_touch_screen_everything_to_tap_is_44_px() {
    let slow = format!("acp:{} demo-agent --delay-ms 150", Gateway::program().display());
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 2", "--agent", &slow]).await;
    let page = scene.open().await;
    let phone = json!({ "width": PHONE.0, "height": PHONE.1, "deviceScaleFactor": 1, "mobile": true });
    page.devtools("Emulation.setDeviceMetricsOverride", phone).await;
    page.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 5 })).await;
    page.wait_for("a finger", "matchMedia('(pointer: coarse)').matches", SOON).await;
    expect_room(&page, "welcome").await;
    page.send("Please look into the parser").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.run::<()>("document.querySelectorAll('summary').forEach((summary) => summary.click())").await;
    page.wait_for("the open cards", "document.querySelector('[data-kind=tool] [data-text]')", SOON).await;
    expect_room(&page, "an answer with its cards").await;
    page.send("/ask").await;
    page.wait_for("the request", "document.querySelector('[data-option]:not(:disabled)')", SOON).await;
    page.send("This waits").await;
    page.wait_for("one that waits", "document.querySelector('[data-turn-state=queued] [data-action=now]')", SOON).await;
    page.type_text("/s").await;
    page.wait_for("the agent's commands", "document.querySelector('[data-command]')", SOON).await;
    expect_room(&page, "a request, a queue and commands").await;
    page.click("[data-connection]").await;
    page.wait_for("the diagnostics", "document.querySelector('[data-diagnostics]')", SOON).await;
    expect_room(&page, "diagnostics").await;
    page.click("[data-diagnostics] [data-action=close]").await;
    page.click(".menu").await;
    page.wait_for("the drawer", "document.querySelector('[data-drawer=open] .main[inert]')", SOON).await;
    expect_room(&page, "the list").await;
    for (act, state) in [("rename", "[data-action=leave]"), ("delete", "[data-action=keep]")] {
        // The drawer may still be on its way in.
        page.run::<()>("document.querySelector('[data-more]').click()").await;
        page.wait_for("the menu", "document.querySelector('[data-act=rename]')", SOON).await;
        expect_room(&page, "the list's menu").await;
        page.click(&format!("[data-act={act}]")).await;
        page.wait_for(act, &format!("document.querySelector('{state}')"), SOON).await;
        expect_room(&page, act).await;
        page.click(state).await;
    }
    page.click("[data-help]").await;
    page.wait_for("the help", "document.querySelector('dialog[open] [data-shortcuts]')", SOON).await;
    expect_room(&page, "help and settings").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_for_who_wants_nothing_to_move() {
    const MOVES: &str = r#"
return [...document.querySelectorAll("*")].flatMap((element) => ["", "::before", "::after"].map((part) => [element, getComputedStyle(element, part || null)]))
  .filter(([, style]) => style.animationName !== "none" || style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0) || style.scrollBehavior === "smooth")
  .map(([element, style]) => `${element.tagName} ${element.className}: ${style.animationName}, ${style.transitionDuration}`);
"#;
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 2"]).await;
    let page = scene.open().await;
    page.send("Please look into the parser").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.send("/sleep 600").await;
    page.wait_for_turn(2, &["running"], SOON).await;
    assert!(!page.run::<Vec<String>>(MOVES).await.is_empty(), "the spinner turns, and arrows do");
    let media = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    page.devtools("Emulation.setEmulatedMedia", media).await;
    assert_eq!(page.run::<Vec<String>>(MOVES).await, Vec::<String>::new());
}
