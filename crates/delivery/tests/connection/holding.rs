//! Which page holds which client id.

use moorline_delivery::{Holder, Holders};
use moorline_protocol::{ClientId, ConnectionId, PageId};

fn claim(holders: &mut Holders, client: &str, page: &str, connection: &str) -> Holder {
    let id = "the ids of this test are valid";
    holders.claim(&ClientId::parse(client).expect(id), &PageId::parse(page).expect(id), connection_id(connection))
}

fn connection_id(text: &str) -> ConnectionId {
    ConnectionId::parse(text).expect("an id")
}

#[test]
fn a_client_id_that_nobody_holds_is_granted() {
    let mut holders = Holders::default();
    assert_eq!(claim(&mut holders, "a", "p1", "c1"), Holder::Granted);
    assert_eq!(claim(&mut holders, "b", "p1", "c2"), Holder::Granted, "one client id says nothing of another");
}

#[test]
fn the_same_page_replaces_its_older_connection() {
    let mut holders = Holders::default();
    claim(&mut holders, "a", "p1", "c1");
    assert_eq!(claim(&mut holders, "a", "p1", "c2"), Holder::Replaces(connection_id("c1")));
    assert_eq!(claim(&mut holders, "a", "p1", "c3"), Holder::Replaces(connection_id("c2")));
}

#[test]
fn another_page_is_told_that_it_is_taken_and_takes_nothing() {
    let mut holders = Holders::default();
    claim(&mut holders, "a", "p1", "c1");
    assert_eq!(claim(&mut holders, "a", "p2", "c2"), Holder::Taken);
    holders.release(&connection_id("c2"));
    assert_eq!(claim(&mut holders, "a", "p2", "c3"), Holder::Taken, "its leaving frees nothing");
}

#[test]
fn a_released_client_id_is_anybodys() {
    let mut holders = Holders::default();
    claim(&mut holders, "a", "p1", "c1");
    holders.release(&connection_id("c1"));
    assert_eq!(claim(&mut holders, "a", "p2", "c2"), Holder::Granted);
}

#[test]
fn a_replaced_connection_releases_nothing() {
    let mut holders = Holders::default();
    claim(&mut holders, "a", "p1", "c1");
    claim(&mut holders, "a", "p1", "c2");
    holders.release(&connection_id("c1"));
    assert_eq!(claim(&mut holders, "a", "p2", "c3"), Holder::Taken);
}
