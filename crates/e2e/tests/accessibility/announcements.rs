//! What screen readers are told.

use moorline_e2e::{Pace, Page, Scene, Transport};
use serde::Deserialize;

use crate::{OVER, SOON};

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
