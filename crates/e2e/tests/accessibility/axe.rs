//! axe-core finds nothing in any state.

use std::{env, fs};

use moorline_e2e::{Answer, Deed, Gateway, On, Pace, Page, Scene, Scheme, Transport};
use serde_json::json;

use crate::{DESK, OVER, PHONE, SOON, STOPPED};

const FAILED: &str = "document.querySelector('[data-send-state=failed]')";

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
    page.click("[data-kind=tool] [data-disclosure]").await;
    page.click("[data-plan-panel] [data-disclosure]").await;
    page.click("[data-kind=thought] [data-disclosure]").await;
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
