//! Sessions as things: named, put away, deleted, searched and saved from a page, with what is typed kept.

use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use moorline_e2e::{Api, Pace, Page, Scene, Transport};
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
/// A file is no event of the page.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

const ROWS: &str = "[...document.querySelectorAll('.list > .rows [data-session-row] .row-title')].map((title) => title.textContent)";

async fn scene() -> (Scene, Page) {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 0"]).await;
    let page = scene.open().await;
    (scene, page)
}

async fn until_rows(page: &Page, titles: &[&str]) {
    page.wait_for("the list", &format!("JSON.stringify({ROWS}) === {}", json!(json!(titles).to_string())), SOON).await;
}

async fn choose(page: &Page, act: &str) {
    page.click("[data-more]").await;
    page.click(&format!("[data-act={act}]")).await;
}

/// Types into a field other than the composer.
async fn fill(page: &Page, selector: &str, text: &str) {
    page.wait_for(selector, &format!("document.querySelector('{selector}')"), SOON).await;
    let typed = format!("const field = document.querySelector('{selector}'); field.value = {}", json!(text));
    page.run::<()>(&format!("{typed}; field.dispatchEvent(new Event('input', {{ bubbles: true }}))")).await;
}

async fn composer(page: &Page) -> String {
    page.run("return document.querySelector('[data-composer]').value").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_named_put_away_and_deleted_on_one_page_is_so_on_the_other() {
    let (scene, first) = scene().await;
    first.send("/echo one").await;
    first.wait_for_turn(1, &OVER, SOON).await;
    let second = first.new_window().await;
    second.open(&first.url().await).await;
    second.wait_until_live(SOON).await;
    until_rows(&second, &["/echo one"]).await;

    choose(&first, "rename").await;
    fill(&first, "[data-rename]", "  The   roof ").await;
    first.click("[data-action=save]").await;
    for page in [&first, &second] {
        until_rows(page, &["The roof"]).await;
    }

    choose(&second, "archive").await;
    for page in [&first, &second] {
        page.wait_for(
            "it to be put away",
            "document.querySelector('[data-archived] [data-disclosure]')?.textContent === 'Archived (1)'",
            SOON,
        )
        .await;
        until_rows(page, &[]).await;
    }
    assert!(first.holds("document.querySelector('[data-block]')").await, "where it is read it stays");
    first.click("[data-archived] [data-disclosure]").await;
    choose(&first, "archive").await;
    for page in [&first, &second] {
        until_rows(page, &["The roof"]).await;
    }

    let gone = first.session().await;
    choose(&first, "delete").await;
    first.wait_for("the question", "document.querySelector('[data-ask]').textContent.includes('The roof')", SOON).await;
    assert_eq!(scene.api.sessions().await.len(), 1, "nothing happens before the answer");
    first.type_text("typed for it").await;
    first.click("[data-ask] [data-action=delete]").await;
    for page in [&first, &second] {
        until_rows(page, &[]).await;
    }
    first.wait_for("an empty session", &format!("document.querySelector('[data-transcript]').dataset.session !== '{gone}'"), SOON).await;
    assert_eq!(composer(&first).await, "typed for it");
    assert_eq!(scene.api.sessions().await.len(), 0);
    assert_eq!(first.crashes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_a_text_in_an_old_session_and_brings_its_block_on_screen() {
    let (_scene, page) = scene().await;
    page.send("/echo the platypus sings at night").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    let old = page.session().await;
    for _ in 0..3 {
        let last: String = page.run("return [...document.querySelectorAll('[data-turn]')].at(-1).dataset.turn").await;
        page.send("/mix 1500").await;
        let over = format!("((turn) => turn.dataset.turnState === 'completed' && turn.dataset.turn !== '{last}')");
        page.wait_for("the turn's end", &format!("{over}([...document.querySelectorAll('[data-turn]')].at(-1))"), SOON).await;
    }
    page.new_session().await;
    page.send("/echo something else").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.reload().await;
    page.wait_until_live(SOON).await;

    fill(&page, "[data-search]", "platyp").await;
    page.wait_for("the found words", "document.querySelector('[data-finding] mark')?.textContent === 'platypus'", SOON).await;
    let found = "[...document.querySelectorAll('[data-finding] .excerpt')].map((found) => found.textContent)";
    assert!(page.holds(&format!("{found}.every((text) => text.includes('the platypus sings'))")).await);
    page.click("[data-finding]:has(mark)").await;
    page.wait_for("the block", "document.querySelector('[data-block][data-found]')?.textContent.includes('the platypus sings')", SOON)
        .await;
    assert_eq!(page.session().await, old);
    let on_screen = "((block, frame) => block.top >= frame.top && block.bottom <= frame.bottom)(
        document.querySelector('[data-block][data-found]').getBoundingClientRect(),
        document.querySelector('[data-transcript]').getBoundingClientRect())";
    assert!(page.holds(on_screen).await, "the block stands where it can be read");
    assert_eq!(page.crashes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_saved_as_the_gateway_names_it() {
    let (_scene, page) = scene().await;
    page.send("/echo keep this for later").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let allowed = json!({ "behavior": "allow", "downloadPath": folder.path() });
    page.devtools("Browser.setDownloadBehavior", allowed).await;
    for (act, name) in [("export-markdown", "echo-keep-this-for-later.md"), ("export-json", "echo-keep-this-for-later.json")] {
        choose(&page, act).await;
        let (file, ends) = (folder.path().join(name), Instant::now() + SOON);
        let text = loop {
            if let Ok(text) = std::fs::read_to_string(&file) {
                break text;
            }
            let there: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").flatten().map(|entry| entry.file_name()).collect();
            assert!(Instant::now() < ends, "{name} is not saved within {SOON:?}; there is {there:?}");
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        assert!(text.contains("keep this for later"), "{text}");
        page.wait_for("the line to be idle", "!document.querySelector('[data-line-busy]')", SOON).await;
    }
    assert!(!page.holds("document.querySelector('[data-line-trouble]')").await);
    assert_eq!(page.crashes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_survives_a_reload_a_switch_and_a_logout() {
    let (scene, page) = scene().await;
    page.send("/echo one").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    let session = page.session().await;
    page.type_text("not yet").await;
    page.new_session().await;
    assert_eq!(composer(&page).await, "");
    page.type_text("quite another").await;
    page.click(&format!("[data-session-row='{session}']")).await;
    page.wait_for("the first session", &format!("document.querySelector('[data-transcript]').dataset.session === '{session}'"), SOON).await;
    page.reload().await;
    page.wait_until_live(SOON).await;
    assert_eq!(composer(&page).await, "not yet");

    let login = Api::with_cookie(scene.gateway.address(), page.cookies().await);
    // The gateway ends the line before the page loads anew, so the page that goes may say that it is signed out, too.
    page.run::<()>("window.wasSignedIn = true").await;
    page.click("[data-help]").await;
    page.click("[data-action=sign-out]").await;
    let asks = "!window.wasSignedIn && document.querySelector('[data-transcript]')?.dataset.status === 'signed-out'";
    page.wait_for("a page anew that asks for a login", asks, SOON).await;
    assert_eq!(login.raw(Method::GET, "/v1/sessions", &[], "").await.0, StatusCode::UNAUTHORIZED);
    assert!(!page.holds("document.querySelector('[data-block], [data-session-row]')").await, "nothing of a session stays");
    assert_eq!(composer(&page).await, "not yet");
    fill(&page, "input[data-token]", scene.gateway.token()).await;
    page.click("[data-action=sign-in]").await;
    page.wait_until_live(SOON).await;
    assert_eq!(composer(&page).await, "not yet");
    page.click("[data-new-session]").await;
    page.wait_for("the other draft", "document.querySelector('[data-composer]')?.value === 'quite another'", SOON).await;
}
