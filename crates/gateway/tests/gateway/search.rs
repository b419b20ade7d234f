//! What can be found, once it is committed.

use moorline_protocol::{Hit, Hits};
use reqwest::StatusCode;

use crate::{
    page::{Page, id, message},
    world::{World, assert_problem},
};

async fn search(world: &World, query: &str) -> Vec<Hit> {
    let response = world.get(&format!("/v1/search?{query}")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json::<Hits>().await.unwrap().hits
}

fn sessions(hits: &[Hit]) -> Vec<(&str, bool)> {
    hits.iter().map(|hit| (hit.session.as_str(), hit.place.is_some())).collect()
}

#[tokio::test]
async fn messages_and_answers_are_found_as_soon_as_they_are_complete() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/echo a **zebra** in the `attic`")).await;
    page.receipt().await;
    let hits = search(&world, "q=zebra").await;
    assert!(sessions(&hits).starts_with(&[("s", false), ("s", true)]), "the title and the message: {hits:?}");
    world.journal_with_ended_turns("s", 1).await;
    let hits = search(&world, "q=Attic%20zeb&session=s").await;
    assert_eq!(sessions(&hits), [("s", false), ("s", true), ("s", true)], "and the answer: {hits:?}");
    let answer = &hits[1];
    assert_eq!(answer.excerpt.iter().filter(|piece| ["zebra", "attic"].contains(&piece.as_str())).count(), 2, "{answer:?}");
    assert!(!answer.excerpt.concat().contains(['*', '`']), "markup in an excerpt: {answer:?}");
    let place = answer.place.clone().unwrap();
    assert_eq!(place.turn, id("m1"));
    let path = format!("/v1/sessions/s/blocks?limit=1&before={}", place.opened.value() + 1);
    let there: moorline_protocol::Page = world.get(&path).send().await.unwrap().json().await.unwrap();
    let named = |item: &moorline_protocol::Item| matches!(item, moorline_protocol::Item::Block(block) if block.id == place.block);
    assert!(there.items.iter().any(named), "its place leads to it: {there:?}");
    assert_eq!(search(&world, "q=zebra&session=other").await, []);
    assert_eq!(search(&world, "q=zebra&limit=1").await.len(), 1);
    assert_eq!(search(&world, "q=elephant").await, []);
}

#[tokio::test]
async fn a_query_without_a_word_is_refused() {
    let world = World::start(&[]).await;
    for query in ["q=", "q=%20--%20", "q=%22"] {
        assert_problem(world.get(&format!("/v1/search?{query}")), StatusCode::UNPROCESSABLE_ENTITY, "unprocessable").await;
    }
    for query in ["", "limit=3", "q=a&limit=many", "q=a&session=no%20id"] {
        assert_problem(world.get(&format!("/v1/search?{query}")), StatusCode::BAD_REQUEST, "bad_frame").await;
    }
}

#[tokio::test]
async fn what_was_written_before_texts_were_kept_is_found_too() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/echo a zebra in the attic")).await;
    page.receipt().await;
    world.journal_with_ended_turns("s", 1).await;
    let found = search(&world, "q=zebra").await;
    let folder = world.stop().await;
    let store = rusqlite::Connection::open(folder.path().join("data/moorline.sqlite")).unwrap();
    // As the version before left it.
    store
        .execute_batch(
            "DROP TABLE words; DROP TABLE texts; DELETE FROM facts WHERE name = 'indexed';
             ALTER TABLE sessions DROP COLUMN pinned; ALTER TABLE sessions DROP COLUMN archived; PRAGMA user_version = 2;",
        )
        .unwrap();
    drop(store);
    let world = World::on(folder, &[]).await;
    assert_eq!(search(&world, "q=zebra").await, found);
}
