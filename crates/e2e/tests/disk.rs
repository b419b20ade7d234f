//! A disk that takes nothing more: it is told, nothing is lost by it, and it is over when there is room again.

use std::time::Duration;

use hyper::{Method, StatusCode, body::Bytes};
use moorline_e2e::{Api, Client, Disk, Gateway, Workload, within};
use moorline_protocol::{Code, ErrorBody, ErrorFrame, EventBody, GatewayFrame, MessageId, ReceiptOutcome, Seq, SessionId};
use serde_json::json;

/// More than an empty store takes, and less than a minute of work.
const DISK_BYTES: u64 = 24 << 20;

/// Messages that show that there is work.
const SOME: usize = 20;

const OPTIONS: [&str; 6] = ["--timings-divisor", "10", "--agent", "demo:--delay-ms 2", "--log", "warn"];

/// Sends large messages until one is refused; the seqs at which those before it were accepted.
async fn send_until_refused(prober: &mut Client, session: &SessionId) -> (Vec<(MessageId, Seq)>, ErrorFrame) {
    let mut accepted = Vec::new();
    let filled = async {
        for n in 0.. {
            let message = MessageId::parse(&format!("large-{n}")).unwrap();
            prober.send_text(session, &message, &"a large message ".repeat(4 << 10)).await;
            let answered = prober.expect("an answer to a send", |frame| answer(frame, &message)).await;
            match answered {
                Ok(seq) => accepted.push((message, seq)),
                // The queue of the session is full before the disk is.
                Err(error) if error.code == Code::TooMany => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => return error,
            }
        }
        unreachable!("the disk is small")
    };
    let error = within("a full disk to be noticed", Duration::from_secs(30), filled).await;
    (accepted, error)
}

fn answer(frame: &GatewayFrame, message: &MessageId) -> Option<Result<Seq, ErrorFrame>> {
    if let GatewayFrame::Error(error) = frame {
        return (error.message_id.as_ref() == Some(message)).then(|| Err(error.clone()));
    }
    let GatewayFrame::Receipt(receipt) = frame else { return None };
    let ReceiptOutcome::Accepted { seq } = receipt.outcome else { return None };
    (receipt.message == *message).then_some(Ok(seq))
}

/// While nothing can be written: what is refused is refused with a code, a sentence and a time, and what is there can be read.
async fn assert_told(gateway: &Gateway, api: &Api, error: &ErrorFrame) {
    assert_eq!(error.code, Code::StoreUnavailable, "{error:?}");
    assert!(error.retry_after_ms.is_some() && error.message.contains("store"), "{error:?}");
    let token = Bytes::from(json!({ "token": gateway.token() }).to_string());
    let stranger = Api::stranger(gateway.address());
    let login = async {
        loop {
            let answer = stranger.raw(Method::POST, "/v1/login", &[("content-type", "application/json")], token.clone()).await;
            if answer.0 != StatusCode::NO_CONTENT {
                return answer;
            }
        }
    };
    let (status, body) = within("a login to be refused", Duration::from_secs(30), login).await;
    let body: ErrorBody = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, body.code), (StatusCode::SERVICE_UNAVAILABLE, Code::StoreUnavailable));
    assert!(body.retry_after_ms.is_some(), "{body:?}");
    assert!(!api.sessions().await.is_empty(), "the list can be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_loses_nothing_and_is_over_when_there_is_room() {
    let disk = Disk::of(DISK_BYTES);
    let mut gateway = Gateway::start_on(&disk.path().join("data"), &OPTIONS).await;
    let api = Api::login(gateway.address(), gateway.token()).await;
    let load = Workload::start(&gateway, &api, 2, 4, 1);
    load.until_acknowledged(SOME).await;
    let probed = SessionId::parse("probed").unwrap();
    let (mut prober, _) = Client::greeted(gateway.address(), api.cookie(), "prober").await;
    let mut accepted = Vec::new();
    for _ in 0..2 {
        disk.fill();
        let (before, error) = send_until_refused(&mut prober, &probed).await;
        accepted.extend(before);
        assert_told(&gateway, &api, &error).await;
        disk.free();
        // The same id again: it is accepted, and was not before.
        let message = error.message_id.unwrap();
        let resumed = async {
            loop {
                prober.send_text(&probed, &message, &"a large message ".repeat(4 << 10)).await;
                match prober.expect("an answer to a send", |frame| answer(frame, &message)).await {
                    Ok(seq) => return seq,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        let seq = within("the gateway to go on by itself", Duration::from_secs(30), resumed).await;
        accepted.push((message, seq));
        load.until_acknowledged(SOME).await;
    }
    let done = load.finish(&api, "a full disk").await;
    done.ledger.assert_kept("a full disk");
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());

    // The next start looks through the whole file.
    assert!(gateway.stop().await.success());
    gateway.restart().await;
    for (session, journal) in &done.journals {
        assert_eq!(api.journal(session).await.head, journal.head);
    }
    let journal = api.journal(&probed).await;
    for (message, seq) in accepted {
        let accepted = journal.events.iter().filter(|event| matches!(&event.body, EventBody::Accepted(it) if it.message == message));
        assert_eq!(accepted.map(|event| event.seq).collect::<Vec<_>>(), [seq], "{message} was acknowledged once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_can_no_longer_be_written_is_told_and_is_written_again_once_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::start_on(&folder.path().join("data"), &OPTIONS).await;
    let api = Api::login(gateway.address(), gateway.token()).await;
    let load = Workload::start(&gateway, &api, 2, 4, 2);
    load.until_acknowledged(SOME).await;
    let probed = SessionId::parse("probed").unwrap();
    let (mut prober, _) = Client::greeted(gateway.address(), api.cookie(), "prober").await;
    // A file system that turns read-only under open files cannot be had without breaking one; to a writer this is the same.
    gateway.limit_files(Some(0));
    let (accepted, error) = send_until_refused(&mut prober, &probed).await;
    assert_eq!(accepted, []);
    assert_told(&gateway, &api, &error).await;
    gateway.limit_files(None);
    load.until_acknowledged(SOME).await;
    load.finish(&api, "a store that could not be written").await.ledger.assert_kept("a store that could not be written");
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
    assert!(gateway.stop().await.success());
    gateway.restart().await;
}

#[tokio::test]
async fn a_gateway_on_a_full_disk_or_a_read_only_one_does_not_start_and_says_why() {
    let disk = Disk::of(DISK_BYTES);
    let data = disk.path().join("data");
    let refused = async |remedy: &str| {
        let (code, said) = Gateway::fail_on(&data, &OPTIONS).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(data.to_str().unwrap()) && said.contains(remedy), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    };
    disk.fill();
    refused("free space").await;
    disk.free();
    disk.make_read_only();
    refused("writable").await;
    disk.make_writable();

    let mut gateway = Gateway::start_on(&data, &OPTIONS).await;
    let api = Api::login(gateway.address(), gateway.token()).await;
    let load = Workload::start(&gateway, &api, 2, 2, 3);
    load.until_acknowledged(SOME).await;
    let done = load.finish(&api, "a first life").await;
    assert!(gateway.stop().await.success());
    disk.fill();
    refused("free space").await;
    disk.free();
    disk.make_read_only();
    refused("writable").await;
    disk.make_writable();
    gateway.restart().await;
    for (session, journal) in &done.journals {
        assert_eq!(api.journal(session).await.events, journal.events);
    }
}
