//! Pictures of the page at two widths and in two schemes, and what must hold in each: no overflow, and contrast AA.
//!
//! They go to docs/screenshots when `MOORLINE_E2E_SCREENSHOTS` is set, else to a temporary folder.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use hyper::Method;
use moorline_e2e::{Admission, Cut, Gateway, Pace, Page, Scene, Scheme, Transport};
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
const SIZES: [(u32, u32); 2] = [(1280, 800), (390, 844)];
const SCHEMES: [(Scheme, &str); 2] = [(Scheme::Light, "light"), (Scheme::Dark, "dark")];
/// Of these all four pictures are kept, of other states two: every picture is checked.
const KEPT_IN_FULL: [&str; 5] = ["turn", "markdown", "cards", "request", "list"];

/// Every visible text whose contrast with what lies behind it is below AA (WCAG 2.2, 1.4.3).
const LOW_CONTRAST: &str = r#"
const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const context = canvas.getContext("2d", { willReadFrequently: true });
const rgba = (css) => {
  context.clearRect(0, 0, 1, 1);
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
  const canvasColour = matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
  return layers.reverse().reduce((below, layer) => over(layer, below), canvasColour);
};
const luminance = (colour) => {
  const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const found = [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode.textContent.trim();
  const element = texts.currentNode.parentElement;
  if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
  const box = element.getBoundingClientRect();
  if (box.width <= 1 || box.height <= 1 || element.closest(":disabled, [aria-disabled=true], script, style")) continue;
  const style = getComputedStyle(element);
  const ground = behind(element);
  const colour = over(rgba(style.color), ground);
  const [light, dark] = [luminance(colour), luminance(ground)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}: ${text.slice(0, 40)}`);
}
return [...new Set(found)];
"#;

/// Every element that reaches beyond the right edge, unless something scrolls or clips it.
const OVERFLOW: &str = r#"
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= width) return [];
const beyond = [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > width + 1);
return beyond.slice(0, 8).map((element) => `${element.tagName} ${element.className} to ${element.getBoundingClientRect().right}`);
"#;

/// As somebody does who has typed something else.
const EMPTY_COMPOSER: &str = "const composer = document.querySelector('[data-composer]'); composer.value = ''; \
                              composer.dispatchEvent(new Event('input', { bubbles: true }))";

/// Has the page believe that it is hidden, or shown again.
const HIDE: &str = "Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true }); \
                    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))";
const SHOW: &str = "delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))";

/// An answer with everything an agent writes.
const ANSWER: &str = "/echo ## What the tide table gets wrong

The table reads **local time** where the chart has *UTC*, so every entry after `02:00` is an hour early. See \
[the harbour's own note](https://harbour.example/notes/7) before you change it.

1. Read the times as UTC.
2. Keep the correction, once:
   - [x] in `src/tide.rs`
   - [ ] in the nightly report

> A correction that is applied twice moves a boat by its own length.

```rust
/// Metres of water under the keel.
pub fn clearance(depth: f64, draught: f64) -> Option<f64> {
    let room = depth - draught; // never below the chart datum
    (room > 0.0).then_some(room)
}
```

![The chart of the entrance](https://charts.example/entrance.png)";

/// What is wider than a phone: a table, and code.
const WIDE: &str = "/echo Here is every berth, and the query that found them.

| berth | length | depth at low water | last survey | surveyor | remarks |
|---|---:|---:|---|---|---|
| North 1 | 12.5 m | 2.4 m | 2024-03-11 | Harbour office | silts up after each winter storm |
| North 2 | 18.0 m | 3.1 m | 2024-03-11 | Harbour office | free of obstacles |
| Quay 7 | 42.0 m | 6.8 m | 2023-11-02 | Pilot association | two boats share its name in the report |

```sql
SELECT berth.name, berth.length, survey.depth - tide.lowest AS depth_at_low_water, survey.day FROM berth JOIN survey USING (berth_id) JOIN tide USING (harbour_id)
WHERE survey.day = (SELECT max(day) FROM survey AS newer WHERE newer.berth_id = berth.berth_id)
ORDER BY berth.name;
```";

struct Album {
    folder: PathBuf,
    temporary: tempfile::TempDir,
}

impl Album {
    fn open() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let kept = std::env::var_os("MOORLINE_E2E_SCREENSHOTS").is_some();
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/screenshots");
        let folder = if kept { docs } else { temporary.path().to_owned() };
        Self { folder, temporary }
    }

    /// Takes all four pictures of what is shown and checks each.
    async fn add(&self, page: &Page, name: &str) {
        for size in SIZES {
            self.add_at(page, name, size).await;
        }
    }

    /// Takes all four pictures, each with an element in the middle of what is shown.
    async fn add_around(&self, page: &Page, name: &str, element: &str) {
        for size in SIZES {
            page.look(size.0, size.1, Scheme::Light).await;
            page.run::<()>(&format!("document.querySelector('{element}').scrollIntoView({{ block: 'center' }})")).await;
            self.add_at(page, name, size).await;
        }
    }

    /// Takes both pictures of one size.
    async fn add_at(&self, page: &Page, name: &str, (width, height): (u32, u32)) {
        // What was clicked last is not pointed at any more.
        page.devtools("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": 1, "y": 1 })).await;
        for (scheme, word) in SCHEMES {
            let place = format!("{name}-{width}-{word}");
            let is_kept = KEPT_IN_FULL.contains(&name) || (width > height) == (scheme == Scheme::Light);
            let folder = if is_kept { &self.folder } else { self.temporary.path() };
            page.screenshot(&folder.join(format!("{place}.png")), width, height, scheme).await;
            assert_eq!(page.run::<Vec<String>>(OVERFLOW).await, Vec::<String>::new(), "{place} overflows");
            assert_eq!(page.run::<Vec<String>>(LOW_CONTRAST).await, Vec::<String>::new(), "{place} has too little contrast");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_state_fits_and_can_be_read_at_two_widths_in_two_schemes() {
    let album = Album::open();
    let other = format!("acp:{} demo-agent", Gateway::program().display());
    let options = ["--agent", "demo:--delay-ms 2", "--agent", &other, "--agent-restart-ms", "6000000"];
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &options).await;
    let page = scene.open().await;
    album.add(&page, "empty").await;

    page.send("Please look into the parser and tell me what to change").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.wait_until_idle(SOON).await;
    album.add(&page, "turn").await;

    page.send("/tools 6").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    album.add(&page, "tools").await;

    page.send("/ask").await;
    page.wait_for("the request", "document.querySelector('[data-option]:not(:disabled)')", SOON).await;
    album.add(&page, "request").await;
    page.click("[data-option]").await;
    page.wait_for_turn(3, &OVER, SOON).await;

    page.send("/fail").await;
    page.wait_for_turn(4, &["failed"], SOON).await;
    album.add(&page, "failed").await;

    page.send("/edit notes.md").await;
    page.wait_for("the question", "document.querySelector('[data-option=allow]:not(:disabled)')", SOON).await;
    page.run::<()>("[...document.querySelectorAll('[data-kind=tool] [data-disclosure]')].at(-1).click()").await;
    page.wait_for("the change", "document.querySelector('[data-diff] .diff-new')", SOON).await;
    album.add(&page, "edit").await;
    page.run::<()>("document.querySelector('[data-option=allow]').click()").await;
    page.wait_for_turn(5, &OVER, SOON).await;

    for text in ["/sleep 600", "Then look at the tests", "And write down what is missing"] {
        page.send(text).await;
    }
    page.wait_for("two that wait", "document.querySelectorAll('[data-turn-state=queued] [data-action=now]').length === 2", SOON).await;
    page.type_text("/s").await;
    page.wait_for("the agent's commands", "document.querySelector('[data-command]')", SOON).await;
    album.add(&page, "waiting").await;
    page.run::<()>("document.querySelectorAll('[data-turn-state=queued] [data-action=remove]').forEach((button) => button.click())").await;
    page.wait_for("nothing that waits", "!document.querySelector('[data-turn-state=queued]')", SOON).await;
    page.run::<()>("document.querySelector('[data-stop]').click()").await;
    page.wait_for_turn(6, &["cancelled"], SOON).await;

    page.run::<()>(EMPTY_COMPOSER).await;
    page.send("/crash").await;
    page.wait_until_idle(SOON).await;
    page.send("Is anybody there?").await;
    page.wait_for("the agent is down", "document.querySelector('[data-agent-down] .countdown')", SOON).await;
    album.add(&page, "down").await;
    page.click("[data-agent-down] [data-action=restart-agent]").await;
    page.wait_for("the answer", "document.querySelector('[data-agent-state=ready]')", SOON).await;
    page.wait_until_idle(SOON).await;

    scene.proxy.admit(Admission::Refuse);
    scene.proxy.cut(Cut::Reset);
    page.wait_for("the page to notice", "document.querySelector('[data-transcript]').dataset.status !== 'live'", SOON).await;
    page.send("This waits until the line is back").await;
    page.wait_for("a queued echo", "document.querySelector('[data-send-state=queued]')", SOON).await;
    page.wait_for("the page to say so", "document.querySelector('[data-connection]').textContent.includes('Reconnecting')", SOON).await;
    album.add(&page, "offline").await;

    let gone = format!("/v1/sessions/{}", page.session().await);
    assert!(scene.api.raw(Method::DELETE, &gone, &[], "").await.0.is_success());
    scene.proxy.admit(Admission::Open);
    page.wait_for("the deletion", "document.querySelector('[data-transcript]').dataset.status === 'deleted'", SOON).await;
    album.add(&page, "deleted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_the_search_and_the_help_fit_and_can_be_read_at_two_widths_in_two_schemes() {
    let album = Album::open();
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 2"]).await;
    let page = scene.open().await;
    for text in
        ["Tidy the parser, and say what a session costs while nothing happens to it", "/echo notes on the roof", "/ask", "/sleep 600"]
    {
        page.new_session().await;
        page.send(text).await;
        page.wait_for("its line", &format!("document.querySelector('.row-title')?.textContent.startsWith({:?})", &text[..4]), SOON).await;
    }
    let rows = scene.api.sessions().await;
    let named = |start: &str| rows.iter().find(|row| row.title.starts_with(start)).map(|row| row.session.to_string()).unwrap();
    for (session, change) in [(named("Tidy"), r#"{"pinned":true}"#), (named("/echo"), r#"{"archived":true}"#)] {
        let json = [("content-type", "application/json")];
        assert!(scene.api.raw(Method::PATCH, &format!("/v1/sessions/{session}"), &json, change).await.0.is_success());
    }
    page.wait_for("what is put away", "document.querySelector('[data-archived]')", SOON).await;

    for size in SIZES {
        page.look(size.0, size.1, Scheme::Light).await;
        // On a narrow page the list is in a drawer.
        if size.0 < 768 {
            page.click(".menu").await;
            page.wait_for("the drawer", "document.querySelector('[data-drawer=open] .main[inert]')", SOON).await;
        }
        album.add_at(&page, "list", size).await;
        page.run::<()>("document.querySelector('[data-more]').click()").await;
        page.wait_for("the menu", "document.activeElement.matches('[data-act=rename]')", SOON).await;
        album.add_at(&page, "list-menu", size).await;
        page.click("[data-act=rename]").await;
        page.wait_for("the field", "document.activeElement.matches('[data-rename]')", SOON).await;
        album.add_at(&page, "list-rename", size).await;
        page.click("[data-action=leave]").await;
        page.run::<()>("document.querySelector('[data-more]').click()").await;
        page.click("[data-act=delete]").await;
        page.wait_for("the question", "document.activeElement.matches('[data-action=keep]')", SOON).await;
        album.add_at(&page, "list-ask", size).await;
        page.click("[data-action=keep]").await;
        let type_in = "const field = document.querySelector('[data-search]'); field.value = 'pars'; \
                       field.dispatchEvent(new Event('input', { bubbles: true }))";
        page.run::<()>(type_in).await;
        page.wait_for("what was found", "document.querySelector('[data-search-state=answered]')", SOON).await;
        album.add_at(&page, "search", size).await;
        page.run::<()>(&type_in.replace("'pars'", "''")).await;
        page.click("[data-help]").await;
        page.wait_for("the help", "document.querySelector('dialog[open] [data-shortcuts]')", SOON).await;
        album.add_at(&page, "help", size).await;
        page.click("[data-action=close-help]").await;
    }
}

/// Types what has several lines, and sends it.
async fn send_lines(page: &Page, text: &str) {
    let typed = format!("const composer = document.querySelector('[data-composer]'); composer.value = {};", json!(text));
    page.run::<()>(&format!("{typed} composer.dispatchEvent(new Event('input', {{ bubbles: true }}))")).await;
    page.click("button[data-send]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_agent_writes_and_does_fits_and_can_be_read_at_two_widths_in_two_schemes() {
    let album = Album::open();
    let slow = format!("acp:{} demo-agent --delay-ms 250", Gateway::program().display());
    let scene =
        Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 2", "--agent", &slow, "--text-bytes", "12000"]).await;
    let page = scene.open().await;
    send_lines(&page, ANSWER).await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.wait_for("the colours", "document.querySelector('[class^=t-]')", SOON).await;
    album.add(&page, "markdown").await;
    send_lines(&page, WIDE).await;
    page.wait_for_turn(2, &OVER, SOON).await;
    album.add(&page, "wide").await;

    page.look(SIZES[0].0, SIZES[0].1, Scheme::Light).await;
    page.new_session().await;
    page.send("Please look into the parser and tell me what to change").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.run::<()>("document.querySelectorAll('[data-kind=tool] [data-disclosure]').forEach((button) => button.click())").await;
    page.wait_for("the open cards", "document.querySelector('[data-kind=tool] .f2')", SOON).await;
    album.add_around(&page, "cards", "[data-kind=tool] .f2").await;
    page.click("[data-connection]").await;
    page.wait_for("the diagnostics", "document.querySelector('[data-diagnostics]')", SOON).await;
    album.add(&page, "diagnostics").await;
    page.run::<()>("document.querySelector('[data-diagnostics] [data-action=close]').click()").await;

    // Somebody reads further up, goes away, and comes back.
    page.look(SIZES[0].0, SIZES[0].1, Scheme::Light).await;
    page.send("/sleep 1").await;
    page.send("Then look at the tests").await;
    page.wait_for_turn(2, &["running"], SOON).await;
    page.run::<()>(HIDE).await;
    page.wheel(-120).await;
    page.wait_for_turn(3, &OVER, SOON).await;
    page.run::<()>(SHOW).await;
    page.wait_for("what is new", "document.querySelector('[data-new]') && document.querySelector('[data-action=latest]')", SOON).await;
    album.add_around(&page, "news", "[data-new]").await;

    page.look(SIZES[0].0, SIZES[0].1, Scheme::Light).await;
    page.new_session().await;
    page.send("/long 16").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.reload().await;
    page.wait_for("a text without its beginning", "document.querySelector('[data-beginning]')", SOON).await;
    album.add_around(&page, "beginning", "[data-beginning]").await;

    page.look(SIZES[0].0, SIZES[0].1, Scheme::Light).await;
    page.new_session().await;
    page.wait_for("the agents to pick from", "document.querySelector('[data-pick-agent]')", SOON).await;
    page.run::<()>(
        "const pick = document.querySelector('[data-pick-agent]'); pick.selectedIndex = 1; \
         pick.dispatchEvent(new Event('change', { bubbles: true }))",
    )
    .await;
    page.send("/plan").await;
    page.click("[data-plan-panel] [data-disclosure]").await;
    page.wait_for("a plan at work", "document.querySelectorAll('[data-plan-panel] [data-plan-status=completed]').length === 1", SOON).await;
    album.add(&page, "plan").await;
    page.run::<()>("document.querySelector('[data-stop]').click()").await;
    page.wait_for_turn(1, &["cancelled"], SOON).await;
}
