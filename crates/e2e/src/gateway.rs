//! The real gateway as a child process.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

use crate::within;

const START: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(10);
const PROGRAM: &str = "moorline-gateway";

/// How fast the timings of a connection run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Every timing divided by 50.
    Fast,
    /// As in production.
    Real,
}

/// `moorline-gateway serve` on a loopback port, with a data folder that lives as long as this value, unless it was given one.
///
/// Its log is printed when this value is dropped by a panic. Dropping it stops the process.
#[derive(Debug)]
pub struct Gateway {
    process: Option<Child>,
    address: SocketAddr,
    token: String,
    setup: Setup,
    log: Log,
    /// Removed with this value.
    _made: Option<TempDir>,
}

/// What every start of one gateway has in common.
#[derive(Debug)]
struct Setup {
    data: PathBuf,
    options: Vec<OsString>,
    /// Beside what it inherits.
    environment: Vec<(OsString, OsString)>,
}

impl Gateway {
    /// Starts it with the client's files, on a free port, with further options.
    ///
    /// # Panics
    /// When the binary or the client's files are missing, or it does not start.
    pub async fn start(pace: Pace, options: &[&str]) -> Self {
        Self::start_among(&[], pace, options).await
    }

    /// As [`Self::start`], with further variables in its environment.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_among(environment: &[(OsString, OsString)], pace: Pace, options: &[&str]) -> Self {
        let client = client_files();
        let mut all = vec![OsString::from("--client"), client.into_os_string()];
        all.extend(options.iter().map(OsString::from));
        Self::start_bare(environment, pace, all).await
    }

    /// Starts it without the client's files: an API and nothing else.
    ///
    /// # Panics
    /// When the binary is missing, or it does not start.
    pub async fn start_without_client(pace: Pace, options: &[&str]) -> Self {
        Self::start_bare(&[], pace, options.iter().map(OsString::from).collect()).await
    }

    /// Starts it without the client's files on a data folder that stays.
    ///
    /// # Panics
    /// When the binary is missing, or it does not start.
    pub async fn start_on(data: &Path, options: &[&str]) -> Self {
        let options = options.iter().map(OsString::from).collect();
        Self::start_in(Setup { data: data.to_owned(), options, environment: Vec::new() }, None).await
    }

    async fn start_bare(environment: &[(OsString, OsString)], pace: Pace, mut options: Vec<OsString>) -> Self {
        if pace == Pace::Fast {
            options.extend(["--timings-divisor", "50"].map(OsString::from));
        }
        let made = tempfile::tempdir().expect("a temporary folder for the gateway");
        let setup = Setup { data: made.path().to_owned(), options, environment: environment.to_vec() };
        Self::start_in(setup, Some(made)).await
    }

    async fn start_in(setup: Setup, made: Option<TempDir>) -> Self {
        let log = Log::default();
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let (process, address, token) = spawn(free, &setup, &log).await;
        Self { process: Some(process), address, token, setup, log, _made: made }
    }

    /// Runs it on a data folder to its end, which must come soon: it is one that does not start. Its exit code and what it said.
    ///
    /// # Panics
    /// When the binary is missing, or it starts after all.
    pub async fn fail_on(data: &Path, options: &[&str]) -> (Option<i32>, String) {
        let options = options.iter().map(OsString::from).collect();
        let setup = Setup { data: data.to_owned(), options, environment: Vec::new() };
        let running = command(SocketAddr::from(([127, 0, 0, 1], 0)), &setup).output();
        let output = within("a gateway that cannot start to end", START, running).await.expect("the gateway's binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The gateway's binary: named in `MOORLINE_E2E_GATEWAY`, else beside this test, else in the target folder.
    ///
    /// # Panics
    /// When it is not there, with the command that makes it.
    #[must_use]
    pub fn program() -> PathBuf {
        program()
    }

    /// Where it listens; a restart keeps the port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a login takes.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The id of its process.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().and_then(Child::id).expect("the gateway runs")
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.setup.data
    }

    /// The memory that it has in use, in bytes.
    ///
    /// # Panics
    /// When it does not run, or there is no /proc.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let process = self.process.as_ref().and_then(Child::id).expect("the gateway runs");
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a status in /proc");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the memory in use");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("KiB") << 10
    }

    /// The link that opens the page and logs in, as seen at some address: the gateway's own, or a proxy's before it.
    #[must_use]
    pub fn link_at(&self, address: SocketAddr) -> String {
        format!("http://{address}/#token={}", self.token)
    }

    /// Everything it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Kills it with SIGKILL, as a crash would.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill(&mut self) {
        let mut process = self.process.take().expect("the gateway runs");
        process.start_kill().expect("the gateway can be killed");
        within("the killed gateway to be gone", STOP, process.wait()).await.expect("the gateway's end");
    }

    /// Stops it in its tracks: connections stand, and nothing is answered until it goes on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Limits the size of every file that it writes, in bytes; none: not at all. Beyond it a write fails.
    ///
    /// # Panics
    /// When it does not run.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let process = self.process.as_ref().and_then(pid);
        assert!(process.is_some(), "the gateway runs");
        prlimit(process, Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("the gateway takes limits");
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().and_then(pid).expect("the gateway runs");
        kill_process(process, signal).expect("the gateway takes signals");
    }

    /// Asks it to stop with SIGTERM and waits until it has.
    ///
    /// # Panics
    /// When it does not stop in time.
    pub async fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the gateway runs");
        terminate(&process);
        within("the gateway to stop", STOP, process.wait()).await.expect("the gateway's end")
    }

    /// Starts it again on the same data and port.
    ///
    /// # Panics
    /// When it still runs, or does not start.
    pub async fn restart(&mut self) {
        assert!(self.process.is_none(), "the gateway still runs");
        self.log.line("harness", "--- restarted ---");
        let (process, address, token) = spawn(self.address, &self.setup, &self.log).await;
        assert_eq!(address, self.address, "a restart keeps the port");
        (self.process, self.token) = (Some(process), token);
    }

    /// Starts it again and kills it so long after, however far it has come by then.
    ///
    /// # Panics
    /// When it still runs.
    pub async fn start_and_kill(&mut self, after: Duration) {
        assert!(self.process.is_none(), "the gateway still runs");
        self.log.line("harness", "--- started, to be killed ---");
        let (process, _) = launch(self.address, &self.setup, &self.log);
        self.process = Some(process);
        tokio::time::sleep(after).await;
        self.kill().await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the gateway's log ---\n{}", self.log());
        }
        let Some(mut process) = self.process.take() else { return };
        // SIGTERM lets it end its agents; what does not stop is killed when `process` is dropped.
        terminate(&process);
        let deadline = Instant::now() + STOP;
        while matches!(process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The folder of the built client.
///
/// # Panics
/// When it is not there, with the command that makes it.
#[must_use]
pub fn client_files() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist");
    let folder = std::env::var_os("MOORLINE_E2E_CLIENT").map_or(built, PathBuf::from);
    assert!(
        folder.join("index.html").is_file(),
        "the client is not built: run `cargo xtask test e2e`, or name its folder in MOORLINE_E2E_CLIENT"
    );
    folder
}

/// The gateway's binary: named in `MOORLINE_E2E_GATEWAY`, else beside this test, else in the target folder.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("MOORLINE_E2E_GATEWAY") {
        let named = PathBuf::from(named);
        assert!(
            named.is_file(),
            "MOORLINE_E2E_GATEWAY names {}, which is not there: build it with `cargo build -p {PROGRAM}`",
            named.display()
        );
        return named;
    }
    let beside = std::env::current_exe().ok().and_then(|test| Some(test.parent()?.parent()?.to_owned()));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let folders = beside.into_iter().chain([target.join("debug"), target.join("release")]);
    let found = folders.map(|folder| folder.join(PROGRAM)).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{PROGRAM} is not built: run `cargo build -p {PROGRAM}`, or name the binary in MOORLINE_E2E_GATEWAY"))
}

fn command(listen: SocketAddr, setup: &Setup) -> Command {
    let mut command = Command::new(program());
    command.arg("serve").arg("--listen").arg(listen.to_string()).arg("--data").arg(&setup.data).args(&setup.options);
    // Options of the person who runs the tests must not reach the gateway under test.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MOORLINE_")) {
        command.env_remove(name);
    }
    command.envs(setup.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Starts the process; the lines that it prints to stdout come to the receiver.
fn launch(listen: SocketAddr, setup: &Setup, log: &Log) -> (Child, mpsc::UnboundedReceiver<String>) {
    let mut process = command(listen, setup).spawn().expect("the gateway's binary runs");
    let (said, lines) = mpsc::unbounded_channel();
    log.follow("stderr", process.stderr.take().expect("stderr is a pipe"), None);
    log.follow("stdout", process.stdout.take().expect("stdout is a pipe"), Some(said));
    (process, lines)
}

async fn spawn(listen: SocketAddr, setup: &Setup, log: &Log) -> (Child, SocketAddr, String) {
    let (process, mut lines) = launch(listen, setup, log);
    let link = within("the gateway's link", START, async {
        while let Some(line) = lines.recv().await {
            if let Some(link) = parse_link(&line) {
                return Some(link);
            }
        }
        None
    });
    let Some((address, token)) = link.await else {
        panic!("the gateway ended without printing its link; it said\n{}", log.text());
    };
    (process, address, token)
}

/// Finds `http://ADDRESS:PORT/#token=TOKEN` in a line.
fn parse_link(line: &str) -> Option<(SocketAddr, String)> {
    let (_, link) = line.split_once("http://")?;
    let (address, rest) = link.split_once('/')?;
    let token: String = rest.strip_prefix("#token=")?.chars().take_while(|c| !c.is_whitespace()).collect();
    Some((address.parse().ok()?, token))
}

fn terminate(process: &Child) {
    if let Some(pid) = pid(process) {
        let _ = kill_process(pid, Signal::TERM);
        // One that was frozen learns of it only when it goes on.
        let _ = kill_process(pid, Signal::CONT);
    }
}

fn pid(process: &Child) -> Option<Pid> {
    process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
}

#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn line(&self, stream: &str, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(stream);
        text.push_str(": ");
        text.push_str(line);
        text.push('\n');
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn follow(&self, stream: &'static str, pipe: impl AsyncRead + Send + Unpin + 'static, said: Option<mpsc::UnboundedSender<String>>) {
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.line(stream, &line);
                if let Some(said) = &said {
                    let _ = said.send(line);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_found_in_a_line() {
        let (address, token) = parse_link("Open http://127.0.0.1:4711/#token=a-b_c.~9 in a browser").unwrap();
        assert_eq!((address.port(), token.as_str()), (4711, "a-b_c.~9"));
        assert_eq!(parse_link("listening on http://127.0.0.1:4711/"), None);
        assert_eq!(parse_link("nothing"), None);
    }
}
