//! Each invariant has a broken variant of the product, and the simulation catches each one.
#![cfg(feature = "mutants")]

use moorline_protocol::mutant;

/// Breaks a variant and runs seeds until one notices; answers which invariant it saw broken.
fn caught(name: &'static str, seeds: std::ops::Range<u64>) -> u8 {
    mutant::set(Some(name));
    let violation = seeds.clone().find_map(|seed| moorline_simulation::run(seed, false).violation.map(|violation| (seed, violation)));
    mutant::set(None);
    let (seed, violation) = violation.unwrap_or_else(|| panic!("no seed of {seeds:?} catches {name}"));
    println!("{name}: seed {seed}: {violation}");
    violation.invariant
}

#[test]
fn one_a_stream_that_jumps_to_the_head_is_caught() {
    assert_eq!(caught("jumps_to_head", 1..50), 1);
}

#[test]
fn two_a_cursor_that_skips_holes_is_caught() {
    assert_eq!(caught("skips_holes", 1..500), 2);
}

#[test]
fn two_an_event_applied_twice_is_caught() {
    assert_eq!(caught("applies_twice", 1..2000), 2);
}

#[test]
fn three_a_page_that_puts_an_older_block_over_a_newer_one_is_caught() {
    assert_eq!(caught("ignores_rev", 1..3000), 3);
}

#[test]
fn four_an_ack_ahead_of_what_was_applied_is_caught() {
    assert_eq!(caught("acks_ahead", 1..50), 4);
}

#[test]
fn five_a_gateway_that_forgets_message_ids_is_caught() {
    assert_eq!(caught("forgets_messages", 1..500), 5);
}

#[test]
fn five_a_retry_under_a_new_id_is_caught() {
    assert_eq!(caught("new_id_on_retry", 1..500), 5);
}

#[test]
fn six_an_echo_removed_by_its_receipt_is_caught() {
    assert_eq!(caught("receipt_removes_echo", 1..500), 6);
}

#[test]
fn six_an_outbox_that_evicts_is_caught() {
    assert_eq!(caught("evicts", 1..1000), 6);
}

#[test]
fn seven_a_send_that_overtakes_is_caught() {
    assert_eq!(caught("overtakes", 1..3000), 7);
}

#[test]
fn eight_a_receipt_before_its_commit_is_caught() {
    assert_eq!(caught("says_before_durable", 1..50), 8);
}

#[test]
fn nine_a_connection_that_ignores_credit_is_caught() {
    assert_eq!(caught("ignores_credit", 1..1000), 9);
}

#[test]
fn ten_a_lost_connection_that_cancels_the_turn_is_caught() {
    assert_eq!(caught("close_cancels", 1..1000), 10);
}

#[test]
fn eleven_a_turn_left_open_by_a_crash_is_caught() {
    assert_eq!(caught("does_not_recover", 1..500), 11);
}

#[test]
fn eleven_a_report_written_after_the_end_is_caught() {
    assert_eq!(caught("takes_late_reports", 1..500), 11);
}
