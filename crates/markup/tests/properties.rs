//! However a text is cut, the same comes out; and whatever it is, nothing breaks.

#[path = "corpus/addresses.rs"]
mod addresses;

use addresses::check;
use moorline_markup::{Block, Document, End, Growing, Highlighter, Terminal, plain, terminal_plain};
use proptest::prelude::*;

/// Pieces that markdown is made of, so that most texts hold something.
const PIECES: [&str; 62] = [
    "# ",
    "## ",
    "a",
    "b c",
    "word ",
    "\n",
    "\n\n",
    "\n\n\n",
    " ",
    "  ",
    "    ",
    "\t",
    "- ",
    "* ",
    "1. ",
    "2) ",
    "- [x] ",
    "> ",
    ">",
    "```",
    "```rust\n",
    "~~~",
    "````",
    "`",
    "``",
    "*",
    "**",
    "***",
    "_",
    "__",
    "~~",
    "[",
    "]",
    "(",
    ")",
    "](",
    "[a]: http://x\n",
    "[a]",
    "[a][b]",
    "![",
    "http://e.org/a_b",
    "<b>",
    "</b>",
    "<div>\n",
    "<!--",
    "-->",
    "<script>",
    "|",
    "| a | b |\n",
    "|---|---|\n",
    "---\n",
    "===\n",
    "\\",
    "&amp;",
    "&#x3c;",
    "\r\n",
    "\r",
    "\u{0}",
    "é",
    "你好",
    "👩‍👩‍👧",
    "\u{202e}",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(0..PIECES.len(), 0..80).prop_map(|pieces| pieces.into_iter().map(|at| PIECES[at]).collect())
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..12)
}

/// The text in pieces.
fn pieces<'a>(text: &'a str, cuts: &[prop::sample::Index]) -> Vec<&'a str> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).filter(|at| text.is_char_boundary(*at)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn whole(text: &str) -> Vec<Block> {
    let mut document = Document::default();
    let mut finished = document.push(text);
    finished.extend(document.finish());
    finished.into_iter().map(|finished| finished.block).collect()
}

fn in_pieces(pieces: &[&str]) -> Vec<Block> {
    let mut document = Document::default();
    let mut finished = Vec::new();
    for piece in pieces {
        finished.extend(document.push(piece));
        check_tail(&document);
    }
    finished.extend(document.finish());
    assert!(finished.iter().zip(0..).all(|(finished, key)| finished.key == key), "keys are dense");
    finished.into_iter().map(|finished| finished.block).collect()
}

fn check_tail(document: &Document) {
    document.tail().blocks.iter().for_each(check);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn however_a_text_is_cut_the_same_blocks_come_out(text in text(), cuts in cuts()) {
        prop_assert_eq!(in_pieces(&pieces(&text, &cuts)), whole(&text));
    }

    #[test]
    fn a_text_cut_into_characters_gives_the_same_blocks_too(text in text()) {
        let characters: Vec<String> = text.chars().map(String::from).collect();
        let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
        prop_assert_eq!(in_pieces(&characters), whole(&text));
    }

    #[test]
    fn what_grows_only_grows(code in "[ -~\n`]{0,80}", cuts in cuts()) {
        let text = format!("```rust\n{code}");
        let mut document = Document::default();
        let mut shown = String::new();
        for piece in pieces(&text, &cuts) {
            let finished = document.push(piece);
            let now = match (finished.first(), document.tail().growing) {
                (Some(first), _) => {
                    let Block::Code { text, .. } = &first.block else { panic!("{first:?}") };
                    text.clone()
                }
                (None, Some(Growing::Code { text, .. })) => text.concat(),
                (None, _) => continue,
            };
            prop_assert!(now.starts_with(&shown), "{shown:?} became {now:?}");
            shown = now;
            if !finished.is_empty() {
                break;
            }
        }
    }

    #[test]
    fn tokens_are_the_code(code in "[ -~\né你'\"/*#<>]{0,120}", language in prop::sample::select(vec![
        "rust", "ts", "python", "go", "java", "c", "cs", "ruby", "php", "sh", "json", "yaml", "toml", "html", "css", "sql", "diff",
    ])) {
        let mut highlighter = Highlighter::new(language, &code).expect("a known language");
        let mut out = String::new();
        for line in code.split_inclusive('\n') {
            highlighter.line(line, |_, text| out.push_str(text));
        }
        prop_assert_eq!(out, code);
    }

    #[test]
    fn however_output_is_cut_the_same_is_shown(output in "([ -~\n\r\u{8}\t]|\u{1b}\\[[0-9;]{0,6}[mKJG]|\u{1b}[\\]()\\\\]|\u{7}){0,60}", cuts in cuts()) {
        let mut terminal = Terminal::default();
        let mut runs = Vec::new();
        for piece in pieces(&output, &cuts) {
            runs.extend(terminal.push(piece));
        }
        runs.extend(terminal.open_line());
        let shown: String = runs.into_iter().map(|run| run.text).collect();
        prop_assert_eq!(shown, terminal_plain(&output));
    }

    #[test]
    fn a_text_without_markup_is_shown_as_it_is(text in "[a-z]{1,8}( [a-z]{1,8}){0,10}") {
        prop_assert_eq!(plain(&text, End::Open), text.clone());
        prop_assert_eq!(plain(&text, End::Closed), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn long_texts_of_repeated_pieces_are_cut_the_same_everywhere(unit in prop::collection::vec(0..PIECES.len(), 1..6), times in 1_000..12_000_usize, cuts in cuts()) {
        let unit: String = unit.into_iter().map(|at| PIECES[at]).collect();
        let text = unit.repeat(times.min(150_000 / unit.len().max(1)));
        let blocks = whole(&text);
        blocks.iter().for_each(check);
        prop_assert!(in_pieces(&pieces(&text, &cuts)) == blocks);
    }
}
