//! Every bad option gets one sentence and exit code 2; every good one works from the environment too.

use moorline_protocol::Millis;

use crate::{
    process::run,
    world::{options, within},
};

#[track_caller]
fn assert_refused(args: &[&str], variables: &[(&str, &str)], said: &str) {
    let (code, stdout, stderr) = run(args, variables);
    assert_eq!(code, Some(2), "{args:?}: {stderr}");
    assert_eq!(stdout, "", "{args:?}");
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    assert!(stderr.contains(said), "{args:?}: {stderr}");
}

#[test]
fn bad_values_get_one_sentence_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = |more: &[&str], said: &str| {
        let line: Vec<&str> = ["serve", "--data", data.to_str().unwrap()].into_iter().chain(more.iter().copied()).collect();
        assert_refused(&line, &[], said);
    };
    serve(&["--listen", "here"], "--listen");
    serve(&["--listen", "0.0.0.0:0"], "set --token");
    serve(&["--client", "/no/such/folder"], "--client");
    serve(&["--agent", "gpt"], "acp:<command line>");
    serve(&["--agent", "openai:http://127.0.0.1:1/v1"], "names no model");
    serve(&["--agent", "demo:--speed 3"], "--speed");
    serve(&["--agent", "demo", "--agent", "demo"], "two agents");
    serve(&["--token", "has spaces"], "a token is");
    serve(&["--token", ""], "--token");
    serve(&["--allow-origin", "example.org"], "no origin");
    serve(&["--allow-origin", "*"], "no origin");
    serve(&["--durability", "maybe"], "--durability");
    serve(&["--log", "=[["], "no log filter");
    serve(&["--ping-ms", "0"], "--ping-ms");
    serve(&["--ping-ms", "soon"], "--ping-ms");
    serve(&["--silence-ms", "10"], "--ping-ms must be shorter than --silence-ms");
    serve(&["--backoff-min-ms", "9", "--backoff-max-ms", "8"], "--backoff-min-ms must be shorter");
    serve(&["--timings-divisor", "0"], "--timings-divisor");
    serve(&["--event-bytes", "20000"], "--frame-bytes");
    serve(&["--send-bytes", "2000000"], "--send-bytes");
    serve(&["--replay-cap", "-1"], "--replay-cap");
    serve(&["--fold-events", "0"], "--fold-events");
    serve(&["--fold-ms", "0"], "--fold-ms");
    serve(&["--swim"], "--swim");
    assert!(!data.exists(), "nothing is written before the options are right");
}

#[test]
fn a_missing_command_or_folder_is_named() {
    assert_refused(&[], &[], "serve");
    assert_refused(&["swim"], &[], "swim");
    assert_refused(&["serve"], &[], "--data");
}

#[test]
fn a_bad_variable_is_refused_like_its_option() {
    let args = ["serve", "--data", "/nowhere"];
    assert_refused(&args, &[("MOORLINE_PING_MS", "soon")], "--ping-ms");
    assert_refused(&args, &[("MOORLINE_LISTEN", "here")], "--listen");
    assert_refused(&args, &[("MOORLINE_AGENTS", "gpt")], "--agent");
}

#[test]
fn help_names_every_timing_and_limit_with_its_variable() {
    let (code, help, _) = run(&["serve", "--help"], &[]);
    assert_eq!(code, Some(0));
    let fields = |value: serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let timings = fields(serde_json::to_value(moorline_protocol::Timings::default()).unwrap());
    let limits = fields(serde_json::to_value(moorline_protocol::Limits::default()).unwrap());
    let named = timings.iter().map(|name| format!("{name}_ms")).chain(limits.into_iter().map(|name| match name.as_str() {
        "replay_events" => "replay_cap".to_owned(),
        _ => name,
    }));
    for name in named {
        assert!(help.contains(&format!("--{} ", name.replace('_', "-"))), "{name}");
        assert!(help.contains(&format!("MOORLINE_{}=", name.to_uppercase())), "{name}");
    }
}

#[test]
fn timings_are_divided_and_silence_follows_the_ping() {
    let folder = tempfile::tempdir().unwrap();
    let timings = options(folder.path(), &["--ping-ms", "1000", "--timings-divisor", "10"]).timings();
    assert_eq!((timings.ping, timings.silence, timings.attach), (Millis(100), Millis(250), Millis(1000)));
    let timings = options(folder.path(), &["--ping-ms", "1000", "--silence-ms", "9000"]).timings();
    assert_eq!(timings.silence, Millis(9000));
}

#[test]
fn what_is_folded_when_is_no_timing() {
    let folder = tempfile::tempdir().unwrap();
    let retention = options(folder.path(), &["--fold-events", "7", "--fold-ms", "9000", "--timings-divisor", "10"]).retention();
    assert_eq!((retention.events, retention.age), (7, Millis(9000)));
}

#[tokio::test]
async fn a_token_is_made_once_and_stands_in_the_link() {
    let folder = tempfile::tempdir().unwrap();
    let link = |folder: std::path::PathBuf| async move {
        let process = tokio::task::spawn_blocking(move || crate::process::Process::start(&folder, &[])).await.unwrap();
        let (_, token) = process.link.split_once("/#token=").unwrap();
        let list = reqwest::Client::new().get(process.url("/v1/sessions")).bearer_auth(token);
        assert!(within("the list", list.send()).await.unwrap().status().is_success());
        token.to_owned()
    };
    let first = link(folder.path().join("data")).await;
    assert_eq!(first.len(), 32);
    assert_eq!(link(folder.path().join("data")).await, first);
}
