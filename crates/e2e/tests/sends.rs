//! What is typed reaches the agent once: also when it is typed on a dead line, and when the receipt is lost.

use std::time::Duration;

use moorline_e2e::{Admission, Client, Cut, Deed, On, Pace, Page, Proxy, Scene, Stage, Transport, on_both_transports};
use moorline_protocol::{Code, MessageId, ReceiptOutcome, SessionId};

const SOON: Duration = Duration::from_secs(20);
const OVER: [&str; 1] = ["completed"];
const AGENT: [&str; 2] = ["--agent", "demo:--delay-ms 4"];

on_both_transports!(
    messages_typed_on_a_dead_line_are_accepted_once_and_in_order,
    of_two_echoes_with_one_text_the_one_that_is_edited_changes_and_the_other_stays,
    a_message_whose_receipt_is_lost_is_accepted_once,
    a_message_whose_receipt_and_event_are_lost_is_accepted_once,
    a_message_whose_receipt_and_event_vanish_silently_is_accepted_once,
    an_answer_given_on_a_dead_line_settles_its_request_once,
);

/// A page that has had a turn and whose line is gone, which it has noticed.
async fn on_a_dead_line(on: Transport) -> (Scene, Page) {
    let scene = Scene::start(on, Pace::Fast, &AGENT).await;
    let page = scene.open().await;
    page.send("/echo before").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    lose_the_line(&scene, &page).await;
    (scene, page)
}

async fn lose_the_line(scene: &Scene, page: &Page) {
    scene.proxy.admit(Admission::Refuse);
    scene.proxy.cut(Cut::Reset);
    page.wait_for("the page to notice", "document.querySelector('[data-transcript]').dataset.status !== 'live'", SOON).await;
}

async fn messages_typed_on_a_dead_line_are_accepted_once_and_in_order(on: Transport) {
    let (scene, page) = on_a_dead_line(on).await;
    let texts = ["/echo one", "/echo two", "/echo three"];
    for text in texts {
        page.send(text).await;
    }
    page.wait_for("three queued echoes", "document.querySelectorAll('[data-send-state=queued]').length === 3", SOON).await;
    assert_eq!(scene.api.journal(&page.session().await).await.acceptances("/echo one"), 0, "nothing came through");

    scene.proxy.admit(Admission::Open);
    page.wait_for_turn(4, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    for text in texts {
        assert_eq!(journal.acceptances(text), 1, "{text}");
    }
    assert_eq!(journal.messages(), ["/echo before", "/echo one", "/echo two", "/echo three"]);
    assert!(!page.holds("document.querySelector('[data-send-state=queued], [data-send-state=sending], [data-send-state=failed]')").await);
}

/// Sends a message while something of its way back is lost, as told.
async fn of_two_echoes_with_one_text_the_one_that_is_edited_changes_and_the_other_stays(on: Transport) {
    let (scene, page) = on_a_dead_line(on).await;
    let two = "document.querySelectorAll('[data-send-state=queued]').length === 2";
    page.send("/echo same").await;
    page.send("/echo same").await;
    page.wait_for("two queued echoes", two, SOON).await;
    page.click("[data-send-state=queued] [data-action=edit]").await;
    page.wait_for("the text in the composer", "document.querySelector('[data-composer]').value === '/echo same'", SOON).await;
    page.wait_for("one echo to be left", "document.querySelectorAll('[data-send-state=queued]').length === 1", SOON).await;
    page.send(" no more").await;
    page.wait_for("two queued echoes again", two, SOON).await;

    scene.proxy.admit(Admission::Open);
    page.wait_for_turn(3, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    for text in ["/echo same", "/echo same no more"] {
        assert_eq!(journal.acceptances(text), 1, "{text}");
    }
    assert_eq!(page.crashes().await, Vec::<String>::new());
}

async fn lose(on: Transport, arm: impl FnOnce(&Proxy), ends_the_connection: bool) {
    let scene = Scene::start(on, Pace::Fast, &AGENT).await;
    let page = scene.open().await;
    page.send("/echo before").await;
    page.wait_for_turn(1, &OVER, SOON).await;

    let before = scene.proxy.counters();
    arm(&scene.proxy);
    page.send("/echo once").await;
    scene.proxy.until("the loss", SOON, |c| c.fired > before.fired).await;
    if ends_the_connection {
        scene.until_connected_since("a new connection", &before).await;
    }
    page.wait_for_turn(2, &OVER, SOON).await;
    page.wait_for(
        "no send under way",
        "!document.querySelector('[data-send-state=queued], [data-send-state=sending], [data-send-state=retrying]')",
        SOON,
    )
    .await;
    assert_eq!(scene.settled(&page).await.acceptances("/echo once"), 1);
}

async fn a_message_whose_receipt_is_lost_is_accepted_once(on: Transport) {
    match on {
        Transport::WebSocket => lose(on, |proxy| proxy.cut_at_message_with("\"receipt\"", Cut::Reset), true).await,
        Transport::Sse => lose(on, |proxy| proxy.arm(On::post("/v1/send"), 1, Deed::CutDown { bytes: 0, cut: Cut::Reset }), false).await,
    }
}

async fn a_message_whose_receipt_and_event_are_lost_is_accepted_once(on: Transport) {
    lose(on, |proxy| lose_both(proxy, on, Cut::Reset), true).await;
}

async fn a_message_whose_receipt_and_event_vanish_silently_is_accepted_once(on: Transport) {
    lose(on, |proxy| lose_both(proxy, on, Cut::HoleDown), true).await;
}

/// Loses everything from the event of a message on, and its receipt, which is a POST's answer on SSE.
fn lose_both(proxy: &Proxy, on: Transport, cut: Cut) {
    if on == Transport::Sse {
        proxy.arm(On::post("/v1/send"), 1, Deed::CutDown { bytes: 0, cut });
    }
    proxy.cut_at_message_with("\"accepted\"", cut);
}

async fn an_answer_given_on_a_dead_line_settles_its_request_once(on: Transport) {
    let scene = Scene::start(on, Pace::Fast, &AGENT).await;
    let page = scene.open().await;
    page.send("/ask").await;
    page.wait_for("the request", "document.querySelector('[data-option]:not(:disabled)')", SOON).await;

    lose_the_line(&scene, &page).await;
    page.click("[data-option]").await;
    scene.proxy.admit(Admission::Open);
    page.wait_for_turn(1, &OVER, SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!(journal.answers(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_send_after_a_lost_receipt_gets_the_same_receipt_and_no_second_turn() {
    let stage = Stage::start(Pace::Fast, &AGENT).await;
    let proxy = Proxy::start(stage.gateway.address()).await;
    let session = SessionId::parse("lost-receipt").unwrap();
    let message = MessageId::parse("message-1").unwrap();

    let (mut client, _) = Client::greeted(proxy.address(), stage.api.cookie(), "one").await;
    client.attach(&session, 1).await;
    proxy.cut_at_message_with("\"accepted\"", Cut::Reset);
    client.send_text(&session, &message, "/echo once").await;
    proxy.until("the loss", SOON, |c| c.fired == 1).await;
    while client.next().await.is_some() {}

    let (mut client, _) = Client::greeted(proxy.address(), stage.api.cookie(), "one").await;
    client.send_text(&session, &message, "/echo once").await;
    let first = client.expect_receipt(&message).await;
    assert!(matches!(first, ReceiptOutcome::Accepted { .. }), "{first:?}");
    client.send_text(&session, &message, "/echo once").await;
    assert_eq!(client.expect_receipt(&message).await, first);

    client.send_text(&session, &message, "/echo another text").await;
    let refusal = client.expect_error("a refusal").await;
    assert_eq!((refusal.code, refusal.message_id), (Code::MessageConflict, Some(message.clone())));

    client.attach(&session, 1).await;
    client.expect_turn_end(&message).await;
    let journal = stage.api.journal(&session).await;
    assert_eq!((journal.acceptances("/echo once"), journal.messages().len(), journal.ends()), (1, 1, 1));
}
