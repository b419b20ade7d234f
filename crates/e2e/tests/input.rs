//! What is typed and chosen, with real keys and a real input method.

use std::time::Duration;

use moorline_e2e::{Pace, Page, Scene, Transport};

const SOON: Duration = Duration::from_secs(30);

async fn typed(page: &Page) -> String {
    page.run("return document.querySelector('[data-composer]').value").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enter_does_not_send_while_an_input_method_composes() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 0"]).await;
    let page = scene.open().await;
    page.click("[data-composer]").await;
    page.compose("か").await;
    page.compose("かん").await;
    page.press_enter_in_composition().await;
    page.wait_for("what is composed to be in the composer", "document.querySelector('[data-composer]').value.length > 0", SOON).await;
    page.compose_done("漢").await;
    page.wait_for("the character", "document.querySelector('[data-composer]').value.includes('漢')", SOON).await;
    let turns: usize = page.run("return document.querySelectorAll('[data-turn], [data-message-id]').length").await;
    assert_eq!((turns, typed(&page).await.trim()), (0, "漢"), "Enter in mid-composition sent something");
    page.press("Enter").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    let journal = scene.settled(&page).await;
    assert_eq!(journal.messages(), ["漢"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_answered_by_a_key_in_a_second_tab_and_the_first_sees_it_settled() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 0"]).await;
    let page = scene.open().await;
    page.send("/ask").await;
    page.wait_for("the request", "Boolean(document.querySelector('[data-kind=request] [data-option]'))", SOON).await;
    let second = page.new_tab().await;
    second.open(&page.url().await).await;
    second.wait_until_live(SOON).await;
    second.wait_for("the request there", "Boolean(document.querySelector('[data-kind=request] [data-option]'))", SOON).await;
    second.press("1").await;
    let settled = "Boolean(document.querySelector('[data-kind=request] [data-settled=answered]'))";
    second.wait_for("the answer", settled, SOON).await;
    page.wait_for("the answer in the first tab", settled, SOON).await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    let journal = scene.settled(&page).await;
    let answers = journal.events.iter().filter(|event| matches!(event.body, moorline_protocol::EventBody::Answered(_))).count();
    assert_eq!(answers, 1, "one answer is in the journal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_lies_over_a_request_while_the_reader_is_elsewhere() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 0"]).await;
    let page = scene.open().await;
    page.send("/tools 12").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    page.send("/ask").await;
    page.wait_for("the request", "Boolean(document.querySelector('[data-option]:not(:disabled)'))", SOON).await;
    // Whoever opens a card reads there: the end is not followed any more.
    page.click("[data-turn] [data-kind=tool] [data-disclosure]").await;
    page.wait_for("the way to the request", "Boolean(document.querySelector('[data-action=question]'))", SOON).await;
    let over = "
      const scroller = document.querySelector('[data-transcript]'), all = [...document.querySelectorAll('[data-option]')];
      const covered = [];
      for (let top = 0; top <= scroller.scrollHeight; top += 16) {
        scroller.scrollTop = top;
        const edge = scroller.getBoundingClientRect();
        for (const option of all) {
          const { x, y, width, height } = option.getBoundingClientRect();
          if (y < edge.top || y + height > edge.bottom) continue;
          const there = document.elementFromPoint(x + width / 2, y + height / 2);
          if (!option.contains(there)) covered.push(`${option.dataset.option} by ${there?.outerHTML.slice(0, 80)} at ${top}`);
        }
      }
      return covered";
    assert_eq!(page.run::<Vec<String>>(over).await, Vec::<String>::new());
    page.click("[data-option]").await;
    page.wait_for_turn(2, &["completed"], SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_who_goes_to_and_fro_between_two_streams_finds_each_text_in_its_session() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 1"]).await;
    let page = scene.open().await;
    page.send("/stream 1500").await;
    page.wait_for_turn(1, &["running"], SOON).await;
    let first = page.session().await;
    page.new_session().await;
    page.send("/mix 1500").await;
    page.wait_for_turn(1, &["running"], SOON).await;
    let second = page.session().await;
    for n in 0..20 {
        let session = if n % 2 == 0 { &first } else { &second };
        page.click(&format!("[data-session-row=\"{session}\"]")).await;
        let there = format!("document.querySelector('[data-transcript]')?.dataset.session === '{session}'");
        page.wait_for("the session", &there, SOON).await;
    }
    for session in [first, second] {
        page.click(&format!("[data-session-row=\"{session}\"]")).await;
        page.wait_for("the session", &format!("document.querySelector('[data-transcript]')?.dataset.session === '{session}'"), SOON).await;
        page.wait_until_idle(SOON).await;
        scene.settled_to_its_start(&page).await;
    }
}
