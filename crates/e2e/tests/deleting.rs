//! Sessions that are deleted while pages show them and write to them.

use std::time::Duration;

use hyper::{Method, StatusCode};
use moorline_e2e::{Pace, Page, Scene, Transport, on_both_transports};
use moorline_protocol::SessionId;

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];
const DELETED: &str = "document.querySelector('[data-transcript]').dataset.status === 'deleted'";

on_both_transports!(
    what_was_typed_for_a_session_that_is_gone_comes_back_and_begins_a_new_one,
    a_session_deleted_in_mid_turn_ends_on_every_page_and_leaves_no_row,
);

async fn delete(scene: &Scene, session: &SessionId) {
    let (status, body) = scene.api.raw(Method::DELETE, &format!("/v1/sessions/{session}"), &[], "").await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{}", String::from_utf8_lossy(&body));
}

async fn composer(page: &Page) -> String {
    page.run("return document.querySelector('[data-composer]').value").await
}

async fn count(page: &Page, selector: &str) -> u32 {
    page.run(&format!("return document.querySelectorAll('{selector}').length")).await
}

async fn what_was_typed_for_a_session_that_is_gone_comes_back_and_begins_a_new_one(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 4"]).await;
    let page = scene.open().await;
    page.send("/echo one").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    let gone = page.session().await;
    scene.begin_outage();
    page.send("/echo typed while nobody could say that it was gone").await;
    page.wait_for("the echo", "document.querySelector('[data-send-state=queued]')", SOON).await;
    delete(&scene, &gone).await;
    scene.end_outage();

    page.wait_for("the deletion", DELETED, SOON).await;
    assert_eq!(composer(&page).await, "/echo typed while nobody could say that it was gone");
    assert_eq!((count(&page, "[data-block]").await, count(&page, "[data-session-row]").await), (0, 0));
    page.click("[data-send]").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    assert_ne!(page.session().await, gone);
    assert_eq!(composer(&page).await, "");
    let journal = scene.settled(&page).await;
    assert_eq!(journal.acceptances("/echo typed while nobody could say that it was gone"), 1);
}

async fn a_session_deleted_in_mid_turn_ends_on_every_page_and_leaves_no_row(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 10"]).await;
    let first = scene.open().await;
    first.send("/stream 100000").await;
    first.wait_for_turn(1, &["running"], SOON).await;
    let session = first.session().await;
    let second = first.new_window().await;
    second.open(&first.url().await).await;
    second.wait_until_live(SOON).await;
    second.wait_for_turn(1, &["running"], SOON).await;
    delete(&scene, &session).await;
    for page in [&first, &second] {
        page.wait_for("the deletion", DELETED, SOON).await;
        page.wait_for("no row", "!document.querySelector('[data-session-row]')", SOON).await;
        assert_eq!((count(page, "[data-block]").await, count(page, "[data-stop]").await), (0, 0));
    }
    first.reload().await;
    first.wait_for("the deletion, also after a reload", DELETED, SOON).await;
}
