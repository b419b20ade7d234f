//! Sessions that are deleted: while they run, while they are followed, and for whoever comes later.

use std::time::Duration;

use moorline_protocol::{ClientFrame, Code, GatewayFrame, Hello, Rows, SessionRow};
use reqwest::StatusCode;

use crate::{
    page::{Page, attach, id, is, message},
    world::{World, assert_problem, within},
};

async fn delete(world: &World, session: &str) {
    let answer = world.delete(&format!("/v1/sessions/{session}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

fn deleted_row(frame: GatewayFrame) -> Option<SessionRow> {
    let GatewayFrame::Sessions(rows) = frame else { return None };
    rows.rows.into_iter().find(|row| row.deleted)
}

#[tokio::test]
async fn a_session_deleted_in_mid_turn_ends_for_its_followers_and_its_agent() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/sleep 3600")).await;
    page.receipt().await;
    page.send(&message("s", "m2", "it waits")).await;
    page.receipt().await;
    page.attach("s", 1).await;
    within("the agent's start", async {
        while world.agents().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    delete(&world, "s").await;
    let error = page.error().await;
    assert!(is(&error, Code::Deleted) && error.session == Some(id("s")) && error.no == Some(1), "{error:?}");
    within("the agent's end", async {
        while !world.agents().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    page.send(&message("s", "m3", "too late")).await;
    let error = page.error().await;
    assert!(is(&error, Code::Deleted) && error.message_id == Some(id("m3")), "{error:?}");
    page.send(&ClientFrame::Attach(attach("s", 2))).await;
    let error = page.error().await;
    assert!(is(&error, Code::Deleted) && error.no == Some(2), "{error:?}");
    page.assert_alive().await;
}

#[tokio::test]
async fn every_page_is_told_of_a_deletion_also_one_that_comes_later() {
    let world = World::start(&[]).await;
    let row: SessionRow = world.post("/v1/sessions", r#"{"session":"s"}"#).send().await.unwrap().json().await.unwrap();
    let (mut page, _) = Page::greet(&world, "a").await;
    delete(&world, "s").await;
    let gone = page.until("the deleted row", deleted_row).await;
    assert!(gone.rev > row.rev && gone.title.is_empty());
    let world = World::on(world.stop().await, &[]).await;
    let mut later = Page::connect(&world).await;
    let hello = Hello { version: 1, client: id("b"), page: id("p"), attaches: vec![attach("s", 1)], rows_rev: Some(row.rev) };
    later.send(&ClientFrame::Hello(hello)).await;
    assert_eq!(later.until("the deleted row", deleted_row).await, gone);
    assert!(is(&later.error().await, Code::Deleted), "its attach is refused");
    let list: Rows = world.get("/v1/sessions").send().await.unwrap().json().await.unwrap();
    assert_eq!(list.rows, [], "a new page hears nothing of it");
}

#[tokio::test]
async fn nothing_of_a_deleted_session_can_be_read_and_its_id_is_not_free() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/echo needle")).await;
    page.receipt().await;
    world.journal_with_ended_turns("s", 1).await;
    delete(&world, "s").await;
    delete(&world, "s").await;
    for path in ["events", "blocks", "export", "export?format=json"] {
        assert_problem(world.get(&format!("/v1/sessions/s/{path}")), StatusCode::GONE, "deleted").await;
    }
    assert_problem(world.patch("/v1/sessions/s", r#"{"pinned":true}"#), StatusCode::GONE, "deleted").await;
    assert_problem(world.post("/v1/sessions", r#"{"session":"s"}"#), StatusCode::GONE, "deleted").await;
    assert_problem(world.delete("/v1/sessions/none"), StatusCode::NOT_FOUND, "unknown_session").await;
    let hits: moorline_protocol::Hits = world.get("/v1/search?q=needle").send().await.unwrap().json().await.unwrap();
    assert_eq!(hits.hits, []);
}

#[tokio::test]
async fn what_is_left_of_deleted_sessions_is_removed_from_the_store() {
    let world = World::start(&["--timings-divisor", "600", "--ping-ms", "15000", "--silence-ms", "3600000"]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    for session in ["s", "t"] {
        page.send(&message(session, &format!("m-{session}"), "/stream 300")).await;
        page.receipt().await;
        world.journal_with_ended_turns(session, 1).await;
    }
    delete(&world, "s").await;
    let store = rusqlite::Connection::open(world.data().join("moorline.sqlite")).unwrap();
    let rows = |table: &str| -> Vec<(String, u64)> {
        let sql = format!("SELECT sessions.id, count(*) FROM sessions JOIN {table} ON session = key GROUP BY sessions.id");
        let mut statement = store.prepare(&sql).unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))).unwrap().map(Result::unwrap).collect()
    };
    within("the end of the upkeep", async {
        while ["events", "texts"].iter().any(|table| rows(table).iter().any(|(session, _)| session == "s")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for table in ["events", "texts"] {
        assert!(rows(table).iter().any(|(session, count)| session == "t" && *count > 0), "{table} of another session stay");
    }
}
