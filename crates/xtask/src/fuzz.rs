//! `cargo xtask fuzz`: what nobody meant to send, for every decoder that a stranger reaches.

use crate::failure::Outcome;
use crate::process::{self, cargo};
use crate::workspace::Workspace;

/// Runs the fuzzer, optimised and with all checks on; `words` are its own.
///
/// # Errors
///
/// When an input was not survived; it was printed how to replay it.
pub(crate) fn fuzz(workspace: &Workspace, words: &[String]) -> Outcome {
    let mut command = cargo();
    command.current_dir(&workspace.root).args(["run", "--profile", "fuzz", "--package", "moorline-fuzz", "--"]).args(words);
    process::run(&mut command)
}
