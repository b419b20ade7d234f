//! `cargo xtask lint`: formatting, clippy and rustdoc, each for the client's target and for this machine.

use crate::failure::Outcome;
use crate::process::{self, cargo};
use crate::setup::{ClientTools, TARGET};
use crate::step;
use crate::workspace::Workspace;

/// Everything but the client, which is built for wasm only.
pub(crate) const NATIVE: [&str; 3] = ["--workspace", "--exclude", "moorline"];
const CLIENT: [&str; 4] = ["--package", "moorline", "--target", TARGET];
const DENY: [&str; 3] = ["--", "-D", "warnings"];

/// Runs every check, and stops at the first that fails.
///
/// # Errors
///
/// When the code is not formatted, or any tool warns.
pub(crate) fn lint(workspace: &Workspace) -> Outcome {
    let tools = ClientTools::ensure(workspace)?;
    tools.ensure_clippy()?;
    let root = &workspace.root;
    step::run("formatting", || process::run(cargo().current_dir(root).args(["fmt", "--all", "--", "--check"])))?;
    step::run("clippy, native", || {
        process::run(
            cargo().current_dir(root).args(["clippy", "--all-targets", "--features", "moorline-e2e/agents"]).args(NATIVE).args(DENY),
        )
    })?;
    step::run("clippy, the broken variants", || {
        process::run(
            cargo()
                .current_dir(root)
                .args(["clippy", "--all-targets", "--package", "moorline-simulation", "--features", "mutants"])
                .args(DENY),
        )
    })?;
    step::run("clippy, wasm", || {
        process::run(tools.command("cargo").current_dir(root).args(["clippy", "--all-targets"]).args(CLIENT).args(DENY))
    })?;
    step::run("rustdoc, native", || {
        process::run(
            cargo()
                .current_dir(root)
                .env("RUSTDOCFLAGS", "-D warnings")
                .args(["doc", "--no-deps", "--document-private-items"])
                .args(NATIVE),
        )
    })?;
    step::run("rustdoc, wasm", || {
        process::run(
            tools
                .command("cargo")
                .current_dir(root)
                .env("RUSTDOCFLAGS", "-D warnings")
                .args(["doc", "--no-deps", "--lib", "--document-private-items"])
                .args(CLIENT),
        )
    })
}
