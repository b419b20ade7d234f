//! What happened, line by line for a reader, or as a hash for comparing runs.

use std::fmt;

use moorline_protocol::Millis;

/// The course of a run.
#[derive(Debug, Clone)]
pub struct Trace {
    lines: Option<Vec<String>>,
    hash: u64,
    steps: u64,
}

impl Trace {
    /// Keeps lines only when somebody will read them: formatting costs more than the run.
    #[must_use]
    pub const fn new(keep_lines: bool) -> Self {
        Self { lines: if keep_lines { Some(Vec::new()) } else { None }, hash: 0xcbf2_9ce4_8422_2325, steps: 0 }
    }

    /// Notes one step: `what` for the hash, the rest for a reader.
    pub fn note(&mut self, now: Millis, what: &str, detail: impl FnOnce() -> String) {
        self.steps += 1;
        for byte in now.0.to_le_bytes().iter().chain(what.as_bytes()) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>9.3} {what:<12} {}", now.0 as f64 / 1000.0, detail()));
        }
    }

    /// A number that differs when the course differs.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// Steps so far.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().flatten().try_for_each(|line| writeln!(f, "{line}"))
    }
}
