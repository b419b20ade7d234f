//! A login ends in mid-stream: everything typed and shown stays, and goes on after the next login.

use std::time::Duration;

use hyper::{Method, StatusCode};
use moorline_e2e::{Api, Pace, Scene, Transport, on_both_transports};

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];

const ANSWER: &str = "document.querySelector('[data-block][data-kind=text] [data-text]')?.textContent ?? ''";

on_both_transports!(a_login_that_ends_in_mid_stream_keeps_transcript_queue_and_draft);

async fn a_login_that_ends_in_mid_stream_keeps_transcript_queue_and_draft(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 10", "--receipt-ms", "250000", "--silence-ms", "250000"]).await;
    let page = scene.open().await;
    page.run::<()>("globalThis.sameDocument = true").await;
    page.send("/stream 300").await;
    page.wait_for_turn(1, &["running"], SOON).await;
    page.wait_for("some of the answer", &format!("({ANSWER}).length > 200"), SOON).await;

    // The next message is on its way when the login ends.
    scene.proxy.delay(Duration::from_secs(1));
    page.send("/echo queued").await;
    let login = Api::with_cookie(scene.gateway.address(), page.cookies().await);
    let (status, _) = login.raw(Method::POST, "/v1/logout", &[], "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    page.wait_for("the page to ask for a login", "document.querySelector('[data-transcript]').dataset.status === 'signed-out'", SOON).await;
    page.type_text("a draft").await;
    scene.proxy.delay(Duration::ZERO);

    let shown: String = page.run(&format!("return {ANSWER}")).await;
    assert!(shown.len() > 200, "the transcript stays");
    assert!(page.holds("document.querySelector('[data-send-state=queued]')").await, "the message waits, and has not failed");

    let typed = format!("document.querySelector('input[data-token]').value = '{}'", scene.gateway.token());
    page.run::<()>(&format!("{typed}; document.querySelector('input[data-token]').dispatchEvent(new Event('input', {{ bubbles: true }}))"))
        .await;
    page.click("[data-action=sign-in]").await;
    page.wait_until_live(SOON).await;
    page.wait_for_turn(1, &OVER, SOON).await;
    page.wait_for_turn(2, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!(journal.messages(), ["/stream 300", "/echo queued"]);
    let kept: String = page.run(&format!("return {ANSWER}")).await;
    assert!(kept.starts_with(&shown), "what was shown stays");
    assert_eq!(page.run::<String>("return document.querySelector('textarea').value").await, "a draft");
    assert!(page.holds("globalThis.sameDocument").await, "without a reload");
}
