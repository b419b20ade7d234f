//! The gateway as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::world::{BINARY, TOKEN};

/// A gateway process; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) link: String,
}

impl Process {
    /// Starts one and waits for its link.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", data, more)
    }

    /// Starts one that listens where it is told.
    pub(crate) fn start_at(address: &str, data: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["serve", "--listen", address, "--log", "warn", "--data"]).arg(data).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut link = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut link).unwrap();
        Self { child, link: link.trim().to_owned() }
    }

    /// The address without the fragment.
    pub(crate) fn url(&self, path: &str) -> String {
        let (base, _) = self.link.split_once("/#").unwrap();
        format!("{base}{path}")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `SIGKILL`: no chance to say anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `SIGTERM`, and how it ends.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the gateway does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the binary to its end: code, stdout, stderr.
pub(crate) fn run(args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = Command::new(BINARY).args(args).envs(variables.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The token as an option.
pub(crate) const WITH_TOKEN: [&str; 2] = ["--token", TOKEN];
