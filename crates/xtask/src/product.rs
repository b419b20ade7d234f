//! Builds the two products: the client's folder and the gateway's binary.

use std::path::PathBuf;

use crate::compression::{self, FIRST_LOAD_CEILING_BYTES};
use crate::failure::Outcome;
use crate::process;
use crate::setup::{ClientTools, TARGET};
use crate::shrink;
use crate::step;
use crate::workspace::Workspace;

/// Builds the client into `dist`, shrinks it and writes the precompressed twins.
///
/// # Errors
///
/// When the build fails.
pub(crate) fn client(workspace: &Workspace, tools: &ClientTools) -> Outcome {
    step::run("build the client", || {
        // Trunk then works offline: it would otherwise look for newer tools than those of the set-up.
        process::run(tools.command("cargo").current_dir(&workspace.root).args(["fetch", "--quiet", "--target", TARGET]))?;
        process::run(
            tools
                .command(workspace.tool("trunk"))
                .current_dir(&workspace.root)
                .env_remove("NO_COLOR")
                .args(["build", "--release", "--offline", "--dist"])
                .arg(workspace.dist()),
        )
    })?;
    step::run("shrink the client", || shrink::shrink(workspace, tools, &workspace.dist()))?;
    step::run("compress the client", || compression::precompress(&workspace.dist()))
}

/// Builds the gateway and gives the path of its binary.
///
/// # Errors
///
/// When the build fails.
pub(crate) fn gateway(workspace: &Workspace) -> Outcome<PathBuf> {
    step::run("build the gateway", || {
        process::run(process::cargo().current_dir(&workspace.root).args(["build", "--release", "--package", "moorline-gateway"]))
    })?;
    Ok(workspace.target.join("release/moorline-gateway"))
}

/// Prints the size of the first load and gives it, in bytes after brotli.
///
/// # Errors
///
/// When the client has not been built.
pub(crate) fn print_first_load(workspace: &Workspace) -> Outcome<u64> {
    let loaded = compression::first_load(&workspace.dist())?;
    let total = loaded.iter().map(|file| file.bytes).sum();
    for file in &loaded {
        println!("{:>10} {}", file.bytes, file.name);
    }
    println!("{total:>10} bytes of brotli on first load (ceiling {FIRST_LOAD_CEILING_BYTES})");
    Ok(total)
}
