//! Each invariant has a broken variant of the product, and the simulation catches each one.
#![cfg(feature = "mutants")]

use moorline_protocol::mutant;

/// Breaks a variant and runs seeds until one sees just this invariant broken.
fn caught(name: &'static str, seeds: std::ops::Range<u64>, invariant: u8) {
    mutant::set(Some(name));
    let of = |seed| moorline_simulation::run(seed, false).violation.filter(|violation| violation.invariant == invariant);
    let violation = seeds.clone().find_map(|seed| of(seed).map(|violation| (seed, violation)));
    mutant::set(None);
    let (seed, violation) = violation.unwrap_or_else(|| panic!("no seed of {seeds:?} shows what {name} does to invariant {invariant}"));
    println!("{name}: seed {seed}: {violation}");
}

#[test]
fn one_a_stream_that_jumps_to_the_head_is_caught() {
    caught("jumps_to_head", 1..50, 1);
}

#[test]
fn two_a_cursor_that_skips_holes_is_caught() {
    caught("skips_holes", 1..500, 2);
}

#[test]
fn two_an_event_applied_twice_is_caught() {
    caught("applies_twice", 1..2000, 2);
}

#[test]
fn three_a_page_that_puts_an_older_block_over_a_newer_one_is_caught() {
    caught("ignores_rev", 1..10000, 3);
}

#[test]
fn three_a_fold_that_forgets_the_end_of_a_text_is_caught() {
    caught("forgets_in_folds", 1..500, 3);
}

#[test]
fn four_an_ack_ahead_of_what_was_applied_is_caught() {
    caught("acks_ahead", 1..50, 4);
}

#[test]
fn five_a_gateway_that_forgets_message_ids_is_caught() {
    caught("forgets_messages", 1..500, 5);
}

#[test]
fn five_a_retry_under_a_new_id_is_caught() {
    caught("new_id_on_retry", 1..500, 5);
}

#[test]
fn eight_a_gateway_that_knows_messages_by_their_text_is_caught() {
    caught("dedups_by_content", 1..2000, 8);
}

#[test]
fn five_a_withdrawal_that_loses_to_a_late_copy_is_caught() {
    caught("forgets_withdrawals", 1..20000, 5);
}

#[test]
fn five_a_withdrawal_forgotten_with_the_process_is_caught() {
    caught("forgets_early_withdrawals", 30_000..31_000, 5);
}

#[test]
fn six_a_budget_burnt_in_one_flush_is_caught() {
    caught("retries_at_once", 1..2000, 6);
}

#[test]
fn six_attempts_spent_without_a_connection_are_caught() {
    caught("spends_while_waiting", 1..2000, 6);
}

#[test]
fn seven_a_failed_item_that_goes_to_the_tail_is_caught() {
    caught("failed_to_tail", 1..2000, 7);
}

#[test]
fn ten_a_cancel_that_hits_the_next_turn_is_caught() {
    caught("cancels_whatever_runs", 1..2000, 10);
}

#[test]
fn six_an_echo_removed_by_its_receipt_is_caught() {
    caught("receipt_removes_echo", 1..500, 6);
}

#[test]
fn six_an_outbox_that_evicts_is_caught() {
    caught("evicts", 1..1000, 6);
}

#[test]
fn seven_a_send_that_overtakes_is_caught() {
    caught("overtakes", 1..3000, 7);
}

#[test]
fn eight_a_receipt_before_its_commit_is_caught() {
    caught("says_before_durable", 1..50, 8);
}

#[test]
fn nine_a_connection_that_ignores_credit_is_caught() {
    caught("ignores_credit", 1..1000, 9);
}

#[test]
fn ten_a_lost_connection_that_cancels_the_turn_is_caught() {
    caught("close_cancels", 1..1000, 10);
}

#[test]
fn eleven_a_turn_left_open_by_a_crash_is_caught() {
    caught("does_not_recover", 1..500, 11);
}

#[test]
fn eleven_a_report_written_after_the_end_is_caught() {
    caught("takes_late_reports", 1..500, 11);
}
