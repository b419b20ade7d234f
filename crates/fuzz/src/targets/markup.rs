//! What an agent writes, as the page shows it.

#[path = "../../../markup/tests/corpus/addresses.rs"]
mod addresses;

use addresses::check;
use moorline_markup::{Document, Finished, Highlighter, Terminal, terminal_plain};

use super::Execute;
use crate::{
    Dice,
    corpus::texts,
    maker::{Maker, Shape},
};

/// What markdown is made of; any number of them, in any order.
const PIECES: [&str; 40] = [
    "# ",
    "a",
    "word ",
    "\n",
    "\n\n",
    "  ",
    "    ",
    "\t",
    "- ",
    "* ",
    "1. ",
    "- [x] ",
    "> ",
    "```",
    "```rust\n",
    "~~~",
    "`",
    "*",
    "**",
    "_",
    "~~",
    "[",
    "](",
    ")",
    "![",
    "[a]: http://x\n",
    "[a]",
    "http://e.org/",
    "javascript:",
    "<b>",
    "<div>\n",
    "<!--",
    "-->",
    "| a | b |\n",
    "|---|---|\n",
    "---\n",
    "\\",
    "&amp;",
    "\r\n",
    "\u{0}é",
];

pub(super) fn markdown() -> Execute {
    let maker = Maker::new(texts(&[
        "# a\n\n- b\n- c\n\n```rust\nd\n```\n",
        "| a | b |\n|---|---|\n| c | **d** |\n",
        "[a](http://b) ![c](https://d/e) <f@g.h>",
    ]));
    Box::new(move |dice| {
        let mut text = if dice.once_in(3) { maker.text(Shape::Any, dice) } else { String::new() };
        for _ in 0..dice.below(60) {
            text.push_str(dice.one_of(&PIECES));
        }
        let mut whole = Document::default();
        let mut expected = whole.push(&text);
        expected.extend(whole.finish());
        expected.iter().for_each(|finished| check(&finished.block));
        let mut document = Document::default();
        let mut found: Vec<Finished> = Vec::new();
        for piece in pieces(&text, dice) {
            found.extend(document.push(piece));
            document.tail().blocks.iter().for_each(check);
        }
        found.extend(document.finish());
        assert_eq!(found, expected, "{text:?} depends on how it is cut");
    })
}

pub(super) fn terminal() -> Execute {
    let maker = Maker::new(texts(&[
        "a\u{1b}[1;31mb\u{1b}[0m\r\n",
        "10 %\r\u{1b}[K20 %\u{8}\n",
        "\u{1b}]0;t\u{7}x\u{1b}[38;2;1;2;3my\u{1b}[48;5;9mz",
    ]));
    Box::new(move |dice| {
        let text = maker.text(Shape::Any, dice);
        let mut terminal = Terminal::default();
        let mut runs = Vec::new();
        for piece in pieces(&text, dice) {
            runs.extend(terminal.push(piece));
        }
        runs.extend(terminal.open_line());
        let shown: String = runs.into_iter().map(|run| run.text).collect();
        assert_eq!(shown, terminal_plain(&text), "{text:?} depends on how it is cut");
    })
}

pub(super) fn code() -> Execute {
    const LANGUAGES: [&str; 12] = ["rust", "ts", "python", "go", "c++", "sh", "json", "yaml", "toml", "html", "sql", "diff"];
    let maker = Maker::new(texts(&[
        "fn a<'b>() { \"c\" } // d\n",
        "<a b='c'>d</a><!-- e\nf -->",
        "\"\"\"a\nb\"\"\" + 'c' # d",
        "/* a\n*/ x = `b ${c}`",
    ]));
    Box::new(move |dice| {
        let code = maker.text(Shape::Any, dice);
        let Some(mut highlighter) = Highlighter::new(dice.one_of(&LANGUAGES), &code) else { return };
        let mut out = String::new();
        for line in code.split_inclusive('\n') {
            highlighter.line(line, |_, text| out.push_str(text));
        }
        assert_eq!(out, code);
    })
}

/// A text, cut in a few places.
fn pieces<'a>(text: &'a str, dice: &mut Dice) -> Vec<&'a str> {
    let mut places: Vec<usize> = (0..dice.below(8)).map(|_| dice.place(text.len())).filter(|at| text.is_char_boundary(*at)).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}
