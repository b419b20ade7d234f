//! What the page shows fits, on a phone and on a desk.

use moorline_delivery::{ClientEvent, DropReason, Failure, LinkStatus, Notice, SendResult, SendState, Trouble};
use moorline_protocol::{BlockKind, Code, FieldsPatch, Millis, Patch, ToolStatus};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Document, Element};

use crate::stage::{Stage, accepted, append, opened, started, titled};

const STYLES: &str = concat!(
    include_str!("../../src/assets/app.css"),
    include_str!("../../src/assets/sessions.css"),
    include_str!("../../src/assets/markdown.css")
);

/// A frame of a width, with the page's styles: media queries go by its size.
struct Frame {
    element: Element,
    document: Document,
}

impl Frame {
    fn open(width: u32, theme: &str) -> Self {
        let document = web_sys::window().and_then(|window| window.document()).expect("a document");
        let element = document.create_element("iframe").expect("an element");
        element.set_attribute("style", &format!("width:{width}px;height:800px;border:0")).expect("a style");
        document.body().expect("a body").append_child(&element).expect("it can be mounted");
        let inner = js_sys::Reflect::get(&element, &"contentDocument".into()).expect("a document").unchecked_into::<Document>();
        let styles = inner.create_element("style").expect("an element");
        styles.set_text_content(Some(STYLES));
        let root = inner.document_element().expect("a root");
        root.set_attribute("data-theme", theme).expect("a theme");
        root.append_child(&styles).expect("it can be mounted");
        Self { element, document: inner }
    }

    /// Every element that reaches beyond an edge of the frame.
    fn overflowing(&self) -> Vec<String> {
        let width = f64::from(self.document.document_element().expect("a root").client_width());
        let all = self.document.query_selector_all(".main *, .main").expect("a valid selector");
        let elements = (0..all.length()).filter_map(|at| all.item(at)).map(|node| node.unchecked_into::<Element>());
        let beyond = elements.filter(|element| {
            let place = element.get_bounding_client_rect();
            element.closest(".unseen").ok().flatten().is_none()
                && place.width() > 0.0
                && (place.right() > width + 1.0 || place.left() < -1.0)
                // What scrolls by itself may hold what is wider.
                && element.parent_element().and_then(|parent| parent.closest(".code pre, .table").ok().flatten()).is_none()
        });
        beyond.map(|element| format!("{} {}", element.tag_name(), element.class_name())).collect()
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.element.remove();
    }
}

/// Everything at once that this page can have to say about a send and the line.
async fn fill(stage: &Stage) {
    let failure = |message: &str| SendState::Failed(Failure { code: Some(Code::Internal), message: message.to_owned() });
    stage.attempts(0, "m1", "one", 3, failure(&"a-very-long-word-of-a-reason".repeat(8)));
    stage.send_state(1, "m2", "two", SendState::Queued);
    stage.send_state(2, "m3", "three", SendState::Retrying { at: Millis(599_000) });
    stage.send_state(3, "m4", "four", SendState::Withdrawing);
    stage.events("s1", written());
    stage.tell(ClientEvent::Notice(Notice::NotSaved));
    stage.tell(ClientEvent::Trouble(Some(Trouble::NoSlot)));
    stage.driver.answer.set(Some(SendResult::Dropped(DropReason::IncompatibleVersion)));
    stage.type_text("five");
    stage.press(&web_sys::KeyboardEventInit::new(), "Enter");
    stage.tell(ClientEvent::Link(LinkStatus::Waiting { until: Millis(31_000) }));
    stage.until_count(".connection-sentence .countdown", 1).await;
    stage.until_count("[data-waiting='4']", 1).await;
    stage.driver.diagnostics.replace(Some(moorline_delivery::Diagnostics {
        cursors: vec![moorline_protocol::Cursor {
            session: moorline_protocol::SessionId::from_random(u128::MAX),
            epoch: moorline_protocol::Epoch::from_random(u128::MAX),
            seq: moorline_protocol::Seq::MAX,
        }],
        connection: Some(moorline_protocol::ConnectionId::from_random(u128::MAX)),
        transport: None,
        pinged: None,
        counters: moorline_delivery::Counters::default(),
    }));
    stage.click("button[data-connection]");
    stage.until_count("[data-diagnostics]", 1).await;
}

/// An answer with everything that is wide, and an open card with a long line.
fn written() -> Vec<moorline_protocol::Event> {
    let long = "averylongword".repeat(30);
    let text = format!(
        "# {long}\n\n{long} `{long}` [{long}](http://e.example/{long})\n\n- {long}\n  - {long}\n\n> {long}\n\n| {long} | b |\n|---|---|\n| `{long}` | {long} |\n\n\
         ```{long}\n{long}\n```\n\n![{long}](https://{long}.example/i.png)\n\n<div>{long}\n"
    );
    let fields = FieldsPatch { input: Patch::Set(long.clone()), exit: Patch::Set(1), ..titled(&long, ToolStatus::InProgress) };
    vec![
        accepted(1, "m9", &long),
        started(2, "m9"),
        opened(3, "m9", "tx", BlockKind::Text, FieldsPatch::default()),
        append(4, "tx", 0, &text),
        opened(5, "m9", "to", BlockKind::Tool, fields),
        append(6, "to", 0, &format!("\u{1b}[1;31m{long}\u{1b}[0m\n{long}")),
    ]
}

async fn nothing_overflows(width: u32) {
    for theme in ["light", "dark"] {
        let frame = Frame::open(width, theme);
        let stage = Stage::open_in(&frame.document);
        fill(&stage).await;
        stage.until_count("[data-block=to] [data-disclosure]", 1).await;
        stage.click("[data-block=to] [data-disclosure]");
        stage.until_count("[data-block=to] [data-text]", 1).await;
        assert_eq!(frame.overflowing(), Vec::<String>::new(), "{width} px, {theme}");
        let line = stage.find("button[data-connection]").expect("the line").get_bounding_client_rect();
        assert!(line.height() < 46.0, "the status line takes {} px at {width} px", line.height());
        let sentence = stage.find(".connection-sentence").expect("the sentence");
        assert!(sentence.scroll_width() <= sentence.client_width(), "the status is cut at {width} px");
        let title = stage.find(".bar-title").expect("the title").get_bounding_client_rect();
        assert!(title.width() >= 20.0, "the title has {} px at {width} px", title.width());
    }
}

#[wasm_bindgen_test]
async fn nothing_overflows_on_a_phone() {
    nothing_overflows(360).await;
}

#[wasm_bindgen_test]
async fn nothing_overflows_on_a_desk() {
    nothing_overflows(1_280).await;
}
