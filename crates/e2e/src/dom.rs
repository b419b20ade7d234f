//! What the page shows, as values, and how it differs from the journal.

use std::fmt::Write as _;

use moorline_markup::{End, is_diff, plain, terminal_plain};
use moorline_protocol::{Block, BlockKind, Turn};
use serde::Deserialize;
use serde_json::Value;

use crate::{Journal, Page};

/// The transcript as the document shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SeenTranscript {
    /// `data-session`.
    pub session: String,
    /// `data-epoch`.
    pub epoch: String,
    /// `data-applied-seq`.
    pub applied: u64,
    /// `data-status`.
    pub status: String,
    /// From top to bottom.
    pub turns: Vec<SeenTurn>,
}

/// One `[data-turn]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SeenTurn {
    /// `data-turn`.
    pub id: String,
    /// `data-turn-state`.
    pub state: String,
    /// From top to bottom.
    pub blocks: Vec<SeenBlock>,
}

/// One `[data-block]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SeenBlock {
    /// `data-block`.
    pub id: String,
    /// `data-kind`.
    pub kind: String,
    /// `data-first-seq`.
    pub first: String,
    /// `data-last-seq`.
    pub last: String,
    /// The content of `[data-text]`; none when there is no such element.
    pub text: Option<String>,
    /// The content of `[data-title]`; none when there is no such element.
    pub title: Option<String>,
    /// `data-tool-status` of the block or of an element in it.
    pub tool_status: Option<String>,
}

/// Opens what is collapsed, lets a frame be drawn and reads every turn and block.
const READ: &str = r#"
const done = arguments[arguments.length - 1];
const root = document.querySelector("[data-transcript]");
const read = () => {
  const text = (element, selector) => element.querySelector(selector)?.textContent ?? null;
  const block = (element) => ({
    id: element.dataset.block, kind: element.dataset.kind ?? "", first: element.dataset.firstSeq ?? "", last: element.dataset.lastSeq ?? "",
    text: text(element, "[data-text]"), title: text(element, "[data-title]"),
    tool_status: (element.matches("[data-tool-status]") ? element : element.querySelector("[data-tool-status]"))?.dataset.toolStatus ?? null,
  });
  const turn = (element) => ({
    id: element.dataset.turn, state: element.dataset.turnState ?? "", blocks: [...element.querySelectorAll("[data-block]")].map(block),
  });
  done(root && {
    session: root.dataset.session ?? "", epoch: root.dataset.epoch ?? "", applied: Number(root.dataset.appliedSeq ?? 0),
    status: root.dataset.status ?? "", turns: [...root.querySelectorAll("[data-turn]")].map(turn),
  });
};
for (const button of root?.querySelectorAll("[data-disclosure][aria-expanded=false]") ?? []) button.click();
requestAnimationFrame(() => requestAnimationFrame(read));
"#;

impl SeenTranscript {
    /// Reads it off a page that is visible.
    ///
    /// # Panics
    /// When the page has no `[data-transcript]`.
    pub async fn read(page: &Page) -> Self {
        let value = page.run_async(READ).await;
        match serde_json::from_value(value) {
            Ok(seen) => seen,
            Err(error) => panic!("the page shows no transcript that can be read: {error}"),
        }
    }
}

impl SeenTranscript {
    /// What two looks at one transcript show together: the older one's beginning, then all of this.
    #[must_use]
    pub fn behind(mut self, older: Self) -> Self {
        let Some(joint) = self.turns.first_mut() else { return older };
        let mut turns = Vec::new();
        for turn in older.turns {
            if turn.id == joint.id {
                let known = joint.blocks.first().map(|block| block.id.clone());
                let before = turn.blocks.into_iter().take_while(|block| Some(&block.id) != known.as_ref());
                joint.blocks.splice(0..0, before);
                break;
            }
            turns.push(turn);
        }
        self.turns.splice(0..0, turns);
        self
    }
}

/// Compares block by block; none = the page shows exactly the journal. Otherwise one line for each difference.
#[must_use]
pub fn compare(journal: &Journal, seen: &SeenTranscript) -> Option<String> {
    let mut differences = String::new();
    let mut differ = |place: &str, journal: &str, page: &str| {
        if journal != page {
            let _ = writeln!(differences, "{place}: journal {journal}, page {page}");
        }
    };
    let transcript = journal.transcript();
    differ("epoch", journal.epoch.as_str(), &seen.epoch);
    differ("applied seq", &journal.head.to_string(), &seen.applied.to_string());
    let turns: Vec<&Turn> = transcript.turns().collect();
    let ids = |ids: Vec<&str>| ids.join(" ");
    differ(
        "turns",
        &ids(turns.iter().map(|turn| turn.id.as_str()).collect()),
        &ids(seen.turns.iter().map(|turn| turn.id.as_str()).collect()),
    );
    for turn in turns {
        let Some(seen) = seen.turns.iter().find(|seen| seen.id == turn.id.as_str()) else { continue };
        let place = format!("turn {}", turn.id);
        differ(&format!("{place} state"), &word(&turn.state), &seen.state);
        let blocks: Vec<&Block> = transcript.blocks(&turn.id).collect();
        let names = ids(blocks.iter().map(|block| block.id.as_str()).collect());
        differ(&format!("{place} blocks"), &names, &ids(seen.blocks.iter().map(|block| block.id.as_str()).collect()));
        for block in blocks {
            if let Some(seen) = seen.blocks.iter().find(|seen| seen.id == block.id.as_str()) {
                compare_block(block, seen, &mut differ);
            }
        }
    }
    (!differences.is_empty()).then_some(differences)
}

fn compare_block(block: &Block, seen: &SeenBlock, differ: &mut impl FnMut(&str, &str, &str)) {
    let place = format!("block {} ({})", block.id, word(&block.kind));
    differ(&format!("{place} kind"), &word(&block.kind), &seen.kind);
    differ(&format!("{place} first seq"), &block.opened.to_string(), &seen.first);
    differ(&format!("{place} last seq"), &block.rev.to_string(), &seen.last);
    let text = seen.text.as_deref().unwrap_or_default();
    let shown = shown(block);
    if shown != text {
        let (journal, page) = around_first_difference(&shown, text);
        differ(&format!("{place} text"), &journal, &page);
    }
    if let Some(title) = &block.fields.title {
        differ(&format!("{place} title"), title, seen.title.as_deref().unwrap_or_default());
    }
    if let Some(status) = &block.fields.status {
        differ(&format!("{place} tool status"), &word(status), seen.tool_status.as_deref().unwrap_or_default());
    }
}

/// A block's text as the page shows it: markdown without its markup, a terminal's output without its escapes.
fn shown(block: &Block) -> String {
    match block.kind {
        BlockKind::Text | BlockKind::Thought => {
            let end = if block.fields.closed == Some(true) { End::Closed } else { End::Open };
            plain(&block.text, end)
        }
        BlockKind::Tool if !is_diff(&block.text) => terminal_plain(&block.text),
        BlockKind::Tool | BlockKind::Message | BlockKind::Plan | BlockKind::Request | BlockKind::Unsupported => block.text.clone(),
    }
}

/// A unit variant as the wire and the page write it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        other => format!("{other:?}"),
    }
}

/// Two texts from a little before they part, with their lengths.
fn around_first_difference(journal: &str, page: &str) -> (String, String) {
    const BEFORE: usize = 12;
    const SHOWN: usize = 48;
    let same = journal.chars().zip(page.chars()).take_while(|(a, b)| a == b).count();
    let cut = |text: &str| {
        let shown: String = text.chars().skip(same.saturating_sub(BEFORE)).take(SHOWN).collect();
        format!("{} bytes, at character {same} …{shown:?}…", text.len())
    };
    (cut(journal), cut(page))
}

#[cfg(test)]
mod tests {
    use moorline_protocol::{
        Accepted, Append, BlockId, Epoch, Event, EventBody, FieldsPatch, MessageId, Opened, Outcome, Seq, TurnEnded, TurnStarted,
    };

    use super::*;

    fn journal() -> Journal {
        let turn = MessageId::parse("m1").unwrap();
        let (message, answer) = (BlockId::numbered(1), BlockId::numbered(2));
        let bodies = [
            EventBody::Accepted(Accepted {
                message: turn.clone(),
                hash: String::new(),
                block: message,
                text: "hi".into(),
                interrupt: None,
            }),
            EventBody::TurnStarted(TurnStarted { turn: turn.clone() }),
            EventBody::Opened(Opened { block: answer.clone(), turn: turn.clone(), kind: BlockKind::Text, fields: FieldsPatch::default() }),
            EventBody::Append(Append { block: answer.clone(), edition: 0, at: 0, text: "good ".into() }),
            EventBody::Append(Append { block: answer, edition: 0, at: 5, text: "day".into() }),
            EventBody::TurnEnded(TurnEnded { turn, outcome: Outcome::Completed, error: None, usage: None }),
        ];
        let events: Vec<Event> = (1..).zip(bodies).map(|(seq, body)| Event::plain(Seq::new(seq), 0, body)).collect();
        Journal { epoch: Epoch::parse("e").unwrap(), head: Seq::new(6), events }
    }

    fn block(id: &str, kind: &str, first: &str, last: &str, text: &str) -> SeenBlock {
        let words = [id, kind, first, last].map(str::to_owned);
        let [id, kind, first, last] = words;
        SeenBlock { id, kind, first, last, text: Some(text.into()), title: None, tool_status: None }
    }

    fn page() -> SeenTranscript {
        let transcript = journal().transcript();
        let turn = MessageId::parse("m1").unwrap();
        let revs: Vec<String> = transcript.blocks(&turn).map(|block| block.rev.to_string()).collect();
        let blocks = vec![block("b1", "message", "1", &revs[0], "hi"), block("b2", "text", "3", &revs[1], "good day")];
        let turns = vec![SeenTurn { id: "m1".into(), state: "completed".into(), blocks }];
        SeenTranscript { session: "s".into(), epoch: "e".into(), applied: 6, status: "live".into(), turns }
    }

    #[test]
    fn a_page_that_shows_the_journal_has_no_difference() {
        assert_eq!(compare(&journal(), &page()), None);
    }

    #[test]
    fn every_way_to_differ_is_named() {
        let differs = |name: &str, change: &dyn Fn(&mut SeenTranscript)| {
            let mut seen = page();
            change(&mut seen);
            let difference = compare(&journal(), &seen).unwrap_or_else(|| panic!("{name} goes unnoticed"));
            assert!(difference.contains(name), "{name} is not named in {difference}");
        };
        differs("epoch", &|seen| seen.epoch.push('x'));
        differs("applied seq", &|seen| seen.applied = 5);
        differs("turns", &|seen| seen.turns.clear());
        differs("turn m1 state", &|seen| seen.turns[0].state = "running".into());
        differs("turn m1 blocks", &|seen| seen.turns[0].blocks.reverse());
        differs("turn m1 blocks", &|seen| {
            let twice = seen.turns[0].blocks[1].clone();
            seen.turns[0].blocks.push(twice);
        });
        differs("block b2 (text) kind", &|seen| seen.turns[0].blocks[1].kind = "thought".into());
        differs("block b2 (text) first seq", &|seen| seen.turns[0].blocks[1].first = "4".into());
        differs("block b2 (text) last seq", &|seen| seen.turns[0].blocks[1].last = "4".into());
        differs("block b2 (text) text", &|seen| seen.turns[0].blocks[1].text = Some("good dayday".into()));
        differs("at character 5", &|seen| seen.turns[0].blocks[1].text = Some("good ".into()));
    }

    #[test]
    fn two_looks_at_one_transcript_are_one_behind_the_other() {
        let (mut newer, mut older) = (page(), page());
        let turn = |id: &str| SeenTurn { id: id.into(), ..page().turns.remove(0) };
        newer.turns[0].blocks.remove(0);
        newer.turns.push(turn("m2"));
        older.turns[0].blocks.pop();
        older.turns.insert(0, turn("m0"));
        let both = newer.behind(older);
        assert_eq!(both.turns, [turn("m0"), turn("m1"), turn("m2")]);
    }

    #[test]
    fn a_missing_text_element_is_an_empty_text() {
        let mut seen = page();
        seen.turns[0].blocks[0].text = None;
        assert!(compare(&journal(), &seen).is_some_and(|difference| difference.contains("0 bytes")));
    }
}
