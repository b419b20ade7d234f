//! Sessions as files.

use moorline_protocol::{BlockKind, Export};
use reqwest::{StatusCode, header};

use crate::{
    page::{Page, id, message},
    world::{World, assert_problem, ended},
};

/// A session with a turn of every kind of block, and one that was stopped.
async fn world() -> World {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/tools 2")).await;
    page.receipt().await;
    world.journal_with_ended_turns("s", 1).await;
    page.send(&message("s", "m2", "/fail")).await;
    page.receipt().await;
    let journal = world.journal_with_ended_turns("s", 2).await;
    assert_eq!(ended(&journal).len(), 2);
    world
}

#[tokio::test]
async fn a_session_is_exported_as_json_with_all_that_its_journal_says() {
    let world = world().await;
    let response = world.get("/v1/sessions/s/export?format=json").send().await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()[header::CONTENT_DISPOSITION], r#"attachment; filename="tools-2.json""#);
    let export: Export = response.json().await.unwrap();
    let journal = world.events("s", moorline_protocol::Seq::ZERO).await;
    assert_eq!((&export.epoch, export.seq, export.session.session), (&journal.epoch, journal.head, id("s")));
    let turns: Vec<&str> = export.turns.iter().map(|turn| turn.turn.id.as_str()).collect();
    assert_eq!(turns, ["m1", "m2"]);
    let kinds: Vec<BlockKind> = export.turns[0].blocks.iter().map(|block| block.kind).collect();
    assert!(kinds.contains(&BlockKind::Message) && kinds.contains(&BlockKind::Tool), "{kinds:?}");
}

#[tokio::test]
async fn a_session_is_exported_as_markdown_to_be_read() {
    let world = world().await;
    let response = world.get("/v1/sessions/s/export").send().await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/markdown; charset=utf-8");
    let text = response.text().await.unwrap();
    for part in ["# /tools 2\n", "## You · 20", "## Agent\n", "```", "*The turn failed.*"] {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
}

#[tokio::test]
async fn an_unknown_session_or_format_is_refused() {
    let world = World::start(&[]).await;
    assert_problem(world.get("/v1/sessions/none/export"), StatusCode::NOT_FOUND, "unknown_session").await;
    assert_problem(world.get("/v1/sessions/none/export?format=pdf"), StatusCode::BAD_REQUEST, "bad_frame").await;
}
