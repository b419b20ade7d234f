//! Sends, withdrawals and cancels are handed on, and their answers handed back.

use moorline_delivery::{ConnectionInput, ConnectionOutput};
use moorline_protocol::{
    Cancel, ClientFrame, Code, ErrorFrame, GatewayFrame, MessageId, Receipt, ReceiptOutcome, Send, SendBody, Seq, Withdraw,
};

use crate::scene::{Scene, frames, greeting, session};

fn message(text: &str) -> MessageId {
    MessageId::parse(text).expect("an id")
}

fn send(id: &str) -> Send {
    Send { session: session("s"), message: message(id), body: SendBody::Text(id.to_owned()), create: None, interrupt: None }
}

#[test]
fn orders_are_handed_on_as_they_came() {
    let mut scene = Scene::greeted("s", 1);
    scene.asked.clear();
    let withdraw = Withdraw { session: session("s"), message: message("m1") };
    let cancel = Cancel { session: session("s"), turn: message("m0"), next: None };
    scene.says(ClientFrame::Send(send("m1")));
    scene.says(ClientFrame::Send(send("m2")));
    scene.says(ClientFrame::Withdraw(withdraw.clone()));
    scene.says(ClientFrame::Cancel(cancel.clone()));
    let expected = [
        ConnectionOutput::Submit(send("m1")),
        ConnectionOutput::Submit(send("m2")),
        ConnectionOutput::Withdraw(withdraw),
        ConnectionOutput::Cancel(cancel),
    ];
    assert_eq!(scene.asked, expected);
}

#[test]
fn orders_need_no_attach() {
    let mut scene = Scene::new();
    scene.says(greeting(Vec::new()));
    scene.says(ClientFrame::Send(send("m1")));
    assert_eq!(scene.asked.last(), Some(&ConnectionOutput::Submit(send("m1"))));
}

#[test]
fn orders_before_hello_are_not_handed_on() {
    let mut scene = Scene::new();
    scene.says(ClientFrame::Send(send("m1")));
    assert!(!scene.asked.iter().any(|asked| matches!(asked, ConnectionOutput::Submit(_))));
}

#[test]
fn answers_are_handed_back() {
    let mut scene = Scene::greeted("s", 1);
    let receipt = Receipt { session: session("s"), message: message("m1"), outcome: ReceiptOutcome::Accepted { seq: Seq::new(2) } };
    assert_eq!(frames(&scene.handles(ConnectionInput::Receipt(receipt.clone()))), [GatewayFrame::Receipt(receipt)]);
    let error = ErrorFrame { message_id: Some(message("m2")), ..ErrorFrame::new(Code::TooMany, "later") };
    assert_eq!(frames(&scene.handles(ConnectionInput::Refused(error.clone()))), [GatewayFrame::Error(error)]);
}

#[test]
fn orders_go_on_while_the_journal_is_read() {
    let mut scene = Scene::greeted("s", 1);
    scene.attach(crate::scene::from("s", 1, "e", 1));
    scene
        .core
        .handle(scene.now, ConnectionInput::Head { session: session("s"), head: Seq::new(5), state: Default::default(), agent: None });
    assert!(matches!(scene.core.poll_output(), Some(ConnectionOutput::Serve { .. })));
    scene.core.handle(scene.now, ConnectionInput::Frame(ClientFrame::Send(send("m1"))));
    assert_eq!(scene.core.poll_output(), Some(ConnectionOutput::Submit(send("m1"))));
}
