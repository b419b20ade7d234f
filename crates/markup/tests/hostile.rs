//! Markdown that wants to be more than text stays text, and none takes long.

#[path = "corpus/hostile.rs"]
mod corpus;

use std::time::{Duration, Instant};

use moorline_markup::{Block, Document, End, Inline, plain};

fn whole(text: &str) -> Vec<Block> {
    let mut document = Document::default();
    let mut finished = document.push(text);
    finished.extend(document.finish());
    finished.into_iter().map(|finished| finished.block).collect()
}

/// Every address in a block.
fn addresses(block: &Block, out: &mut Vec<String>) {
    match block {
        Block::Heading { text, .. } | Block::Paragraph(text) | Block::Line(text) => in_inlines(text, out),
        Block::List { items, .. } => items.iter().flat_map(|item| &item.blocks).for_each(|block| addresses(block, out)),
        Block::Quote(blocks) => blocks.iter().for_each(|block| addresses(block, out)),
        Block::Table { head, rows, .. } => head.iter().chain(rows.iter().flatten()).for_each(|cell| in_inlines(cell, out)),
        Block::Code { .. } | Block::Plain(_) | Block::Rule => {}
    }
}

fn in_inlines(inlines: &[Inline], out: &mut Vec<String>) {
    for inline in inlines {
        match inline {
            Inline::Text(_) | Inline::Code(_) => {}
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Strike(inner) => in_inlines(inner, out),
            Inline::Link { href, text } => {
                out.push(href.clone());
                in_inlines(text, out);
            }
            Inline::Image { href, .. } => out.push(href.clone()),
        }
    }
}

fn addresses_of(blocks: &[Block]) -> Vec<String> {
    let mut out = Vec::new();
    blocks.iter().for_each(|block| addresses(block, &mut out));
    out
}

fn is_safe(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    ["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme))
        && !address.chars().any(|sign| sign.is_control() || sign.is_whitespace())
}

#[test]
fn no_hostile_text_leads_anywhere_but_the_web_and_a_letter() {
    let all = corpus::hostile();
    assert!(all.len() >= 150, "{} texts", all.len());
    for text in all {
        for address in addresses_of(&whole(&text)) {
            assert!(is_safe(&address), "{text:?} leads to {address:?}");
        }
        // Also on the way there.
        let mut document = Document::default();
        for sign in text.chars() {
            document.push(sign.encode_utf8(&mut [0; 4]));
            for address in addresses_of(&document.tail().blocks) {
                assert!(is_safe(&address), "a part of {text:?} leads to {address:?}");
            }
        }
    }
}

#[test]
fn html_is_shown_as_it_was_typed() {
    for text in ["<script>alert(1)</script>", "a <b onclick=x>b</b> c", "<!-- a -->", "<div\nclass=x>\ny</div>", "- <img src=x onerror=y>"]
    {
        assert_eq!(plain(text, End::Closed).trim_end(), text.trim_start_matches("- "), "{text:?}");
    }
}

#[test]
fn a_link_to_the_web_or_a_letter_is_a_link() {
    let cases = [
        ("[a](https://a.example/b \"t\")", "https://a.example/b"),
        ("<http://a.example>", "http://a.example"),
        ("<a@b.example>", "mailto:a@b.example"),
        ("see https://a.example.", "https://a.example"),
        ("[a]: http://a.example\n\n[a]", "http://a.example"),
        ("[HTTP](HTTP://A.EXAMPLE)", "HTTP://A.EXAMPLE"),
        ("![alt](https://a.example/i.png)", "https://a.example/i.png"),
    ];
    for (text, address) in cases {
        assert_eq!(addresses_of(&whole(text)), [address], "{text:?}");
    }
}

#[test]
fn a_definition_counts_from_the_block_behind_it_on() {
    assert_eq!(addresses_of(&whole("[a]\n\n[a]: http://a.example\n")), ["http://a.example"], "the block it stands behind still sees it");
    assert_eq!(addresses_of(&whole("[a]\n\nb\n\n[a]: http://a.example\n")), Vec::<String>::new());
    assert_eq!(addresses_of(&whole("[a]: http://a.example\n\nb\n\n[a]: http://b.example\n\n[A]")), ["http://a.example"]);
}

/// A time for a text in a debug build on a busy machine; what is not linear takes minutes.
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn no_degenerate_text_takes_long_or_overflows_the_stack() {
    let many = 100_000;
    let mut texts: Vec<(String, String)> = [
        ">",
        "> ",
        "[",
        "](",
        "*",
        "**a ",
        "*a_ ",
        "_",
        "`",
        "``a` ",
        "~~",
        "<",
        "<a ",
        "<!--",
        "![",
        "[a](",
        "\\",
        "&",
        "&#",
        "|",
        "- ",
        "* a\n",
        "1. ",
        "#",
        "\n",
        "\n>",
        "    ",
        "\t",
        "a\n",
        "a ",
        "é",
        "[a]: b\n",
        "[a]: http://a\n[a]\n",
        "```\n",
        "~~~\n```\n",
        "- a\n  ```\n",
        "| a ",
        "|-",
        "http://a ",
        "http://",
        "<b>",
        "\u{0}",
        "\r",
        "> - ",
        "*a **b ",
        "[^a]",
        "$$",
        "***a ",
        "a**b",
        "</",
        "<?",
        "]]>",
        "==\n",
        "--\n",
        "-\n",
        "x\n---\n",
        "[\n",
        "[a\n",
        "[[a]\n",
        "![a ",
        "[[[[[[\n",
    ]
    .iter()
    .map(|unit| (format!("{unit:?} over and over"), unit.repeat(many / unit.len().max(1))))
    .collect();
    texts.push(("a table".into(), format!("| a | b |\n|---|---|\n{}", "| c | d |\n".repeat(10_000))));
    texts.push(("a wide table".into(), format!("{0}\n{1}\n{0}\n", "| a ".repeat(4_000), "|---".repeat(4_000))));
    texts.push(("nested lists".into(), (0..1_000).map(|depth| format!("{}- a\n", "  ".repeat(depth))).collect()));
    texts.push(("nested quotes".into(), (0..2_000).map(|depth| format!("{}a\n", ">".repeat(depth % 60))).collect()));
    texts.push(("a long line".into(), "a **b** `c` [d](http://e) ".repeat(8_000)));
    texts.push(("a long code block".into(), format!("```rust\n{}```\n", "let a = 1; // b\n".repeat(20_000))));
    for (name, text) in texts {
        let start = Instant::now();
        let mut document = Document::default();
        document.push(&text);
        let tail = document.tail();
        drop(tail);
        document.finish();
        // And as it comes from an agent.
        let mut document = Document::default();
        for piece in text.as_bytes().chunks(4_096) {
            document.push(&String::from_utf8_lossy(piece));
            drop(document.tail());
        }
        let took = start.elapsed();
        if took > Duration::from_millis(500) {
            eprintln!("{name}: {took:?}");
        }
        assert!(took < LIMIT, "{name} took {took:?}");
    }
}
