//! The pump: slices, their budget, the browser's turn in between, and a page that nobody looks at.

#![cfg(target_family = "wasm")]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/page.rs"]
mod page;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use browser::{Fakes, real_now, settle, turn, until};
use moorline::transport::{Driven, Pump};
use moorline_delivery::{AttachmentStatus, ClientEvent, LinkStatus};
use moorline_protocol::SessionId;
use page::{Page, count, events};
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Notes which inputs came in which slice.
#[derive(Default)]
struct Notebook {
    slices: RefCell<Vec<Vec<u32>>>,
    busy_ms: Cell<f64>,
    effect_ms: Cell<f64>,
}

impl Notebook {
    fn inputs(&self) -> Vec<u32> {
        self.slices.borrow().concat()
    }

    fn longest(&self) -> usize {
        self.slices.borrow().iter().map(Vec::len).max().unwrap_or(0)
    }
}

impl Driven for Notebook {
    type Input = u32;

    fn begin(&self) {
        self.slices.borrow_mut().push(Vec::new());
    }

    fn feed(&self, input: u32) {
        self.slices.borrow_mut().last_mut().expect("a slice has begun").push(input);
        work_for(self.busy_ms.get());
    }

    fn settle(&self) {
        let effect_ms = self.effect_ms.get();
        if effect_ms > 0.0 {
            spawn_local(async move { work_for(effect_ms) });
        }
    }
}

fn work_for(ms: f64) {
    let started = real_now();
    while real_now() - started < ms {}
}

fn pump() -> (Pump<u32>, Rc<Notebook>) {
    let notebook = Rc::new(Notebook::default());
    let weak: Weak<Notebook> = Rc::downgrade(&notebook);
    (Pump::new(weak), notebook)
}

#[wasm_bindgen_test]
async fn every_input_is_fed_once_and_in_order() {
    let (pump, notebook) = pump();
    (0..1_000).for_each(|n| pump.push(n));
    assert!(notebook.inputs().is_empty(), "a callback only queues");
    until("all are fed", || notebook.inputs().len() == 1_000).await;
    assert_eq!(notebook.inputs(), (0..1_000).collect::<Vec<_>>());
}

#[wasm_bindgen_test]
async fn many_inputs_schedule_one_slice() {
    let (pump, notebook) = pump();
    (0..50).for_each(|n| pump.push(n));
    pump.wake();
    settle().await;
    assert_eq!(notebook.slices.borrow().len(), 1);
}

#[wasm_bindgen_test]
async fn a_slice_ends_after_256_inputs() {
    let (pump, notebook) = pump();
    (0..1_000).for_each(|n| pump.push(n));
    until("all are fed", || notebook.inputs().len() == 1_000).await;
    assert_eq!(notebook.longest(), 256);
}

#[wasm_bindgen_test]
async fn a_slice_ends_after_8_ms() {
    let (pump, notebook) = pump();
    notebook.busy_ms.set(3.0);
    (0..12).for_each(|n| pump.push(n));
    until("all are fed", || notebook.inputs().len() == 12).await;
    assert_eq!(notebook.longest(), 3, "the third input ends beyond 8 ms");
}

#[wasm_bindgen_test]
async fn the_time_of_effects_counts_toward_the_slice() {
    let (pump, notebook) = pump();
    notebook.effect_ms.set(9.0);
    (0..256).for_each(|n| pump.push(n));
    until("all are fed", || notebook.inputs().len() == 256).await;
    assert_eq!(notebook.longest(), 64, "the effects of the first run used the slice up");
}

#[wasm_bindgen_test]
async fn an_input_queued_while_a_slice_runs_is_not_forgotten() {
    let (pump, notebook) = pump();
    pump.push(1);
    until("the first is fed", || notebook.inputs().len() == 1).await;
    pump.push(2);
    until("the second is fed", || notebook.inputs().len() == 2).await;
}

#[wasm_bindgen_test]
async fn what_can_wait_is_fed_at_once_after_a_rest_and_in_one_slice_after_a_pause_otherwise() {
    let (pump, notebook) = pump();
    let rested = real_now();
    until("a rest", || real_now() - rested > 60.0).await;
    pump.push_in_time(0, true);
    until("the first is fed", || notebook.inputs().len() == 1).await;
    let started = real_now();
    (1..20).for_each(|n| pump.push_in_time(n, true));
    turn().await;
    assert_eq!(notebook.inputs(), [0], "a pause follows");
    until("all are fed", || notebook.inputs().len() == 20).await;
    let passed = real_now() - started;
    assert_eq!(notebook.inputs(), (0..20).collect::<Vec<_>>());
    assert_eq!(notebook.slices.borrow().len(), 2);
    assert!(passed >= 40.0, "{passed} ms");
}

#[wasm_bindgen_test]
async fn what_cannot_wait_takes_along_what_could() {
    let (pump, notebook) = pump();
    pump.push(0);
    until("the first is fed", || notebook.inputs().len() == 1).await;
    pump.push_in_time(1, true);
    pump.push(2);
    settle().await;
    assert_eq!(*notebook.slices.borrow(), [vec![0], vec![1, 2]]);
}

#[wasm_bindgen_test]
async fn a_dropped_pump_feeds_nothing_more() {
    let (pump, notebook) = pump();
    pump.push(1);
    drop(pump);
    settle().await;
    assert!(notebook.inputs().is_empty());
}

#[wasm_bindgen_test]
async fn five_thousand_frames_yield_to_typing() {
    let page = Page::ready().await;
    page.attach(0).await;
    for seq in 1..=5_000 {
        page.tell(0, events([seq]));
    }
    let mut turns_in_between = 0;
    let mut applied_at_first_turn = None;
    while page.sink.applied.get() < 5_000 {
        turn().await;
        applied_at_first_turn.get_or_insert(page.sink.applied.get());
        turns_in_between += 1;
        assert!(turns_in_between < 5_000, "not applied after 5,000 turns");
    }
    assert!(applied_at_first_turn.is_some_and(|applied| applied <= 512), "{applied_at_first_turn:?} before a key got its turn");
    assert!(turns_in_between >= 5, "{turns_in_between} turns for the page during the replay");
    assert_eq!(page.transport.diagnostics().counters.holes, 0);
}

#[wasm_bindgen_test]
async fn a_live_page_changes_once_for_what_comes_within_a_pause_and_catching_up_waits_for_nothing() {
    let page = Page::ready().await;
    browser::install_timers();
    page.attach(0).await;
    browser::pass(1_000.0, 1_000.0);
    page.tell(0, events([1]));
    until("the first is applied at once", || page.sink.applied.get() == 1).await;
    let flushes = page.sink.flushes.get();
    // However slow this machine is, no pause has passed since.
    browser::pass(-1_000.0, -1_000.0);
    for seq in 2..=8 {
        page.tell(0, events([seq]));
    }
    settle().await;
    assert_eq!(page.sink.applied.get(), 1, "the others wait");
    browser::fire_timers();
    until("the others are applied", || page.sink.applied.get() == 8).await;
    assert_eq!(page.sink.flushes.get() - flushes, 1, "in one slice");
}

#[wasm_bindgen_test]
async fn a_hidden_page_still_applies_and_acks() {
    let page = Page::ready().await;
    page.attach(0).await;
    browser::hide();
    browser::install_timers();
    for seq in 1..=600 {
        page.tell(0, events([seq]));
    }
    until("all is applied", || page.sink.applied.get() == 600).await;
    browser::pass(100.0, 100.0);
    page.tell(0, events([601]));
    until("it is acked without a timer", || count(0, "ack") >= 1).await;
    assert!(page.sink.flushes.get() > 0);
    browser::reveal();
}

#[wasm_bindgen_test]
async fn a_command_from_within_the_sink_is_taken() {
    let page = Page::ready().await;
    page.attach(0).await;
    let other = SessionId::parse("s2").expect("valid");
    let transport = page.transport.clone();
    page.sink.on_event.replace(Some(Box::new(move |event| {
        if matches!(event, ClientEvent::Events { .. }) {
            transport.show(&SessionId::parse("s2").expect("valid"));
        }
    })));
    page.tell(0, events([1]));
    until("the other session is attached", || count(0, "attach") == 2).await;
    assert!(
        page.sink
            .saw(|event| matches!(event, ClientEvent::Attachment { session, status: AttachmentStatus::CatchingUp } if *session == other))
    );
    assert_eq!(page.sink.applied.get(), 1);
    page.sink.on_event.replace(None);
}

#[wasm_bindgen_test]
async fn the_page_hears_of_the_link_in_a_task_of_its_own() {
    let page = Page::load(Fakes::install());
    assert!(page.sink.events.borrow().is_empty(), "the page is still being built");
    page.connect(0, page::welcome()).await;
    assert!(page.sink.saw(|event| *event == ClientEvent::Link(LinkStatus::Ready)));
}
