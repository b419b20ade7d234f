//! A reader in a long transcript: what is looked at stays where it is, whatever arrives.

use std::time::Duration;

use moorline_e2e::{Client, Pace, Page, Scene, Transport};
use moorline_protocol::{MessageId, SessionId};

const SOON: Duration = Duration::from_secs(30);
const AT_ONCE: [&str; 2] = ["--agent", "demo:--delay-ms 0"];
const LATEST: &str = "document.querySelector('[data-action=latest]')";
/// Blocks that may be mounted.
const MOST: usize = 320;

/// The first block wholly on screen, and where its upper edge is.
const PLACE: &str = "
  const edge = document.querySelector('[data-transcript]').getBoundingClientRect().top;
  const block = [...document.querySelectorAll('[data-block]')].find((block) => block.getBoundingClientRect().top >= edge);
  return [block.dataset.block, block.getBoundingClientRect().top];";

async fn place(page: &Page) -> (String, f64) {
    page.run(PLACE).await
}

async fn place_of(page: &Page, block: &str) -> f64 {
    page.run(&format!("return document.querySelector('[data-block=\"{block}\"]').getBoundingClientRect().top")).await
}

async fn mounted(page: &Page) -> usize {
    page.run("return document.querySelectorAll('[data-block]').length").await
}

/// Two frames, in which everything that was set off by the last event has been laid out.
async fn drawn(page: &Page) {
    let () = page.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))").await;
}

/// A turn from elsewhere, to its end.
async fn play(scene: &Scene, session: &SessionId, name: &str, text: &str) {
    let message = MessageId::parse(name).expect("an id");
    let (mut client, _) = Client::greeted(scene.gateway.address(), scene.api.cookie(), &format!("c-{name}")).await;
    client.ack_what_is_read();
    client.attach(session, 1).await;
    client.send_text(session, &message, text).await;
    client.follow_to_turn_end(&message, SOON).await;
}

async fn until_applied(scene: &Scene, page: &Page, session: &SessionId) {
    let head = scene.api.journal(session).await.head;
    let applied = format!("Number(document.querySelector('[data-transcript]').dataset.appliedSeq) >= {head}");
    page.wait_for("everything to be applied", &applied, SOON).await;
    drawn(page).await;
}

/// A page whose reader went up from the end of a long transcript.
async fn parked(scene: &Scene) -> (Page, SessionId) {
    let page = scene.open().await;
    page.send("/mix 1500").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    let session = page.session().await;
    until_applied(scene, &page, &session).await;
    page.wheel(-1_500).await;
    page.wait_for("the reader to have left the end", &format!("Boolean({LATEST})"), SOON).await;
    // A wheel may scroll smoothly: the place is read once it has come to rest.
    let still = "const box = document.querySelector('[data-transcript]'); const was = window.moorlineWas; window.moorlineWas = box.scrollTop; return was === box.scrollTop";
    let mut rests = 0;
    while rests < 5 {
        drawn(&page).await;
        rests = if page.run(still).await { rests + 1 } else { 0 };
    }
    (page, session)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_in_mid_transcript_sees_nothing_move_while_two_thousand_events_arrive() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 1", "--durability", "os"]).await;
    let (page, session) = parked(&scene).await;
    let (block, before) = place(&page).await;
    let head = scene.api.journal(&session).await.head.value();
    play(&scene, &session, "news", "/mix 2000").await;
    until_applied(&scene, &page, &session).await;
    let events = scene.api.journal(&session).await.head.value() - head;
    assert!(events >= 2_000, "{events} events arrived");
    let after = place_of(&page, &block).await;
    assert!((after - before).abs() < f64::EPSILON, "block {block} moved from {before} to {after}");
    assert!(mounted(&page).await <= MOST, "{} blocks are mounted", mounted(&page).await);
    let label: String = page.run(&format!("return {LATEST}.textContent")).await;
    assert!(label.contains(" new)"), "the button says {label:?}");

    page.click("[data-action=latest]").await;
    page.wait_for("the end", &format!("!{LATEST}"), SOON).await;
    scene.settled_to_its_start(&page).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_does_not_take_the_end_from_a_reader_who_follows_it() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &AT_ONCE).await;
    let page = scene.open().await;
    page.send("/mix 10000").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    until_applied(&scene, &page, &page.session().await).await;
    page.wait_for("the newest blocks to be mounted", "document.querySelectorAll('[data-block]').length >= 200", SOON).await;
    drawn(&page).await;
    assert!(!page.holds(LATEST).await, "nobody went up, and the end is not followed any more");
    let below: f64 = page
        .run("const box = document.querySelector('[data-transcript]'); return box.scrollHeight - box.scrollTop - box.clientHeight")
        .await;
    assert!(below < 3.0, "{below} px are below what is on screen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_upward_intent_of_wheel_finger_or_key_lets_go_and_only_the_true_end_takes_hold() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &AT_ONCE).await;
    let (page, session) = parked(&scene).await;
    let let_go = format!("Boolean({LATEST})");
    for up in ["finger", "key", "wheel"] {
        page.click("[data-action=latest]").await;
        page.wait_for("the end", &format!("!{LATEST}"), SOON).await;
        drawn(&page).await;
        match up {
            "finger" => page.drag(200).await,
            "key" => {
                let () = page.run("document.querySelector('[data-transcript]').focus(); return null").await;
                page.press("PageUp").await;
            }
            _ => page.wheel(-40).await,
        }
        page.wait_for(&format!("a {up} to let go"), &let_go, SOON).await;
        play(&scene, &session, &format!("news-{up}"), "/tools 3").await;
        until_applied(&scene, &page, &session).await;
        assert!(page.holds(&let_go).await, "what arrives takes hold of a reader who let go by {up}");
    }
    // The end of what is mounted is not the end: the reader goes on to it.
    play(&scene, &session, "more", "/mix 6000").await;
    until_applied(&scene, &page, &session).await;
    let journal = scene.api.journal(&session).await;
    let transcript = journal.transcript();
    let last = transcript.turns().last().and_then(|turn| transcript.blocks(&turn.id).last()).expect("a block");
    for _ in 0..200 {
        if !page.holds(&let_go).await {
            break;
        }
        page.wheel(3_000).await;
        drawn(&page).await;
    }
    page.wait_for("the end to take hold", &format!("!{LATEST}"), SOON).await;
    let is_there = format!("Boolean(document.querySelector('[data-block=\"{}\"]'))", last.id);
    assert!(page.holds(&is_there).await, "another place than the end has taken hold");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_of_a_thousand_tool_calls_scrolls_to_its_start_and_its_cards_open() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &AT_ONCE).await;
    let page = scene.open().await;
    page.send("/tools 1000").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    let first = "document.querySelector('[data-kind=message]')";
    for _ in 0..100 {
        if page.holds(&format!("Boolean({first})")).await {
            break;
        }
        page.wheel(-4_000).await;
        drawn(&page).await;
        assert!(mounted(&page).await <= MOST, "{} blocks are mounted", mounted(&page).await);
    }
    page.wait_for("the beginning", &format!("Boolean({first})"), SOON).await;
    page.click("[data-kind=tool] [data-disclosure]").await;
    page.wait_for("the card's output", "document.querySelector('[data-kind=tool] .tool-output')?.textContent", SOON).await;
    let elements: usize = page.run("return document.getElementsByTagName('*').length").await;
    assert!(elements < 6_000, "{elements} elements for what is on screen of a thousand calls");
    page.click("[data-action=latest]").await;
    page.wait_for("the end", &format!("!{LATEST}"), SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_while_the_page_was_elsewhere_stands_below_a_mark_after_a_reload_and_its_session_is_marked() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &AT_ONCE).await;
    let page = scene.open().await;
    page.send("/echo one").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    let session = page.session().await;
    until_applied(&scene, &page, &session).await;
    page.new_session().await;
    page.send("/echo elsewhere").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    play(&scene, &session, "news", "/echo two").await;
    let unread = format!("document.querySelector('[data-session-row=\"{session}\"]').closest('li').querySelector('[data-mark=unread]')");
    page.wait_for("the session's mark", &format!("Boolean({unread})"), SOON).await;
    page.reload().await;
    page.wait_until_live(SOON).await;
    page.wait_for("the session's mark after a reload", &format!("Boolean({unread})"), SOON).await;
    page.click(&format!("[data-session-row=\"{session}\"]")).await;
    let turn = "document.querySelector('[data-new]')?.nextElementSibling?.dataset.turn";
    page.wait_for("the mark before what is new", &format!("{turn} === 'news'"), SOON).await;
    page.wait_for("the session to be read", &format!("!{unread}"), SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_grows_off_screen_far_beyond_what_is_mounted_is_there_to_its_start() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &AT_ONCE).await;
    let (page, session) = parked(&scene).await;
    page.new_session().await;
    page.send("/mix 1000").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    play(&scene, &session, "news", "/mix 3000").await;
    play(&scene, &session, "end", "/echo the very end").await;
    page.click(&format!("[data-session-row=\"{session}\"]")).await;
    page.wait_for("the session", &format!("document.querySelector('[data-transcript]').dataset.session === '{session}'"), SOON).await;
    until_applied(&scene, &page, &session).await;
    assert!(mounted(&page).await <= MOST, "{} blocks are mounted", mounted(&page).await);
    scene.settled_to_its_start(&page).await;
    assert!(mounted(&page).await <= MOST, "{} blocks are mounted", mounted(&page).await);
}
