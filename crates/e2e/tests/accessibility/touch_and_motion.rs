//! Room for fingers, and stillness for who wants it.

use moorline_e2e::{Gateway, Pace, Page, Scene, Transport};
use serde_json::json;

use crate::{OVER, PHONE, SOON};

/// Everything to tap that is less than 44 px high or wide; a link in a sentence may be.
const SMALL: &str = r#"
const found = [];
for (const element of document.querySelectorAll("button, select, input, textarea, a.row, [role=option], a.image")) {
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
    page.run::<()>("document.querySelectorAll('[data-disclosure]').forEach((button) => button.click())").await;
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
