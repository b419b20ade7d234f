//! What the demo agent says: sentences about a small harbour program that does not exist.

use super::random::Random;

const SUBJECTS: [&str; 8] = [
    "The tide table",
    "The berth planner",
    "The retry loop",
    "The signal parser",
    "Each mooring record",
    "The nightly report",
    "The pilot queue",
    "The draught check",
];
const VERBS: [&str; 8] = ["reads", "rounds", "keeps", "drops", "reorders", "caches", "compares", "rejects"];
const OBJECTS: [&str; 8] = [
    "the times in local time instead of UTC",
    "every value below the chart datum",
    "the newest entry and forgets the one before",
    "two boats that share a name",
    "a line that ends without a newline",
    "the harbour's own correction twice",
    "whatever the buoy sends after midnight",
    "a width that nobody has measured",
];
const FILES: [&str; 6] = ["src/tide.rs", "src/berth.rs", "src/signal/parser.rs", "src/report.rs", "tests/harbour.rs", "src/pilot/queue.rs"];
const TESTS: [&str; 8] = [
    "spring_tide_is_not_clipped",
    "two_boats_never_share_a_berth",
    "a_late_signal_keeps_its_place",
    "report_counts_each_arrival_once",
    "empty_table_is_refused",
    "draught_beyond_depth_is_refused",
    "queue_survives_midnight",
    "unknown_buoy_is_named",
];

/// One sentence with its full stop.
pub(super) fn sentence(random: &mut Random) -> String {
    format!("{} {} {}.", random.pick(&SUBJECTS), random.pick(&VERBS), random.pick(&OBJECTS))
}

/// One word with a space behind it.
pub(super) fn word(random: &mut Random) -> String {
    let sentence = sentence(random);
    let words: Vec<&str> = sentence.split_whitespace().collect();
    format!("{} ", random.pick(&words).trim_end_matches('.'))
}

/// A file's path.
pub(super) fn file(random: &mut Random) -> &'static str {
    random.pick(&FILES)
}

/// One line of a test run.
pub(super) fn test_line(random: &mut Random) -> String {
    format!("test {} ... ok\n", random.pick(&TESTS))
}

/// A few lines of source.
pub(super) fn source(random: &mut Random) -> String {
    let metres = random.below(9) + 1;
    format!(
        "/// Metres of water under the keel.\npub fn clearance(depth: f64, draught: f64) -> Option<f64> {{\n    \
         let clearance = depth - draught;\n    (clearance >= {metres}.0).then_some(clearance)\n}}\n"
    )
}

/// An answer as markdown: a heading, sentences, a list, a fenced block, a table.
pub(super) fn answer(random: &mut Random) -> String {
    let mut text = format!("## What I found\n\n{} {}\n\n", sentence(random), sentence(random));
    for _ in 0..3 {
        let (file, sentence) = (file(random), sentence(random));
        text.push_str(&format!("- **{file}**: {sentence}\n"));
    }
    text.push_str(&format!("\nThe smallest change that holds:\n\n```rust\n{}```\n\n", source(random)));
    text.push_str("| berth | depth | draught | result |\n|---|---:|---:|---|\n");
    for berth in 1..=4 {
        let (depth, draught) = (random.below(60) + 40, random.below(60) + 20);
        let result = if depth >= draught { "ok" } else { "**too shallow**" };
        text.push_str(&format!("| {berth} | {}.{} m | {}.{} m | {result} |\n", depth / 10, depth % 10, draught / 10, draught % 10));
    }
    text.push_str(&format!("\n{} All tests pass; `cargo test` took *{} ms*.\n", sentence(random), random.below(900) + 100));
    text
}

/// Cuts a text into pieces of one to three words, as a model would stream it; together they are the text.
pub(super) fn chunks<'a>(text: &'a str, random: &mut Random) -> Vec<&'a str> {
    let mut chunks = Vec::new();
    let mut words = text.split_inclusive(char::is_whitespace);
    let mut rest = text;
    loop {
        let length: usize = words.by_ref().take(1 + random.below(3)).map(str::len).sum();
        if length == 0 {
            return chunks;
        }
        let (chunk, after) = rest.split_at(length);
        chunks.push(chunk);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_are_the_text() {
        for seed in 0..50 {
            let random = &mut Random::new(seed, 1, "");
            let text = answer(random);
            assert_eq!(chunks(&text, random).concat(), text);
        }
        assert!(chunks("", &mut Random::new(0, 1, "")).is_empty());
    }

    #[test]
    fn an_answer_has_every_sort_of_markdown() {
        let text = answer(&mut Random::new(0, 1, ""));
        assert!(["## ", "\n- ", "```rust\n", "|---|", "**", "`cargo test`"].iter().all(|mark| text.contains(mark)), "{text}");
    }
}
