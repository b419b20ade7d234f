//! What a POST may meet on its way: every answer of the send policy's table, waits that are measured, and cuts inside it.

use std::time::{Duration, SystemTime};

use moorline_e2e::{Answer, Cut, Deed, On, Pace, Page, Scene, Seen, Streams, Transport};

const SOON: Duration = Duration::from_secs(20);
const OVER: [&str; 1] = ["completed"];
const AGENT: [&str; 2] = ["--agent", "demo:--delay-ms 0"];
/// Between the moment for a next attempt and the proxy seeing it, on a busy machine.
const SLACK: Duration = Duration::from_millis(700);

const UNDER_WAY: &str = "document.querySelector('[data-send-state=queued], [data-send-state=sending], [data-send-state=retrying]')";
const FAILED: &str = "document.querySelector('[data-send-state=failed]')";

fn sends() -> On {
    On::post("/v1/send")
}

/// A page on SSE that has sent one message; the options' timings are fiftieths.
async fn scene(options: &[&str]) -> (Scene, Page) {
    let scene = Scene::start(Transport::Sse, Pace::Fast, &[&AGENT, options].concat()).await;
    let page = scene.open().await;
    page.send("/echo before").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    (scene, page)
}

/// The attempts at the sends behind the first one.
async fn attempts(scene: &Scene, n: usize) -> Vec<Seen> {
    let answered = |seen: &[Seen]| seen.len() > n && seen.iter().all(|seen| seen.status.is_some());
    let mut seen = scene.proxy.until_requests(&format!("{n} answered attempts"), SOON, &sends(), answered).await;
    seen.remove(0);
    seen
}

fn statuses(attempts: &[Seen]) -> Vec<u16> {
    attempts.iter().filter_map(|seen| seen.status).collect()
}

/// The times between one attempt and the next.
fn waits(attempts: &[Seen]) -> Vec<Duration> {
    attempts.windows(2).map(|two| two[1].at - two[0].at).collect()
}

async fn expect_accepted_once(scene: &Scene, page: &Page, texts: &[&str]) {
    page.wait_for_turn(1 + texts.len(), &OVER, SOON).await;
    page.wait_for("no send under way", &format!("!{UNDER_WAY} && !{FAILED}"), SOON).await;
    let journal = scene.settled(page).await;
    let expected: Vec<&str> = std::iter::once("/echo before").chain(texts.iter().copied()).collect();
    assert_eq!(journal.messages(), expected);
    assert!(texts.iter().all(|text| journal.acceptances(text) == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_restarted_under_a_send_knows_no_such_connection_and_accepts_it_once_on_another() {
    let (mut scene, page) = scene(&["--silence-ms", "500000"]).await;
    // The page must not see that its stream has ended, nor hear it from the answer to another POST.
    scene.proxy.let_streams(Streams::Hold);
    for other in ["/v1/ack", "/v1/pong"] {
        scene.proxy.arm(On::post(other), usize::MAX, Deed::Answer(Answer::new(204)));
    }
    scene.gateway.kill().await;
    scene.gateway.restart().await;
    page.send("/echo once").await;
    let first = attempts(&scene, 1).await;
    assert_eq!(statuses(&first), [404]);
    scene.proxy.let_streams(Streams::Flow);
    expect_accepted_once(&scene, &page, &["/echo once"]).await;
    assert_eq!(statuses(&attempts(&scene, 2).await), [404, 200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_say_when_to_come_again_are_obeyed_in_seconds_and_as_a_date() {
    let (scene, page) = scene(&[]).await;
    let date = SystemTime::now() + Duration::from_secs(6);
    // A date has whole seconds.
    let date = httpdate::fmt_http_date(date);
    scene.proxy.arm(sends(), 1, Deed::Answer(Answer::new(429).header("Retry-After", "2")));
    scene.proxy.arm(sends(), 1, Deed::Answer(Answer::new(503).header("Retry-After", &date)));
    page.send("/echo once").await;
    page.wait_for("a countdown", "document.querySelector('[data-send-state=retrying]')", SOON).await;
    let attempts = attempts(&scene, 3).await;
    let last_came = SystemTime::now();
    assert_eq!(statuses(&attempts), [429, 503, 200]);
    let wait = waits(&attempts)[0];
    assert!(wait >= Duration::from_secs(2) && wait < Duration::from_secs(2) + SLACK, "{wait:?} for 2 s");
    let named = httpdate::parse_http_date(&date).unwrap();
    let late = last_came.duration_since(named).expect("not before the date named");
    assert!(late < SLACK, "{late:?} after the date named");
    expect_accepted_once(&scene, &page, &["/echo once"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_beyond_the_longest_is_cut_to_it() {
    let (scene, page) = scene(&["--retry-after-max-ms", "50000"]).await;
    scene.proxy.arm(sends(), 1, Deed::Answer(Answer::new(503).header("Retry-After", "3600")));
    page.send("/echo once").await;
    let wait = waits(&attempts(&scene, 2).await)[0];
    assert!(wait >= Duration::from_secs(1) && wait < Duration::from_secs(1) + SLACK, "{wait:?} for at most 1 s");
    expect_accepted_once(&scene, &page, &["/echo once"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_400_is_never_tried_again_and_its_reason_is_shown() {
    let (scene, page) = scene(&[]).await;
    let refusal = Answer::new(400).body(r#"{"code": "bad_frame", "message": "the moon is missing from this frame"}"#);
    scene.proxy.arm(sends(), usize::MAX, Deed::Answer(refusal));
    page.send("/echo once").await;
    page.wait_for("the failed message", FAILED, SOON).await;
    let reason = "document.querySelector('[data-send-state=failed]').innerText.includes('moon is missing from this frame')";
    page.wait_for("the gateway's reason beside it", reason, SOON).await;

    // A new connection is the next occasion, and more time than any wait between two attempts.
    let before = scene.proxy.counters();
    scene.proxy.cut(Cut::Reset);
    scene.until_connected_since("a new connection", &before).await;
    page.wait_until_live(SOON).await;
    assert_eq!(statuses(&attempts(&scene, 1).await), [400]);

    scene.proxy.forget_rules();
    page.click("[data-send-state=failed] [data-action=retry]").await;
    expect_accepted_once(&scene, &page, &["/echo once"]).await;
    assert_eq!(statuses(&attempts(&scene, 2).await), [400, 200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_500s_over_time_fail_a_message_those_behind_it_wait_and_a_retry_sends_all_in_order() {
    let (scene, page) = scene(&["--retry-first-ms", "30000", "--retry-second-ms", "60000"]).await;
    scene.proxy.arm(sends(), 3, Deed::Answer(Answer::new(500)));
    for text in ["/echo one", "/echo two", "/echo three"] {
        page.send(text).await;
    }
    page.wait_for("the failed message", FAILED, SOON).await;
    let tried = attempts(&scene, 3).await;
    assert_eq!(statuses(&tried), [500, 500, 500]);
    for (wait, base) in waits(&tried).into_iter().zip([600, 1_200].map(Duration::from_millis)) {
        assert!(wait >= base / 2 && wait < base * 3 / 2 + SLACK, "{wait:?} for {base:?}, times 0.5 to 1.5");
    }
    let states = "return [...document.querySelectorAll('[data-send-state]')].map((echo) => echo.dataset.sendState)";
    let states: Vec<String> = page.run(states).await;
    assert_eq!(states.iter().filter(|state| *state != "accepted").collect::<Vec<_>>(), ["failed", "queued", "queued"]);

    page.click("[data-send-state=failed] [data-action=retry]").await;
    expect_accepted_once(&scene, &page, &["/echo one", "/echo two", "/echo three"]).await;
    assert_eq!(statuses(&attempts(&scene, 6).await), [500, 500, 500, 200, 200, 200]);
}

/// Cuts one POST at a sixth of its way: nothing up, its head, all but its end, all of it; its answer's head, all but its end.
async fn cut_inside_a_post(cut: Cut) {
    let (scene, page) = scene(&[]).await;
    // As long as those below.
    page.send("/echo cut 0").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    let whole = attempts(&scene, 1).await.remove(0);
    let (up, down) = (whole.bytes_up, whole.bytes_down);
    let up = [0, up / 2, up - 1, up].map(|bytes| Deed::CutUp { bytes, cut });
    let down = [down / 2, down - 1].map(|bytes| Deed::CutDown { bytes, cut });

    let mut texts = vec!["/echo before".to_owned(), "/echo cut 0".to_owned()];
    for (n, deed) in (1..).zip(up.into_iter().chain(down)) {
        let text = format!("/echo cut {n}");
        let fired = scene.proxy.counters().fired;
        scene.proxy.arm(sends(), 1, deed.clone());
        page.send(&text).await;
        scene.proxy.until(&format!("{deed:?}"), SOON, |c| c.fired > fired).await;
        page.wait_for_turn(n + 2, &OVER, SOON).await;
        page.wait_for("no send under way", &format!("!{UNDER_WAY} && !{FAILED}"), SOON).await;
        texts.push(text);
        assert_eq!(scene.settled(&page).await.messages(), texts, "{deed:?}");
    }
    assert_eq!(page.crashes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_reset_at_six_places_inside_it_is_accepted_once() {
    cut_inside_a_post(Cut::Reset).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_vanishes_at_six_places_inside_it_is_accepted_once() {
    cut_inside_a_post(Cut::HoleBoth).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_took_effect_and_was_answered_by_somebody_else_is_accepted_once() {
    let (scene, page) = scene(&["--silence-ms", "500000"]).await;
    // The event would be a receipt, too.
    scene.proxy.let_streams(Streams::Hold);
    scene.proxy.arm(sends(), 1, Deed::Misreport(Answer::new(502).body("<html>Bad Gateway</html>")));
    scene.proxy.arm(sends(), 1, Deed::Misreport(Answer::new(200).body("<html>Welcome to the hotel's network</html>")));
    page.send("/echo once").await;
    let attempts = attempts(&scene, 3).await;
    assert_eq!(statuses(&attempts), [502, 200, 200]);
    scene.proxy.let_streams(Streams::Flow);
    expect_accepted_once(&scene, &page, &["/echo once"]).await;
}
