//! Every timing and limit of the wire as an option and an environment variable.

use moorline_protocol::{Limits, Millis, Timings};

macro_rules! overrides {
    ($(#[$doc:meta])* $name:ident of $target:ident; $($(#[$help:meta])* $option:ident, $variable:literal, $unit:literal => $field:ident: $kind:expr;)+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, clap::Args)]
        pub(super) struct $name {
            $(
                $(#[$help])*
                #[arg(long, env = $variable, value_name = $unit, value_parser = clap::value_parser!(u64).range(1..=MAX))]
                pub(super) $option: Option<u64>,
            )+
        }

        impl $name {
            /// Sets what was given.
            pub(super) fn apply(&self, target: &mut $target) {
                $(if let Some(value) = self.$option {
                    target.$field = $kind(value);
                })+
            }
        }
    };
}

/// Above every sensible value, and small enough that no sum of two overflows.
const MAX: u64 = 1 << 31;

overrides! {
    /// The timings told in `welcome`.
    TimingOptions of Timings;
    /// Between two pings. Default 15000.
    ping_ms, "MOORLINE_PING_MS", "MS" => ping: Millis;
    /// Silence after which a connection is given up. Default 2.5 pings.
    silence_ms, "MOORLINE_SILENCE_MS", "MS" => silence: Millis;
    /// For the answer to a ping sent on a suspicion. Default 2000.
    probe_ms, "MOORLINE_PROBE_MS", "MS" => probe: Millis;
    /// From starting to connect until welcome. Default 5000.
    connect_ms, "MOORLINE_CONNECT_MS", "MS" => connect: Millis;
    /// From attach until its answer. Default 10000.
    attach_ms, "MOORLINE_ATTACH_MS", "MS" => attach: Millis;
    /// From a send until its receipt. Default 15000.
    receipt_ms, "MOORLINE_RECEIPT_MS", "MS" => receipt: Millis;
    /// Between two acks. Default 5000.
    ack_ms, "MOORLINE_ACK_MS", "MS" => ack: Millis;
    /// Head ahead with nothing arriving until a new attach. Default 2000.
    head_ahead_ms, "MOORLINE_HEAD_AHEAD_MS", "MS" => head_ahead: Millis;
    /// The first reconnect waits a random part of this. Default 500.
    backoff_min_ms, "MOORLINE_BACKOFF_MIN_MS", "MS" => backoff_min: Millis;
    /// No reconnect waits longer. Default 30000.
    backoff_max_ms, "MOORLINE_BACKOFF_MAX_MS", "MS" => backoff_max: Millis;
    /// A connection this old resets the backoff. Default 15000.
    stable_ms, "MOORLINE_STABLE_MS", "MS" => stable: Millis;
    /// Before the second attempt of a send. Default 1000.
    retry_first_ms, "MOORLINE_RETRY_FIRST_MS", "MS" => retry_first: Millis;
    /// Before the third attempt of a send. Default 5000.
    retry_second_ms, "MOORLINE_RETRY_SECOND_MS", "MS" => retry_second: Millis;
    /// A longer Retry-After is cut to this. Default 600000.
    retry_after_max_ms, "MOORLINE_RETRY_AFTER_MAX_MS", "MS" => retry_after_max: Millis;
    /// On SSE, between two looks whether a WebSocket works again. Default 600000.
    upgrade_ms, "MOORLINE_UPGRADE_MS", "MS" => upgrade: Millis;
}

/// No count or size of ours is above [`MAX`].
const fn size(value: u64) -> usize {
    value as usize
}

const fn number(value: u64) -> u64 {
    value
}

/// See [`size`].
const fn count(value: u64) -> u32 {
    value as u32
}

overrides! {
    /// The limits told in `welcome`.
    LimitOptions of Limits;
    /// Bytes of one frame to the client. Default 16384.
    frame_bytes, "MOORLINE_FRAME_BYTES", "BYTES" => frame_bytes: size;
    /// Bytes of one event's body. Default 12288.
    event_bytes, "MOORLINE_EVENT_BYTES", "BYTES" => event_bytes: size;
    /// Bytes of one send. Default 262144.
    send_bytes, "MOORLINE_SEND_BYTES", "BYTES" => send_bytes: size;
    /// Bytes delivered on a connection and not yet acked. Default 524288.
    credit_bytes, "MOORLINE_CREDIT_BYTES", "BYTES" => credit_bytes: size;
    /// Events that a replay may have; beyond it a snapshot is sent. Default 200.
    replay_cap, "MOORLINE_REPLAY_CAP", "N" => replay_events: number;
    /// Turns of a snapshot at most. Default 50.
    snapshot_turns, "MOORLINE_SNAPSHOT_TURNS", "N" => snapshot_turns: size;
    /// Bytes of a snapshot at most. Default 524288.
    snapshot_bytes, "MOORLINE_SNAPSHOT_BYTES", "BYTES" => snapshot_bytes: size;
    /// Blocks of a page at most. Default 200.
    page_blocks, "MOORLINE_PAGE_BLOCKS", "N" => page_blocks: size;
    /// Bytes of one block's text in a snapshot or page: its tail. Default 262144.
    text_bytes, "MOORLINE_TEXT_BYTES", "BYTES" => text_bytes: size;
    /// Sends in a tab's outbox. Default 100.
    outbox_sends, "MOORLINE_OUTBOX_SENDS", "N" => outbox_sends: size;
    /// Bytes in a tab's outbox. Default 1048576.
    outbox_bytes, "MOORLINE_OUTBOX_BYTES", "BYTES" => outbox_bytes: size;
    /// Real tries of one send on the network. Default 3.
    attempts, "MOORLINE_ATTEMPTS", "N" => attempts: count;
    /// Sessions attached at once on a connection. Default 16.
    attaches, "MOORLINE_ATTACHES", "N" => attaches: size;
    /// Messages that wait in one session. Default 100.
    queue, "MOORLINE_QUEUE", "N" => queue: size;
}
