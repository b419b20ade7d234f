//! How a task fails: one sentence for the person at the terminal.

use std::fmt;

/// Why a task stopped, as one sentence that names the missing or broken thing and, where there is one, the line to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(String);

/// The outcome of a task.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Makes a failure of its sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// Tells what was being done when the system refused.
    pub(crate) fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        Self(format!("{doing}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
