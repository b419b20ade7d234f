//! One agent process: its start, its pipes, its end.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use moorline_protocol::SessionId;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep_until},
};

use super::{
    leftovers::{MARK, Record},
    lines::{Line, Lines},
};

/// How much of stderr is kept for an error report.
const TAIL_BYTES: usize = 2 << 10;

/// How long pipes may stay open after the process, and the process after its pipes.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// What to run, and where.
#[derive(Debug)]
pub(super) struct Launch {
    /// The program and its arguments; never empty.
    pub(super) command: Vec<OsString>,
    /// The process's working directory.
    pub(super) workdir: PathBuf,
    /// Where running agents are written down.
    pub(super) pid_dir: PathBuf,
    /// Environment variables that it gets beside those that all get.
    pub(super) environment: Vec<String>,
    /// Whose agent it is.
    pub(super) session: SessionId,
}

/// What a process did.
#[derive(Debug)]
pub(super) enum ProcessEvent {
    /// It wrote a line on stdout.
    Line(Line),
    /// It is gone, its output read to the end; without a status when it could not be learnt.
    Gone(Option<ExitStatus>),
}

/// A running process in a process group of its own; dropping it kills the group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// The group, as long as its leader is not reaped.
    group: Option<Pid>,
    stdin: Option<ChildStdin>,
    unwritten: Vec<u8>,
    stdout: Option<Lines<ChildStdout>>,
    stderr: Option<ChildStderr>,
    tail: Vec<u8>,
    status: Option<ExitStatus>,
    /// When what has begun to close counts as closed.
    closing: Option<Instant>,
    paused: bool,
    killed: bool,
    _record: Record,
}

impl Launch {
    /// The command line as a person would write it.
    pub(super) fn shown(&self) -> String {
        shell_words::join(self.command.iter().map(|word| word.to_string_lossy()))
    }

    /// Whether its program is a file, or on the PATH.
    pub(super) fn is_installed(&self) -> bool {
        let Some(program) = self.command.first().map(Path::new) else { return false };
        program.is_file()
            || std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
    }

    /// Starts the process.
    ///
    /// Its environment is a short list of names: what programs need to run, what agents are configured by, and what was named.
    pub(super) fn spawn(&self) -> io::Result<Process> {
        let (program, args) = self.command.split_first().ok_or_else(|| io::Error::other("the command is empty"))?;
        std::fs::create_dir_all(&self.workdir)?;
        let record = Record::create(&self.pid_dir, &self.session)?;
        let mut child = Command::new(program)
            .args(args)
            .current_dir(&self.workdir)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| {
                name.to_str().is_some_and(|name| is_passed_on(name) || self.environment.iter().any(|named| named == name))
            }))
            .env(MARK, record.mark())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let process = Process {
            group,
            stdin: child.stdin.take(),
            unwritten: Vec::new(),
            stdout: child.stdout.take().map(Lines::new),
            stderr: child.stderr.take(),
            tail: Vec::new(),
            status: None,
            closing: None,
            paused: false,
            killed: false,
            child,
            _record: record,
        };
        if let Some(group) = group {
            process._record.set_pid(group)?;
        }
        Ok(process)
    }
}

fn is_passed_on(name: &str) -> bool {
    const NAMES: [&str; 15] = [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TERM",
        "TZ",
        "TMPDIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS",
    ];
    let is_setting = ["_API_KEY", "_BASE_URL", "_MODEL"].iter().any(|end| name.ends_with(end));
    NAMES.contains(&name) || name.starts_with("LC_") || name.starts_with("XDG_") || (is_setting && !name.starts_with("MOORLINE_"))
}

impl Process {
    /// Queues a line for stdin.
    pub(super) fn write_line(&mut self, line: &str) {
        if self.stdin.is_some() {
            self.unwritten.extend_from_slice(line.as_bytes());
            self.unwritten.push(b'\n');
        }
    }

    /// Bytes queued for stdin.
    pub(super) const fn unwritten(&self) -> usize {
        self.unwritten.len()
    }

    /// Whether the process has not exited yet.
    pub(super) fn is_running(&mut self) -> bool {
        self.status.is_none() && matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills the process group; [`ProcessEvent::Gone`] follows.
    pub(super) fn kill(&mut self) {
        self.killed = true;
        self.closing = Some(Instant::now() + CLOSE_LIMIT);
        self.kill_group();
    }

    /// The last 2 KB of stderr, as text.
    pub(super) fn tail(&self) -> String {
        let cut = self.tail.len().saturating_sub(TAIL_BYTES);
        String::from_utf8_lossy(&self.tail[cut..]).trim_matches(['\u{fffd}', '\n', '\r', ' ']).to_owned()
    }

    /// Waits for what the process does next, moving bytes in and out meanwhile; stdout is left alone unless `read`.
    ///
    /// Loses nothing when it is dropped while waiting.
    pub(super) async fn next_event(&mut self, read: bool) -> ProcessEvent {
        if self.paused && read {
            self.closing = self.closing.map(|_| Instant::now() + CLOSE_LIMIT);
        }
        self.paused = !read;
        let mut chunk = [0; 4096];
        loop {
            if self.status.is_some() && self.stdout.is_none() && self.stderr.is_none() {
                return ProcessEvent::Gone(self.status);
            }
            tokio::select! {
                line = next_line(&mut self.stdout), if read && self.stdout.is_some() => {
                    self.closing = self.closing.map(|_| Instant::now() + CLOSE_LIMIT);
                    match line {
                        Some(line) => return ProcessEvent::Line(line),
                        None => {
                            self.stdout = None;
                            self.begin_closing();
                        }
                    }
                }
                length = read_some(&mut self.stderr, &mut chunk), if self.stderr.is_some() => match length {
                    0 => self.stderr = None,
                    length => self.note_stderr(&chunk[..length]),
                },
                length = write_some(&mut self.stdin, &self.unwritten), if self.stdin.is_some() && !self.unwritten.is_empty() => match length {
                    0 => {
                        self.stdin = None;
                        self.unwritten = Vec::new();
                        self.begin_closing();
                    }
                    length => drop(self.unwritten.drain(..length)),
                },
                status = self.child.wait(), if self.status.is_none() => {
                    let Ok(status) = status else { return ProcessEvent::Gone(None) };
                    self.status = Some(status);
                    self.kill_group();
                    self.group = None;
                    self.closing = Some(Instant::now() + CLOSE_LIMIT);
                }
                () = sleep_until(self.closing.unwrap_or_else(Instant::now)), if self.closing.is_some() && read => {
                    if self.status.is_some() || self.killed {
                        return ProcessEvent::Gone(self.status);
                    }
                    self.kill();
                }
                // Only unread output is left, and nobody wants it now.
                else => std::future::pending().await,
            }
        }
    }

    fn begin_closing(&mut self) {
        self.closing.get_or_insert_with(|| Instant::now() + CLOSE_LIMIT);
    }

    fn note_stderr(&mut self, bytes: &[u8]) {
        tracing::debug!(text = %String::from_utf8_lossy(bytes).trim_end(), "an agent's log");
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > 4 * TAIL_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_BYTES);
        }
    }

    fn kill_group(&self) {
        if let Some(group) = self.group {
            // It fails only when nothing is left of the group.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// The next line; none at the end, and for a pipe that cannot be read.
async fn next_line(stdout: &mut Option<Lines<ChildStdout>>) -> Option<Line> {
    stdout.as_mut()?.next().await.ok()?
}

/// Reads a chunk; 0 at the end, and for a pipe that cannot be read.
async fn read_some(stderr: &mut Option<ChildStderr>, chunk: &mut [u8]) -> usize {
    let Some(stderr) = stderr else { return 0 };
    stderr.read(chunk).await.unwrap_or(0)
}

/// Writes a part; 0 for a pipe that nobody reads any more.
async fn write_some(stdin: &mut Option<ChildStdin>, bytes: &[u8]) -> usize {
    let Some(stdin) = stdin else { return 0 };
    stdin.write(bytes).await.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::is_passed_on;

    #[test]
    fn secrets_of_the_gateway_are_not_passed_on() {
        assert!(["PATH", "HOME", "LC_ALL", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL"].into_iter().all(is_passed_on));
        assert!(!["MOORLINE_TOKEN", "MOORLINE_BASE_URL", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD"].into_iter().any(is_passed_on));
    }
}
