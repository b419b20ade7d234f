//! Agents of a gateway that died.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Child, Command},
};

use moorline_gateway::agent::kill_leftovers;
use tempfile::TempDir;

use crate::bench::{Bench, end_of, is_alive, until_dead};

fn sleeper(mark: &str) -> Child {
    Command::new("sleep").arg("1000").env("MOORLINE_AGENT", mark).process_group(0).spawn().unwrap()
}

#[tokio::test]
async fn a_running_agent_is_found_by_its_record_with_its_children() {
    let mut bench = Bench::script("sleep 1000 & echo $! >> pids; setsid sleep 1000 & echo $! >> pids; shake_hands; text here; sleep 1000");
    bench.prompt("t1", "hello");
    bench.next("t1").await;
    let mut pids = bench.pids_in("pids", 2).await;
    pids.extend(bench.recorded());
    assert_eq!(pids.len(), 3);
    let dir = bench.pid_dir();
    let killed = tokio::task::spawn_blocking(move || kill_leftovers(&dir)).await.unwrap().unwrap();
    assert_eq!(killed, 1);
    for pid in pids {
        until_dead(pid).await;
    }
    assert!(end_of(&bench.rest("t1").await).2.contains("was killed by signal 9"));
}

#[test]
fn a_stranger_with_a_recorded_pid_lives() {
    let dir = TempDir::new().unwrap();
    let mut stranger = sleeper("somebody-elses");
    fs::write(dir.path().join("s1.1.2.3"), stranger.id().to_string()).unwrap();
    assert_eq!(kill_leftovers(dir.path()).unwrap(), 1);
    assert!(is_alive(stranger.id()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the record is of no use any more");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn an_agent_whose_pid_was_not_written_yet_is_found_by_its_mark() {
    let dir = TempDir::new().unwrap();
    let mut agent = sleeper("s1.1.2.3");
    fs::write(dir.path().join("s1.1.2.3"), "").unwrap();
    assert_eq!(kill_leftovers(dir.path()).unwrap(), 1);
    assert!(!agent.wait().unwrap().success());
}

#[test]
fn nothing_recorded_is_nothing_to_do() {
    let dir = TempDir::new().unwrap();
    assert_eq!(kill_leftovers(dir.path()).unwrap(), 0);
    assert_eq!(kill_leftovers(&dir.path().join("missing")).unwrap(), 0);
}
