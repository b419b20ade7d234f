//! What a dead gateway left running, found again by a mark that only that process can have.
//!
//! A pid alone is no proof: it may have been given to a stranger. Every agent therefore gets an environment variable with
//! a value of its own, which is on disk before the process exists; only processes that carry it are killed.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use moorline_protocol::SessionId;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The environment variable that holds an agent's mark.
pub(super) const MARK: &str = "MOORLINE_AGENT";

/// How long killed processes may take to disappear.
const DEATH_LIMIT: Duration = Duration::from_secs(5);

/// One running agent on disk: a file named by its mark, with its pid inside. Dropping it removes the file.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    mark: String,
}

impl Record {
    /// Makes a mark and writes it down.
    pub(super) fn create(dir: &Path, session: &SessionId) -> io::Result<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{session}.{}.{}.{n}", std::process::id(), since_epoch.as_nanos());
        fs::create_dir_all(dir)?;
        let path = dir.join(&mark);
        fs::write(&path, "")?;
        Ok(Self { path, mark })
    }

    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// Adds the pid of the group's leader.
    pub(super) fn set_pid(&self, pid: Pid) -> io::Result<()> {
        fs::write(&self.path, pid.as_raw_nonzero().to_string())
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "could not remove an agent's record");
        }
    }
}

/// Kills the agents that a dead gateway left behind, and waits until they are gone.
///
/// `dir` is [`crate::agent::AgentSettings::pid_dir`]. Call it before any agent is started, and only while no other gateway
/// uses the folder. Blocks for up to 5 s. Returns how many agents were recorded, running or not.
///
/// # Errors
/// When the folder cannot be read, or a process outlives its kill; a folder that does not exist holds nothing.
pub fn kill_leftovers(dir: &Path) -> io::Result<usize> {
    let records = match records(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    if records.is_empty() {
        return Ok(0);
    }
    let deadline = Instant::now() + DEATH_LIMIT;
    loop {
        let alive = marked(&records);
        if alive.is_empty() {
            break;
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!("agents left by a dead gateway do not die: processes {alive:?}")));
        }
        for (pid, leader) in alive {
            // A process that is gone by now is what we want.
            let _ = if leader { kill_process_group(pid, Signal::KILL) } else { kill_process(pid, Signal::KILL) };
        }
        thread::sleep(Duration::from_millis(10));
    }
    for mark in records.keys() {
        match fs::remove_file(dir.join(mark)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(records.len())
}

/// The marks on disk, with the pid of the group's leader once it was written.
fn records(dir: &Path) -> io::Result<BTreeMap<String, Option<i32>>> {
    let mut records = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Ok(mark) = entry.file_name().into_string() {
            records.insert(mark, fs::read_to_string(entry.path())?.trim().parse().ok());
        }
    }
    Ok(records)
}

/// The running processes that carry one of the marks, and whether they lead their agent's group.
#[cfg(target_os = "linux")]
fn marked(records: &BTreeMap<String, Option<i32>>) -> Vec<(Pid, bool)> {
    let prefix = format!("{MARK}=");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // Unreadable: another user's, or gone; empty: a zombie.
        let Ok(environ) = fs::read(entry.path().join("environ")) else { continue };
        let mark = environ.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(prefix.as_bytes()));
        let record = mark.and_then(|mark| std::str::from_utf8(mark).ok()).and_then(|mark| records.get(mark));
        if let (Some(leader), Some(pid)) = (record, Pid::from_raw(pid)) {
            found.push((pid, *leader == Some(pid.as_raw_nonzero().get())));
        }
    }
    found
}

/// The recorded processes that carry their mark: elsewhere than on Linux only the group's leader is looked at.
#[cfg(not(target_os = "linux"))]
fn marked(records: &BTreeMap<String, Option<i32>>) -> Vec<(Pid, bool)> {
    let carries = |mark: &str, pid: i32| {
        let listed = std::process::Command::new("ps").args(["eww", "-o", "stat=,command=", "-p", &pid.to_string()]).output();
        let text = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        !text.trim_start().starts_with('Z') && text.contains(&format!("{MARK}={mark}"))
    };
    let recorded = records.iter().filter_map(|(mark, pid)| Some((mark, (*pid)?)));
    recorded.filter(|(mark, pid)| carries(mark, *pid)).filter_map(|(_, pid)| Some((Pid::from_raw(pid)?, true))).collect()
}
