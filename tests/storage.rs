//! The tab's storage: what survives a reload, and what happens when it is full, blocked, corrupt or of another version.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page.rs"]
mod page;

use browser::{Fakes, raw_storage, until};
use moorline::transport::{Storage, StorageError};
use moorline_delivery::{ClientEvent, Notice, Persist, SendResult, StoredSend};
use moorline_protocol::{ClientId, Cursor, Seq, SessionId, encode};
use page::{Page, epoch, message, sent, session, text, welcome};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn stored(name: &str) -> StoredSend {
    StoredSend { order: 7, send: text(name, "typed with care"), attempts: 2, failure: None, withdrawing: None }
}

fn put(key: &str, value: &str) {
    raw_storage().set_item(key, value).expect("the test's storage has room");
}

fn at(key: &str) -> Option<String> {
    raw_storage().get_item(key).expect("the test's storage can be read")
}

#[wasm_bindgen_test]
fn an_outbox_survives_a_reload() {
    let _fakes = Fakes::install();
    for name in ["m1", "m2"] {
        Storage::open().write(&Persist::PutSend(stored(name))).expect("there is room");
    }
    let restored = Storage::open().restore();
    assert_eq!(restored.outbox, [stored("m1"), stored("m2")]);
    assert_eq!(restored.set_aside, [""; 0]);
}

#[wasm_bindgen_test]
fn a_removed_send_is_gone_after_a_reload() {
    let _fakes = Fakes::install();
    let storage = Storage::open();
    for name in ["m1", "m2"] {
        storage.write(&Persist::PutSend(stored(name))).expect("there is room");
    }
    storage.write(&Persist::RemoveSend(message("m1"))).expect("removing needs no room");
    assert_eq!(Storage::open().restore().outbox, [stored("m2")]);
}

#[wasm_bindgen_test]
fn a_newer_version_of_a_send_takes_the_place_of_the_older() {
    let _fakes = Fakes::install();
    let storage = Storage::open();
    storage.write(&Persist::PutSend(stored("m1"))).expect("there is room");
    let newer = StoredSend { attempts: 3, ..stored("m1") };
    storage.write(&Persist::PutSend(newer.clone())).expect("there is room");
    assert_eq!(storage.restore().outbox, [newer]);
}

#[wasm_bindgen_test]
fn the_client_id_and_the_cursors_survive_a_reload() {
    let _fakes = Fakes::install();
    let client = ClientId::from_random(5);
    let cursor = Cursor { session: session(), epoch: epoch(), seq: Seq::new(9) };
    let storage = Storage::open();
    storage.write(&Persist::ClientId(client.clone())).expect("there is room");
    storage.write(&Persist::Cursor(cursor.clone())).expect("there is room");
    let restored = Storage::open().restore();
    assert_eq!(restored.client, Some(client));
    assert_eq!(restored.set_aside, [""; 0]);
    assert_eq!(at("moorline.1.seen.s1"), Some(encode(&cursor)));
}

#[wasm_bindgen_test]
fn copied_sends_are_kept_under_the_name_of_their_tab() {
    let _fakes = Fakes::install();
    let [first, second] = ["tab-1", "tab-2"].map(|name| ClientId::parse(name).expect("valid"));
    let storage = Storage::open();
    for client in [&first, &second] {
        storage.write(&Persist::PutCopied(client.clone(), stored("m1"))).expect("there is room");
    }
    assert!(at("moorline.1.copied.tab-1.m1").is_some());
    storage.write(&Persist::RemoveCopied(first, message("m1"))).expect("removing needs no room");
    let restored = Storage::open().restore();
    assert_eq!(restored.copied, [(second, stored("m1"))]);
    assert_eq!(restored.set_aside, [""; 0]);
    assert!(restored.outbox.is_empty());
}

#[wasm_bindgen_test]
fn a_copied_send_under_a_key_that_is_not_its_own_is_set_aside() {
    let _fakes = Fakes::install();
    let keys = ["moorline.1.copied.m1", "moorline.1.copied.tab-1.m9", "moorline.1.copied.tab 1.m1"];
    for key in keys {
        put(key, &encode(&stored("m1")));
    }
    let restored = Storage::open().restore();
    assert!(restored.copied.is_empty());
    assert_eq!(restored.set_aside.len(), keys.len());
}

#[wasm_bindgen_test]
fn corrupt_json_is_set_aside_and_not_deleted() {
    let _fakes = Fakes::install();
    put("moorline.1.outbox.m1", "{\"order\": 1, \"send\": my precious te");
    Storage::open().write(&Persist::PutSend(stored("m2"))).expect("there is room");
    let restored = Storage::open().restore();
    assert_eq!(restored.outbox, [stored("m2")]);
    assert_eq!(restored.set_aside, ["moorline.1.outbox.m1"]);
    assert_eq!(at("moorline.1.outbox.m1"), None);
    assert_eq!(at("moorline.1.outbox.m1.corrupt").as_deref(), Some("{\"order\": 1, \"send\": my precious te"));
}

#[wasm_bindgen_test]
fn every_kind_of_corrupt_entry_is_set_aside() {
    let _fakes = Fakes::install();
    let keys = ["moorline.1.client", "moorline.1.draft.s1", "moorline.1.invented.x", "moorline.1.seen.s1"];
    for key in keys {
        put(key, "[1,");
    }
    let restored = Storage::open().restore();
    assert_eq!(restored.set_aside, keys);
    assert_eq!(restored.client, None);
}

#[wasm_bindgen_test]
fn an_entry_of_another_format_is_set_aside() {
    let _fakes = Fakes::install();
    put("moorline.2.outbox.m1", &encode(&stored("m1")));
    let restored = Storage::open().restore();
    assert!(restored.outbox.is_empty());
    assert_eq!(restored.set_aside, ["moorline.2.outbox.m1"]);
    assert_eq!(at("moorline.2.outbox.m1.corrupt"), Some(encode(&stored("m1"))));
}

#[wasm_bindgen_test]
fn what_was_set_aside_once_is_not_told_again() {
    let _fakes = Fakes::install();
    put("moorline.1.outbox.m1", "?");
    assert_eq!(Storage::open().restore().set_aside.len(), 1);
    assert_eq!(Storage::open().restore().set_aside.len(), 0);
}

#[wasm_bindgen_test]
fn a_send_under_another_ones_key_is_set_aside() {
    let _fakes = Fakes::install();
    put("moorline.1.outbox.m9", &encode(&stored("m1")));
    let restored = Storage::open().restore();
    assert!(restored.outbox.is_empty(), "it could never be removed, and would be sent at every reload");
    assert_eq!(restored.set_aside, ["moorline.1.outbox.m9"]);
}

#[wasm_bindgen_test]
fn entries_of_other_pages_of_the_origin_are_left_alone() {
    let _fakes = Fakes::install();
    put("neighbour.1.outbox.m1", "?");
    assert_eq!(Storage::open().restore().set_aside.len(), 0);
    assert_eq!(at("neighbour.1.outbox.m1").as_deref(), Some("?"));
}

#[wasm_bindgen_test]
fn a_full_storage_refuses_a_write_and_keeps_the_older_one() {
    let _fakes = Fakes::install();
    let storage = Storage::open();
    storage.write(&Persist::PutSend(stored("m1"))).expect("there is room");
    browser::install_full_storage();
    let newer = StoredSend { attempts: 3, ..stored("m1") };
    let refused = storage.write(&Persist::PutSend(newer)).expect_err("there is no room");
    assert!(matches!(&refused, StorageError::Refused(reason) if reason.contains("quota")), "{refused}");
    assert_eq!(storage.restore().outbox, [stored("m1")]);
}

#[wasm_bindgen_test]
fn a_storage_found_full_is_read_and_emptied_all_the_same() {
    let _fakes = Fakes::install();
    Storage::open().write(&Persist::PutSend(stored("m1"))).expect("there is room");
    browser::install_full_storage();
    let storage = Storage::open();
    assert_eq!(storage.restore().outbox, [stored("m1")]);
    storage.write(&Persist::RemoveSend(message("m1"))).expect("removing needs no room");
    assert!(storage.restore().outbox.is_empty());
}

/// Leaves no room for a single further character.
fn fill() {
    let mut n = 0;
    for size in (0..=20).rev().map(|power| 1 << power) {
        while raw_storage().set_item(&format!("filler{n}"), &"x".repeat(size)).is_ok() {
            n += 1;
        }
    }
}

#[wasm_bindgen_test]
fn setting_aside_in_a_full_storage_loses_nothing() {
    let _fakes = Fakes::install();
    put("moorline.1.outbox.m1", "not json, but typed");
    fill();
    let restored = Storage::open().restore();
    assert_eq!(restored.set_aside, ["moorline.1.outbox.m1"]);
    let kept = at("moorline.1.outbox.m1").or_else(|| at("moorline.1.outbox.m1.corrupt"));
    assert_eq!(kept.as_deref(), Some("not json, but typed"));
}

#[wasm_bindgen_test]
fn a_blocked_storage_restores_nothing_and_refuses_every_write() {
    let _fakes = Fakes::install();
    browser::install_blocked_storage();
    let storage = Storage::open();
    assert!(!storage.works());
    assert!(storage.restore().outbox.is_empty());
    assert_eq!(storage.write(&Persist::PutSend(stored("m1"))), Err(StorageError::Blocked));
    assert_eq!(storage.write(&Persist::RemoveSend(message("m1"))), Ok(()));
    assert_eq!(storage.draft(&session()), "");
}

#[wasm_bindgen_test]
fn a_draft_is_kept_for_its_session_and_forgotten_when_emptied() {
    let _fakes = Fakes::install();
    let other = SessionId::parse("s2").expect("valid");
    Storage::open().set_draft(&session(), "half a \"thought\"\n").expect("there is room");
    assert_eq!(Storage::open().draft(&session()), "half a \"thought\"\n");
    assert_eq!(Storage::open().draft(&other), "");
    Storage::open().set_draft(&session(), "").expect("removing needs no room");
    assert_eq!(at("moorline.1.draft.s1"), None);
}

#[wasm_bindgen_test]
async fn a_send_is_stored_before_it_is_transmitted() {
    let page = Page::ready().await;
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Sent);
    let n = sent(0).iter().position(|frame| frame.kind() == "send").expect("sent at once");
    assert!(browser::socket_keys_when_sent(0, n).contains("moorline.1.outbox.m1"));
}

#[wasm_bindgen_test]
async fn a_send_typed_while_offline_goes_out_after_a_reload_under_its_id() {
    let page = Page::load(Fakes::install());
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Queued);
    let Page { transport, fakes, .. } = page;
    drop(transport);

    let page = Page::load(fakes);
    page.connect(browser::socket_count(), welcome()).await;
    let i = browser::socket_count() - 1;
    until("the send is repeated", || page::count(i, "send") == 1).await;
    assert!(sent(i).contains(&moorline_protocol::ClientFrame::Send(text("m1", "hello"))));
}

#[wasm_bindgen_test]
async fn a_send_that_cannot_be_stored_goes_out_and_the_page_is_told() {
    let page = Page::ready().await;
    browser::install_full_storage();
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Sent);
    assert_eq!(page::count(0, "send"), 1);
    assert!(page.sink.saw(|event| *event == ClientEvent::Notice(Notice::NotSaved)));
}

#[wasm_bindgen_test]
async fn the_page_runs_without_any_storage() {
    let fakes = Fakes::install();
    browser::install_blocked_storage();
    let page = Page::load(fakes);
    page.connect(0, welcome()).await;
    assert_eq!(page.transport.send(text("m1", "hello")), SendResult::Sent);
    assert!(page.sink.saw(|event| *event == ClientEvent::Notice(Notice::NotSaved)));
    assert!(page.transport.set_draft(&session(), "x").is_err());
}

#[wasm_bindgen_test]
async fn what_was_set_aside_is_told_to_the_page() {
    let fakes = Fakes::install();
    put("moorline.1.outbox.m1", "?");
    let page = Page::load(fakes);
    until("a notice", || !page.sink.notices.borrow().is_empty()).await;
    assert!(page.sink.notices.borrow()[0].contains("moorline.1.outbox.m1"));
}

#[wasm_bindgen_test]
fn drafts_are_bounded_and_the_one_typed_at_longest_ago_goes() {
    let _fakes = Fakes::install();
    let storage = Storage::open();
    let name = |n: usize| SessionId::parse(&format!("s{n}")).expect("a valid id");
    for n in 0..52 {
        storage.set_draft(&name(n), "typed").expect("there is room");
        storage.set_draft(&name(0), &format!("typed {n}")).expect("there is room");
    }
    assert_eq!((storage.draft(&name(0)).as_str(), storage.draft(&name(51)).as_str()), ("typed 51", "typed"));
    assert_eq!((storage.draft(&name(1)).as_str(), storage.draft(&name(2)).as_str()), ("", ""));
    assert_eq!((storage.drafts().len(), storage.drafts().first()), (50, Some(&name(0))));
    storage.set_draft(&name(51), "").expect("removing needs no room");
    assert_eq!(storage.drafts().len(), 49);
    let long = "x".repeat(256 * 1024 + 1);
    assert_eq!(storage.set_draft(&name(0), &long), Err(StorageError::TooLong));
    assert_eq!(storage.draft(&name(0)), "typed 51", "what was kept before stays");
    assert_eq!(Storage::open().restore().set_aside, [""; 0]);
}
