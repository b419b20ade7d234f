//! Sessions made over HTTP, and the list.

use moorline_protocol::{ClientFrame, GatewayFrame, Hello, Rows, SessionRow};
use reqwest::StatusCode;

use crate::{
    page::{Page, hello, id, message},
    world::{World, assert_problem},
};

async fn create(world: &World, body: &str) -> SessionRow {
    let response = world.post("/v1/sessions", body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

fn rows(frame: GatewayFrame) -> Option<Rows> {
    if let GatewayFrame::Sessions(rows) = frame { Some(rows) } else { None }
}

#[tokio::test]
async fn a_session_is_made_once_however_often_it_is_asked_for() {
    let world = World::start(&[]).await;
    let first = create(&world, r#"{"session":"s","title":"Roof"}"#).await;
    assert_eq!(first.title, "Roof");
    assert_eq!(create(&world, r#"{"session":"s","title":"Cellar"}"#).await, first);
    let list: Rows = world.get("/v1/sessions").send().await.unwrap().json().await.unwrap();
    assert_eq!(list.rows, [first]);
}

#[tokio::test]
async fn a_page_without_a_list_gets_all_of_it_and_then_what_changes() {
    let world = World::start(&[]).await;
    let first = create(&world, r#"{"session":"s"}"#).await;
    let mut page = Page::connect(&world).await;
    page.send(&hello("a")).await;
    let all = page.until("the list", rows).await;
    assert!(all.list_reset);
    assert_eq!(all.rows, [first]);
    let second = create(&world, r#"{"session":"t"}"#).await;
    let change = page.until("the new row", rows).await;
    assert!(!change.list_reset);
    assert_eq!(change.rows, [second]);
}

#[tokio::test]
async fn a_page_with_a_list_gets_only_what_is_newer() {
    let world = World::start(&[]).await;
    let first = create(&world, r#"{"session":"s"}"#).await;
    let second = create(&world, r#"{"session":"t"}"#).await;
    let mut page = Page::connect(&world).await;
    let hello = Hello { version: 1, client: id("a"), page: id("p"), attaches: vec![], rows_rev: Some(first.rev) };
    page.send(&ClientFrame::Hello(hello)).await;
    let newer = page.until("the newer row", rows).await;
    assert!(!newer.list_reset);
    assert_eq!(newer.rows, [second]);
}

#[tokio::test]
async fn a_long_list_comes_in_frames_that_keep_the_limit() {
    let world = World::start(&[]).await;
    for n in 0..300 {
        create(&world, &format!(r#"{{"session":"session-{n:03}","title":"{}"}}"#, "t".repeat(60))).await;
    }
    let (mut page, _) = Page::greet(&world, "a").await;
    let (mut seen, mut frames) = (0, 0);
    while seen < 300 {
        let part = page.until("more rows", rows).await;
        assert_eq!(part.list_reset, frames == 0);
        assert!(moorline_protocol::encode(&GatewayFrame::Sessions(part.clone())).len() <= 16 << 10);
        seen += part.rows.len();
        frames += 1;
    }
    assert_eq!(seen, 300);
    assert!(frames > 1);
}

#[tokio::test]
async fn a_running_turn_shows_in_the_list_and_its_end_too() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/ask")).await;
    let with = |wanted: fn(&SessionRow) -> bool| move |frame| rows(frame)?.rows.into_iter().find(wanted);
    let waiting = page.until("a waiting row", with(|row| row.running && row.waiting)).await;
    assert_eq!(waiting.title, "/ask");
    page.send(&ClientFrame::Cancel(moorline_protocol::Cancel { session: id("s"), turn: id("m1"), next: None })).await;
    page.until("an idle row", with(|row| !row.running && !row.waiting)).await;
}

async fn change(world: &World, session: &str, body: &str) -> SessionRow {
    let response = world.patch(&format!("/v1/sessions/{session}"), body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_session_is_named_pinned_and_put_away_and_every_page_is_told() {
    let world = World::start(&[]).await;
    let made = create(&world, r#"{"session":"s","title":"Roof"}"#).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.until("the list", rows).await;
    let changed = change(&world, "s", r#"{"title":" Cellar  and roof ","pinned":true,"archived":true}"#).await;
    assert_eq!((changed.title.as_str(), changed.pinned, changed.archived), ("Cellar and roof", true, true));
    assert_eq!(changed.changed_at, made.changed_at, "it is no news of the session");
    assert_eq!(page.until("the changed row", rows).await.rows, std::slice::from_ref(&changed));
    assert_eq!(change(&world, "s", "{}").await, changed, "nothing is changed by nothing");
    let unpinned = change(&world, "s", r#"{"pinned":false}"#).await;
    assert!(!unpinned.pinned && unpinned.archived && unpinned.rev > changed.rev);
    assert_problem(world.patch("/v1/sessions/none", "{}"), StatusCode::NOT_FOUND, "unknown_session").await;
    assert_problem(world.patch("/v1/sessions/s", r#"{"title":""}"#), StatusCode::UNPROCESSABLE_ENTITY, "unprocessable").await;
    assert_problem(world.patch("/v1/sessions/s", r#"{"title":7}"#), StatusCode::BAD_REQUEST, "bad_frame").await;
    assert_problem(world.patch("/v1/sessions/no%20id", "{}"), StatusCode::BAD_REQUEST, "bad_frame").await;
    let again = World::on(world.stop().await, &[]).await;
    let list: Rows = again.get("/v1/sessions").send().await.unwrap().json().await.unwrap();
    assert_eq!(list.rows, [unpinned], "also after a restart");
}

#[tokio::test]
async fn an_agent_ends_when_its_session_is_put_away_and_a_message_brings_both_back() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/echo one")).await;
    page.receipt().await;
    world.journal_with_ended_turns("s", 1).await;
    let agents = world.agents();
    assert_eq!(agents.len(), 1, "one agent is at work");
    assert!(change(&world, "s", r#"{"archived":true}"#).await.archived);
    crate::world::within("the agent's end", async {
        while !world.agents().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    page.send(&message("s", "m2", "/echo two")).await;
    page.receipt().await;
    world.journal_with_ended_turns("s", 2).await;
    let list: Rows = world.get("/v1/sessions").send().await.unwrap().json().await.unwrap();
    assert!(!list.rows[0].archived, "what somebody goes on with is not put away");
    assert_eq!(world.agents().len(), 1);
}
