//! Texts that are longer than a page carries.

use moorline_protocol::{Block, BlockKind, BlockText, Item, Page as BlockPage};
use reqwest::StatusCode;

use crate::{
    page::{Page, message},
    world::{TOKEN, World, assert_problem, within},
};

const TEXT_BYTES: usize = 10_000;

async fn part(world: &World, path: &str) -> BlockText {
    let response = within("a part of the text", world.get(path).send()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

/// The answer's block, as a page carries it.
async fn answer(world: &World) -> Block {
    let page: BlockPage = within("a page", world.get("/v1/sessions/s/blocks").send()).await.unwrap().json().await.unwrap();
    let blocks = page.items.into_iter().filter_map(|item| if let Item::Block(block) = item { Some(block) } else { None });
    blocks.into_iter().find(|block| block.kind == BlockKind::Text).expect("the answer's block")
}

/// Reads a text from its beginning, as often as it takes.
async fn whole(world: &World, block: &Block) -> String {
    let mut text = String::new();
    loop {
        let path = format!("/v1/sessions/s/blocks/{}/text?edition={}&from={}", block.id, block.edition, text.len());
        let part = part(world, &path).await;
        assert_eq!((part.from, &part.block), (text.len() as u64, &block.id));
        assert!(part.text.len() <= TEXT_BYTES && !part.text.is_empty());
        text.push_str(&part.text);
        if text.len() as u64 == part.bytes {
            return text;
        }
    }
}

#[tokio::test]
async fn a_text_of_which_a_page_has_the_tail_is_read_in_parts_also_from_folds_and_after_a_restart() {
    let options = ["--text-bytes", "10000", "--fold-events", "5"];
    let world = World::start(&options).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/long 64")).await;
    page.receipt().await;
    world.journal_with_ended_turns("s", 1).await;
    let tail = answer(&world).await;
    assert!(tail.from > 0 && tail.text.len() <= TEXT_BYTES);
    let text = whole(&world, &tail).await;
    assert!(text.len() >= 64 << 10);
    assert_eq!(&text[tail.from as usize..], tail.text);
    let between = part(&world, &format!("/v1/sessions/s/blocks/{}/text?from=100&to=140", tail.id)).await;
    assert_eq!((between.from, between.text.as_str(), between.bytes), (100, &text[100..140], text.len() as u64));

    drop(page);
    let world = World::on(world.stop().await, &options).await;
    assert_eq!(whole(&world, &answer(&world).await).await, text);
}

#[tokio::test]
async fn a_text_that_is_not_there_is_a_typed_error() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/echo hi")).await;
    page.receipt().await;
    let b1 = "/v1/sessions/s/blocks/b1/text";
    assert_eq!(part(&world, b1).await.text, "/echo hi");
    assert_eq!(part(&world, &format!("{b1}?from=99")).await.text, "");
    for (path, status, code) in [
        ("/v1/sessions/nowhere/blocks/b1/text", StatusCode::NOT_FOUND, "unknown_session"),
        ("/v1/sessions/s/blocks/b99/text", StatusCode::NOT_FOUND, "not_found"),
        ("/v1/sessions/s/blocks/b1/text?edition=7", StatusCode::UNPROCESSABLE_ENTITY, "unprocessable"),
        ("/v1/sessions/s/blocks/b1/text?from=-1", StatusCode::BAD_REQUEST, "bad_frame"),
        ("/v1/sessions/s/blocks/%20/text", StatusCode::BAD_REQUEST, "bad_frame"),
    ] {
        assert_problem(world.get(path), status, code).await;
    }
    assert_problem(world.http.get(world.url(b1)), StatusCode::UNAUTHORIZED, "unauthorized").await;
    let delete = world.http.delete(world.url("/v1/sessions/s")).bearer_auth(TOKEN);
    assert!(within("an answer", delete.send()).await.unwrap().status().is_success());
    assert_problem(world.get(b1), StatusCode::GONE, "deleted").await;
}
