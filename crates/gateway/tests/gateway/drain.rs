//! How a gateway stops.

use std::time::{Duration, Instant};

use moorline_protocol::{Code, GatewayFrame, Outcome};

use crate::{
    page::{Page, message},
    process::{Process, WITH_TOKEN},
    world::{World, ended},
};

#[tokio::test]
async fn clients_are_told_when_to_come_back_before_the_close() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    let draining = tokio::spawn(world.stop());
    let told = page.until("going_away", |frame| if let GatewayFrame::GoingAway(told) = frame { Some(told) } else { None }).await;
    assert!(told.min_ms < told.max_ms, "{told:?}");
    assert_eq!(page.closed().await.as_deref(), Some("going_away"));
    draining.await.unwrap();
}

#[tokio::test]
async fn what_was_accepted_before_a_stop_is_there_after_it() {
    let world = World::start(&["--agent", "demo:--delay-ms 5"]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    page.send(&message("s", "m1", "/stream 100000")).await;
    page.receipt().await;
    let world = World::on(world.stop().await, &[]).await;
    let journal = world.journal_with_ended_turns("s", 1).await;
    assert_eq!(ended(&journal)[0].outcome, Outcome::Interrupted);
}

#[tokio::test]
async fn a_send_during_the_stop_is_not_accepted_behind_anybodys_back() {
    let world = World::start(&[]).await;
    let (mut page, _) = Page::greet(&world, "a").await;
    let draining = tokio::spawn(world.stop());
    page.until("going_away", |frame| matches!(frame, GatewayFrame::GoingAway(_)).then_some(())).await;
    page.send(&message("s", "m1", "/echo hi")).await;
    let mut accepted = false;
    loop {
        match page.next_or_close().await {
            Ok(GatewayFrame::Receipt(_)) => accepted = true,
            Ok(GatewayFrame::Error(error)) => assert_eq!(error.code, Code::GoingAway),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let world = World::on(draining.await.unwrap(), &[]).await;
    let list: moorline_protocol::Rows = world.get("/v1/sessions").send().await.unwrap().json().await.unwrap();
    assert_eq!(list.rows.len(), usize::from(accepted));
}

#[tokio::test]
async fn a_signal_ends_the_process_with_code_0_within_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let process = tokio::task::spawn_blocking(move || Process::start(&data, &WITH_TOKEN)).await.unwrap();
    let begun = Instant::now();
    assert!(process.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
