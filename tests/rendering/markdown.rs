//! What an agent writes, as elements.

use moorline_protocol::{BlockKind, FieldsPatch, Patch, ToolStatus};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Element, Node};

use crate::{
    browser::{self, until},
    hostile,
    stage::{Stage, accepted, append, changed, opened, started, titled},
};

/// A running turn with an empty block of a kind, named `x`.
fn begun(kind: BlockKind) -> Stage {
    let stage = Stage::open();
    let fields = if kind == BlockKind::Tool { titled("make", ToolStatus::InProgress) } else { FieldsPatch::default() };
    stage.events("s1", vec![accepted(1, "m1", "do it"), started(2, "m1"), opened(3, "m1", "x", kind, fields)]);
    stage
}

/// A page that shows a text in one piece, closed.
async fn shown(text: &str) -> Stage {
    let stage = begun(BlockKind::Text);
    stage.events("s1", vec![append(4, "x", 0, text), closed(5)]);
    stage.until_attribute("[data-block=x]", "data-last-seq", "5").await;
    stage
}

fn closed(seq: u64) -> moorline_protocol::Event {
    changed(seq, "x", FieldsPatch { closed: Patch::Set(true), ..FieldsPatch::default() })
}

const TEXT: &str = "[data-block=x] [data-text]";

fn plain(text: &str) -> String {
    moorline_markup::plain(text, moorline_markup::End::Closed)
}

/// Everything that markdown may become.
const ALLOWED: [&str; 25] = [
    "A",
    "BLOCKQUOTE",
    "BUTTON",
    "CODE",
    "DEL",
    "DIV",
    "EM",
    "H3",
    "H4",
    "H5",
    "H6",
    "HR",
    "LI",
    "OL",
    "P",
    "PRE",
    "SPAN",
    "STRONG",
    "TABLE",
    "TBODY",
    "TD",
    "TH",
    "THEAD",
    "TR",
    "UL",
];

fn is_harmless(element: &Element) -> Result<(), String> {
    let name = element.tag_name();
    if !ALLOWED.contains(&name.as_str()) {
        return Err(format!("a {name}"));
    }
    for attribute in element.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        let is_known = attribute.starts_with("data-")
            || attribute.starts_with("aria-")
            || ["class", "dir", "href", "rel", "role", "start", "tabindex", "target", "title", "type"].contains(&attribute.as_str());
        if !is_known {
            return Err(format!("an attribute {attribute} of {name}"));
        }
    }
    if let Some(link) = element.dyn_ref::<web_sys::HtmlAnchorElement>() {
        // As the browser understood it.
        if !["http:", "https:", "mailto:"].contains(&link.protocol().as_str()) {
            return Err(format!("a link to {}", link.href()));
        }
        if link.rel() != "noopener noreferrer" || link.target() != "_blank" {
            return Err(format!("a link to {} that shares this page", link.href()));
        }
    }
    Ok(())
}

#[wasm_bindgen_test]
async fn no_hostile_text_becomes_an_element_that_does_anything() {
    let texts = hostile::hostile();
    assert!(texts.len() >= 150);
    let stage = begun(BlockKind::Text);
    stage.until_count(TEXT, 1).await;
    // One text after the other in one block: each begins a new edition.
    for (edition, text) in (1..).zip(&texts) {
        let seq = 3 + u64::from(edition);
        let new = moorline_protocol::Append { block: crate::stage::block("x"), edition, at: 0, text: text.clone() };
        stage.events("s1", vec![crate::stage::event(seq, moorline_protocol::EventBody::Append(new))]);
        stage.until_attribute("[data-block=x]", "data-last-seq", &seq.to_string()).await;
        let wanted = moorline_markup::plain(text, moorline_markup::End::Open);
        until(&format!("{text:?} to be shown"), || stage.texts(TEXT) == [wanted.clone()]).await;
        for element in stage.all(&format!("{TEXT} *")) {
            if let Err(harm) = is_harmless(&element) {
                panic!("{text:?} became {harm}");
            }
        }
    }
}

#[wasm_bindgen_test]
async fn markdown_becomes_elements_and_the_text_is_the_journals() {
    let text = "# Head\n\nSome **bold** and `code`.\n\n- one\n- [x] two\n\n> quote\n\n| a | b |\n|---|--:|\n| c | d |\n\n```rust\nfn main() {}\n```\n\n---\n\n<div>html</div>\n\n![alt](https://example.org/i.png)\n";
    let stage = shown(text).await;
    until("the text", || stage.texts(TEXT) == [plain(text)]).await;
    for (selector, found) in [
        ("h3", "Head"),
        ("strong", "bold"),
        ("p code", "code"),
        ("li:first-child", "one"),
        ("blockquote", "quote"),
        ("th", "a"),
        ("td.end", "d"),
        ("pre code", "fn main() {}\n"),
        (".plain", "<div>html</div>\n"),
        ("a.image", "alt"),
    ] {
        assert_eq!(stage.texts(&format!("{TEXT} {selector}")).first().map(String::as_str), Some(found), "{selector}");
    }
    assert_eq!(stage.attribute(&format!("{TEXT} .task-mark"), "aria-label"), "Done");
    assert_eq!(stage.attribute(&format!("{TEXT} a.image"), "data-host"), "example.org");
    assert_eq!(stage.count("img"), 0);
    // Coloured when nothing else is to be done; the text stays.
    until("the code to be coloured", || stage.texts(&format!("{TEXT} .t-word")) == ["fn"]).await;
    assert_eq!(stage.texts(TEXT), [plain(text)]);
}

#[wasm_bindgen_test]
async fn finished_blocks_keep_their_elements_while_the_text_grows() {
    let stage = begun(BlockKind::Text);
    let pieces = ["# One\n\nTwo", " is **go", "ing** on.\n\n```\na\n", "b\n``", "`\n\n- x\n- y", "\n- z\n\nEnd"];
    let mut whole = String::new();
    let mut kept: Vec<Node> = Vec::new();
    for (seq, piece) in (4..).zip(pieces) {
        let at = whole.len() as u64;
        whole.push_str(piece);
        stage.events("s1", vec![append(seq, "x", at, piece)]);
        let wanted = moorline_markup::plain(&whole, moorline_markup::End::Open);
        until(&format!("{whole:?} to be shown"), || stage.texts(TEXT) == [wanted.clone()]).await;
        let children = children(&stage);
        for (at, node) in kept.iter().enumerate() {
            assert!(children[at].is_same_node(Some(node)), "element {at} was made anew by {piece:?}");
        }
        // All but the last: that is the tail.
        kept = children[..children.len() - 1].to_vec();
    }
    assert_eq!(kept.len(), 4);
    stage.events("s1", vec![closed(10)]);
    stage.until_attribute("[data-block=x]", "data-last-seq", "10").await;
    browser::settle().await;
    assert!(children(&stage).iter().zip(&kept).all(|(child, node)| child.is_same_node(Some(node))));
    assert_eq!(stage.texts(TEXT), [plain(&whole)]);
}

fn children(stage: &Stage) -> Vec<Node> {
    let children = stage.find(&format!("{TEXT} .section")).expect("the text's first section").child_nodes();
    (0..children.length()).filter_map(|at| children.item(at)).collect()
}

#[wasm_bindgen_test]
async fn a_long_text_is_in_sections_that_are_left_alone() {
    let stage = begun(BlockKind::Text);
    let text: String = (0..100).map(|n| format!("Paragraph {n}.\n\n")).collect();
    let (begin, rest) = text.split_at(text.len() / 2);
    stage.events("s1", vec![append(4, "x", 0, begin)]);
    stage.until_count(&format!("{TEXT} .section"), 2).await;
    let first = stage.find(&format!("{TEXT} .section")).expect("a section");
    stage.events("s1", vec![append(5, "x", begin.len() as u64, rest), closed(6)]);
    stage.until_count(&format!("{TEXT} .section"), 4).await;
    assert_eq!(stage.texts(TEXT), [plain(&text)]);
    assert!(first.is_connected());
    for nth in 1..=3 {
        assert_eq!(stage.count(&format!("{TEXT} .section:nth-child({nth}) > p")), 32);
    }
}

#[wasm_bindgen_test]
async fn an_open_code_block_grows_in_its_text_node() {
    let stage = begun(BlockKind::Text);
    stage.events("s1", vec![append(4, "x", 0, "```rust\nlet a")]);
    let code = format!("{TEXT} pre code");
    stage.until_texts(&code, &["let a"]).await;
    let node = |stage: &Stage| stage.find(&format!("{code} .part")).and_then(|part| part.first_child()).expect("a text node");
    let before = node(&stage);
    stage.events("s1", vec![append(5, "x", 13, " = 1;\nlet b")]);
    stage.until_texts(&code, &["let a = 1;\nlet b"]).await;
    assert!(node(&stage).is_same_node(Some(&before)));
    assert_eq!(stage.attribute(&format!("{TEXT} .code"), "data-language"), "rust");
    assert_eq!(stage.count(&format!("{TEXT} .t-word")), 0, "open code is not coloured");
}

#[wasm_bindgen_test]
async fn what_is_open_at_the_end_looks_closed_and_a_replaced_text_starts_over() {
    let stage = begun(BlockKind::Text);
    stage.events("s1", vec![append(4, "x", 0, "a **bold")]);
    stage.until_texts(&format!("{TEXT} strong"), &["bold"]).await;
    let new = moorline_protocol::Append { block: crate::stage::block("x"), edition: 1, at: 0, text: "# new".to_owned() };
    stage.events("s1", vec![crate::stage::event(5, moorline_protocol::EventBody::Append(new))]);
    stage.until_texts(&format!("{TEXT} h3"), &["new"]).await;
    assert_eq!(stage.texts(TEXT), ["new"]);
}

#[wasm_bindgen_test]
async fn a_tools_output_has_its_colours_and_no_escapes() {
    let stage = begun(BlockKind::Tool);
    stage.until_count("[data-block=x] [data-disclosure]", 1).await;
    stage.click("[data-block=x] [data-disclosure]");
    let pieces = ["10 %\r", "99 %\r\u{1b}[3", "2mok\u{1b}[0m done\n\u{1b}[38;2;1;2;3mexact"];
    let mut at = 0;
    for (seq, piece) in (4..).zip(pieces) {
        stage.events("s1", vec![append(seq, "x", at, piece)]);
        at += piece.len() as u64;
    }
    stage.until_texts(TEXT, &["ok done\nexact"]).await;
    assert_eq!(stage.texts(&format!("{TEXT} .f2")), ["ok"]);
    let exact = stage.all(&format!("{TEXT} span")).pop().expect("a run").unchecked_into::<web_sys::HtmlElement>();
    assert_eq!(exact.style().get_property_value("color").ok().as_deref(), Some("rgb(1, 2, 3)"));
    assert!(!exact.has_attribute("onclick"));
    assert_eq!(stage.count("[data-block=x] [data-copy]"), 1, "the input's comes with an input");
}

#[wasm_bindgen_test]
async fn a_long_line_and_long_code_are_shown_whole_and_in_a_time() {
    let line = "word ".repeat(40 << 10);
    let code = format!("```rust\n{}```\n", "let value = compute(1); // note\n".repeat(3_200));
    for text in [line, code] {
        let performance = web_sys::window().and_then(|window| window.performance()).expect("a clock");
        let start = performance.now();
        let stage = shown(&text).await;
        until("the long text", || stage.texts(TEXT).first().is_some_and(|shown| shown.len() == plain(&text).len())).await;
        let took = performance.now() - start;
        web_sys::console::log_1(&JsValue::from_str(&format!("{} KB shown after {took:.0} ms", text.len() >> 10)));
        assert!(took < 5_000.0, "{took} ms");
        assert_eq!(stage.texts(TEXT), [plain(&text)]);
        assert_eq!(stage.count(&format!("{TEXT} .t-word")), 0, "over 50 KB there are no colours");
    }
}
