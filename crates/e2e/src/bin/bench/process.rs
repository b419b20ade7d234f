//! What the system says of a process, and which processor it runs on.

use std::{fs, time::Duration};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_setaffinity},
};

/// The two halves of a measurement, each with a processor of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// What is measured.
    Server,
    /// What measures it: readers, senders, agents.
    Load,
}

impl Side {
    /// Has this thread, and what it starts from now on, run on this side's processor. On a machine with only one, all do.
    pub(crate) fn pin(self) {
        let mut processors = CpuSet::new();
        processors.set(match self {
            Self::Server => 0,
            Self::Load => 1,
        });
        if let Err(error) = sched_setaffinity(None, &processors) {
            eprintln!("not pinned to a processor: {error}");
        }
    }
}

/// Lets this process, and what it starts, have as many files open as the system allows.
pub(crate) fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        eprintln!("the limit of open files stays: {error}");
    }
}

/// A running process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Memory that is resident, in KiB.
    ///
    /// # Panics
    /// When the process is gone, or this is no Linux.
    pub(crate) fn resident_kib(self) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0)).expect("the process runs");
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).expect("a line for Rss");
        line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
    }

    /// Processor time that it has taken, in user and kernel, all threads.
    ///
    /// # Panics
    /// As [`Self::resident_kib`].
    pub(crate) fn processor_time(self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0)).expect("the process runs");
        // The name stands in parentheses, and may hold anything.
        let (_, fields) = text.rsplit_once(')').expect("a name");
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second())
    }
}
